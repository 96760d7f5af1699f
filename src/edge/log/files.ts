import * as fs from 'node:fs';
import type { Files } from '../../state/files.ts';

export type Answer = (error: Error | null) => void;

/**
 * What the edge asks of the file system: what src/state does, while it opens and locks a folder, and the rest without holding up
 * the event loop. Callbacks come later, never before the call returns. Tests give one that fails, or forgets what was not forced.
 */
export interface LogFiles extends Files {
  readdirSync(folder: string): string[];
  open(path: string, flags: string, mode: number, done: (error: Error | null, handle: number) => void): void;
  close(handle: number, done: Answer): void;
  read(handle: number, bytes: Buffer, offset: number, length: number, position: number, done: (error: Error | null, got: number) => void): void;
  write(handle: number, bytes: Buffer, offset: number, length: number, position: number, done: (error: Error | null, written: number) => void): void;
  fdatasync(handle: number, done: Answer): void;
  fsync(handle: number, done: Answer): void;
  ftruncate(handle: number, length: number, done: Answer): void;
  rename(from: string, to: string, done: Answer): void;
  unlink(path: string, done: Answer): void;
}

export const REAL_LOG_FILES: LogFiles = fs;

/** All of the bytes, or an error. A full disk takes some of them first. */
export function writeWhole(files: LogFiles, handle: number, bytes: Buffer, length: number, position: number, done: Answer): void {
  let at = 0;
  const next = (): void => files.write(handle, bytes, at, length - at, position + at, wrote);
  const wrote = (error: Error | null, written: number): void => {
    if (error !== null) return done(error);
    at += written;
    if (at >= length) return done(null);
    if (written === 0) return done(Object.assign(new Error('EIO: the file takes no bytes'), { code: 'EIO' }));
    next();
  };
  next();
}

/** A name is safe when its folder is. */
export function forceFolderLater(files: LogFiles, folder: string, done: Answer): void {
  files.open(folder, 'r', 0, (error, handle) => {
    if (error !== null) return done(error);
    files.fsync(handle, (failure) => files.close(handle, () => done(failure)));
  });
}
