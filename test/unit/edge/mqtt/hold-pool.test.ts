import { describe, expect, it } from 'vitest';
import { Counters } from '../../../../src/edge/mqtt/counters.ts';
import { HoldPool, type Waiter } from '../../../../src/edge/mqtt/limits/hold-pool.ts';
import { until } from './support.ts';

function client(pool: HoldPool, wants: number, bytes = 100): Waiter & { got: number } {
  return {
    got: 0,
    resume() {
      while (this.got < wants && pool.reserve(bytes, this)) this.got++;
    },
  };
}

describe('what all clients together may hold', () => {
  it('gives those who wait their turns in order of arrival, and nobody overtakes', async () => {
    const counters = new Counters();
    const pool = new HoldPool(100, 1e6, counters);
    const greedy = client(pool, 1000);
    const modest = client(pool, 10);
    greedy.resume();
    expect(greedy.got).toBe(100);
    modest.resume();
    expect(modest.got).toBe(0);
    pool.release(60, 6000);
    const late = client(pool, 1);
    late.resume();
    expect(late.got).toBe(0);
    await until('the turns', () => modest.got === 10 && late.got === 1);
    // 32 at a time: the greedy one had one turn before the others had theirs.
    expect(greedy.got).toBeLessThanOrEqual(100 + 60);
    expect(counters.heldMessagesNow).toBeLessThanOrEqual(100);
  });

  it('is not taken by large packets that stall', () => {
    const pool = new HoldPool(1000, 1_000_000, new Counters());
    const large = client(pool, 10, 300_000);
    large.resume();
    expect(large.got).toBe(1);
    const small = client(pool, 5);
    pool.leave(large);
    small.resume();
    expect(small.got).toBe(5);
  });

  it('wakes those behind one that leaves', async () => {
    const pool = new HoldPool(10, 1e6, new Counters());
    const first = client(pool, 12);
    first.resume();
    const second = client(pool, 1);
    second.resume();
    pool.release(5, 500);
    pool.leave(first);
    await until('the second', () => second.got === 1);
    expect(first.got).toBe(10);
  });
});
