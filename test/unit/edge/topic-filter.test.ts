import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { covers, filterProblem, levelsOf, matches } from '../../../src/edge/topic-filter.ts';

const fits = (filter: string, topic: string): boolean => matches(levelsOf(filter), topic);
const inside = (outer: string, inner: string): boolean => covers(levelsOf(outer), levelsOf(inner));

const LEVEL = fc.constantFrom('', 'a', 'b', 'c');
const TOPIC = fc.array(LEVEL, { minLength: 1, maxLength: 5 }).map((levels) => levels.join('/'));
const FILTER = fc
  .tuple(fc.array(fc.oneof(LEVEL, fc.constant('+')), { minLength: 0, maxLength: 4 }), fc.boolean())
  .map(([levels, rest]) => [...levels, ...(rest || levels.length === 0 ? ['#'] : [])].join('/'))
  .filter((filter) => filter !== '');

describe('a topic filter', () => {
  it.each([
    ['a/b', 'a/b', true],
    ['a/b', 'a/b/', false],
    ['a/#', 'a', true],
    ['a/#', 'a/b/c', true],
    ['a/#', 'ab', false],
    ['a/+', 'a', false],
    ['a/+', 'a/', true],
    ['a/+/#', 'a', false],
    ['a/+/#', 'a/x', true],
    ['+/+', '/finance', true],
    ['#', '$SYS/x', false],
    ['+/x', '$SYS/x', false],
    ['$SYS/#', '$SYS/x', true],
    ['{x}/[', '{x}/[', true],
  ])('%s and the topic %s: %s (MQTT 4.7)', (filter, topic, expected) => {
    expect(fits(filter, topic)).toBe(expected);
  });

  it.each([
    ['devices/a/#', 'devices/a/+/x', true],
    ['devices/a/#', 'devices/a', true],
    ['devices/a/#', '#', false],
    ['devices/a/#', 'devices/#', false],
    ['devices/a/#', 'devices/+/x', false],
    ['devices/+/x', 'devices/+/x', true],
    ['devices/+', 'devices/#', false],
    ['devices/+/#', 'devices/#', false],
    ['#', '+/x/#', true],
  ])('%s covers %s: %s', (outer, inner, expected) => {
    expect(inside(outer, inner)).toBe(expected);
  });

  it('that covers another one matches all that this matches', () => {
    let covered = 0;
    fc.assert(
      fc.property(FILTER, FILTER, TOPIC, (outer, inner, topic) => {
        if (!inside(outer, inner)) return;
        covered += 1;
        expect(!fits(inner, topic) || fits(outer, topic)).toBe(true);
      }),
      { numRuns: 5_000 },
    );
    expect(covered).toBeGreaterThan(150);
  });

  it('is refused for what MQTT does not allow', () => {
    expect(['', 'a/b#', 'a+/b', '#/a', 'a/#/b', 'a\0b'].filter((filter) => filterProblem(filter) === undefined)).toEqual([]);
    expect(['a', '/', '+', '#', '+/+/#', 'a//b', '{x}'].filter((filter) => filterProblem(filter) !== undefined)).toEqual([]);
  });
});
