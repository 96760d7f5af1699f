import { FILE_MODE } from '../../state/files.ts';
import { FILE_HEAD_BYTES, writeHead } from '../log/file-id.ts';
import { type LogFiles, writeWhole } from '../log/files.ts';
import { FileReader } from '../log/read-file.ts';
import { RECORD_BYTES } from '../log/record.ts';
import type { Scanner } from '../log/scan.ts';
import { qosOf } from './message-record.ts';
import { BESIDE, type Segment, SPOOL_KIND } from './segment.ts';

const WINDOW_BYTES = 1_048_576;

export interface Thinned {
  /** Written and forced, beside the segment. */
  readonly beside: string;
  readonly bytes: number;
  readonly dropped: number;
  /** Has seen all of the old one. */
  readonly scanner: Scanner;
}

/**
 * Writes the segment again beside itself without its oldest messages of QoS 0, of `from` and above, until `bytes` are free.
 * Undefined: it has none. Rejects with what the file system says, and leaves nothing beside then.
 */
export async function thin(files: LogFiles, segment: Segment, from: number, bytes: number): Promise<Thinned | undefined> {
  // Most of the time there is nothing to gain, and then nothing is written.
  if ((await copy(files, segment, from, bytes, undefined)).dropped === 0) return undefined;
  const beside = `${segment.path}${BESIDE}`;
  const handle = await open(files, beside);
  try {
    const { dropped, length, scanner } = await copy(files, segment, from, bytes, handle);
    const head = Buffer.alloc(FILE_HEAD_BYTES);
    writeHead(head, 0, { first: segment.first, marker: segment.marker, kind: SPOOL_KIND, since: segment.since, missing: segment.missing + dropped });
    await write(files, handle, head, 0);
    await new Promise<void>((resolve, reject) => {
      files.fsync(handle, (error) => (error === null ? resolve() : reject(error)));
    });
    return { beside, bytes: length, dropped, scanner };
  } catch (error) {
    await new Promise<void>((resolve) => {
      files.unlink(beside, () => resolve());
    });
    throw error;
  } finally {
    await new Promise<void>((resolve) => {
      files.close(handle, () => resolve());
    });
  }
}

/** Without a handle it only counts. Records are copied as they are: file and numbers stay the same. */
async function copy(
  files: LogFiles,
  segment: Segment,
  from: number,
  bytes: number,
  handle: number | undefined,
): Promise<{ dropped: number; length: number; scanner: Scanner }> {
  const reader = await FileReader.open(files, segment.path, segment);
  const { scanner } = reader;
  const limit = segment.bytes;
  let dropped = 0;
  let freed = 0;
  let length = FILE_HEAD_BYTES;
  try {
    while (await reader.load(WINDOW_BYTES, limit)) {
      const kept: Buffer[] = [];
      let keptBytes = 0;
      while (scanner.next()) {
        const recordBytes = scanner.end - scanner.start + RECORD_BYTES;
        if (freed < bytes && scanner.number >= from && scanner.end > scanner.start && qosOf(reader.window, scanner.start) === 0) {
          dropped += 1;
          freed += recordBytes;
        } else if (handle !== undefined) {
          kept.push(reader.window.subarray(scanner.start - RECORD_BYTES, scanner.end));
          keptBytes += recordBytes;
        }
      }
      if (handle === undefined) {
        if (dropped > 0) break;
      } else await write(files, handle, Buffer.concat(kept, keptBytes), length);
      length += keptBytes;
    }
  } finally {
    await reader.close();
  }
  return { dropped, length, scanner };
}

function open(files: LogFiles, file: string): Promise<number> {
  return new Promise((resolve, reject) => {
    files.open(file, 'w', FILE_MODE, (error, handle) => (error === null ? resolve(handle) : reject(error)));
  });
}

function write(files: LogFiles, handle: number, bytes: Buffer, position: number): Promise<void> {
  if (bytes.length === 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    writeWhole(files, handle, bytes, bytes.length, position, (error) => (error === null ? resolve() : reject(error)));
  });
}
