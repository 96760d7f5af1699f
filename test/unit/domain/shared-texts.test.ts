import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SharedTexts } from '../../../src/domain/shared-texts.ts';

describe('SharedTexts', () => {
  it('answers one record for all that say the same in the same order, and no other', () => {
    const shared = new SharedTexts();
    const first = shared.of({ a: '1', b: '2' });
    expect(shared.of({ a: '1', b: '2' })).toBe(first);
    for (const other of [{ a: '1', b: '3' }, { a: '1' }, { b: '2', a: '1' }, { a: '1', b: '2', c: '3' }, {}]) {
      expect(shared.of(other)).toBe(other);
      expect(shared.of(first)).toEqual(first);
    }
  });

  it('tells records that take turns without making them anew', () => {
    const shared = new SharedTexts();
    const tell = (pairs: readonly (readonly [string, string])[]): object | undefined => {
      shared.begin();
      for (const [name, text] of pairs) shared.add(name, text);
      return shared.end();
    };
    const kinds = [
      [['a', 'x']],
      [
        ['a', 'x'],
        ['b', 'y'],
      ],
      [['a', 'y']],
      [
        ['b', 'y'],
        ['a', 'x'],
      ],
    ] as const;
    const first = kinds.map(tell);
    expect(new Set(first).size).toBe(kinds.length);
    for (let n = 0; n < 3; n += 1) for (const [i, pairs] of kinds.entries()) expect(tell(pairs)).toBe(first[i]);
    expect(tell([])).toBeUndefined();
  });

  it('takes a name and its text for no other name and text', () => {
    const shared = new SharedTexts();
    const first = shared.of({ a: 'bc' });
    const second = shared.of({ ab: 'c' });
    expect([first, second, shared.of({ '1 a': 'b' }), shared.of({ '1': ' ab' })]).toEqual([{ a: 'bc' }, { ab: 'c' }, { '1 a': 'b' }, { '1': ' ab' }]);
    expect([shared.of({ a: 'bc' }), shared.of({ ab: 'c' })]).toEqual([{ a: 'bc' }, { ab: 'c' }]);
  });

  it('forgets where there is no end of new records, and answers right', () => {
    const shared = new SharedTexts();
    const first = shared.of({ n: 'first' });
    expect(shared.keeps(first)).toBe(true);
    for (let n = 0; n < 5000; n += 1) {
      shared.begin();
      shared.add('n', String(n));
      shared.add('unit', 'Cel');
      expect(shared.end()).toEqual({ n: String(n), unit: 'Cel' });
    }
    expect(shared.of({ n: 'first' })).not.toBe(first);
  });

  it('keeps no large record', () => {
    const shared = new SharedTexts();
    for (const make of [() => ({ a: 'x'.repeat(300) }), () => Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`n${i}`, 'u']))]) {
      shared.of(make());
      const again = make();
      expect(shared.of(again)).toBe(again);
      expect(shared.keeps(again)).toBe(false);
    }
  });

  it('answers for a record that is told what it answers for one that is given', () => {
    const pairs = fc.uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c', '__proto__'), fc.constantFrom('x', 'y', 'z'.repeat(300))), {
      selector: ([name]) => name,
    });
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            pairs,
            fc.constantFrom<[string, string][]>(
              [['a', 'x']],
              [
                ['a', 'x'],
                ['b', 'y'],
              ],
            ),
          ),
          { maxLength: 12 },
        ),
        (records) => {
          const told = new SharedTexts();
          const given = new SharedTexts();
          let last: object | undefined;
          let lastGiven: object | undefined;
          for (const record of records) {
            const made: Record<string, string> = Object.create(null);
            told.begin();
            for (const [name, text] of record) {
              told.add(name, text);
              made[name] = text;
            }
            const answer = told.end();
            const other = record.length === 0 ? undefined : given.of(made);
            expect(Object.entries(answer ?? {})).toEqual(Object.entries(other ?? {}));
            expect([answer === undefined, answer === last]).toEqual([other === undefined, other === lastGiven]);
            last = answer;
            lastGiven = other;
          }
        },
      ),
    );
  });

  it('answers the same of a record that is told with numbers for names, which change their places in it', () => {
    const shared = new SharedTexts();
    for (let n = 0; n < 2; n += 1) {
      shared.begin();
      shared.add('b', 'x');
      shared.add('1', 'y');
      expect(shared.end()).toEqual({ 1: 'y', b: 'x' });
    }
  });
});
