import type { FaultCode } from './fault.ts';
import type { Tally } from './ledger.ts';
import type { EpochMs } from './message.ts';

/** Why an edge did not accept a connection, a log-in, a PUBLISH or a SUBSCRIBE. */
export const EDGE_REFUSALS = [
  'connections',
  'connection-rate',
  'tls',
  'websocket',
  'connect-timeout',
  'protocol-version',
  'client-id',
  'bad-credentials',
  'not-authorized',
  'user-clients',
  'unavailable',
  'will',
  'publish-denied',
  'subscribe-denied',
  'topic-too-long',
  'topic-invalid',
  'topic-reserved',
  'packet-too-large',
  'packet-too-slow',
  'malformed',
] as const;
export type EdgeRefusal = (typeof EDGE_REFUSALS)[number];

/** What bounds on sessions can cost. */
export const EDGE_SESSION_LOSSES = [
  'sessions-full',
  'expired',
  'subscriptions-full',
  'queue-full',
  'queue-refused',
  'retained-full',
  'wills-full',
  'too-large',
] as const;
export type EdgeSessionLoss = (typeof EDGE_SESSION_LOSSES)[number];

/** What an edge can say of itself at any moment. Counters are since the start of the process. */
export interface EdgeState {
  /** Messages go to RabbitMQ now. */
  readonly connected: boolean;
  /** Why not; for a person. */
  readonly away: string | undefined;
  readonly connections: number;
  readonly connectionsAccepted: number;
  readonly refusals: Readonly<Record<EdgeRefusal, number>>;
  /** Messages from the devices, and from what an earlier process left, to where they go. `forwarded`: that has them for good. */
  readonly ledger: Tally;
  /** Messages that are owed, counted where they are; and by how much the ledger does not agree: 0, or a bug. */
  readonly owed: number;
  readonly imbalance: number;
  /** By quality of service. */
  readonly publishes: readonly [number, number, number];
  /** Read from devices and not acknowledged, or not yet kept. */
  readonly heldMessages: number;
  readonly heldBytes: number;
  readonly slowClients: number;
  readonly tookOver: number;
  /** Messages by the first place that they went to, copies that were written because a confirm took long, and those that were late. */
  readonly live: number;
  readonly spooled: number;
  readonly copied: number;
  readonly late: number;
  /** Attempts to pass a message on that were refused for now, by reason. Not counted while it is not connected. */
  readonly setbacks: Readonly<Partial<Record<FaultCode, number>>>;
  /** Topics whose oldest message was refused for now. */
  readonly topicsHeld: number;
  /** Messages that wait for room in the spool, so that their devices wait too. */
  readonly waitingForRoom: number;
  readonly spool: EdgeSpoolState;
  readonly sessions: EdgeSessionsState;
  /** Messages that RabbitMQ will never take, kept apart. */
  readonly refused: number;
}

export interface EdgeSpoolState {
  readonly messages: number;
  readonly bytes: number;
  readonly maxBytes: number;
  readonly oldestAt: EpochMs | undefined;
  /** `full`, `unwritable`; undefined as it should be. */
  readonly refusing: string | undefined;
  /** Lost to damage on the disk; places where there was some. */
  readonly lost: number;
  readonly damagedRegions: number;
  readonly expired: number;
  readonly droppedQos0: number;
  readonly syncs: number;
  readonly lastSyncMs: number;
  readonly failures: number;
}

export interface EdgeSessionsState {
  readonly sessions: number;
  readonly subscriptions: number;
  readonly queuedMessages: number;
  readonly retained: number;
  /** Messages and the like that bounds or damage cost, by reason. */
  readonly losses: Readonly<Record<EdgeSessionLoss, number>>;
}
