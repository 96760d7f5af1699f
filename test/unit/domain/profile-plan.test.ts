import { describe, expect, it } from 'vitest';
import type { ProfileSpec } from '../../../src/domain/profile.ts';
import { checkProfile } from '../../../src/domain/profile-plan.ts';
import { profile, time } from '../pipeline/normalise-support.ts';

describe('checkProfile', () => {
  it.each<[string, Partial<ProfileSpec>]>([
    ['a plain one', {}],
    ['a tag that only one template captures', { topics: ['d/{device}', 'd/{device}/{channel...}'], tags: { channel: '{channel}' } }],
    ['a constant device', { topics: ['x'], device: 'boiler' }],
    ['a device from the payload', { topics: ['x'], device: '$.id' }],
    ['a table', { values: { a: '$.a', 'b.c': '$$.x[0]' }, units: { a: 'W', 'b.c': 'V' } }],
    ['all at once', { each: '$.list', time: time({ unit: 'iso', zone: '+02:00' }), sequence: '$$.seq', exclude: ['a.b'], scalar: 'v' }],
  ])('takes %s', (_, changes) => {
    expect(checkProfile(profile(changes))).toEqual([]);
  });

  it.each<[Partial<ProfileSpec>, string]>([
    [{ topics: [] }, 'topics: at least one'],
    [{ topics: ['d/{device}', 'a/#/b'] }, 'topics[1]: topic template "a/#/b": # may only be the last level'],
    [{ device: '{site}' }, 'device: no topic template captures {site}'],
    [{ topics: ['d/{device}', 'e/{other}'] }, 'device: the topic template "e/{other}" does not capture {device}'],
    [{ device: '' }, 'device: the source is empty'],
    [{ device: '$.a[' }, 'device: path "$.a[" cannot be read at position 3'],
    [{ deviceCheck: '{nobody}' }, 'deviceCheck: no topic template captures {nobody}'],
    [{ tags: { site: '{site}' } }, 'tags.site: no topic template captures {site}'],
    [{ tags: { '': '{device}' } }, 'tags: a name is empty'],
    [{ each: 'list' }, 'each: "list" is not a path'],
    [{ each: '$.list[' }, 'each: path "$.list["'],
    [{ values: 'all' }, 'values: "all" is not a path'],
    [{ values: {} }, 'values: the table is empty'],
    [{ values: { a: '$.a', 'a.b': '$.b' } }, 'values: "a.b" could be written by "a" too'],
    [{ values: { a: '$.a' }, exclude: ['b'] }, 'exclude: has no use'],
    [{ values: { a: '$.a' }, units: { b: 'W' } }, 'units: no value is named "b"'],
    [{ scalar: '' }, 'scalar: the name is empty'],
    [{ time: time({ zone: 'Europe/Berlin' }) }, 'time.zone: "Europe/Berlin" is not Z or an offset'],
    [{ time: time({ unit: 'h' as 's' }) }, 'time.unit: "h" is none of iso, s, ms, us, ns'],
    [{ time: time({ futureMs: -1 }) }, 'time.futureMs'],
    [{ time: time({ lateMs: Number.NaN }) }, 'time.lateMs'],
    [{ time: time({ from: '$..x' }) }, 'time.from: path'],
    [{ sequence: '{n' }, 'sequence: "{n"'],
  ])('refuses %j', (changes, problem) => {
    expect(checkProfile(profile(changes))).toEqual([expect.stringContaining(problem)]);
  });

  it('tells all problems at once', () => {
    expect(checkProfile(profile({ topics: ['a/#/b', 'd/{device}'], each: 'x', time: time({ zone: '' }) }))).toHaveLength(3);
  });
});
