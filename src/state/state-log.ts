import path from 'node:path';
import { entriesOf } from './entries.ts';
import { type Files, isAbsent, makeFolder, REAL_FILES, removeFile } from './files.ts';
import { FolderBusy, FolderLock } from './folder-lock.ts';
import { BOUNDS, type Bounds, LogFile } from './log-file.ts';

/** Where nothing could be written it is not tried again for so long, because acks wait meanwhile. */
const RETRY_MS = 1_000;

export interface StateLogOptions {
  /** Made when something is saved for the first time. For one process at a time. */
  readonly folder: string;
  /** The first failure since the last success, and what was wrong with the file when it was opened. */
  readonly warn: (message: string) => void;
  /** Milliseconds on a clock that never jumps. */
  readonly now?: () => number;
  readonly bounds?: Partial<Bounds>;
  readonly files?: Files;
}

/**
 * Small states of codecs for the next start, in one file `state.jsonl` that is only ever appended to: a flush is one write
 * and one fdatasync however many states it holds. The last line of a name counts. When what is outdated outweighs what is
 * not, the file is written anew beside and renamed, so a kill or a power cut at any point leaves one whole file or the other.
 *
 * Nothing here is ever fatal, because devices can tell again what is lost. An outdated state is worse than none: it would
 * give wrong names to values. So where a state cannot be written, the one before it must go as well, by what needs no room
 * on the disk: its line is marked in place; if that fails the whole file is removed; if that fails too (a file system that
 * became read-only) nothing is left but to say so. What could not be written is tried again with what comes later.
 */
export class StateLog {
  private readonly options: StateLogOptions;
  private readonly files: Files;
  private readonly now: () => number;
  private readonly file: string;
  /** Not on the disk yet, but an earlier state of theirs may be. */
  private readonly pending: Map<string, () => unknown> = new Map();
  /** Could not be written; no earlier state of theirs is on the disk. */
  private readonly owed: Map<string, () => unknown> = new Map();
  private lock: FolderLock | undefined;
  private log: LogFile | undefined;
  private readsAt = Number.NEGATIVE_INFINITY;
  private writesAt = Number.NEGATIVE_INFINITY;
  private failed = false;
  /** The folder is another process's: nothing in it may be touched. */
  private busy = false;
  /** It took the folder from this one. Two that take it from each other would lose more than one that lets go. */
  private dispossessed = false;
  /** A file is there that must not be read, and could not be removed. */
  private outdated = false;
  private closed = false;

  constructor(options: StateLogOptions) {
    this.options = options;
    this.files = options.files ?? REAL_FILES;
    this.now = options.now ?? (() => performance.now());
    this.file = path.join(options.folder, 'state.jsonl');
  }

  /** What was last saved under the name, also by an earlier process; undefined for nothing. Never throws. */
  load(name: string): unknown {
    try {
      const waiting = this.pending.get(name) ?? this.owed.get(name);
      if (waiting !== undefined) return waiting();
      return this.reader()?.read(name);
    } catch (error) {
      this.failure('read', error);
      return undefined;
    }
  }

  /**
   * `state` makes plain JSON data, or undefined to forget the name. It is called when it is written (again where that
   * failed) or loaded, once for all saves before. Never throws.
   */
  save(name: string, state: () => unknown): void {
    if (this.closed) return;
    this.owed.delete(name);
    this.pending.set(name, state);
  }

  /**
   * Everything saved so far is on the disk; or the failure is told, and what is not there has no outdated state there either.
   * Costs nothing where nothing was saved. Never throws.
   */
  flush(): void {
    const mayTry = this.now() >= this.writesAt;
    if (this.pending.size === 0 && (this.owed.size === 0 || !mayTry)) return;
    this.look();
    if (mayTry && this.append()) return;
    if (mayTry) this.writesAt = this.now() + RETRY_MS;
    this.withdraw();
    this.owe();
  }

  /** Flushes, whatever failed before once more, and leaves the folder to others; nothing is saved afterwards. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.writesAt = Number.NEGATIVE_INFINITY;
    this.flush();
    this.drop();
    this.lock?.release();
    this.lock = undefined;
  }

  /** Answers undefined, and makes nothing, where there is nothing to read. */
  private reader(): LogFile | undefined {
    if (this.log !== undefined || this.closed || this.outdated || this.now() < Math.max(this.readsAt, this.writesAt)) return this.log;
    try {
      this.files.statSync(this.file);
      return this.open();
    } catch (error) {
      if (isAbsent(error)) return undefined;
      this.readsAt = this.now() + RETRY_MS;
      throw error;
    }
  }

  private writer(): LogFile {
    if (this.log !== undefined) return this.log;
    makeFolder(this.files, this.options.folder);
    return this.open();
  }

  /** The folder is there. */
  private open(): LogFile {
    const { files, file, options } = this;
    if (this.dispossessed) throw new FolderBusy('a process that took it over');
    try {
      this.lock ??= FolderLock.take(files, options.folder);
      this.busy = false;
    } catch (error) {
      this.busy = error instanceof FolderBusy;
      throw error;
    }
    if (this.outdated) removeFile(this.files, this.file);
    this.outdated = false;
    const log = LogFile.open(files, file, options.bounds);
    this.log = log;
    if (log.damage !== undefined) options.warn(`${file}: ${log.damage}; devices are asked for their births again`);
    if (log.isMostlyGarbage) this.compact(log);
    return log;
  }

  /** Before the file is touched: whether it is still there, and still ours. */
  private look(): void {
    try {
      const held = this.lock?.state;
      if (held === 'taken') {
        this.busy = true;
        this.dispossessed = true;
      }
      if (held !== 'ours') this.lock = undefined;
      if (held !== 'ours' || this.log?.isGone === true) this.drop();
    } catch {
      // Opening it says what is wrong.
      this.drop();
    }
  }

  private append(): boolean {
    try {
      const log = this.writer();
      const { entries, problem } = entriesOf([...this.owed, ...this.pending], (name) => log.has(name));
      if (entries.length > 0) log.append(entries);
      this.pending.clear();
      this.owed.clear();
      if (problem === undefined) this.failed = false;
      else this.failure('write', problem);
      // Written with the next states.
      for (const name of log.surplus) this.pending.set(name, () => undefined);
      if (log.isWasteful) this.compact(log);
      return true;
    } catch (error) {
      this.failure('write', error);
      return false;
    }
  }

  /** A failure before the new file is in place changes nothing, and one after it shows at the next write. */
  private compact(log: LogFile): void {
    try {
      log.compact();
    } catch (error) {
      this.failure('write', error);
    }
  }

  /** What stands on the disk for the pending names is outdated. */
  private withdraw(): void {
    if (this.busy) return;
    try {
      if (this.log !== undefined) {
        this.log.withdraw(this.pending.keys());
        return;
      }
    } catch {
      // Then all of it goes.
    }
    this.drop();
    try {
      removeFile(this.files, this.file);
      this.outdated = false;
    } catch (error) {
      if (!this.outdated) {
        this.options.warn(`cannot remove ${this.file} either (${reasonOf(error)}), and what it holds is outdated: remove it before the gateway starts again`);
      }
      this.outdated = true;
    }
  }

  /** Names may come and go for as long as it lasts. */
  private owe(): void {
    for (const [name, state] of this.pending) this.owed.set(name, state);
    this.pending.clear();
    for (const name of this.owed.keys()) {
      if (this.owed.size <= (this.options.bounds?.names ?? BOUNDS.names)) return;
      this.owed.delete(name);
      // Of another process's file nothing was withdrawn.
      this.outdated ||= this.busy;
    }
  }

  private drop(): void {
    this.log?.close();
    this.log = undefined;
  }

  private failure(what: 'read' | 'write', error: unknown): void {
    if (this.failed) return;
    this.failed = true;
    const folder = `${this.options.folder} (gateway.stateDir)`;
    const after = 'after its next start the gateway asks devices for their births again';
    this.options.warn(
      error instanceof FolderBusy
        ? `${folder} is in use by ${error.message}: this gateway keeps no states there, and ${after}; give each gateway a folder of its own`
        : `cannot ${what} the states in ${folder}: ${reasonOf(error)}; the gateway goes on and tries again, but until that succeeds: ${after}`,
    );
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
