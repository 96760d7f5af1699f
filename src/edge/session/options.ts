import type { LogFiles } from '../log/files.ts';
import type { Loss, SessionBounds } from './bounds.ts';
import type { ClientRef } from './packets.ts';

export interface SessionsOptions {
  /** For these sessions alone, and one process at a time. Made where it is missing. */
  readonly folder: string;
  readonly warn: (message: string) => void;
  readonly bounds?: Partial<SessionBounds>;
  readonly files?: LogFiles;
  /** Milliseconds on a clock that never jumps. */
  readonly now?: () => number;
  /** Between two tries to write to a disk that takes nothing. */
  readonly retryMs?: number;
  /** Outdated bytes in the log that are borne. */
  readonly garbageBytes?: number;
}

export interface SessionStats {
  readonly sessions: number;
  readonly subscriptions: number;
  readonly queuedMessages: number;
  readonly queuedBytes: number;
  readonly retained: number;
  readonly retainedBytes: number;
  readonly wills: number;
  readonly fileBytes: number;
  readonly compactions: number;
  /** Places where the log could not be read when it was opened. */
  readonly damagedRecords: number;
  /** The disk takes nothing at the moment. */
  readonly isStuck: boolean;
  readonly losses: Readonly<Record<Loss, number>>;
}

/** What of aedes is used. */
export interface Broker {
  readonly id: string;
  on?(event: 'client' | 'clientDisconnect', listener: (client: ClientRef) => void): unknown;
}
