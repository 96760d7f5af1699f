import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SharedTexts } from '../../../src/domain/shared-texts.ts';

describe('SharedTexts', () => {
  it('answers the last record for one that says the same in the same order, and no other', () => {
    const shared = new SharedTexts();
    const first = shared.of({ a: '1', b: '2' });
    expect(shared.of({ a: '1', b: '2' })).toBe(first);
    for (const other of [{ a: '1', b: '3' }, { a: '1' }, { b: '2', a: '1' }, { a: '1', b: '2', c: '3' }, {}]) {
      expect(shared.of(other)).toBe(other);
      expect(shared.of(first)).toEqual(first);
    }
  });

  it('keeps no large record', () => {
    const shared = new SharedTexts();
    for (const make of [() => ({ a: 'x'.repeat(300) }), () => Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`n${i}`, 'u']))]) {
      shared.of(make());
      const again = make();
      expect(shared.of(again)).toBe(again);
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
