import type { Likeness } from '../codec/reading.ts';
import type { Reading } from '../domain/reading.ts';

/** Records on one page; a power of two. */
const PAGE_RECORDS = 512;
const SHIFT = 9;
/** Of a record: numbers first, words behind them; 128 bytes, two lines of a processor's cache. */
const DOUBLES = 16;
const WORDS = DOUBLES * 2;
/** No slot, no block. */
export const NONE = -1;

/** Numbers of a record. */
export const FIRST_SEEN = 0;
export const LAST_SEEN = 1;
export const MEASURED = 2;
/** NaN before the second message. */
export const INTERVAL = 3;
export const READINGS = 4;
export const REFUSED = 5;
export const LATE = 6;
/** When the row of the history that is being filled was begun. */
export const SAMPLED = 7;

/** Words of a record, behind the numbers. */
export const OLDER = 16;
export const NEWER = 17;
/** Block and bytes of its last reading, and how many of them are its id, where it was taken apart (pipeline/last-readings.ts); else `NONE`. */
export const TEXT = 18;
export const TEXT_BYTES = 19;
export const ID_BYTES = 29;
/** 1 where the text lacks something. */
export const CUT = 20;
export const FLAG_BITS = 21;
/** Block of its history. */
export const HISTORY = 22;
/** Rows that the block has room for, the oldest of them, and how many there are. */
export const CAPACITY = 23;
export const START = 24;
export const COUNT = 25;
/** 1 while the row being filled lacks a value that a later reading may bring. */
export const OPEN = 26;
export const HISTORY_OLDER = 27;
export const HISTORY_NEWER = 28;

const NOTHING: readonly never[] = [];

/** What readings of many devices have in common. */
export type Manner = Likeness | (Pick<Reading, 'profile' | 'flags'> & { readonly tail?: undefined });
const NO_MANNER: Manner = { profile: '', flags: undefined };

/**
 * What is known of devices, by slot: numbers in pages of 64 kB outside of V8's heap, which the collector does not look at, and texts as
 * references in lists. A slot that is left is taken again.
 */
export class DeviceRecords {
  readonly devices: string[] = [];
  /** Both of its newest reading. */
  readonly manners: Manner[] = [];
  readonly topics: string[] = [];
  /** All of its topics, the newest last; undefined while there is one. */
  readonly others: (string[] | undefined)[] = [];
  /** One count for each bit of `FLAG_BITS`, from the lowest: most devices have none or one. */
  readonly flagCounts: (readonly number[])[] = [];
  /** Names of the values in its history. */
  readonly names: (readonly string[])[] = [];
  private readonly numbers: Float64Array[] = [];
  private readonly words: Int32Array[] = [];
  private readonly free: number[] = [];

  /** A slot for a device, with nothing known of it but its topic. */
  enter(device: string, topic: string): number {
    const slot = this.free.pop() ?? this.devices.length;
    if (slot >> SHIFT === this.numbers.length) {
      const page = new Float64Array(PAGE_RECORDS * DOUBLES);
      this.numbers.push(page);
      this.words.push(new Int32Array(page.buffer));
    }
    const at = (slot % PAGE_RECORDS) * DOUBLES;
    this.numbers[slot >> SHIFT]?.fill(0, at, at + DOUBLES);
    this.name(slot, device, topic);
    for (const word of [OLDER, NEWER, TEXT, HISTORY, HISTORY_OLDER, HISTORY_NEWER]) this.setWord(slot, word, NONE);
    return slot;
  }

  /** Keeps nothing of it alive. */
  leave(slot: number): void {
    this.name(slot, '', '');
    this.free.push(slot);
  }

  /** The newest last. */
  topicsOf(slot: number): readonly string[] {
    return this.others[slot] ?? [this.topics[slot] as string];
  }

  number(slot: number, field: number): number {
    return (this.numbers[slot >> SHIFT] as Float64Array)[(slot % PAGE_RECORDS) * DOUBLES + field] as number;
  }

  setNumber(slot: number, field: number, value: number): void {
    (this.numbers[slot >> SHIFT] as Float64Array)[(slot % PAGE_RECORDS) * DOUBLES + field] = value;
  }

  word(slot: number, field: number): number {
    return (this.words[slot >> SHIFT] as Int32Array)[(slot % PAGE_RECORDS) * WORDS + field] as number;
  }

  setWord(slot: number, field: number, value: number): void {
    (this.words[slot >> SHIFT] as Int32Array)[(slot % PAGE_RECORDS) * WORDS + field] = value;
  }

  /** All references of a slot, with nothing that was there before. */
  private name(slot: number, device: string, topic: string): void {
    this.devices[slot] = device;
    this.manners[slot] = NO_MANNER;
    this.topics[slot] = topic;
    this.others[slot] = undefined;
    this.flagCounts[slot] = NOTHING;
    this.names[slot] = NOTHING;
  }
}

/** A chain of slots, linked by two words of their records. See `Chain`. */
export class SlotChain {
  oldest: number = NONE;
  newest: number = NONE;
  private readonly records: DeviceRecords;
  private readonly older: number;
  private readonly newer: number;

  constructor(records: DeviceRecords, older: number, newer: number) {
    this.records = records;
    this.older = older;
    this.newer = newer;
  }

  /** The slot must not be in it. */
  append(slot: number): void {
    const { records, newest } = this;
    records.setWord(slot, this.older, newest);
    records.setWord(slot, this.newer, NONE);
    if (newest === NONE) this.oldest = slot;
    else records.setWord(newest, this.newer, slot);
    this.newest = slot;
  }

  /** The slot must be in it. */
  remove(slot: number): void {
    const { records } = this;
    const older = records.word(slot, this.older);
    const newer = records.word(slot, this.newer);
    if (older === NONE) this.oldest = newer;
    else records.setWord(older, this.newer, newer);
    if (newer === NONE) this.newest = older;
    else records.setWord(newer, this.older, older);
  }

  /** Makes a slot that is in it the newest. */
  renew(slot: number): void {
    if (slot === this.newest) return;
    this.remove(slot);
    this.append(slot);
  }
}
