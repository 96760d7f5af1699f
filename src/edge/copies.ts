import { answer, type Entry } from './entry.ts';
import type { SpoolPort } from './ports.ts';

export interface CopiesOptions {
  readonly spool: SpoolPort;
  /** The spool is full. */
  readonly onFull: () => void;
  /** What was on its way to the disk could not be written, and is still owed. */
  readonly onFailed: (entry: Entry, inMemory: boolean) => void;
}

/** What the keeper has in the spool: writes it, answers devices when it is there, and takes it out when it is forwarded. */
export class Copies {
  private readonly options: CopiesOptions;
  /** Places of the entries in memory that have a copy. Not the entries: see Chain for why. */
  private readonly held = new Set<number>();
  /** Of them, are gone from memory and still being written. */
  private late = 0;
  /** Of them, are in memory and still being written. */
  private early = 0;
  /** On their way to the spool alone. */
  private lone = 0;

  constructor(options: CopiesOptions) {
    this.options = options;
  }

  /** Entries in memory whose copy is on the disk. */
  get durable(): number {
    return this.held.size - this.late - this.early;
  }

  /** Messages that are nowhere but on their way to the disk. */
  get alone(): number {
    return this.lone;
  }

  /** Writes that are not on the disk yet. */
  get writing(): number {
    return this.late + this.early + this.lone;
  }

  /** Whether memory has what stands at this place. */
  has(seq: number): boolean {
    return this.held.has(seq);
  }

  /** Writes an entry that is (`inMemory`), or is not, in memory. False where the spool does not take it now. */
  write(entry: Entry, inMemory: boolean): boolean {
    const seq = this.options.spool.append(entry.message, (error) => this.written(entry, error));
    if (typeof seq !== 'number') {
      if (seq === 'full') this.options.onFull();
      return false;
    }
    entry.seq = seq;
    entry.writing = true;
    if (inMemory) {
      this.held.add(seq);
      this.early += 1;
    } else this.lone += 1;
    return true;
  }

  /** Read from the spool into memory. */
  adopt(entry: Entry, seq: number): void {
    entry.seq = seq;
    this.held.add(seq);
  }

  /** The entry is gone: its copy, if any, goes as well. */
  release(entry: Entry): void {
    if (entry.writing) {
      this.early -= 1;
      this.late += 1;
    } else if (entry.seq !== 0) this.settle(entry.seq);
  }

  private written(entry: Entry, error: Error | undefined): void {
    const { seq } = entry;
    entry.writing = false;
    if (!this.held.has(seq)) this.lone -= 1;
    else if (entry.gone) this.late -= 1;
    else this.early -= 1;
    if (error === undefined) {
      answer(entry);
      if (entry.gone) this.settle(seq);
      return;
    }
    entry.seq = 0;
    const inMemory = this.held.delete(seq);
    if (!entry.gone) this.options.onFailed(entry, inMemory);
  }

  private settle(seq: number): void {
    this.held.delete(seq);
    this.options.spool.settle(seq);
  }
}
