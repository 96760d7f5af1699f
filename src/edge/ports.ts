import type { KeptMessage } from '../domain/kept-message.ts';

export type { KeptMessage };

/**
 * Where the listener hands what devices publish, and the only way to an acknowledgement.
 *
 * Contract:
 * - `done` is called exactly once. Without an error the message is safe: RabbitMQ confirmed it, or it is on the disk (fdatasync).
 *   With one it was not kept and must not be acknowledged; the connection is closed, and the device sends it again.
 * - Messages of one topic leave the edge in the order of the calls, whatever their quality of service.
 * - While there is no room `done` waits: holding acknowledgements is what stops devices. What waits is bounded by the owner, who stops reading.
 * - `done` may be called before `keep` returns, and in any order: who needs them in the order of a client sorts them.
 */
export interface Keeper {
  keep(message: KeptMessage, done: (error: Error | undefined) => void): void;
  /**
   * For QoS 0 that is best effort: sends the message on if that works now, and never writes it to the disk. Answers false
   * where it was dropped at once; it may still be lost with the connection to the broker.
   */
  offer(message: KeptMessage): boolean;
}

/** What subscribers of this broker get of a message. aedes is given the same `payload` later. */
export type LocalMessage = Pick<KeptMessage, 'topic' | 'payload' | 'qos' | 'retain'>;

/** A kept message with its place in the spool. */
export interface SpooledMessage {
  /** From 1, without gaps save for what was corrupt, never used twice. */
  readonly seq: number;
  readonly message: KeptMessage;
}

/** Why the spool did not take a message. Both are waited for: `onRoom` tells when it is worth another try. */
export type SpoolRefusal = 'full' | 'unwritable';

/**
 * A first-in-first-out store on disk.
 *
 * Contract:
 * - `append` answers the place of the message, or why it has none; then `done` is never called. `done` is called in the order of
 *   the appends, once they are on the disk (one fdatasync for all that waited: group commit), or with the error that prevented it.
 *   A message whose `done` had an error may or may not be found after a restart; it is not read again in this process.
 * - `read` hands out what is on the disk in order, each message once until `rewind`; an empty list means that there is no more now,
 *   undefined that it cannot be read now: `onReadable` tells when it is worth another try.
 * - `settle` may be called in any order and forgets the message for good; a restart may give again what was settled in the last moments
 *   before a kill (`markMs`), and nothing older.
 * - Damage on the disk never throws and never stops: damaged records are left out and counted.
 */
export interface SpoolPort {
  append(message: KeptMessage, done: (error: Error | undefined) => void): number | SpoolRefusal;
  /** At most about `maxBytes` (at least one message). Not to be called again before it has answered. */
  read(maxBytes: number): Promise<readonly SpooledMessage[] | undefined>;
  settle(seq: number): void;
  /** The next `read`, or the one that is under way, begins again with the oldest message that is not settled. */
  rewind(): void;
  /** Place that the next append gets. */
  readonly nextSeq: number;
  /** Everything below is settled. */
  readonly frontier: number;
  /** Called when appending may work again after a refusal, and when something is on the disk for `read`. Answers how to stop listening. */
  onRoom(listener: () => void): () => void;
  onReadable(listener: () => void): () => void;
}
