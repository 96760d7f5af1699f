/** What a queue of the settings is for. */
export type QueueRole = 'ingest' | 'dead-letters' | 'output';

export const QUEUE_ROLES: readonly QueueRole[] = ['ingest', 'dead-letters', 'output'];

/** What the broker said of a queue when it was asked last; what it did not say is undefined. */
export interface QueueState {
  readonly name: string;
  readonly role: QueueRole;
  /** Messages that wait for a consumer. */
  readonly ready: number | undefined;
  /** Messages that are with a consumer and not acked. */
  readonly unacked: number | undefined;
  readonly consumers: number | undefined;
  /** Messages that consumers have taken for good since the queue was made: acked, or delivered without need of an ack. */
  readonly taken: number | undefined;
}
