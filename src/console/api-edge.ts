/** What `/edge` answers, as the console reads it. Counters are since the start of the process; times are milliseconds since 1970. */

import type { Tally } from './api.ts';

export type Counts = Readonly<Record<string, number>>;

export interface EdgeView {
  /** Messages go to RabbitMQ now. */
  readonly connected: boolean;
  /** Why not. */
  readonly away?: string | undefined;
  readonly connections: number;
  readonly connectionsAccepted: number;
  /** What was not accepted, by reason. */
  readonly refusals: Counts;
  readonly ledger: Tally;
  readonly owed: number;
  readonly imbalance: number;
  /** By quality of service. */
  readonly publishes: readonly number[];
  readonly heldMessages: number;
  readonly heldBytes: number;
  readonly slowClients: number;
  readonly tookOver: number;
  readonly live: number;
  readonly spooled: number;
  readonly copied: number;
  readonly late: number;
  /** Attempts to pass a message on that were refused for now, by reason. */
  readonly setbacks: Counts;
  readonly topicsHeld: number;
  readonly waitingForRoom: number;
  readonly spool: SpoolView;
  readonly sessions: {
    readonly sessions: number;
    readonly subscriptions: number;
    readonly queuedMessages: number;
    readonly retained: number;
    readonly losses: Counts;
  };
  /** Messages that RabbitMQ will never take, kept apart. */
  readonly refused: number;
}

export interface SpoolView {
  readonly messages: number;
  readonly bytes: number;
  readonly maxBytes: number;
  readonly oldestAt?: number | undefined;
  /** `full`, `unwritable`; nothing as it should be. */
  readonly refusing?: string | undefined;
  readonly lost: number;
  readonly damagedRegions: number;
  readonly expired: number;
  readonly droppedQos0: number;
  readonly syncs: number;
  readonly lastSyncMs: number;
  readonly failures: number;
}
