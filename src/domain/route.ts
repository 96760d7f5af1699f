/** When to seal a batch; the first bound that is reached seals it. */
export interface BatchLimits {
  /** Most readings in one batch, 1 to 10 000. 1 means: each reading goes out at once. */
  readonly count: number;
  /** Most bytes of encoded readings in one batch; a larger single reading still makes a batch of its own. */
  readonly bytes: number;
  /** Longest time that a reading waits for company, from the first reading of the batch, in milliseconds. 0: for none that has not come yet. 0 with count 1. */
  readonly ageMs: number;
}

export type Encoding = 'json' | 'ndjson';

/**
 * One rule of the routing table. Rules are tried in order; the first that matches takes the reading,
 * and the search goes on behind it only where the rule says `continue`.
 */
export interface RouteSpec {
  readonly name: string;
  /** Profiles that the rule is for; any when absent. Cheaper than `when`. */
  readonly profiles: readonly string[] | undefined;
  /** MQTT topic filters (`+`, `#`) that the rule is for; any when absent. */
  readonly topics: readonly string[] | undefined;
  /** CEL expression over device, profile, topic, values, units, tags, flags, measuredAt, receivedAt. */
  readonly when: string | undefined;
  /** Look at the rules behind this one too. */
  readonly continue: boolean;
  readonly action: DropAction | PublishAction;
}

/** The reading is left out on purpose, and counted as filtered. */
export interface DropAction {
  readonly kind: 'drop';
}

export interface PublishAction {
  readonly kind: 'publish';
  readonly exchange: string;
  /** Template: literal text with `{device}`, `{profile}`, `{topic}` (dots between levels), `{tags.NAME}`, `{values.NAME}`; dots and wildcards inside an inserted name become `_`. */
  readonly routingKey: string;
  /** AMQP header name -> template as above. */
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly batch: BatchLimits;
  readonly encoding: Encoding;
  readonly gzip: boolean;
  /** AMQP priority 0 to 255; quorum and plain queues ignore it. */
  readonly priority: number | undefined;
  /** Per-message time to live at the destination, milliseconds. */
  readonly ttlMs: number | undefined;
  /**
   * `confirmed`: mandatory, persistent, held until the broker confirms it.
   * `best-effort`: for live taps; transient, never held, dropped and counted when it cannot go out at once, and
   * never the only taker of a reading.
   */
  readonly delivery: 'confirmed' | 'best-effort';
  /** What a destination that cannot be reached does with more readings than `laneReadings`: hold the source, or dead-letter. */
  readonly overflow: 'hold' | 'dead-letter';
  /** Bound on readings waiting for one destination when `overflow` is `dead-letter`. */
  readonly laneReadings: number;
  /** Dead-letter what has been held this long; undefined holds for ever (the default: nothing is given up). */
  readonly buryAfterMs: number | undefined;
}
