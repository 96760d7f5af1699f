import type { Fault, FaultCode, Result } from '../domain/fault.ts';
import type { KeyHash } from '../domain/key-hash.ts';
import type { Outcome } from '../domain/ledger.ts';
import type { EpochMs, InboundMessage } from '../domain/message.ts';
import type { Reading } from '../domain/reading.ts';
import type { SealReason } from '../domain/events.ts';
import type { Encoding, PublishAction } from '../domain/route.ts';

/** Time as the pipeline sees it: real in production, virtual in the property simulation. */
export interface Scheduler {
  /** Wall clock. */
  now(): EpochMs;
  /** Milliseconds on a clock that never jumps; only differences mean something. */
  monotonic(): number;
  /** Calls `fn` once after `ms`, with 0 at the end of this turn of the event loop; the answer cancels it. Never keeps the process alive by itself beyond this turn. */
  after(ms: number, fn: () => void): () => void;
  /** In [0, 1): jitter for back-off. */
  random(): number;
}

/**
 * One arrival of a message, owed an answer. The last part to settle settles the delivery; nobody else acks.
 */
export interface Delivery {
  readonly message: InboundMessage;
  /** False once its channel is gone: the broker will deliver the message again, so nothing new should be started for it. */
  readonly live: boolean;
  /** Says how many parts must settle before the delivery does, at least 1, and how many readings the message holds. Once. */
  split(parts: number, readings?: number): void;
  /** Readings in the message, where they could be read. */
  readonly readings?: number | undefined;
  /** One part has ended. Throws on one more than `split` said: that is a bug of ours. */
  settlePart(outcome: Outcome): void;
}

/** One reading on one route. Its text is in the content of its batch; here is what it is settled by, because many are under way. */
export interface Item {
  readonly delivery: Delivery;
  readonly device: string;
  /** By how much the reading was measured before it was received (`Delays.ageOf`). */
  readonly ageMs: number | undefined;
  /** UTF-8 bytes of its text (`encodeReading`). */
  readonly bytes: number;
  /** What deduplication remembers of it; undefined where the id is not stable. */
  readonly dedupeKey: KeyHash | undefined;
}

/** Where a batch goes: everything that must be equal for readings to share an AMQP message. */
export interface Destination {
  /** Unique per (route, routing key, headers). */
  readonly key: string;
  readonly route: string;
  readonly action: PublishAction;
  readonly exchange: string;
  readonly routingKey: string;
  readonly headers: Readonly<Record<string, string>> | undefined;
  /** No rule behind its route is asked (no `continue`): the one place where a reading ends up. */
  readonly final: boolean;
}

export interface Batch {
  /** Unique in time and space; AMQP message-id; the same on every attempt. */
  readonly id: string;
  readonly destination: Destination;
  readonly encoding: Encoding;
  readonly items: readonly Item[];
  /** Their texts, as `Content` has them. */
  readonly content: Buffer;
  /** Of the texts alone. */
  readonly bytes: number;
  readonly sealedBy: SealReason;
  readonly sealedAt: EpochMs;
  /** Version of the settings under which its readings were made and routed. */
  readonly config: string;
}

/**
 * Where batches leave the process.
 *
 * Contract (test/contract/sink.contract.ts runs it against every implementation):
 * - `publish` answers ok only if the broker confirmed the batch **and** did not return it.
 * - It never rejects for anything the outside world did; a rejection is a bug of ours.
 * - It always answers within the confirm time-out, and at once (retryable NOT_CONNECTED) when `signal` aborts.
 * - Publishes of one caller that does not overlap its own calls arrive in the order of the calls.
 * - A failure of one exchange does not fail publishes to others.
 */
export interface Sink {
  publish(batch: Batch, signal: AbortSignal): Promise<Result<void>>;
  /** Best effort: hands the batch out transient and unconfirmed, or answers false at once. Never throws. */
  offer(batch: Batch): boolean;
  /** undefined while publishing makes sense; else why not (NOT_CONNECTED, BLOCKED). */
  readonly unavailable: Fault | undefined;
  /** Called whenever `unavailable` becomes undefined. Answers how to stop listening. */
  onAvailable(listener: () => void): () => void;
}

/** What becomes of a message or reading that will never pass. */
export interface DeadLetter {
  /** Unique; AMQP message-id; the same on every attempt. */
  readonly id: string;
  readonly message: InboundMessage;
  readonly fault: Fault;
  /** Route and reading that failed, where it got that far. The bytes are always the whole original message. */
  readonly route: string | undefined;
  readonly reading: Pick<Reading, 'id' | 'device'> | undefined;
  /** How many readings the message holds, where they could be read. */
  readonly readings?: number | undefined;
  /** Publish attempts before it was given up; 0 when it never got that far. */
  readonly attempts: number;
  readonly firstFailedAt: EpochMs;
  readonly buriedAt: EpochMs;
  /** Version of the settings that were in force. */
  readonly config: string;
}

/** Same contract as `Sink.publish`: ok only when confirmed and not returned. */
export interface DeadLetterSink {
  bury(letter: DeadLetter, signal: AbortSignal): Promise<Result<void>>;
  readonly unavailable: Fault | undefined;
  onAvailable(listener: () => void): () => void;
}

/**
 * Where messages come from.
 *
 * Contract (test/contract/source.contract.ts):
 * - `handler` is called synchronously per message, in the order of the queue, never concurrently.
 * - A delivery is acked after its last part settled as anything but `abandoned`, on the channel that delivered it, or not at all.
 * - After the channel is lost `delivery.live` is false, and the message comes again, before newer ones.
 * - After `pause` the handler is not called any more; what was handed out can still be acked.
 */
export interface Source {
  start(handler: (delivery: Delivery) => void, signal: AbortSignal): Promise<void>;
  pause(): void;
  close(): Promise<void>;
  /** Deliveries handed out and neither settled nor lost: the in-flight side of the ledger. */
  readonly unsettled: number;
}

/** State of one destination's lane, for /status and /readyz. */
export interface LaneStatus {
  readonly route: string;
  readonly destination: string;
  readonly state: 'sending' | 'held' | 'waiting';
  readonly items: number;
  readonly batches: number;
  readonly attempts: number;
  readonly heldSinceMs: number | undefined;
  readonly code: FaultCode | undefined;
  readonly message: string | undefined;
}
