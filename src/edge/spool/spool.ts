import { quietly } from '../../state/files.ts';
import { Appender } from '../log/appender.ts';
import type { Done, OpenFile } from '../log/batch.ts';
import { RECORD_BYTES } from '../log/record.ts';
import type { KeptMessage, SpooledMessage, SpoolPort, SpoolRefusal } from '../ports.ts';
import { dropOldestQos0 } from './drop.ts';
import { Health } from './health.ts';
import { Listeners } from './listeners.ts';
import type { Mark, MarkState } from './mark.ts';
import { recordBytes, writeMessage } from './message-record.ts';
import { type OpenedFolder, openFolder } from './open-folder.ts';
import { type Defaulted, type SpoolOptions, withDefaults } from './options.ts';
import { SpoolReader } from './reader.ts';
import { type Damage, SPOOL_KIND } from './segment.ts';
import { Settled } from './settled.ts';
import { Shelf } from './shelf.ts';
import { type SpoolStats, statsOf } from './spool-stats.ts';
import { Sweeper } from './sweep.ts';

/** See SpoolPort. Besides: everything it does on the disk while it runs is asynchronous, save for locking, marking and renaming. */
export class Spool implements SpoolPort {
  private readonly options: Defaulted;
  private readonly opened: OpenedFolder;
  private readonly shelf: Shelf;
  private readonly settled: Settled;
  private readonly damage: Damage;
  private readonly mark: Mark;
  private readonly appender: Appender;
  private readonly reader: SpoolReader;
  private readonly sweeper: Sweeper;
  private readonly health: Health;
  private readonly room: Listeners = new Listeners();
  private readonly readable: Listeners = new Listeners();
  /** Behind the last number that is on the disk, or has failed. */
  private behind: number;
  private wantsRoom = false;
  private stopMarking: (() => void) | undefined;
  private marked: MarkState;
  private expired = 0;
  private droppedQos0 = 0;
  private dropping: Promise<unknown> = Promise.resolve();
  private closing: Promise<void> | undefined;

  private constructor(options: Defaulted, opened: OpenedFolder, damage: Damage) {
    const { files, scheduler } = options;
    this.options = options;
    this.opened = opened;
    this.damage = damage;
    this.mark = opened.mark;
    this.shelf = new Shelf(opened.segments);
    this.settled = new Settled(opened.frontier);
    this.behind = opened.next;
    this.marked = this.state;
    this.appender = new Appender({
      ...options,
      kind: SPOOL_KIND,
      fileBytes: options.segmentBytes,
      next: opened.next,
      now: () => scheduler.now(),
      onCommitted: (file, first, count) => this.committed(file, first + count),
      onFailed: (error, first, end) => this.failed(error, first, end),
    });
    this.reader = new SpoolReader(
      {
        files,
        segments: this.shelf.segments,
        settled: this.settled,
        damage,
        isExpired: (message) => this.isExpired(message),
        onPassed: () => this.moved(),
        onUnreadable: (error) => this.health.unreadable(error, () => this.readable.call()),
      },
      opened.frontier,
    );
    this.sweeper = new Sweeper({
      files,
      shelf: this.shelf,
      mark: this.mark,
      state: () => this.state,
      appender: this.appender,
      onFreed: () => this.hasRoom(),
      onLeft: () => this.markLater(),
    });
    this.health = new Health({ ...options, lock: opened.lock, onWritable: () => this.hasRoom() });
  }

  /** Takes the folder. Throws SpoolUnusable where that is impossible, and never for what is in it. */
  static open(options: SpoolOptions): Spool {
    const all = withDefaults(options);
    const damage: Damage = { regions: 0, bytes: 0, tornTails: 0 };
    const spool = new Spool(all, openFolder(all.files, all.folder, damage, all.warn), damage);
    spool.sweeper.sweep();
    return spool;
  }

  get nextSeq(): number {
    return this.appender.next;
  }

  get frontier(): number {
    return this.settled.frontier;
  }

  append(message: KeptMessage, done: Done): number | SpoolRefusal {
    if (!this.health.isWritable || this.closing !== undefined) {
      this.wantsRoom = true;
      return 'unwritable';
    }
    const { appender } = this;
    const length = recordBytes(message);
    if (this.shelf.bytes + appender.pendingBytes + length + RECORD_BYTES > this.options.maxBytes) return this.full();
    const at = appender.begin(length);
    writeMessage(appender.bytes, at, length, message);
    return appender.end(done);
  }

  async read(maxBytes: number): Promise<readonly SpooledMessage[] | undefined> {
    // Whoever has taken the folder forwards what is in it.
    return this.health.isOurs ? await this.reader.read(maxBytes) : [];
  }

  settle(seq: number): void {
    const { frontier } = this.settled;
    if (seq < this.behind) this.settled.add(seq, seq + 1);
    if (this.settled.frontier !== frontier) this.moved();
  }

  rewind(): void {
    this.reader.rewind();
  }

  onRoom(listener: () => void): () => void {
    return this.room.add(listener);
  }

  onReadable(listener: () => void): () => void {
    return this.readable.add(listener);
  }

  /**
   * Drops the oldest QoS 0 messages that were not handed out, until about `bytes` are free; answers how many. Messages of QoS 1
   * and 2 were acknowledged: they stay. It writes a segment anew beside itself, so it needs room for one on the disk. Never rejects.
   */
  dropOldestQos0(bytes: number): Promise<number> {
    const next = this.dropping.then(() =>
      this.closing === undefined && this.health.isOurs
        ? dropOldestQos0(bytes, { ...this.options, shelf: this.shelf, damage: this.damage, appender: this.appender, reader: this.reader })
        : 0,
    );
    this.dropping = next;
    return next.then((dropped) => {
      this.droppedQos0 += dropped;
      if (dropped > 0) this.hasRoom();
      return dropped;
    });
  }

  stats(): SpoolStats {
    const { options, opened, expired, droppedQos0, behind, settled, shelf, appender, damage, reader, health } = this;
    return statsOf({ options, opened, expired, droppedQos0, behind, settled, shelf, appender, damage, reader, health });
  }

  /** Everything appended is on the disk or has failed; the mark says where this ends, and the folder is left to others. */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    await new Promise<void>((resolve) => this.appender.close(resolve));
    await this.dropping;
    await this.reader.close();
    await this.health.close();
    this.stopMarking?.();
    await new Promise<void>((resolve) => this.sweeper.settle(resolve));
    if (this.health.isOurs) {
      await new Promise<void>((resolve) => this.mark.write(this.state, true, () => resolve()));
      this.sweeper.sweep();
      await new Promise<void>((resolve) => this.sweeper.settle(resolve));
    }
    this.stopMarking?.();
    this.mark.close();
    this.health.release();
  }

  private get state(): MarkState {
    return { frontier: this.settled.frontier, next: this.behind };
  }

  private full(): SpoolRefusal {
    this.wantsRoom = true;
    // What is full and settled can go only when nothing more is appended to it.
    this.appender.rotate();
    this.sweep();
    return 'full';
  }

  private committed(file: OpenFile, end: number): void {
    const count = this.shelf.segments.length;
    this.shelf.grow(file, end, this.options.scheduler.now());
    this.behind = end;
    if (this.shelf.segments.length !== count) this.health.look();
    this.markLater();
    this.sweep();
    this.readable.call();
  }

  private failed(error: Error, first: number, end: number): void {
    this.wantsRoom = true;
    this.behind = end;
    this.settled.add(first, end);
    this.health.fail(error);
    this.moved();
  }

  /** The frontier, most likely. */
  private moved(): void {
    this.markLater();
    this.sweep();
  }

  private sweep(): void {
    if (this.health.isOurs) this.sweeper.sweep();
  }

  private hasRoom(): void {
    if (!this.wantsRoom || !this.health.isWritable || this.closing !== undefined) return;
    this.wantsRoom = false;
    this.room.call();
  }

  private isExpired(message: KeptMessage): boolean {
    const { maxAgeSeconds, scheduler } = this.options;
    if (maxAgeSeconds === undefined || scheduler.now() - message.receivedAt <= maxAgeSeconds * 1_000) return false;
    this.expired += 1;
    return true;
  }

  private markLater(): void {
    this.stopMarking ??= this.options.scheduler.after(this.options.markMs, () => {
      this.stopMarking = undefined;
      quietly(() => this.health.look());
      if (!this.health.isOurs) return;
      const { state } = this;
      if (state.frontier !== this.marked.frontier || state.next !== this.marked.next) {
        this.mark.write(state, false, (error) => {
          if (error === null) this.marked = state;
          else this.markLater();
        });
      }
      this.sweep();
    });
  }
}
