import { Chain, type Link } from '../domain/chain.ts';
import type { EpochMs } from '../domain/message.ts';
import type { Value } from '../domain/reading.ts';

/** Samples kept of one device at most. */
const SAMPLES = 60;
/** Least time between two samples. */
export const SAMPLE_MS = 5000;
/** Numeric values of one device that are followed. */
const NAMES = 8;
const FIRST_SAMPLES = 4;
/** A history in V8 beside its numbers: the object, its list, the array of the list. */
const OVERHEAD_BYTES = 192;
/** History is only taken from devices that have been silent for this long: else a full store would take from each device just before it is seen again. */
const SILENT_MS = 60_000;

type Values = Readonly<Record<string, Value>>;

/** Who has a history: one device. */
export interface Historian {
  history: History | undefined;
  readonly lastSeenAt: EpochMs;
}

/** The samples of one device: a ring of rows in one list of doubles, each with its time and one number a name (NaN where there was none). */
export class History implements Link<History> {
  names: readonly string[];
  older: History | undefined = undefined;
  newer: History | undefined = undefined;
  readonly owner: Historian;
  private rows: number[];
  private capacity: number;
  private start = 0;
  private count = 0;
  /** When the row being filled was begun. */
  sampledAt = 0;
  /** The row being filled lacks a value that a later reading may bring. */
  open = false;

  constructor(owner: Historian, names: readonly string[]) {
    this.owner = owner;
    this.names = names;
    this.capacity = FIRST_SAMPLES;
    this.rows = doubles(FIRST_SAMPLES * (names.length + 1));
  }

  get bytes(): number {
    return this.rows.length * 8 + OVERHEAD_BYTES;
  }

  /** Bytes that it would like to have more, for the next row; 0 when the next row fits or no more may be had. */
  get wanted(): number {
    if (this.count < this.capacity || this.capacity >= SAMPLES) return 0;
    return (Math.min(SAMPLES, this.capacity * 2) - this.capacity) * (this.names.length + 1) * 8;
  }

  grow(): void {
    this.rebuild(this.names, Math.min(SAMPLES, this.capacity * 2));
  }

  /** Bytes more with these names. */
  wantedFor(names: readonly string[]): number {
    return this.capacity * (names.length - this.names.length) * 8;
  }

  rename(names: readonly string[]): void {
    this.rebuild(names, this.capacity);
  }

  begin(at: EpochMs, values: Values): void {
    if (this.count === this.capacity) this.start = (this.start + 1) % this.capacity;
    else this.count += 1;
    this.sampledAt = at;
    const row = this.rowAt(this.count - 1);
    this.rows[row] = at;
    for (let i = 1; i <= this.names.length; i += 1) this.rows[row + i] = Number.NaN;
    this.fill(values);
  }

  /** Puts what is new into the row that was begun last: the first value of a name in its time stays. */
  fill(values: Values): void {
    const row = this.rowAt(this.count - 1);
    let open = false;
    for (let i = 0; i < this.names.length; i += 1) {
      if (!Number.isNaN(this.rows[row + 1 + i])) continue;
      const value = values[this.names[i] as string];
      if (typeof value === 'number') this.rows[row + 1 + i] = value;
      else open = true;
    }
    this.open = open;
  }

  /** Times, and for each name its numbers, oldest first. */
  read(): { readonly at: number[]; readonly values: (number | null)[][] } {
    const at: number[] = [];
    const values: (number | null)[][] = this.names.map(() => []);
    for (let n = 0; n < this.count; n += 1) {
      const row = this.rowAt(n);
      at.push(this.rows[row] as number);
      for (const [i, list] of values.entries()) {
        const number = this.rows[row + 1 + i] as number;
        list.push(Number.isNaN(number) ? null : number);
      }
    }
    return { at, values };
  }

  private rowAt(n: number): number {
    return ((this.start + n) % this.capacity) * (this.names.length + 1);
  }

  private rebuild(names: readonly string[], capacity: number): void {
    const rows = doubles(capacity * (names.length + 1));
    for (let n = 0; n < this.count; n += 1) {
      const from = this.rowAt(n);
      const to = n * (names.length + 1);
      for (let i = 0; i <= this.names.length; i += 1) rows[to + i] = this.rows[from + i] as number;
    }
    this.rows = rows;
    this.names = names;
    this.capacity = capacity;
    this.start = 0;
  }
}

/** A list that V8 keeps as plain doubles from the start, 8 bytes each. */
function doubles(length: number): number[] {
  // oxlint-disable-next-line unicorn/no-new-array -- `Array.from` makes a list of references first, and it stays one
  return new Array<number>(length).fill(Number.NaN);
}

/**
 * The histories of all devices, within `maxBytes` together. Where there is no room the device that has been silent longest
 * loses its history, if it has been silent for a minute; else a history stays as long as it is, and its oldest sample makes room.
 */
export class HistoryStore {
  private readonly maxBytes: number;
  private used = 0;
  /** In the order in which their devices were seen. */
  private readonly seen = new Chain<History>();
  private lastNames: readonly string[] = [];

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.used;
  }

  /** A reading of a device came at `at`; `again`: on the topic of its last one. */
  add(owner: Historian, at: EpochMs, values: Values, again: boolean): void {
    const { history } = owner;
    if (history === undefined) {
      this.begin(owner, at, values);
      return;
    }
    const age = at - history.sampledAt;
    if (age >= 0 && age < SAMPLE_MS) {
      if (again && !history.open) return;
      this.widen(history, at, values);
      history.fill(values);
      return;
    }
    this.seen.renew(history);
    this.widen(history, at, values);
    if (history.wanted > 0 && this.room(history.wanted, at, history)) {
      this.used += history.wanted;
      history.grow();
    }
    history.begin(at, values);
  }

  forget(owner: Historian): void {
    const { history } = owner;
    if (history === undefined) return;
    this.used -= history.bytes;
    this.seen.remove(history);
    owner.history = undefined;
  }

  private begin(owner: Historian, at: EpochMs, values: Values): void {
    const names = this.namesIn(values, []);
    if (names.length === 0) return;
    const bytes = FIRST_SAMPLES * (names.length + 1) * 8 + OVERHEAD_BYTES;
    if (!this.room(bytes, at, undefined)) return;
    const history = new History(owner, names);
    owner.history = history;
    this.used += history.bytes;
    this.seen.append(history);
    history.begin(at, values);
  }

  /** Follows the names that are new, as far as there is room. */
  private widen(history: History, at: EpochMs, values: Values): void {
    if (history.names.length >= NAMES) return;
    const names = this.namesIn(values, history.names);
    const more = history.wantedFor(names);
    if (more === 0 || !this.room(more, at, history)) return;
    this.used += more;
    history.rename(names);
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

  private room(bytes: number, at: EpochMs, asking: History | undefined): boolean {
    while (this.used + bytes > this.maxBytes) {
      const { oldest } = this.seen;
      if (oldest === undefined || oldest === asking || at - oldest.owner.lastSeenAt < SILENT_MS) return false;
      this.forget(oldest.owner);
    }
    return true;
  }
}
