import * as fs from 'node:fs';
import path from 'node:path';

/** What this room asks of the file system; tests give one that fails. */
export type Files = Pick<
  typeof fs,
  | 'closeSync'
  | 'fdatasyncSync'
  | 'fstatSync'
  | 'fsyncSync'
  | 'ftruncateSync'
  | 'mkdirSync'
  | 'openSync'
  | 'readFileSync'
  | 'readSync'
  | 'renameSync'
  | 'rmSync'
  | 'statSync'
  | 'writeSync'
>;

export const REAL_FILES: Files = fs;

/** Only the gateway's account may look: names of devices and their metrics stand in there. */
export const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

export function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}

/** `ENOTDIR`: something above it is no folder. */
export function isAbsent(error: unknown): boolean {
  return codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR';
}

/** All of the bytes, or it throws. A full disk takes some of them first. */
export function writeAll(files: Files, handle: number, bytes: Buffer, position: number): void {
  for (let done = 0; done < bytes.length; ) done += files.writeSync(handle, bytes, done, bytes.length - done, position + done);
}

/** As many of `length` bytes as there are. */
export function readAt(files: Files, handle: number, position: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const got = files.readSync(handle, bytes, done, length - done, position + done);
    if (got === 0) break;
    done += got;
  }
  return bytes.subarray(0, done);
}

/** A name is safe when its folder is. */
export function forceFolder(files: Files, folder: string): void {
  const handle = files.openSync(folder, 'r');
  try {
    files.fsyncSync(handle);
  } finally {
    files.closeSync(handle);
  }
}

/** The folder and those above it that were missing, on the disk. */
export function makeFolder(files: Files, folder: string): void {
  const made = files.mkdirSync(folder, { recursive: true, mode: FOLDER_MODE });
  if (made === undefined) return;
  const first = path.resolve(made);
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    forceFolder(files, path.dirname(at));
    if (at === first || at === path.dirname(at)) return;
  }
}

/** Absent afterwards, also after a power cut. */
export function removeFile(files: Files, file: string): void {
  try {
    files.rmSync(file);
  } catch (error) {
    if (isAbsent(error)) return;
    throw error;
  }
  forceFolder(files, path.dirname(file));
}

/** For what only tidies up. */
export function quietly(action: () => void): void {
  try {
    action();
  } catch {
    // Whatever is wrong shows, and is told, where something depends on it.
  }
}
