import { isAbsent } from '../../state/files.ts';
import type { LogFiles } from '../log/files.ts';
import { FileReader } from '../log/read-file.ts';
import type { KeptMessage, SpooledMessage } from '../ports.ts';
import { readMessage } from './message-record.ts';
import { type Damage, noteDamage, type Segment } from './segment.ts';
import type { Settled } from './settled.ts';

export interface ReaderOptions {
  readonly files: LogFiles;
  /** In order; it changes as segments come and go. */
  readonly segments: readonly Segment[];
  readonly settled: Settled;
  readonly damage: Damage;
  /** True: it is too old to be handed out, and counted. */
  readonly isExpired: (message: KeptMessage) => boolean;
  /** Nothing can be read now, for a reason that may pass. */
  readonly onUnreadable: (error: Error) => void;
  /** Numbers were settled because there is nothing, or nothing to hand out, under them. */
  readonly onPassed: () => void;
}

/** Hands out what is in the segments, in order. Windows are read one by one, so that the event loop is never held up for long. */
export class SpoolReader {
  /** Everything below was handed out, or passed because there is nothing. */
  cursor: number;
  /** Messages that are gone though nobody settled or dropped them: numbers missing within a segment, or at its damaged end. */
  lost = 0;
  private readonly options: ReaderOptions;
  private segment: Segment | undefined;
  private file: FileReader | undefined;
  /** What is being read was overtaken by a `rewind` or a new file. */
  private generation = 0;
  private isReading = false;
  private isClosed = false;
  /** When the last message that was handed out was received: what comes is not much older. */
  private floorAt = 0;
  /** Of each list that was handed out and is not wholly settled: its last number, and when its first message was received. */
  private readonly lists: { readonly last: number; readonly at: number }[] = [];

  constructor(options: ReaderOptions, cursor: number) {
    this.options = options;
    this.cursor = cursor;
  }

  /** Undefined: nothing can be read for now, and `onUnreadable` was called. */
  async read(maxBytes: number): Promise<SpooledMessage[] | undefined> {
    if (this.isReading) throw new Error('the spool is read again before it has answered');
    this.isReading = true;
    try {
      for (;;) {
        const found = this.isClosed ? [] : await this.step(maxBytes);
        if (found !== undefined) return found;
      }
    } catch (error) {
      // Too many open files, say: the messages are there, and are found by another try.
      this.reopen();
      this.options.onUnreadable(error as Error);
      return undefined;
    } finally {
      this.isReading = false;
      if (this.isClosed) await this.leave();
    }
  }

  rewind(): void {
    this.prune();
    this.cursor = this.options.settled.frontier;
    this.floorAt = this.lists[0]?.at ?? this.floorAt;
    this.lists.length = 0;
    this.reopen();
  }

  /** The file of a segment was replaced: what was read of the old one and is not handed out yet is read again. */
  reopen(): void {
    this.generation += 1;
    this.segment = undefined;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.generation += 1;
    if (!this.isReading) await this.leave();
  }

  /** About when the oldest message that is not settled was received: never later, at most some 256 KiB, or a segment, earlier. */
  get oldestAt(): number | undefined {
    this.prune();
    if (this.lists[0] !== undefined) return this.lists[0].at;
    const segment = this.options.segments.find(({ end }) => end > this.options.settled.frontier);
    return segment === undefined ? undefined : Math.max(segment.since, this.floorAt);
  }

  private prune(): void {
    while (this.lists[0] !== undefined && this.lists[0].last < this.options.settled.frontier) this.lists.shift();
  }

  /** Undefined: go on. */
  private async step(maxBytes: number): Promise<SpooledMessage[] | undefined> {
    const { generation } = this;
    const segment = this.options.segments.find(({ end }) => end > this.cursor);
    if (segment === undefined) return [];
    // Both as they are now: a segment may grow while it is read.
    const { bytes: limit, end } = segment;
    this.pass(segment.first);
    let file: FileReader;
    try {
      file = await this.fileOf(segment);
      if (generation !== this.generation) return undefined;
    } catch (error) {
      if (generation !== this.generation) return undefined;
      if (!isAbsent(error)) throw error;
      this.skip(segment, end);
      return undefined;
    }
    const isThere = await file.load(maxBytes, limit);
    if (generation !== this.generation) return undefined;
    const out = isThere ? this.collect(file, segment, end) : [];
    if (file.isAt(limit)) {
      const isTorn = this.cursor >= end;
      const gone = this.pass(end, segment);
      segment.missing = 0;
      if (file.scanner.openBytes > 0) this.lost += gone;
      noteDamage(segment, file.scanner, isTorn, this.options.damage);
    } else if (file.scanner.openBytes === 0) noteDamage(segment, file.scanner, false, this.options.damage);
    return out.length > 0 ? out : undefined;
  }

  private collect({ window, scanner }: FileReader, segment: Segment, end: number): SpooledMessage[] {
    const { settled, isExpired } = this.options;
    const out: SpooledMessage[] = [];
    let expired = false;
    while (scanner.next()) {
      const seq = scanner.number;
      if (seq < this.cursor || seq >= end) continue;
      this.lost += this.pass(seq, segment);
      if (settled.has(seq)) {
        this.cursor = seq + 1;
        continue;
      }
      const message = readMessage(window, scanner.start, scanner.end);
      // It stays below the cursor, and is passed with the next.
      if (message === undefined) continue;
      this.cursor = seq + 1;
      if (isExpired(message)) {
        settled.add(seq, seq + 1);
        expired = true;
      } else out.push({ seq, message });
    }
    const [first, last] = [out[0], out.at(-1)];
    if (first !== undefined && last !== undefined) {
      this.prune();
      this.lists.push({ last: last.seq, at: first.message.receivedAt });
      this.floorAt = last.message.receivedAt;
    }
    if (expired) this.options.onPassed();
    return out;
  }

  /** There is nothing before `to`. Answers how many messages are gone without having been dropped on purpose. */
  private pass(to: number, segment?: Segment): number {
    if (to <= this.cursor) return 0;
    const passed = this.options.settled.add(this.cursor, to);
    const known = Math.min(passed, segment?.missing ?? 0);
    if (segment !== undefined) segment.missing -= known;
    this.cursor = to;
    if (passed > 0) this.options.onPassed();
    return passed - known;
  }

  /** Somebody has removed the file. */
  private skip(segment: Segment, end: number): void {
    const { damage } = this.options;
    damage.regions += 1;
    damage.bytes += Math.max(0, segment.bytes - segment.damagedBytes);
    segment.damagedBytes = Math.max(segment.bytes, segment.damagedBytes);
    this.lost += this.pass(end, segment);
  }

  private async fileOf(segment: Segment): Promise<FileReader> {
    if (this.file !== undefined && this.segment === segment) return this.file;
    await this.leave();
    const { generation } = this;
    const file = await FileReader.open(this.options.files, segment.path, segment);
    this.file = file;
    // Otherwise it may be the one that was replaced meanwhile.
    if (generation === this.generation) this.segment = segment;
    return file;
  }

  private async leave(): Promise<void> {
    const { file } = this;
    this.file = undefined;
    this.segment = undefined;
    await file?.close();
  }
}
