import type { EpochMs } from '../domain/message.ts';
import type { Value } from '../domain/reading.ts';
import {
  CAPACITY,
  COUNT,
  type DeviceRecords,
  HISTORY,
  HISTORY_NEWER,
  HISTORY_OLDER,
  LAST_SEEN,
  NONE,
  OPEN,
  SAMPLED,
  SlotChain,
  START,
} from './device-records.ts';
import { type Slabs, sizeFor } from './slabs.ts';

/** Samples kept of one device at most. */
const SAMPLES = 60;
/** Least time between two samples. */
export const SAMPLE_MS = 5000;
/** Numeric values of one device that are followed. */
const NAMES = 8;
/** Rows of a history that begins: many devices report once a minute, or once. */
const FIRST_SAMPLES = 1;
/** History is only taken from devices that have been silent for this long: else a full store would take from each device just before it is seen again. */
const SILENT_MS = 60_000;

type Values = Readonly<Record<string, Value>>;

/** What is known of the values of a device over time. */
export interface Samples {
  readonly names: readonly string[];
  /** Oldest first. */
  readonly at: readonly EpochMs[];
  /** For each name its numbers, null where there was none. */
  readonly values: readonly (readonly (number | null)[])[];
}

/**
 * The histories of all devices, in blocks of slabs, within `maxBytes` together: rings of rows, each with its time and a number for each
 * name (NaN where there was none). Where there is no room the device that has been silent longest loses its history, if it has been
 * silent for a minute; else a history stays as long as it is, and its oldest sample makes room.
 */
export class HistoryStore {
  private readonly maxBytes: number;
  private readonly records: DeviceRecords;
  private readonly slabs: Slabs;
  private used = 0;
  /** In the order in which their devices were seen. */
  private readonly seen: SlotChain;
  private lastNames: readonly string[] = [];

  constructor(maxBytes: number, records: DeviceRecords, slabs: Slabs) {
    this.maxBytes = maxBytes;
    this.records = records;
    this.slabs = slabs;
    this.seen = new SlotChain(records, HISTORY_OLDER, HISTORY_NEWER);
  }

  /** Bytes of all blocks that hold a history. */
  get bytes(): number {
    return this.used;
  }

  /** A reading of a device came at `at`; `again`: on the topic of its last one. */
  add(slot: number, at: EpochMs, values: Values, again: boolean): void {
    const { records } = this;
    if (records.word(slot, HISTORY) === NONE) {
      this.start(slot, at, values);
      return;
    }
    const age = at - records.number(slot, SAMPLED);
    if (age >= 0 && age < SAMPLE_MS) {
      if (again && records.word(slot, OPEN) === 0) return;
      this.widen(slot, at, values);
      this.fill(slot, values);
      return;
    }
    this.seen.renew(slot);
    this.widen(slot, at, values);
    const capacity = records.word(slot, CAPACITY);
    if (records.word(slot, COUNT) === capacity && capacity < SAMPLES) {
      this.rebuild(slot, at, records.names[slot] as readonly string[], Math.min(SAMPLES, capacity * 2));
    }
    this.begin(slot, at, values);
  }

  /** Undefined where there is none. */
  read(slot: number): Samples | undefined {
    const { records, slabs } = this;
    const block = records.word(slot, HISTORY);
    if (block === NONE) return undefined;
    const names = records.names[slot] as readonly string[];
    const { page, at: from } = slabs.doubles(block);
    const at: EpochMs[] = [];
    const values: (number | null)[][] = names.map(() => []);
    for (let n = 0; n < records.word(slot, COUNT); n += 1) {
      const row = from + this.rowOf(slot, n);
      at.push(page[row] as number);
      for (const [i, list] of values.entries()) {
        const number = page[row + 1 + i] as number;
        list.push(Number.isNaN(number) ? null : number);
      }
    }
    return { names, at, values };
  }

  forget(slot: number): void {
    const { records, slabs } = this;
    const block = records.word(slot, HISTORY);
    if (block === NONE) return;
    this.used -= slabs.size(block);
    this.seen.remove(slot);
    slabs.give(block);
    records.setWord(slot, HISTORY, NONE);
  }

  private start(slot: number, at: EpochMs, values: Values): void {
    const names = this.namesIn(values, []);
    if (names.length === 0) return;
    const bytes = bytesOf(names, FIRST_SAMPLES);
    if (!this.room(sizeFor(bytes), at, NONE)) return;
    const block = this.slabs.take(bytes);
    this.used += this.slabs.size(block);
    const { records } = this;
    records.names[slot] = names;
    records.setWord(slot, HISTORY, block);
    records.setWord(slot, CAPACITY, FIRST_SAMPLES);
    records.setWord(slot, START, 0);
    records.setWord(slot, COUNT, 0);
    this.seen.append(slot);
    this.begin(slot, at, values);
  }

  /** A new row; where there is no room for one more it takes the place of the oldest. */
  private begin(slot: number, at: EpochMs, values: Values): void {
    const { records } = this;
    const capacity = records.word(slot, CAPACITY);
    const count = records.word(slot, COUNT);
    if (count === capacity) records.setWord(slot, START, (records.word(slot, START) + 1) % capacity);
    else records.setWord(slot, COUNT, count + 1);
    records.setNumber(slot, SAMPLED, at);
    const { page, at: from } = this.slabs.doubles(records.word(slot, HISTORY));
    const row = from + this.rowOf(slot, records.word(slot, COUNT) - 1);
    page[row] = at;
    page.fill(Number.NaN, row + 1, row + 1 + (records.names[slot] as readonly string[]).length);
    this.fill(slot, values);
  }

  /** Puts what is new into the row that was begun last: the first value of a name in its time stays. */
  private fill(slot: number, values: Values): void {
    const { records } = this;
    const names = records.names[slot] as readonly string[];
    const { page, at } = this.slabs.doubles(records.word(slot, HISTORY));
    const row = at + this.rowOf(slot, records.word(slot, COUNT) - 1);
    let open = 0;
    for (let i = 0; i < names.length; i += 1) {
      if (!Number.isNaN(page[row + 1 + i])) continue;
      const value = values[names[i] as string];
      if (typeof value === 'number') page[row + 1 + i] = value;
      else open = 1;
    }
    records.setWord(slot, OPEN, open);
  }

  /** Follows the names that are new, as far as there is room. */
  private widen(slot: number, at: EpochMs, values: Values): void {
    const known = this.records.names[slot] as readonly string[];
    if (known.length >= NAMES) return;
    const names = this.namesIn(values, known);
    if (names.length > known.length) this.rebuild(slot, at, names, this.records.word(slot, CAPACITY));
  }

  /** Into a block with room for these names and rows, where there is room for it. */
  private rebuild(slot: number, at: EpochMs, names: readonly string[], capacity: number): void {
    const { records, slabs } = this;
    const before = records.word(slot, HISTORY);
    const bytes = bytesOf(names, capacity);
    const more = sizeFor(bytes) - slabs.size(before);
    if (more > 0 && !this.room(more, at, slot)) return;
    const width = (records.names[slot] as readonly string[]).length + 1;
    const count = records.word(slot, COUNT);
    const block = slabs.take(bytes);
    const from = slabs.doubles(before);
    const to = slabs.doubles(block);
    for (let n = 0; n < count; n += 1) {
      const row = from.at + this.rowOf(slot, n);
      const target = to.at + n * (names.length + 1);
      for (let i = 0; i <= names.length; i += 1) to.page[target + i] = i < width ? (from.page[row + i] as number) : Number.NaN;
    }
    this.used += slabs.size(block) - slabs.size(before);
    slabs.give(before);
    records.names[slot] = names;
    records.setWord(slot, HISTORY, block);
    records.setWord(slot, CAPACITY, capacity);
    records.setWord(slot, START, 0);
  }

  /** Where row `n` begins in the block, the oldest being 0, in doubles. */
  private rowOf(slot: number, n: number): number {
    const { records } = this;
    return ((records.word(slot, START) + n) % records.word(slot, CAPACITY)) * ((records.names[slot] as readonly string[]).length + 1);
  }

  /** `known` and the names of the numbers in `values`; the same list for neighbours with the same names. */
  private namesIn(values: Values, known: readonly string[]): readonly string[] {
    let names: string[] | undefined;
    for (const name in values) {
      if (typeof values[name] !== 'number' || known.includes(name)) continue;
      if (known.length + (names?.length ?? 0) >= NAMES) break;
      (names ??= []).push(name);
    }
    if (names === undefined) return known;
    const all = [...known, ...names];
    const { lastNames } = this;
    if (lastNames.length === all.length && all.every((name, i) => name === lastNames[i])) return lastNames;
    this.lastNames = all;
    return all;
  }

  private room(bytes: number, at: EpochMs, asking: number): boolean {
    while (this.used + bytes > this.maxBytes) {
      const { oldest } = this.seen;
      if (oldest === NONE || oldest === asking || at - this.records.number(oldest, LAST_SEEN) < SILENT_MS) return false;
      this.forget(oldest);
    }
    return true;
  }
}

function bytesOf(names: readonly string[], rows: number): number {
  return rows * (names.length + 1) * Float64Array.BYTES_PER_ELEMENT;
}
