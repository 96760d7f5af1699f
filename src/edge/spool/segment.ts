import path from 'node:path';
import { type Files, quietly, readAt } from '../../state/files.ts';
import { FILE_HEAD_BYTES, type FileId, idOfName, readHead } from '../log/file-id.ts';
import type { LogFiles } from '../log/files.ts';
import { scanFile } from '../log/read-file.ts';
import type { Scanner } from '../log/scan.ts';

export const SPOOL_KIND = 'spol';
const SUFFIX = '.seg';
/** What is written beside a segment before it takes its place. */
export const BESIDE = '.new';

/** One file of the spool. */
export interface Segment extends FileId {
  readonly path: string;
  /** When its first message was kept. */
  readonly since: number;
  /** Up to here it can be read. */
  bytes: number;
  /** Behind the number of its last message. */
  end: number;
  /** Numbers in it that are known to be gone and that no reader has passed yet. */
  missing: number;
  /** Damage that was counted already: it is found again by each reader. */
  damagedRegions: number;
  damagedBytes: number;
  /** It is being removed. */
  isDoomed: boolean;
}

export interface Listing {
  /** In the order of their messages. `end` of the last is not known: it is its `first`. */
  readonly segments: Segment[];
  /** Paths of what looks like a segment and is none that this version can read. */
  readonly strange: string[];
  /** Paths of what a kill left half written beside a segment, or made and did not write to. */
  readonly leftovers: string[];
}

/** Looks at names and heads only. Throws only where the folder cannot be listed. */
export function listSegments(files: LogFiles, folder: string): Listing {
  const segments: Segment[] = [];
  const strange: string[] = [];
  const leftovers: string[] = [];
  for (const name of files.readdirSync(folder)) {
    const file = path.join(folder, name);
    if (name.endsWith(`${SUFFIX}${BESIDE}`)) leftovers.push(file);
    if (!name.endsWith(SUFFIX)) continue;
    const segment = look(files, file, idOfName(name));
    if (segment === undefined) strange.push(file);
    else segments.push(segment);
  }
  segments.sort((a, b) => a.first - b.first);
  const kept = segments.filter((segment, i) => {
    const isAlone = segments[i - 1]?.first !== segment.first && segments[i + 1]?.first !== segment.first;
    return isAlone || isBestOfItsName(files, segment, segments, { strange, leftovers });
  });
  kept.forEach((segment, i) => {
    segment.end = kept[i + 1]?.first ?? segment.first;
  });
  return { segments: kept, strange, leftovers };
}

/**
 * Several files begin with the same number where a kill came before the very first write to one, or cut it short: that one has no
 * record, and no place among the others. One without a byte behind its head is nothing to be told of. Should two have records,
 * somebody has copied one.
 */
function isBestOfItsName(files: Files, segment: Segment, segments: readonly Segment[], aside: Pick<Listing, 'strange' | 'leftovers'>): boolean {
  const reach = (one: Segment): number => endOf(files, one) ?? one.first;
  const mine = reach(segment);
  const rivals = segments.filter((other) => other !== segment && other.first === segment.first);
  const better = rivals.find((other) => reach(other) > mine || (reach(other) === mine && other.path < segment.path));
  if (better !== undefined) (segment.bytes > FILE_HEAD_BYTES ? aside.strange : aside.leftovers).push(segment.path);
  return better === undefined;
}

/** Behind its last whole record; undefined where it cannot be opened. Reads all of it, at once. */
export function endOf(files: Files, segment: Segment): number | undefined {
  let end = segment.first;
  try {
    scanFile(files, segment.path, segment, (number) => {
      end = Math.max(end, number + 1);
    });
    return end;
  } catch {
    return undefined;
  }
}

function look(files: Files, file: string, named: FileId | undefined): Segment | undefined {
  let head: ReturnType<typeof readHead> = 'damaged';
  let bytes = 0;
  let since = 0;
  quietly(() => {
    const { size, mtimeMs } = files.statSync(file);
    bytes = size;
    since = mtimeMs;
    const handle = files.openSync(file, 'r');
    try {
      head = readHead(readAt(files, handle, 0, FILE_HEAD_BYTES), SPOOL_KIND);
    } finally {
      files.closeSync(handle);
    }
  });
  const found = head as ReturnType<typeof readHead>;
  if (found === 'other') return undefined;
  if (found !== 'damaged') return { ...newSegment(file, found, bytes, found.since), missing: found.missing };
  return named === undefined ? undefined : newSegment(file, named, bytes, since);
}

export function newSegment(file: string, { first, marker }: FileId, bytes: number, since: number): Segment {
  return { path: file, first, marker, since, bytes, end: first, missing: 0, damagedRegions: 0, damagedBytes: 0, isDoomed: false };
}

export interface Damage {
  regions: number;
  bytes: number;
  tornTails: number;
}

/**
 * Counts what a scanner has found in the segment and was not counted before. `isTorn`: what it ends with is a write that a kill
 * cut short, because no number is missing there.
 */
export function noteDamage(segment: Segment, scanner: Scanner, isTorn: boolean, damage: Damage): void {
  if (scanner.damagedBytes <= segment.damagedBytes) return;
  const torn = isTorn && scanner.openBytes > 0;
  if (torn) damage.tornTails += 1;
  damage.regions += Math.max(0, scanner.damagedRegions - segment.damagedRegions - (torn ? 1 : 0));
  damage.bytes += Math.max(0, scanner.damagedBytes - segment.damagedBytes - (torn ? scanner.openBytes : 0));
  segment.damagedRegions = scanner.damagedRegions;
  segment.damagedBytes = scanner.damagedBytes;
}
