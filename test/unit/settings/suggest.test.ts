import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distance, hintFor, nearest } from '../../../src/settings/suggest.ts';

describe('distance', () => {
  it.each([
    ['', '', 0],
    ['abc', 'abc', 0],
    ['', 'abc', 3],
    ['kitten', 'sitting', 3],
    ['routingKye', 'routingKey', 1],
    ['hots', 'host', 1],
  ])('%j to %j is %i', (a, b, d) => {
    expect(distance(a, b)).toBe(d);
  });

  it('is symmetric, 0 only for equal texts, and at most the longer length', () => {
    const word = fc.string({ maxLength: 8, unit: fc.constantFrom('a', 'b', 'c') });
    fc.assert(
      fc.property(word, word, (a, b) => {
        const d = distance(a, b);
        expect(d).toBe(distance(b, a));
        expect(d === 0).toBe(a === b);
        expect(d).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
});

describe('nearest', () => {
  const keys = ['routingKey', 'exchange', 'batch', 'prefetch', 'maxDeliveries'];

  it.each([
    ['routing_key', 'routingKey'],
    ['routingkey', 'routingKey'],
    ['exchnage', 'exchange'],
    ['prefech', 'prefetch'],
    ['max-delivery', 'maxDeliveries'],
  ])('%s: did you mean %s', (word, meant) => {
    expect(nearest(word, keys)).toBe(meant);
  });

  it('suggests nothing for what is like nothing', () => {
    expect(nearest('zzz', keys)).toBeUndefined();
    expect(nearest('', keys)).toBeUndefined();
    expect(nearest('x'.repeat(100_000), keys)).toBeUndefined();
    expect(hintFor('zzz', ['a1', 'b2'])).toBe('known here: a1, b2');
    expect(hintFor('zzz', [])).toBe('there are none');
  });
});
