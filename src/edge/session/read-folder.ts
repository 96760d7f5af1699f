import path from 'node:path';
import { forceFolder, quietly, readAt } from '../../state/files.ts';
import { FILE_HEAD_BYTES, type FileId, idOfName, readHead } from '../log/file-id.ts';
import type { LogFiles } from '../log/files.ts';
import { scanFile } from '../log/read-file.ts';

/** What stood in a folder. */
export interface Found {
  /** Files that were read, oldest first; `end`: behind their last record. */
  readonly files: Map<string, { end: number; bytes: number }>;
  /** Number of the next record. */
  readonly next: number;
  /** Runs of bytes that are no records, records that nobody understands, and files that cannot be read. */
  readonly damaged: number;
  /** As sentences. */
  readonly problems: readonly string[];
}

/** Reads each record of each file in its order. Never throws, whatever is there: what cannot be read is told and counted. */
export function readFolder(files: LogFiles, folder: string, kind: string, replay: (record: Buffer) => boolean): Found {
  const found = { files: new Map<string, { end: number; bytes: number }>(), next: 1, damaged: 0, problems: [] as string[] };
  let names: string[] = [];
  try {
    names = files.readdirSync(folder).filter((name) => name.endsWith('.seg'));
  } catch (error) {
    found.damaged += 1;
    found.problems.push(`${folder} cannot be listed (${(error as Error).message}), so nothing of what it holds is known`);
  }
  for (const [i, name] of names.sort().entries()) {
    const file = path.join(folder, name);
    try {
      readOne(files, file, kind, i === names.length - 1, replay, found);
    } catch (error) {
      found.damaged += 1;
      found.problems.push(`${file} cannot be read (${(error as Error).message}) and is left out`);
    }
  }
  quietly(() => forceFolder(files, folder));
  return found;
}

function readOne(
  files: LogFiles,
  file: string,
  kind: string,
  isLast: boolean,
  replay: (record: Buffer) => boolean,
  found: { -readonly [K in keyof Found]: Found[K] } & { problems: string[] },
): void {
  const { id, size } = identify(files, file, kind);
  if (id === undefined) {
    found.damaged += 1;
    found.problems.push(`${file} is of another version, or no log of sessions: it is left alone`);
    return;
  }
  let end = id.first;
  let strange = 0;
  const scanner = scanFile(files, file, id, (number, payload) => {
    end = Math.max(end, number + 1);
    if (!replay(payload)) strange += 1;
  });
  found.next = Math.max(found.next, end, id.first + 1);
  found.files.set(file, { end, bytes: size });
  // The write that the end of the process cut short: nobody was told that it had been made.
  const torn = isLast && scanner.openBytes > 0;
  quietly(() => force(files, file, torn ? size - scanner.openBytes : undefined));
  const damaged = scanner.damagedRegions - (torn ? 1 : 0) + strange;
  found.damaged += damaged;
  if (damaged > 0) found.problems.push(`${file} is damaged in ${damaged} ${damaged === 1 ? 'place' : 'places'}; what stood there is lost, the rest is not`);
}

/** By its head, or its name where that is damaged. Undefined: its records are not ours to read. */
function identify(files: LogFiles, file: string, kind: string): { readonly id: FileId | undefined; readonly size: number } {
  const handle = files.openSync(file, 'r');
  try {
    const head = readHead(firstBytes(files, handle), kind);
    const id = head === 'damaged' ? idOfName(path.basename(file)) : head;
    return { id: id === 'other' ? undefined : id, size: files.fstatSync(handle).size };
  } finally {
    files.closeSync(handle);
  }
}

function firstBytes(files: LogFiles, handle: number): Buffer {
  try {
    return readAt(files, handle, 0, FILE_HEAD_BYTES);
  } catch {
    return Buffer.alloc(0);
  }
}

/** A process that was killed may have written what nobody had forced to the disk yet: from now on it is relied on. Cuts the file to `length`. */
function force(files: LogFiles, file: string, length: number | undefined): void {
  const handle = files.openSync(file, 'r+');
  try {
    if (length !== undefined) files.ftruncateSync(handle, length);
    files.fdatasyncSync(handle);
  } finally {
    files.closeSync(handle);
  }
}
