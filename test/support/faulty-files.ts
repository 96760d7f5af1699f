import { type Files, REAL_FILES } from '../../src/state/files.ts';

export type Operation = keyof Files;

/** An error as Node's file system throws it. */
export function fsError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: as the test wants it`), { code });
}

/** They cost a test time and change nothing that a process can see. */
const FORCING: readonly string[] = ['fsyncSync', 'fdatasyncSync'] satisfies Operation[];

/** The real file system, nothing forced to the disk, behind a check before each operation, which may throw. */
export function checkedFiles(check: (operation: Operation, args: readonly unknown[]) => void): Files {
  const checked = Object.entries(REAL_FILES).map(([name, value]: [string, unknown]) => {
    if (typeof value !== 'function') return [name, value];
    const call = value as (...args: unknown[]) => unknown;
    return [
      name,
      (...args: unknown[]): unknown => {
        check(name as Operation, args);
        return FORCING.includes(name) ? undefined : call(...args);
      },
    ];
  });
  return Object.fromEntries(checked) as Files;
}

export const UNFORCED: Files = checkedFiles(() => {});

/** Writes half of what `writeSync` was to write, as disks do that run full, and processes that end. */
export function writeHalf(args: readonly unknown[]): void {
  const [handle, bytes, offset, length, position] = args as [number, Buffer, number, number, number];
  REAL_FILES.writeSync(handle, bytes, offset, Math.floor(length / 2), position);
}

/** A disk without room: what is there may be written over, and removed. Folders and names of files still fit. */
export function fullDisk(): { full: boolean; readonly files: Files } {
  const disk = {
    full: false,
    files: checkedFiles((operation, args) => {
      if (!disk.full || operation !== 'writeSync') return;
      const [handle, , , length, position] = args as [number, Buffer, number, number, number];
      if (position + length <= REAL_FILES.fstatSync(handle).size) return;
      writeHalf(args);
      throw fsError('ENOSPC');
    }),
  };
  return disk;
}
