import { describe, expect, it } from 'vitest';
import { type Historian, HistoryStore } from '../../../src/pipeline/device-history.ts';

const T = 1_700_000_000_000;
const S = 1000;

interface Owner extends Historian {
  lastSeenAt: number;
}

function owner(): Owner {
  return { history: undefined, lastSeenAt: T };
}

function add(store: HistoryStore, to: Owner, at: number, values: Record<string, number | string | boolean>, again = true): void {
  to.lastSeenAt = at;
  store.add(to, at, values, again);
}

describe('the history of a device', () => {
  it('has samples 5 s apart, 60 at most', () => {
    const store = new HistoryStore(1_000_000);
    const one = owner();
    for (let i = 0; i < 1000; i += 1) add(store, one, T + i * S, { t: i, name: 'x', on: true });
    const { at = [], values = [] } = one.history?.read() ?? {};
    expect(one.history?.names).toEqual(['t']);
    expect(at).toEqual(Array.from({ length: 60 }, (_, i) => T + (700 + i * 5) * S));
    expect(values).toEqual([Array.from({ length: 60 }, (_, i) => 700 + i * 5)]);
  });

  it('brings values of several topics together, and says where there was none', () => {
    const store = new HistoryStore(1_000_000);
    const one = owner();
    for (const at of [0, 10, 20]) {
      add(store, one, T + at * S, { t: at }, false);
      if (at !== 10) add(store, one, T + at * S + 50, { h: at + 1 }, false);
      add(store, one, T + at * S + 60, { t: 999 }, false);
    }
    expect(one.history?.names).toEqual(['t', 'h']);
    expect(one.history?.read()).toEqual({
      at: [T, T + 10 * S, T + 20 * S],
      values: [
        [0, 10, 20],
        [1, null, 21],
      ],
    });
  });

  it('follows eight values, the first that came', () => {
    const store = new HistoryStore(1_000_000);
    const one = owner();
    for (let i = 0; i < 20; i += 1) add(store, one, T + i * 5 * S, { [`v${i}`]: i });
    expect(one.history?.names).toEqual(['v0', 'v1', 'v2', 'v3', 'v4', 'v5', 'v6', 'v7']);
    expect(one.history?.read().values[7]?.[7]).toBe(7);
  });

  it('does not begin without a number', () => {
    const store = new HistoryStore(1_000_000);
    const one = owner();
    add(store, one, T, { name: 'x' });
    expect([one.history, store.bytes]).toEqual([undefined, 0]);
  });

  it('a clock that is set back begins a new sample', () => {
    const store = new HistoryStore(1_000_000);
    const one = owner();
    add(store, one, T, { t: 1 });
    add(store, one, T - 100 * S, { t: 2 });
    expect(one.history?.read()).toEqual({ at: [T, T - 100 * S], values: [[1, 2]] });
  });
});

describe('the store', () => {
  it('stays within its bytes: a device that has been silent for a minute makes room, the longest silent first', () => {
    const store = new HistoryStore(2000);
    const owners = Array.from({ length: 20 }, owner);
    for (const [i, one] of owners.entries()) add(store, one, T + i, { t: i });
    const first = owners.filter(({ history }) => history !== undefined);
    expect(first.length).toBeGreaterThan(3);
    expect(first.length).toBeLessThan(12);
    // All were seen just now: nobody loses what it has.
    expect(first).toEqual(owners.slice(0, first.length));
    const late = owners[19] as Owner;
    add(store, late, T + 61 * S, { t: 1 });
    expect([late.history === undefined, owners[0]?.history, owners[1]?.history === undefined]).toEqual([false, undefined, false]);
    expect(store.bytes).toBeLessThanOrEqual(2000);
  });

  it('a history that cannot grow loses its oldest sample', () => {
    const store = new HistoryStore(300);
    const one = owner();
    for (let i = 0; i < 10; i += 1) add(store, one, T + i * 5 * S, { t: i });
    expect(one.history?.read().values).toEqual([[6, 7, 8, 9]]);
    expect(store.bytes).toBeLessThanOrEqual(300);
  });

  it('holds nothing with 0 bytes, and gives back what is forgotten', () => {
    const none = new HistoryStore(0);
    const one = owner();
    add(none, one, T, { t: 1 });
    expect(one.history).toBeUndefined();
    const store = new HistoryStore(100_000);
    const owners = Array.from({ length: 10 }, owner);
    for (const each of owners) for (let i = 0; i < 100; i += 1) add(store, each, T + i * 5 * S, { t: i, [`x${i % 3}`]: 1 });
    expect(store.bytes).toBeGreaterThan(10_000);
    for (const each of owners.toReversed()) store.forget(each);
    expect(store.bytes).toBe(0);
  });
});
