import type { EpochMs, LetterScope, Replay } from './message.ts';

/** A dead letter as it lies in its queue, without the bytes. Every text in it comes from outside. */
export interface Letter {
  /** The gateway's own, or made from content and time where the broker moved the message by itself. */
  readonly id: string;
  /** Who put it there; `stranger`: neither, so nobody knows what it was before, and it cannot be replayed. */
  readonly origin: 'gateway' | 'broker' | 'stranger';
  /** A fault code, or `BROKER_` and the broker's reason: `BROKER_DELIVERY_LIMIT`. */
  readonly code: string;
  readonly stage: string;
  readonly message: string;
  /** Exactly as the gateway had it, control characters and all. */
  readonly topic: string;
  readonly routingKey: string;
  /** Attempts to publish; for letters of the broker, how often it moved the message. */
  readonly attempts: number;
  /** How often the message was replayed so far. */
  readonly replays: number;
  /** Id of the first dead letter of this message. */
  readonly firstId: string;
  readonly scope: LetterScope;
  readonly route: string | undefined;
  readonly readingId: string | undefined;
  /** Readings in the message, where they could be read. */
  readonly readings: number | undefined;
  /** Device of the reading, where the letter is about one. */
  readonly device: string | undefined;
  readonly receivedAt: EpochMs | undefined;
  readonly firstFailedAt: EpochMs | undefined;
  /** When it became this letter. */
  readonly buriedAt: EpochMs | undefined;
  /** Version of the settings that were in force. */
  readonly config: string | undefined;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly qos: 0 | 1 | undefined;
  /** Bytes of the original message. */
  readonly size: number;
}

/** Which letters are meant: those that meet all conditions that are there. Lists are alternatives. */
export interface LetterFilter {
  readonly ids?: readonly string[] | undefined;
  readonly codes?: readonly string[] | undefined;
  readonly stages?: readonly string[] | undefined;
  readonly routes?: readonly string[] | undefined;
  /** The reading's device; where the letter is of a whole message, a topic with this name as whole levels. */
  readonly device?: string | undefined;
  /** MQTT topic filter. */
  readonly topic?: string | undefined;
  /** Not buried before. */
  readonly since?: EpochMs | undefined;
  /** Buried before. */
  readonly until?: EpochMs | undefined;
  /** CEL over id, code, stage, topic, device, route, message, attempts, replays, ageSeconds and size. */
  readonly where?: string | undefined;
}

/** How a walk through the queue went. */
export interface LetterWalk {
  /** Letters in the queue at its start; only these are looked at. */
  readonly present: number;
  readonly seen: number;
  readonly matched: number;
  /** Other consumers of the queue: what they hold is not seen. */
  readonly otherReaders: number;
  /**
   * `all`: everything that was there at the start was looked at. `enough`: whoever looked wanted no more. `short`: letters
   * did not come, because somebody else has taken or holds them. `lost`: the channel ended.
   */
  readonly ended: 'all' | 'enough' | 'short' | 'lost';
  /** Why it was lost. */
  readonly reason: string | undefined;
}

/** What replaying or dropping letters came to. */
export interface LetterChanges extends LetterWalk {
  /** Replayed, or dropped: gone from the queue. */
  readonly done: number;
  /** Matched and left alone: why, and how many. */
  readonly skipped: Readonly<Partial<Record<SkipReason, number>>>;
  /** Of those: perhaps also still in the queue, because the connection ended before the broker said that it knows. */
  readonly uncertain: number;
  /** Why it ended early; what was not done is still in the queue. */
  readonly stopped: string | undefined;
}

/**
 * `max-replays`: it came back as often as is allowed. `stranger`: nobody knows what it was before it lay there. `refused`:
 * the broker or the client will never take its replay.
 */
export type SkipReason = 'max-replays' | 'stranger' | 'refused';

/** How letters are replayed. */
export interface ReplayRules {
  /** Letters that were replayed this often already are left alone. */
  readonly maxReplays: number;
  /** All of the message to every route, also where the letter is about one reading of it or one route. */
  readonly whole: boolean;
}

/** Why a letter is not replayed; undefined where it is. */
export function skipReason(letter: Letter, rules: ReplayRules): SkipReason | undefined {
  if (letter.origin === 'stranger') return 'stranger';
  return letter.replays >= rules.maxReplays ? 'max-replays' : undefined;
}

/** What a replay of the letter tells the gateway. */
export function replayOf(letter: Letter, rules: ReplayRules): Replay {
  const scope = rules.whole ? 'message' : letter.scope;
  return {
    of: letter.firstId,
    count: letter.replays + 1,
    scope,
    // Named even for a whole message: readings without a time of their own then keep the ids that they had.
    readingId: letter.readingId,
    readings: scope === 'message' ? undefined : letter.readings,
    route: scope === 'route' ? letter.route : undefined,
    firstFailedAt: letter.firstFailedAt ?? letter.buriedAt,
  };
}
