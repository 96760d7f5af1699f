import type { EpochMs } from '../../domain/message.ts';
import type { Appender } from '../log/appender.ts';
import type { SpoolRefusal } from '../ports.ts';
import type { Health } from './health.ts';
import type { OpenedFolder } from './open-folder.ts';
import type { Defaulted } from './options.ts';
import type { SpoolReader } from './reader.ts';
import type { Damage } from './segment.ts';
import type { Settled } from './settled.ts';
import type { Shelf } from './shelf.ts';

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

interface Parts {
  readonly options: Defaulted;
  readonly opened: OpenedFolder;
  readonly expired: number;
  readonly droppedQos0: number;
  readonly behind: number;
  readonly settled: Settled;
  readonly shelf: Shelf;
  readonly appender: Appender;
  readonly damage: Damage;
  readonly reader: SpoolReader;
  readonly health: Health;
}

export function statsOf({ options, opened, expired, droppedQos0, behind, settled, shelf, appender, damage, reader, health }: Parts): SpoolStats {
  const messages = Math.max(0, behind - settled.frontier - settled.above - shelf.missing);
  const isFull = shelf.bytes + appender.pendingBytes >= options.maxBytes;
  return {
    messages,
    bytes: shelf.bytes,
    segments: shelf.segments.length,
    oldestAt: messages === 0 ? undefined : reader.oldestAt,
    nextSeq: appender.next,
    frontier: settled.frontier,
    damagedRegions: damage.regions,
    damagedBytes: damage.bytes,
    lost: reader.lost,
    tornTails: damage.tornTails,
    quarantined: opened.quarantined,
    expired,
    droppedQos0,
    writes: appender.writes,
    syncs: appender.syncs,
    lastSyncMs: appender.lastSyncMs,
    failures: health.failures,
    refusing: health.isWritable ? (isFull ? 'full' : undefined) : 'unwritable',
  };
}
