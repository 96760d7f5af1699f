import type { EpochMs } from '../../domain/message.ts';
import type { SpoolRefusal } from '../ports.ts';

export interface SpoolStats {
  /** On the disk and not settled. After a restart it is exact once they were read, should some be damaged. */
  readonly messages: number;
  /** Of all segments, settled messages in them included. */
  readonly bytes: number;
  readonly segments: number;
  /** About when the oldest of `messages` was received: never later, a little earlier perhaps; undefined without any. */
  readonly oldestAt: EpochMs | undefined;
  readonly nextSeq: number;
  readonly frontier: number;
  /** Since the start: */
  readonly damagedRegions: number;
  readonly damagedBytes: number;
  /** Messages that damage has cost, as far as it can be told. */
  readonly lost: number;
  /** Writes that a kill cut short: normal, and nothing of them was acknowledged. */
  readonly tornTails: number;
  /** Files set aside as `.corrupt`. */
  readonly quarantined: number;
  readonly expired: number;
  readonly droppedQos0: number;
  readonly writes: number;
  readonly syncs: number;
  /** Milliseconds of the last fdatasync. */
  readonly lastSyncMs: number;
  /** Writes that failed. */
  readonly failures: number;
  /** What an append would be answered now, were it small. */
  readonly refusing: SpoolRefusal | undefined;
}
