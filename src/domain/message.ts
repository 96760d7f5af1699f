/** Milliseconds since 1970-01-01T00:00:00Z, as `Date.now()` gives them. */
export type EpochMs = number;

/**
 * What a device published, as it arrived over AMQP.
 *
 * `body` is owned by the holder: the AMQP client hands out views on its socket buffer, so the
 * source copies before it builds this object (166 parked bodies of 100 B held 3.5 MB otherwise).
 */
export interface InboundMessage {
  /** MQTT form of the routing key, levels split by `/`. Not always the topic that the device used: see `topicFromRoutingKey`. */
  readonly topic: string;
  readonly routingKey: string;
  readonly body: Buffer;
  /** When the gateway got it. */
  readonly receivedAt: EpochMs;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  /** AMQP `redelivered`: somebody may have seen it before. */
  readonly redelivered: boolean;
  /** `x-delivery-count` of a quorum queue: how often it came back without an ack; 0 where the queue does not count. */
  readonly deliveryCount: number;
  /** How often this process has ended on it before, where only the process itself can know: a message of its own edge. */
  readonly crashes?: number | undefined;
  /** An edge kept it for a while; `receivedAt` is when the edge got it. */
  readonly late?: boolean | undefined;
  /** AMQP message-id, where it has one: what the MQTT plugin publishes has none. */
  readonly messageId?: string | undefined;
  /** Quality of service where RabbitMQ tells (header up to 3.12, else from the delivery mode). */
  readonly qos: 0 | 1 | undefined;
  /** Set where the message is a dead letter that somebody sends through again. */
  readonly replay?: Replay | undefined;
}

/** What a dead letter that is replayed knows of its earlier life. */
export interface Replay {
  /** Id of the first dead letter of this message: the same however often it fails and is replayed. */
  readonly of: string;
  /** Which replay of it this is, from 1. */
  readonly count: number;
  /** What of the message failed, and so is sent through again: everything else of it went its way the first time. */
  readonly scope: LetterScope;
  /** The reading that failed; undefined with scope `message`. */
  readonly readingId: string | undefined;
  /** How many readings the message had then: with another number today, their numbers mean other readings. */
  readonly readings: number | undefined;
  /** The route that failed; undefined save with scope `route`. */
  readonly route: string | undefined;
  readonly firstFailedAt: EpochMs | undefined;
}

/** What a dead letter is about: a whole message, one reading of it, or one reading on one route. */
export type LetterScope = 'message' | 'reading' | 'route';

/** AMQP header of a message that an edge kept for a while: when the edge received it, in milliseconds since 1970. */
export const RECEIVED_AT_HEADER = 'sluice-received-at';

/** The routing key that the MQTT plugin gives a message with this topic. */
export function routingKeyFromTopic(topic: string): string {
  return topic.replaceAll('/', '.');
}

/**
 * RabbitMQ's MQTT plugin writes `/` as `.` and `+` as `*`, and cannot tell a dot inside a level from a
 * level break (rabbitmq-server#2559). The inverse is therefore a convention: every dot is a level break.
 */
export function topicFromRoutingKey(routingKey: string): string {
  // Not `replaceAll`, which gives a tree of pieces: topics are kept and compared for long.
  return routingKey.split('.').join('/').replaceAll('*', '+');
}

/** The binding key of an AMQP topic exchange for an MQTT topic filter: `/` -> `.`, `+` -> `*`, `#` stays. */
export function bindingKeyFromFilter(filter: string): string {
  return filter.replaceAll('/', '.').replaceAll('+', '*');
}

/** Begins the message ids of what an edge of this name publishes: so that it knows its own when it comes back. */
export function edgeMessagePrefix(edge: string): string {
  return `edge/${edge}/`;
}
