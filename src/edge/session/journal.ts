import path from 'node:path';
import { makeFolder, quietly } from '../../state/files.ts';
import { FolderLock } from '../../state/folder-lock.ts';
import { Appender } from '../log/appender.ts';
import { forceFolderLater, type LogFiles } from '../log/files.ts';
import { type Change, encodeChange, NO_PAYLOAD } from './ops.ts';
import { type Found, readFolder } from './read-folder.ts';

export type Done = (error: Error | undefined) => void;

export interface JournalOptions {
  readonly folder: string;
  readonly files: LogFiles;
  /** What went wrong, as a sentence; the first failure since the last success only. */
  readonly warn: (message: string) => void;
  /** Everything that holds, as it is while this runs on. */
  readonly snapshot: () => Iterable<Change>;
  /** About how many bytes that is. */
  readonly liveBytes: () => number;
  /** A record of an earlier life; false: it says nothing that is understood. */
  readonly replay: (record: Buffer) => boolean;
  /** Outdated bytes that the files may have, however little is live. */
  readonly garbageBytes: number;
  /** Between two tries to write. */
  readonly retryMs: number;
  readonly now: () => number;
}

export const KIND = 'sess';
const FILE_BYTES = 67_108_864;
const CHUNK_BYTES = 1_048_576;
/** Each start begins a file. */
const MOST_FILES = 8;

/**
 * The changes on the disk. Those that could not be written are not lost: what holds is in memory, and is written anew as a
 * whole as soon as that succeeds. Until then nobody whose change is not on the disk hears that it is: devices wait, and
 * send again, and nothing that was acknowledged is missing after a restart.
 *
 * What is outdated goes the same way: what holds is appended to new files, with what changes meanwhile in between; then the
 * older files are removed, the oldest first. A process that ends at any point of this leaves a log that means the same.
 */
export class Journal {
  rewrites = 0;
  readonly found: Found;
  private readonly options: JournalOptions;
  private readonly lock: FolderLock;
  private readonly log: Appender;
  /** What this journal wrote and found, and up to which record; oldest first. */
  private readonly written: Map<string, { end: number; bytes: number }>;
  /** Wait until what holds is on the disk as a whole. */
  private held: Done[] = [];
  private broken = false;
  private failures = 0;
  private rewriting = false;
  private timer: NodeJS.Timeout | undefined;
  private bytesAfterRewrite = 0;
  private closed = false;

  /** Reads what an earlier life left, whatever it is. Throws FolderBusy where a living process has the folder, and where there can be none. */
  constructor(options: JournalOptions) {
    this.options = options;
    const { files, folder, now } = options;
    makeFolder(files, folder);
    this.lock = FolderLock.take(files, folder);
    this.found = readFolder(files, folder, KIND, options.replay);
    this.written = this.found.files;
    const onCommitted: Appender['options']['onCommitted'] = (file, first, count) => this.written.set(file.path, { end: first + count, bytes: file.length });
    this.log = new Appender({ files, folder, kind: KIND, fileBytes: FILE_BYTES, next: this.found.next, now, onCommitted, onFailed: () => {} });
    for (const problem of this.found.problems) options.warn(problem);
  }

  get bytes(): number {
    let bytes = 0;
    for (const file of this.written.values()) bytes += file.bytes;
    return bytes;
  }

  get isBroken(): boolean {
    return this.broken;
  }

  /** After what was found is applied. */
  start(): void {
    if (this.found.damaged > 0 || this.written.size > MOST_FILES || this.isWasteful) void this.rewrite();
  }

  /** `done` in the order of the calls, when the change and all before it are on the disk. */
  write(change: Change, done: Done): void {
    if (this.closed) done(new Error('the sessions are closed'));
    // What is written anew holds it already, or will.
    else if (this.broken && !this.rewriting) this.held.push(done);
    else this.append(change, done);
  }

  /** `done` when all before is on the disk; at once where it is. */
  barrier(done: Done): void {
    if (!this.closed && !this.broken && this.log.isIdle) done(undefined);
    else this.write({ ops: [], payload: NO_PAYLOAD }, done);
  }

  close(): Promise<void> {
    if (this.closed) return Promise.resolve();
    this.closed = true;
    clearTimeout(this.timer);
    return new Promise((resolve) => {
      this.log.close(() => {
        for (const done of this.held.splice(0)) done(new Error('the sessions are closed'));
        this.lock.release();
        resolve();
      });
    });
  }

  private append(change: Change, done: Done): void {
    this.log.append(encodeChange(change), (error) => {
      if (error !== undefined) this.fail(error);
      if (error !== undefined || this.broken) this.held.push(done);
      else done(undefined);
      if (!this.broken && this.isWasteful) void this.rewrite();
    });
  }

  private get isWasteful(): boolean {
    const { bytes } = this;
    return bytes > this.options.garbageBytes + 2 * this.options.liveBytes() && bytes > 1.5 * this.bytesAfterRewrite;
  }

  private fail(error: Error): void {
    if (!this.broken) {
      this.options.warn(
        `cannot write to ${this.options.folder}: ${error.message}; devices that wait for what would be written there go on waiting, and it is tried again`,
      );
    }
    this.broken = true;
    this.failures += 1;
    if (!this.rewriting) this.retry();
  }

  private retry(): void {
    if (this.closed) return;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.rewrite();
    }, this.options.retryMs);
  }

  private async rewrite(): Promise<void> {
    if (this.rewriting || this.closed) return;
    this.rewriting = true;
    const { failures } = this;
    try {
      this.log.rotate();
      // What waits already goes to the file before, and so may this; nothing that comes after it.
      await this.forced({ ops: [], payload: NO_PAYLOAD });
      const first = this.log.next;
      await this.writeSnapshot();
      // What failed meanwhile may have been written before the change that failed.
      if (failures === this.failures) {
        this.recovered();
        await this.removeBefore(first);
        this.rewrites += 1;
        this.bytesAfterRewrite = this.bytes;
      }
    } catch {
      // Counted where it happened.
    }
    this.rewriting = false;
    if (this.broken) this.retry();
  }

  private async writeSnapshot(): Promise<void> {
    let last: Promise<void> = Promise.resolve();
    for (const change of this.options.snapshot()) {
      last = this.forced(change);
      // Whether one failed shows in the count of failures.
      last.catch(() => {});
      if (this.log.pendingBytes > CHUNK_BYTES) await last;
    }
    await last;
  }

  private recovered(): void {
    if (!this.broken) return;
    this.broken = false;
    for (const done of this.held.splice(0)) done(undefined);
  }

  private forced(change: Change): Promise<void> {
    return new Promise((resolve, reject) => {
      this.log.append(encodeChange(change), (error) => {
        if (error === undefined) return resolve();
        this.fail(error);
        reject(error);
      });
    });
  }

  /** In their order, each for good before the next: what a later one takes back must not outlive it. */
  private async removeBefore(first: number): Promise<void> {
    const { files, folder } = this.options;
    for (const [file, { end }] of this.written) {
      // The file that grows may have no more than the mark of the beginning: there may be nothing to write anew.
      if (end > first || this.log.uses(file)) continue;
      const isGone = await new Promise<boolean>((resolve) => {
        files.unlink(file, (error) => {
          if (error !== null && (error as NodeJS.ErrnoException).code !== 'ENOENT') resolve(false);
          else forceFolderLater(files, folder, (failure) => resolve(failure === null));
        });
      });
      if (!isGone) return;
      this.written.delete(file);
    }
  }
}

/** For tests and tools: where the files are. */
export function filesIn(files: LogFiles, folder: string): string[] {
  let names: string[] = [];
  quietly(() => {
    names = files.readdirSync(folder).filter((name) => name.endsWith('.seg'));
  });
  return names.sort().map((name) => path.join(folder, name));
}
