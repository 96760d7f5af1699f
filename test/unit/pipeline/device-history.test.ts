import { describe, expect, it } from 'vitest';
import { HistoryStore, type Samples } from '../../../src/pipeline/device-history.ts';
import { DeviceRecords, LAST_SEEN } from '../../../src/pipeline/device-records.ts';
import { sizeFor, Slabs } from '../../../src/pipeline/slabs.ts';

const T = 1_700_000_000_000;
const S = 1000;

class Store {
  readonly histories: HistoryStore;
  readonly slabs = new Slabs();
  private readonly records = new DeviceRecords();

  constructor(maxBytes: number) {
    this.histories = new HistoryStore(maxBytes, this.records, this.slabs);
  }

  owner(): number {
    return this.records.enter('d', 't');
  }

  add(slot: number, at: number, values: Record<string, number | string | boolean>, again = true): void {
    this.records.setNumber(slot, LAST_SEEN, at);
    this.histories.add(slot, at, values, again);
  }

  of(slot: number): Samples | undefined {
    return this.histories.read(slot);
  }

  get bytes(): number {
    return this.histories.bytes;
  }
}

describe('the history of a device', () => {
  it('has samples 5 s apart, 60 at most', () => {
    const store = new Store(1_000_000);
    const one = store.owner();
    for (let i = 0; i < 1000; i += 1) store.add(one, T + i * S, { t: i, name: 'x', on: true });
    const { at = [], values = [] } = store.of(one) ?? {};
    expect(store.of(one)?.names).toEqual(['t']);
    expect(at).toEqual(Array.from({ length: 60 }, (_, i) => T + (700 + i * 5) * S));
    expect(values).toEqual([Array.from({ length: 60 }, (_, i) => 700 + i * 5)]);
  });

  it('brings values of several topics together, and says where there was none', () => {
    const store = new Store(1_000_000);
    const one = store.owner();
    for (const at of [0, 10, 20]) {
      store.add(one, T + at * S, { t: at }, false);
      if (at !== 10) store.add(one, T + at * S + 50, { h: at + 1 }, false);
      store.add(one, T + at * S + 60, { t: 999 }, false);
    }
    expect(store.of(one)?.names).toEqual(['t', 'h']);
    expect(store.of(one)).toEqual({
      names: ['t', 'h'],
      at: [T, T + 10 * S, T + 20 * S],
      values: [
        [0, 10, 20],
        [1, null, 21],
      ],
    });
  });

  it('follows eight values, the first that came', () => {
    const store = new Store(1_000_000);
    const one = store.owner();
    for (let i = 0; i < 20; i += 1) store.add(one, T + i * 5 * S, { [`v${i}`]: i });
    expect(store.of(one)?.names).toEqual(['v0', 'v1', 'v2', 'v3', 'v4', 'v5', 'v6', 'v7']);
    expect(store.of(one)?.values[7]?.[7]).toBe(7);
  });

  it('does not begin without a number', () => {
    const store = new Store(1_000_000);
    const one = store.owner();
    store.add(one, T, { name: 'x' });
    expect([store.of(one), store.bytes]).toEqual([undefined, 0]);
  });

  it('a clock that is set back begins a new sample', () => {
    const store = new Store(1_000_000);
    const one = store.owner();
    store.add(one, T, { t: 1 });
    store.add(one, T - 100 * S, { t: 2 });
    expect(store.of(one)).toEqual({ names: ['t'], at: [T, T - 100 * S], values: [[1, 2]] });
  });
});

describe('the store', () => {
  it('stays within its bytes: a device that has been silent for a minute makes room, the longest silent first', () => {
    const store = new Store(6 * sizeFor(16));
    const owners = Array.from({ length: 20 }, () => store.owner());
    for (const [i, one] of owners.entries()) store.add(one, T + i, { t: i });
    // All were seen just now: nobody loses what it has.
    expect(owners.map((one) => store.of(one) !== undefined)).toEqual(owners.map((_, i) => i < 6));
    const late = owners[19] as number;
    store.add(late, T + 61 * S, { t: 1 });
    expect([store.of(late)?.at, store.of(owners[0] as number), store.of(owners[1] as number)?.at]).toEqual([[T + 61 * S], undefined, [T + 1]]);
    expect(store.bytes).toBe(6 * sizeFor(16));
  });

  it('a history that cannot grow loses its oldest sample', () => {
    const store = new Store(sizeFor(64));
    const one = store.owner();
    for (let i = 0; i < 10; i += 1) store.add(one, T + i * 5 * S, { t: i });
    expect(store.of(one)?.values).toEqual([[6, 7, 8, 9]]);
    // Nor can it follow another value.
    store.add(one, T + 46 * S, { h: 1 }, false);
    expect(store.of(one)?.names).toEqual(['t']);
    expect(store.bytes).toBeLessThanOrEqual(sizeFor(64));
  });

  it('holds nothing with 0 bytes, and gives back what is forgotten', () => {
    const none = new Store(0);
    const one = none.owner();
    none.add(one, T, { t: 1 });
    expect(none.of(one)).toBeUndefined();
    const store = new Store(100_000);
    const owners = Array.from({ length: 10 }, () => store.owner());
    for (let n = 0; n < 40; n += 1) {
      for (const each of owners) for (let i = 0; i < 100; i += 1) store.add(each, T + i * 5 * S, { t: i, [`x${i % 3}`]: 1 });
      expect(store.bytes).toBeGreaterThan(10_000);
      for (const each of owners.toReversed()) store.histories.forget(each);
      expect(store.bytes).toBe(0);
    }
    // A page of each of the sizes that a history had.
    expect(store.slabs.bytes).toBeLessThan(14 * 65_536);
  });

  it('keeps the histories of several devices apart while they grow, follow more values and go', () => {
    const store = new Store(1_000_000);
    const owners = Array.from({ length: 8 }, () => store.owner());
    for (let i = 0; i < 90; i += 1) {
      for (const [n, one] of owners.entries()) store.add(one, T + i * 5 * S, i % (n + 1) === 0 ? { t: n, [`v${n}`]: i } : { t: n }, false);
      if (i === 40) store.histories.forget(owners[3] as number);
    }
    for (const [n, one] of owners.entries()) {
      const { names, at = [], values = [] } = store.of(one) ?? {};
      const rows = Array.from({ length: n === 3 ? 49 : 60 }, (_, i) => (n === 3 ? 41 : 30) + i);
      expect(names).toEqual(['t', `v${n}`]);
      expect(at).toEqual(rows.map((i) => T + i * 5 * S));
      expect(values).toEqual([rows.map(() => n), rows.map((i) => (i % (n + 1) === 0 ? i : null))]);
    }
  });
});
