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
});
