import path from 'node:path';
import { isAbsent } from '../../state/files.ts';
import type { Appender } from '../log/appender.ts';
import { forceFolderLater, type LogFiles } from '../log/files.ts';
import type { SpoolReader } from './reader.ts';
import { type Damage, noteDamage, type Segment } from './segment.ts';
import type { Shelf } from './shelf.ts';
import { thin } from './thin.ts';

export interface DropOptions {
  readonly files: LogFiles;
  readonly warn: (message: string) => void;
  readonly shelf: Shelf;
  readonly damage: Damage;
  readonly appender: Pick<Appender, 'uses' | 'rotate'>;
  readonly reader: Pick<SpoolReader, 'cursor' | 'reopen'>;
}

/** See Spool. Stops at the first failure, with what was dropped until then. */
export async function dropOldestQos0(bytes: number, options: DropOptions): Promise<number> {
  let dropped = 0;
  let freed = 0;
  try {
    for (const segment of options.shelf.segments.slice()) {
      if (freed >= bytes) break;
      const before = segment.bytes;
      dropped += await dropOf(segment, bytes - freed, options);
      freed += before - segment.bytes;
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    options.warn(`the spool cannot drop QoS 0 messages to make room (${reason}): it takes nothing until messages were forwarded, or the disk has room`);
  }
  return dropped;
}

async function dropOf(segment: Segment, bytes: number, { files, shelf, appender, reader, damage }: DropOptions): Promise<number> {
  if (appender.uses(segment.path)) appender.rotate();
  if (appender.uses(segment.path)) return 0;
  // What was handed out may be on its way.
  const from = reader.cursor;
  if (segment.end <= from || segment.isDoomed || !shelf.segments.includes(segment)) return 0;
  const thinned = await thin(files, segment, from, bytes).catch((error: unknown) => {
    // Settled and removed meanwhile.
    if (isAbsent(error)) return undefined;
    throw error;
  });
  if (thinned === undefined) return 0;
  // In one step with the look, so that nothing is handed out in between.
  const isAsBefore = shelf.segments.includes(segment) && !segment.isDoomed && (reader.cursor === from || reader.cursor <= segment.first);
  if (!isAsBefore) {
    await new Promise<void>((resolve) => {
      files.unlink(thinned.beside, () => resolve());
    });
    return 0;
  }
  files.renameSync(thinned.beside, segment.path);
  shelf.resize(segment, thinned.bytes);
  segment.missing += thinned.dropped;
  // Damage stays behind with the old file.
  noteDamage(segment, thinned.scanner, false, damage);
  segment.damagedBytes = 0;
  segment.damagedRegions = 0;
  reader.reopen();
  // Without it a power cut gives them back, which would do no harm but to the counts.
  await new Promise<void>((resolve) => forceFolderLater(files, path.dirname(segment.path), () => resolve()));
  return thinned.dropped;
}
