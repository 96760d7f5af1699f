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
    const pairs = fc.uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c', '1', '__proto__'), fc.constantFrom('x', 'y', 'z'.repeat(300))), {
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
            if (record.length === 0) {
              expect(answer).toBeUndefined();
              continue;
            }
            const other = given.of(made);
            expect(Object.entries(answer as object)).toEqual(Object.entries(other));
            // A number for a name changes its place in the record, so that the one that was told may be made anew.
            if (!('1' in made)) expect(answer === last).toBe(other === lastGiven);
            last = answer;
            lastGiven = other;
          }
        },
      ),
    );
  });
});
