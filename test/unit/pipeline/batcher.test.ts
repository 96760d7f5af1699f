import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Batcher, type Clock } from '../../../src/pipeline/batcher.ts';
import type { Batch } from '../../../src/pipeline/ports.ts';
import { destination, item } from './fixtures.ts';

/** As many bytes as an item of the fixtures has. */
const TEXT = Buffer.from('{"n":1}');

function setUp(): { batcher: Batcher; sealed: Batch[] } {
  const sealed: Batch[] = [];
  let id = 0;
  return { batcher: new Batcher({ nextId: () => `b${(id += 1)}`, config: () => 'v1', emit: (batch) => sealed.push(batch) }), sealed };
}

const clockAt = (monotonic: number, now: number): Clock => ({ monotonic: () => monotonic, now: () => now });

describe('Batcher', () => {
  it('seals by count, and not before', () => {
    const { batcher, sealed } = setUp();
    const to = destination({ batch: { count: 3, bytes: 1000, ageMs: 100 } });
    batcher.add(to, item(), TEXT, clockAt(0, 0));
    batcher.add(to, item(), TEXT, clockAt(0, 0));
    expect(sealed).toEqual([]);
    expect(batcher.size).toBe(2);
    batcher.add(to, item(), TEXT, clockAt(0, 5));
    expect(sealed).toMatchObject([{ id: 'b1', sealedBy: 'count', sealedAt: 5, bytes: 21 }]);
    expect(batcher.size).toBe(0);
  });

  it('decides by bytes before adding: a batch stays below, and a first item always fits', () => {
    const { batcher, sealed } = setUp();
    const to = destination({ batch: { count: 100, bytes: 10, ageMs: 100 } });
    batcher.add(to, item({ bytes: 8 }), Buffer.alloc(8, 'x'), clockAt(0, 0));
    batcher.add(to, item({ bytes: 3 }), Buffer.alloc(3, 'x'), clockAt(0, 0));
    expect(sealed).toMatchObject([{ sealedBy: 'bytes', bytes: 8 }]);
    batcher.add(to, item({ bytes: 50 }), Buffer.alloc(50, 'x'), clockAt(0, 0));
    expect(sealed.map((batch) => batch.bytes)).toEqual([8, 3, 50]);
    expect(batcher.size).toBe(0);
  });

  it('seals by age from the first item, so that a trickle cannot keep a batch open', () => {
    const { batcher, sealed } = setUp();
    const to = destination({ batch: { count: 100, bytes: 1000, ageMs: 100 } });
    for (const at of [0, 30, 60, 90]) {
      batcher.add(to, item(), TEXT, clockAt(at, at));
      batcher.due(at, at);
    }
    expect(sealed).toEqual([]);
    expect(batcher.nextDueAt()).toBe(100);
    batcher.due(100, 100);
    expect(sealed).toMatchObject([{ sealedBy: 'age', items: [{}, {}, {}, {}] }]);
    expect(batcher.nextDueAt()).toBeUndefined();
  });

  describe('without an age', () => {
    const to = destination({ batch: { count: 3, bytes: 1000, ageMs: 0 } });

    it('seals at the end of the turn what came in it', () => {
      const { batcher, sealed } = setUp();
      expect(batcher.add(to, item(), TEXT, clockAt(5, 0))).toBe(true);
      expect(batcher.add(to, item(), TEXT, clockAt(5, 0))).toBe(false);
      batcher.due(5, 0);
      expect(sealed).toEqual([]);
      batcher.endTurn(() => false, 7);
      expect(sealed).toMatchObject([{ sealedBy: 'age', sealedAt: 7, items: [{}, {}] }]);
      batcher.endTurn(() => false, 8);
      expect([batcher.size, sealed.length]).toEqual([0, 1]);
    });

    it('gathers while something of the destination is under way, and lets all of it go then', () => {
      const { batcher, sealed } = setUp();
      const other = destination({ batch: { count: 3, bytes: 1000, ageMs: 0 } }, 'other');
      for (const each of [to, other]) batcher.add(each, item(), TEXT, clockAt(0, 0));
      batcher.endTurn((key) => key === to.key, 0);
      expect(sealed.map(({ destination: { key } }) => key)).toEqual(['other']);
      batcher.add(to, item(), TEXT, clockAt(1, 1));
      // What was asked about once is not asked about again: the lane says so itself.
      batcher.endTurn(() => false, 1);
      batcher.freed('other', 2);
      expect(sealed).toHaveLength(1);
      batcher.freed(to.key, 3);
      expect(sealed[1]).toMatchObject({ sealedBy: 'age', sealedAt: 3, items: [{}, {}] });
    });

    it('seals by count meanwhile, and after a second', () => {
      const { batcher, sealed } = setUp();
      for (let i = 0; i < 4; i += 1) batcher.add(to, item(), TEXT, clockAt(10, 10));
      expect(sealed).toMatchObject([{ sealedBy: 'count', items: [{}, {}, {}] }]);
      batcher.endTurn(() => true, 10);
      expect(batcher.nextDueAt()).toBe(1010);
      batcher.due(1009, 0);
      expect(sealed).toHaveLength(1);
      batcher.due(1010, 0);
      expect(sealed[1]).toMatchObject({ sealedBy: 'age', items: [{}] });
    });

    it('leaves batches with an age alone', () => {
      const { batcher, sealed } = setUp();
      const slow = destination({ batch: { count: 3, bytes: 1000, ageMs: 50 } });
      batcher.add(slow, item(), TEXT, clockAt(0, 0));
      batcher.endTurn(() => false, 0);
      batcher.freed(slow.key, 0);
      expect(sealed).toEqual([]);
    });
  });

  it('loses no open batch where more destinations come than are kept', () => {
    const { batcher, sealed } = setUp();
    const open = destination({ batch: { count: 2, bytes: 1000, ageMs: 100 } });
    batcher.add({ ...open, key: 'open' }, item(), TEXT, clockAt(0, 0));
    const alone = destination({ batch: { count: 1, bytes: 1000, ageMs: 100 } });
    for (let i = 0; i < 25_000; i += 1) batcher.add({ ...alone, key: `alone-${i}` }, item(), TEXT, clockAt(0, 0));
    expect([sealed.length, batcher.size, batcher.nextDueAt()]).toEqual([25_000, 1, 100]);
    batcher.add({ ...open, key: 'open' }, item(), TEXT, clockAt(0, 0));
    expect(sealed.at(-1)).toMatchObject({ destination: { key: 'open' }, items: [{}, {}] });
    expect(batcher.size).toBe(0);
  });

  it('starts the age anew for each batch, and never seals an empty one', () => {
    const { batcher, sealed } = setUp();
    const to = destination({ batch: { count: 100, bytes: 1000, ageMs: 100 } });
    batcher.due(10_000, 0);
    batcher.add(to, item(), TEXT, clockAt(10_050, 0));
    batcher.due(10_100, 0);
    expect(sealed).toEqual([]);
    batcher.due(10_150, 0);
    expect(sealed).toHaveLength(1);
  });

  it('keeps destinations apart and finds the earliest due among different ages', () => {
    const { batcher, sealed } = setUp();
    const slow = destination({ batch: { count: 10, bytes: 1000, ageMs: 500 } }, 'slow');
    const quick = destination({ batch: { count: 10, bytes: 1000, ageMs: 50 } }, 'quick');
    expect(batcher.add(slow, item(), TEXT, clockAt(0, 0))).toBe(true);
    expect(batcher.add(quick, item(), TEXT, clockAt(10, 0))).toBe(true);
    expect(batcher.add(quick, item(), TEXT, clockAt(20, 0))).toBe(false);
    expect(batcher.nextDueAt()).toBe(60);
    batcher.due(60, 0);
    expect(sealed.map((batch) => [batch.destination.key, batch.items.length])).toEqual([['quick', 2]]);
    batcher.flush(70);
    expect(sealed.map((batch) => [batch.destination.key, batch.sealedBy])).toEqual([
      ['quick', 'age'],
      ['slow', 'drain'],
    ]);
  });

  it('keeps every item once, in order, within its limits, whatever comes', () => {
    const step = fc.record({ to: fc.integer({ min: 0, max: 2 }), bytes: fc.integer({ min: 1, max: 60 }), wait: fc.integer({ min: 0, max: 80 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const { batcher, sealed } = setUp();
        const to = [0, 1, 2].map((i) => destination({ batch: { count: 4, bytes: 100, ageMs: 25 * i } }, `k${i}`));
        let clock = 0;
        steps.forEach(({ to: i, bytes, wait }, n) => {
          clock += wait;
          batcher.due(clock, clock);
          if (wait % 4 === 0) batcher.endTurn(() => wait % 8 === 0, clock);
          if (wait % 5 === 0) batcher.freed('k0', clock);
          batcher.add(to[i] ?? destination(), item({ bytes, ageMs: n }), Buffer.alloc(bytes, 'x'), clockAt(clock, clock));
        });
        batcher.flush(clock);
        for (const batch of sealed) {
          expect(batch.items.length).toBeLessThanOrEqual(4);
          expect(batch.bytes <= 100 || batch.items.length === 1).toBe(true);
          expect(batch.bytes).toBe(batch.items.reduce((sum, each) => sum + each.bytes, 0));
          expect(batch.content.toString()).toBe(batch.items.map((each) => 'x'.repeat(each.bytes)).join(','));
        }
        for (const { key } of to) {
          const got = sealed.filter((batch) => batch.destination.key === key).flatMap((batch) => batch.items.map(({ ageMs }) => ageMs));
          expect(got).toEqual(
            steps
              .map((each, n) => ({ key: `k${each.to}`, n }))
              .filter((each) => each.key === key)
              .map((each) => each.n),
          );
        }
      }),
    );
  });
});
