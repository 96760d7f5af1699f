import path from 'node:path';
import { FILE_MODE } from '../../state/files.ts';
import { Batch, type Done, type OpenFile } from './batch.ts';
import { FILE_HEAD_BYTES, nameOf, newMarker, writeHead } from './file-id.ts';
import { forceFolderLater, type LogFiles, writeWhole } from './files.ts';
import { MOST_PAYLOAD_BYTES, RECORD_BYTES, seal } from './record.ts';

export interface AppenderOptions {
  readonly files: LogFiles;
  /** It is there, and this process owns it. */
  readonly folder: string;
  /** Four ASCII characters, for the head of the files. */
  readonly kind: string;
  /** A file that has so many bytes is followed by another one at the next batch. */
  readonly fileBytes: number;
  /** Number of the next record; one that no file in the folder has. */
  readonly next: number;
  readonly now: () => number;
  /** So many records from `first` on are on the disk, in `file`, which has `file.length` bytes now. Before their `done`. */
  readonly onCommitted: (file: OpenFile, first: number, count: number) => void;
  /** The records from `first` to before `end` are not; before their `done`. `error.code` tells ENOSPC from the others. */
  readonly onFailed: (error: Error, first: number, end: number) => void;
  /** Called with what begins a batch while nothing is being written: what comes in the same turn of the event loop goes along. */
  readonly soon?: (action: () => void) => void;
  readonly newMarker?: () => number;
}

/**
 * Appends records to files with group commit: while one write and its fdatasync are under way, what comes gathers and goes with
 * the next. `done` of the records are called in their order. The caller bounds what gathers (`pendingBytes`).
 *
 * After a failed fdatasync the kernel may have dropped what it could not write, and a second fdatasync may succeed without it
 * (fsync(2); https://wiki.postgresql.org/wiki/Fsync_Errors). So after any failure the file is cut back to what was durable
 * before and never written again; everything that waited fails, and the next record begins a new file. When to try that, and
 * whether records are taken meanwhile, is decided by the owner.
 */
export class Appender {
  /** Number that the next record gets. */
  next: number;
  writes = 0;
  syncs = 0;
  /** Milliseconds of the last fdatasync. */
  lastSyncMs = 0;
  private readonly options: AppenderOptions;
  private readonly files: LogFiles;
  private gathering: Batch = new Batch();
  private writing: Batch = new Batch();
  /** Where the last batch went, or goes. */
  private file: OpenFile | undefined;
  private busy = false;
  private scheduled = false;
  /** Files that are being closed. */
  private leaving = 0;
  private payloadAt = 0;
  private readonly whenIdle: (() => void)[] = [];

  constructor(options: AppenderOptions) {
    this.options = options;
    this.files = options.files;
    this.next = options.next;
  }

  /** Bytes that were appended and are neither on the disk nor failed. */
  get pendingBytes(): number {
    return this.gathering.length + (this.busy ? this.writing.length : 0);
  }

  get isIdle(): boolean {
    return !this.busy && this.gathering.length === 0;
  }

  /** Answers its number. */
  append(payload: Buffer, done: Done): number {
    const at = this.begin(payload.length);
    payload.copy(this.bytes, at);
    return this.end(done);
  }

  /** For a payload that is written straight into `bytes`, from where this says; `end` must follow at once. */
  begin(length: number): number {
    if (length > MOST_PAYLOAD_BYTES) throw new RangeError(`a record of ${length} bytes; ${MOST_PAYLOAD_BYTES} are possible`);
    const { gathering } = this;
    if (gathering.file === undefined) this.open(gathering);
    this.payloadAt = gathering.extend(RECORD_BYTES + length) + RECORD_BYTES;
    return this.payloadAt;
  }

  /** Valid until the next `begin` or `append`. */
  get bytes(): Buffer {
    return this.gathering.bytes;
  }

  end(done: Done): number {
    const { gathering, payloadAt } = this;
    const file = gathering.file as OpenFile;
    const number = this.next;
    this.next += 1;
    seal(gathering.bytes, payloadAt - RECORD_BYTES, gathering.length - payloadAt, file.marker, number - file.first);
    gathering.dones.push(done);
    if (!this.busy && !this.scheduled) {
      this.scheduled = true;
      (this.options.soon ?? setImmediate)(() => {
        this.scheduled = false;
        this.start();
      });
    }
    return number;
  }

  /** What is appended from now on goes to another file, save what goes along with records that wait already. */
  rotate(): void {
    const { file } = this;
    this.file = undefined;
    if (file !== undefined && this.isIdle) this.leave(file);
  }

  /** Something is being, or may be, written to this file. */
  uses(file: string): boolean {
    return this.file?.path === file || this.gathering.file?.path === file || this.writing.file?.path === file;
  }

  /** Calls back when everything appended so far is on the disk or has failed, and no file is open. */
  close(done: () => void): void {
    if (this.isIdle) this.rotate();
    if (this.isIdle && this.leaving === 0) done();
    else this.whenIdle.push(() => this.close(done));
  }

  /** Into which file a batch goes is decided with its first record: the records of a file carry its marker. */
  private open(batch: Batch): void {
    const { options, file } = this;
    batch.first = this.next;
    if (file !== undefined && file.length + (this.busy ? this.writing.length : 0) < options.fileBytes) {
      batch.file = file;
      return;
    }
    if (file !== undefined && !this.busy) this.leave(file);
    const id = { first: this.next, marker: (options.newMarker ?? newMarker)() };
    const fresh: OpenFile = { ...id, path: path.join(options.folder, nameOf(id)), handle: undefined, length: 0 };
    batch.file = fresh;
    this.file = fresh;
    const at = batch.extend(FILE_HEAD_BYTES);
    writeHead(batch.bytes, at, { ...id, kind: options.kind, since: options.now(), missing: 0 });
  }

  private start(): void {
    if (this.busy || this.gathering.length === 0) return;
    const batch = this.gathering;
    this.gathering = this.writing;
    this.writing = batch;
    this.busy = true;
    const file = batch.file as OpenFile;
    if (file.handle !== undefined) return this.write(batch, file, file.handle, false);
    this.files.open(file.path, 'wx', FILE_MODE, (error, handle) => {
      if (error !== null) return this.fail(error);
      file.handle = handle;
      this.write(batch, file, handle, true);
    });
  }

  private write(batch: Batch, file: OpenFile, handle: number, isNew: boolean): void {
    this.writes += 1;
    writeWhole(this.files, handle, batch.bytes, batch.length, file.length, (error) => {
      if (error !== null) return this.fail(error);
      const began = performance.now();
      this.syncs += 1;
      this.files.fdatasync(handle, (failure) => {
        this.lastSyncMs = performance.now() - began;
        if (failure !== null) return this.fail(failure);
        if (!isNew) return this.succeed(batch, file);
        forceFolderLater(this.files, this.options.folder, (reason) => (reason === null ? this.succeed(batch, file) : this.fail(reason)));
      });
    });
  }

  private succeed(batch: Batch, file: OpenFile): void {
    const { first, dones } = batch;
    file.length += batch.length;
    batch.reset();
    this.busy = false;
    if (file !== this.file && file !== this.gathering.file) this.leave(file);
    this.options.onCommitted(file, first, dones.length);
    // The disk works on while the records are answered.
    this.start();
    for (let i = 0; i < dones.length; i += 1) (dones[i] as Done)(undefined);
    this.idle();
  }

  private fail(error: Error): void {
    const { writing, gathering } = this;
    const file = writing.file as OpenFile;
    const dones = gathering.dones.length === 0 ? writing.dones : [...writing.dones, ...gathering.dones];
    gathering.reset();
    this.file = undefined;
    this.options.onFailed(error, writing.first, this.next);
    this.abandon(file, () => {
      writing.reset();
      this.busy = false;
      this.start();
      for (let i = 0; i < dones.length; i += 1) (dones[i] as Done)(error);
      this.idle();
    });
  }

  /** Nothing behind what was durable is to be found. Where that fails too, what is found was never acknowledged: that does no harm. */
  private abandon(file: OpenFile, done: () => void): void {
    const { handle } = file;
    if (handle === undefined) return done();
    file.handle = undefined;
    const { files } = this;
    const close = (): void => files.close(handle, () => done());
    if (file.length > 0) files.ftruncate(handle, file.length, close);
    else files.unlink(file.path, close);
  }

  /** Its records are on the disk. */
  private leave(file: OpenFile): void {
    const { handle } = file;
    file.handle = undefined;
    if (handle === undefined) return;
    this.leaving += 1;
    this.files.close(handle, () => {
      this.leaving -= 1;
      this.idle();
    });
  }

  private idle(): void {
    if (this.isIdle) for (const action of this.whenIdle.splice(0)) action();
  }
}
