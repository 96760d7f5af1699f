import { describe, expect, it } from 'vitest';
import { defaultCodecs, detachedEnvironment } from '../../../src/codec/registry.ts';
import type { ProfileSpec } from '../../../src/domain/profile.ts';
import { CodecMemory } from '../../../src/pipeline/codec-memory.ts';
import { compileRecipes } from '../../../src/pipeline/recipes.ts';
import { message, normaliser, profile, readings } from './normalise-support.ts';

const recipesOf = (...profiles: Partial<ProfileSpec>[]) =>
  compileRecipes(
    profiles.map((each) => profile(each)),
    defaultCodecs(),
    detachedEnvironment('test'),
    new CodecMemory(),
  ).map(({ recipe }) => recipe);

describe('profiles that say the same of their payloads', () => {
  const two = [profile({ name: 'a', topics: ['a/{device}'] }), profile({ name: 'b', topics: ['b/{device}'], ignore: ['b/status'] })];

  it('have one recipe, unless their codec remembers', () => {
    const [a, b, c] = recipesOf({ name: 'a' }, { name: 'b', topics: ['b/{device}'] }, { name: 'c', topics: ['c/{device}'], values: '$.x' });
    expect(b).toBe(a);
    expect(c).not.toBe(a);
    const sparkplug = { codec: 'sparkplug', topics: ['{device}/#'] };
    const [first, second] = recipesOf({ name: 'a', ...sparkplug }, { name: 'b', ...sparkplug });
    expect(second?.decoder).not.toBe(first?.decoder);
    const several = { codec: ['json', 'sparkplug'], topics: ['{device}/#'] };
    const [one, other] = recipesOf({ name: 'a', ...several }, { name: 'b', ...several });
    expect(other?.decoder).not.toBe(one?.decoder);
  });

  it('give their readings, and what is wrong, their own names', () => {
    const both = normaliser(two);
    for (const name of ['a', 'b', 'a']) {
      expect(readings(both.normalise(message('{"x":1}', { topic: `${name}/1` })))).toMatchObject([{ profile: name, device: '1', values: { x: 1 } }]);
      expect(both.normalise(message('3', { topic: `${name}/1` }))).toMatchObject({
        kind: 'fault',
        fault: { message: expect.stringContaining(`profile "${name}"`) },
      });
    }
    expect(both.normalise(message('{"x":1}', { topic: 'b/status' }))).toMatchObject({ kind: 'filtered', reason: 'ignored' });
    expect(both.normalise(message('{"x":1}', { topic: 'a/status' }))).toMatchObject({ kind: 'readings' });
  });

  it('name themselves in every fault', () => {
    const named = (changes: Partial<ProfileSpec>, body: string, more = {}): unknown => {
      const each = { each: '$.list', device: '$.id', ...changes };
      const both = normaliser([profile({ name: 'a', topics: ['a/+'], ...each }), profile({ name: 'b', topics: ['b/+'], ...each })]);
      return both.normalise(message(body, { topic: 'b/1', ...more }));
    };
    const fault = { kind: 'fault', fault: { message: expect.stringContaining('profile "b"') } };
    expect(named({}, '{}')).toMatchObject(fault);
    expect(named({}, '{"list":[{"x":1}]}')).toMatchObject(fault);
    expect(named({}, '{"list":[{"id":"d"}]}')).toMatchObject(fault);
    expect(named({ tags: { t: '$.t' } }, '{"list":[{"id":"d","x":1,"t":[]}]}')).toMatchObject(fault);
    expect(named({}, '{}', { contentEncoding: 'gzip' })).toMatchObject(fault);
  });

  it('watch the types of their devices each for itself', () => {
    const watching = normaliser(two.map((each) => ({ ...each, types: 'flag' as const })));
    const flags = (topic: string, body: string) => readings(watching.normalise(message(body, { topic })))[0]?.flags ?? [];
    expect(flags('a/1', '{"x":1}')).not.toContain('type-changed');
    expect(flags('b/1', '{"x":"one"}')).not.toContain('type-changed');
    expect(flags('b/1', '{"x":1}')).toContain('type-changed');
  });
});
