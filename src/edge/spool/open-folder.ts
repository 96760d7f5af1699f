import { Unavailable } from '../../domain/unavailable.ts';
import { type Files, makeFolder, quietly } from '../../state/files.ts';
import { FolderBusy, FolderLock } from '../../state/folder-lock.ts';
import type { LogFiles } from '../log/files.ts';
import { scanFile } from '../log/read-file.ts';
import { Mark } from './mark.ts';
import { type Damage, listSegments, noteDamage, type Segment } from './segment.ts';

/** The folder cannot be used at all; the message says what to do. */
export class SpoolUnusable extends Unavailable {}

export interface OpenedFolder {
  readonly lock: FolderLock;
  readonly mark: Mark;
  readonly segments: Segment[];
  readonly frontier: number;
  readonly next: number;
  /** Files that were set aside. */
  readonly quarantined: number;
}

/**
 * Takes the folder and finds out where the spool stands, from names, heads, mark and the last segment: a spool of many gigabytes
 * opens as fast as a small one. What cannot be understood is set aside (`.corrupt`) and told; files that are not the spool's are
 * left alone.
 */
export function openFolder(files: LogFiles, folder: string, damage: Damage, warn: (message: string) => void): OpenedFolder {
  const lock = take(files, folder);
  const { segments, strange, leftovers } = listSegments(files, folder);
  for (const file of leftovers) quietly(() => files.rmSync(file));
  for (const file of strange) {
    quietly(() => files.renameSync(file, `${file}.corrupt`));
    warn(`${file} cannot be read as a part of the spool: it was renamed to ${file}.corrupt, and the spool goes on without it`);
  }
  const mark = Mark.open(files, folder);
  if (mark.isDamaged) warn(`the mark in ${folder} cannot be read: messages that were forwarded already and are still on the disk are forwarded again`);
  let next = Math.max(mark.found?.next ?? 1, mark.found?.frontier ?? 1);
  const last = segments.at(-1);
  if (last !== undefined) {
    let behind = last.first;
    quietly(() => {
      const scanner = scanFile(files, last.path, last, (number) => {
        behind = Math.max(behind, number + 1);
      });
      noteDamage(last, scanner, true, damage);
      last.bytes -= scanner.openBytes;
    });
    next = Math.max(next, behind);
    last.end = next;
  }
  const frontier = segments[0] === undefined ? next : Math.min(next, Math.max(mark.found?.frontier ?? 1, segments[0].first));
  // How many of those are below the frontier is not known: rather count some too many until they were read.
  for (const segment of segments) if (segment.first < frontier) segment.missing = 0;
  return { lock, mark, segments, frontier, next, quarantined: strange.length };
}

function take(files: Files, folder: string): FolderLock {
  try {
    makeFolder(files, folder);
    return FolderLock.take(files, folder);
  } catch (error) {
    if (error instanceof FolderBusy) {
      throw new SpoolUnusable(`the spool in ${folder} is in use by ${error.message}: give each gateway a folder of its own, or stop the other one`);
    }
    const reason = error instanceof Error ? error.message : String(error);
    throw new SpoolUnusable(`the spool cannot use ${folder} (${reason}): make it a folder that the gateway's user may write, on a disk with room`);
  }
}
