import path from 'node:path';
import { copyLines, type Place, WRITE_BYTES } from './copy-lines.ts';
import { type Entry, MOST_LINE_BYTES } from './entries.ts';
import { codeOf, FILE_MODE, type Files, forceFolder, isAbsent, quietly, readAt, writeAll } from './files.ts';
import { FLAG_AT, linesOf, readHead, readState, WITHDRAWN } from './state-line.ts';

export interface Bounds {
  /** What has no more room is forgotten, beginning with what was written longest ago: names without end come and go over the years. */
  readonly names: number;
  readonly liveBytes: number;
  /** Outdated lines that the file may have, however few are live. */
  readonly garbageBytes: number;
}

export const BOUNDS: Bounds = { names: 50_000, liveBytes: 268_435_456, garbageBytes: 8_388_608 };
const HEADER: Buffer = Buffer.from('{"sluice":"states of codecs","version":1}\n');

/**
 * The file of a StateLog, which decides what to do about failures: here everything throws what the file system throws. An
 * `append` that threw must be followed by `withdraw` of its names, or by the end of the file.
 */
export class LogFile {
  /** Why lines at the beginning were given up, as a sentence. */
  damage: string | undefined;
  private readonly files: Files;
  private readonly file: string;
  private handle: number;
  /** Live lines, in the order in which they were written. */
  private index: Map<string, Place> = new Map();
  private live = 0;
  /** Where the next line goes: all before is good. */
  private end = 0;
  /** The file's name is not safe yet. */
  private unforced: boolean;
  private readonly bounds: Bounds;
  /** Garbage that is borne. */
  private patience: number;

  private constructor(files: Files, file: string, bounds: Bounds, handle: number, isNew: boolean) {
    this.files = files;
    this.file = file;
    this.handle = handle;
    this.unforced = isNew;
    this.bounds = bounds;
    this.patience = bounds.garbageBytes;
  }

  /** Reads the file, or makes it. Whoever calls holds the folder. */
  static open(files: Files, file: string, bounds?: Partial<Bounds>): LogFile {
    quietly(() => files.rmSync(besides(file), { force: true }));
    let handle: number;
    let isNew = false;
    try {
      handle = files.openSync(file, 'r+');
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
      handle = files.openSync(file, 'wx+', FILE_MODE);
      isNew = true;
    }
    const log = new LogFile(files, file, { ...BOUNDS, ...bounds }, handle, isNew);
    try {
      log.scan();
    } catch (error) {
      log.close();
      throw error;
    }
    return log;
  }

  get garbage(): number {
    return this.end === 0 ? 0 : this.end - HEADER.length - this.live;
  }

  /** More than half of it is outdated. */
  get isMostlyGarbage(): boolean {
    return this.garbage > this.live;
  }

  /** It is time to `compact`. */
  get isWasteful(): boolean {
    return this.garbage > Math.max(this.patience, this.live);
  }

  /** Names to forget, so that the bounds hold. */
  get surplus(): string[] {
    const names: string[] = [];
    let { live } = this;
    for (const [name, { length }] of this.index) {
      if (this.index.size - names.length <= this.bounds.names && live <= this.bounds.liveBytes) break;
      live -= length;
      names.push(name);
    }
    return names;
  }

  has(name: string): boolean {
    return this.index.has(name);
  }

  read(name: string): unknown {
    const place = this.index.get(name);
    return place === undefined ? undefined : readState(readAt(this.files, this.handle, place.offset, place.length - 1), name);
  }

  /** All of them are on the disk afterwards. */
  append(entries: readonly Entry[]): void {
    let at = this.end;
    let batch: Buffer[] = [];
    let bytes = 0;
    const write = (): void => {
      if (bytes > 0) writeAll(this.files, this.handle, batch.length === 1 ? (batch[0] as Buffer) : Buffer.concat(batch, bytes), at);
      at += bytes;
      batch = [];
      bytes = 0;
    };
    const lines = entries.map(({ line }) => line);
    for (const line of at === 0 ? [HEADER, ...lines] : lines) {
      batch.push(line);
      bytes += line.length;
      if (bytes >= WRITE_BYTES) write();
    }
    write();
    this.force();
    let offset = this.end === 0 ? HEADER.length : this.end;
    for (const { name, live, line } of entries) {
      this.note(name, live, { offset, length: line.length });
      offset += line.length;
    }
    this.end = at;
  }

  /** Cuts off what a failed `append` left, and marks in place that these names have no state: neither needs room on the disk. */
  withdraw(names: Iterable<string>): void {
    this.files.ftruncateSync(this.handle, this.end);
    for (const name of names) {
      const place = this.index.get(name);
      if (place === undefined) continue;
      writeAll(this.files, this.handle, WITHDRAWN, place.offset + FLAG_AT);
      this.note(name, false, place);
    }
    this.force();
  }

  /**
   * Copies what is live to a file beside and puts that in place. It throws before that without having changed anything, and
   * waits for more garbage until it is `isWasteful` again.
   */
  compact(): void {
    this.patience = this.garbage + this.bounds.garbageBytes;
    const { files } = this;
    const beside = besides(this.file);
    const handle = files.openSync(beside, 'w+', FILE_MODE);
    try {
      const { index, end } = copyLines(files, this.handle, handle, HEADER, this.index);
      files.fsyncSync(handle);
      files.renameSync(beside, this.file);
      this.close();
      this.handle = handle;
      this.index = index;
      this.end = end;
    } catch (error) {
      quietly(() => files.closeSync(handle));
      quietly(() => files.rmSync(beside, { force: true }));
      throw error;
    }
    this.unforced = true;
    this.patience = this.bounds.garbageBytes;
    this.force();
  }

  /** Somebody has removed or replaced it. */
  get isGone(): boolean {
    try {
      const [ours, there] = [this.files.fstatSync(this.handle), this.files.statSync(this.file)];
      return ours.ino !== there.ino || ours.dev !== there.dev;
    } catch (error) {
      if (isAbsent(error)) return true;
      throw error;
    }
  }

  close(): void {
    quietly(() => this.files.closeSync(this.handle));
  }

  private force(): void {
    this.files.fdatasyncSync(this.handle);
    if (!this.unforced) return;
    forceFolder(this.files, path.dirname(this.file));
    this.unforced = false;
  }

  /**
   * A line that cannot be read may have been the last of any name. So what stands before it may be outdated, and is given
   * up; what stands behind it is newer. An end without a line end was being written when the process or the machine ended,
   * so nothing that depends on it was acked: it is cut off.
   */
  private scan(): void {
    const { files, handle } = this;
    const read = (position: number, length: number): Buffer => readAt(files, handle, position, length);
    for (const { offset, length, bytes } of linesOf(read, MOST_LINE_BYTES)) {
      if (offset === 0 && bytes?.equals(HEADER.subarray(0, -1)) !== true) {
        this.damage = 'its first line is not of this version, so it begins anew';
        break;
      }
      this.end = offset + length;
      if (offset === 0) continue;
      const head = bytes === undefined ? undefined : readHead(bytes);
      if (head === undefined) {
        this.damage = `a line at byte ${offset} cannot be read, so what was written before it is forgotten`;
        this.index.clear();
        this.live = 0;
      } else this.note(head.name, head.live, { offset, length });
    }
    if (files.fstatSync(handle).size !== this.end) files.ftruncateSync(handle, this.end);
  }

  private note(name: string, live: boolean, place: Place): void {
    this.live -= this.index.get(name)?.length ?? 0;
    this.index.delete(name);
    if (!live) return;
    this.index.set(name, place);
    this.live += place.length;
  }
}

function besides(file: string): string {
  return `${file}.new`;
}
