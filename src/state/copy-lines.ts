import { type Files, readAt, writeAll } from './files.ts';

/** Where a line stands in its file. */
export interface Place {
  readonly offset: number;
  /** With the line end. */
  readonly length: number;
}

export const WRITE_BYTES = 8_388_608;

/** Writes a header and these lines of one file to another, and answers where they stand there and where that ends. */
export function copyLines(
  files: Files,
  from: number,
  to: number,
  header: Buffer,
  places: Iterable<readonly [string, Place]>,
): { readonly index: Map<string, Place>; readonly end: number } {
  const index = new Map<string, Place>();
  let batch = [header];
  let written = 0;
  let end = header.length;
  const write = (): void => {
    writeAll(files, to, Buffer.concat(batch), written);
    written = end;
    batch = [];
  };
  for (const [name, { offset, length }] of places) {
    const line = readAt(files, from, offset, length);
    if (line.length < length) throw new Error('the file is shorter than it was');
    index.set(name, { offset: end, length });
    batch.push(line);
    end += length;
    if (end - written >= WRITE_BYTES) write();
  }
  write();
  return { index, end };
}
