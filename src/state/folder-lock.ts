import os from 'node:os';
import path from 'node:path';
import { codeOf, FILE_MODE, type Files, isAbsent, quietly, writeAll } from './files.ts';

/** Who holds a folder. A process id alone says little: it is used again after a restart of the machine, and is 1 in every container. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  /** Which start of the machine, and which space of process ids; empty where there is no /proc. */
  readonly boot: string;
  readonly space: string;
  /** When the process began, in the machine's ticks. */
  readonly began: string;
}

/** Another process has the folder. */
export class FolderBusy extends Error {}

/**
 * One process at a time in a folder, by a file `state.lock` that says who it is.
 *
 * A holder that is gone for certain, or of which nobody can tell (another container or machine; a lock that cannot be read),
 * is replaced: otherwise a gateway killed in one container would keep that of the next out for ever. A living one that was
 * replaced that way sees it in `state`, before it writes again.
 */
export class FolderLock {
  private readonly files: Files;
  private readonly file: string;
  private readonly id: string;

  private constructor(files: Files, file: string, id: string) {
    this.files = files;
    this.file = file;
    this.id = id;
  }

  /** The folder must be there. Throws FolderBusy where a living process has it, and what the file system throws. */
  static take(files: Files, folder: string): FolderLock {
    const file = path.join(folder, 'state.lock');
    const text = JSON.stringify(holderOf(files, process.pid));
    try {
      create(files, file, 'wx', text);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
      const holder = readHolder(files, file);
      if (holder !== undefined && isAlive(files, holder)) throw new FolderBusy(`process ${holder.pid}`);
      const mine = `${file}.${process.pid}`;
      create(files, mine, 'w', text);
      files.renameSync(mine, file);
    }
    return new FolderLock(files, file, idOf(files, file));
  }

  /** `gone`: somebody removed it, the whole folder perhaps. Throws where that cannot be told. */
  get state(): 'ours' | 'taken' | 'gone' {
    try {
      return idOf(this.files, this.file) === this.id ? 'ours' : 'taken';
    } catch (error) {
      if (isAbsent(error)) return 'gone';
      throw error;
    }
  }

  release(): void {
    quietly(() => {
      if (this.state === 'ours') this.files.rmSync(this.file);
    });
  }
}

/** On a full disk it may be empty: one that cannot be read, and still what `state` needs. */
function create(files: Files, file: string, flag: 'w' | 'wx', text: string): void {
  const handle = files.openSync(file, flag, FILE_MODE);
  quietly(() => writeAll(files, handle, Buffer.from(text), 0));
  files.closeSync(handle);
}

/** A file that replaced another is another file, and one made anew under an old number has another time. */
function idOf(files: Files, file: string): string {
  const { dev, ino, mtimeMs } = files.statSync(file);
  return `${dev}:${ino}:${mtimeMs}`;
}

export function holderOf(files: Files, pid: number): Holder {
  const text = (file: string): string => {
    try {
      return files.readFileSync(file, 'latin1').trim();
    } catch {
      return '';
    }
  };
  let space = '';
  quietly(() => {
    // namespaces(7): two processes share a name space where these are one file.
    const { dev, ino } = files.statSync('/proc/self/ns/pid');
    space = `${dev}:${ino}`;
  });
  return { pid, host: os.hostname(), boot: text('/proc/sys/kernel/random/boot_id'), space, began: beginningOf(text(`/proc/${pid}/stat`)) };
}

function readHolder(files: Files, file: string): Holder | undefined {
  try {
    const found = JSON.parse(files.readFileSync(file, 'utf8')) as Holder | null;
    return Number.isSafeInteger(found?.pid) && (found as Holder).pid > 0 ? (found as Holder) : undefined;
  } catch {
    return undefined;
  }
}

/** For certain. */
function isAlive(files: Files, holder: Holder): boolean {
  const now = holderOf(files, holder.pid);
  if (now.host !== holder.host || now.boot !== holder.boot || now.space !== holder.space) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if (codeOf(error) !== 'EPERM') return false;
  }
  return now.began === holder.began;
}

/** proc(5): fields 3 (state) and 22 (starttime), counted behind the command name, which stands in parentheses. A zombie has ended. */
function beginningOf(stat: string): string {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? 'ended' : (fields[19] ?? '');
}
