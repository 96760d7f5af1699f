import { EDGE_SESSION_LOSSES, type EdgeSessionLoss } from '../../domain/edge-state.ts';

/** What sessions may take. What is beyond is counted under the name in brackets. */
export interface SessionBounds {
  /** Sessions that are kept. A new one beyond is refused: others were promised their messages [sessions-full]. */
  readonly sessions: number;
  /** How long a session lives on without its client, counted while this process runs: a restart begins anew, a clock that jumps does no harm [expired]. */
  readonly sessionExpiryMs: number;
  /** Per session; a new one beyond is refused [subscriptions-full]. */
  readonly subscriptions: number;
  /** Messages waiting for one client. The oldest that was never sent gives way [queue-full]; where all are being sent, the new one is left out [queue-refused]. */
  readonly queuedMessages: number;
  /** Bytes of all that wait, each message counted once. Who gets a message that has no room gives up its oldest ones. */
  readonly queuedBytes: number;
  /** A new topic beyond is not retained [retained-full]. */
  readonly retained: number;
  /** Bytes of all retained messages. Where the next of a topic has no room, the one before it goes as well: it would be outdated [retained-full]. */
  readonly retainedBytes: number;
  /** Wills on the disk; those beyond are lost with the process [wills-full]. */
  readonly wills: number;
}

export const SESSION_BOUNDS: SessionBounds = {
  sessions: 10_000,
  sessionExpiryMs: 86_400_000,
  subscriptions: 1_000,
  queuedMessages: 1_000,
  queuedBytes: 268_435_456,
  retained: 50_000,
  retainedBytes: 67_108_864,
  wills: 20_000,
};

/** Longest filter, and largest message for a queue, a retained one or a will [too-large]. */
export const MOST_FILTER_BYTES = 1_024;
export const MOST_MESSAGE_BYTES = 16_777_216;

export type Loss = EdgeSessionLoss;

export class Losses {
  readonly counts: Record<Loss, number> = Object.fromEntries(EDGE_SESSION_LOSSES.map((loss) => [loss, 0])) as Record<Loss, number>;

  count(loss: Loss): void {
    this.counts[loss] += 1;
  }
}
