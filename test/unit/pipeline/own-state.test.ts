import { describe, expect, it } from 'vitest';
import { CodecRegistry, detachedEnvironment, type PayloadCodec } from '../../../src/codec/registry.ts';
import { CodecMemory } from '../../../src/pipeline/codec-memory.ts';
import { compileRecipes } from '../../../src/pipeline/recipes.ts';
import { profile } from './normalise-support.ts';

/** A codec with a memory that saves one state under a name that devices choose. */
function remembering(name: string, key: string): PayloadCodec {
  return {
    name,
    contentType: 'text/plain',
    stateful: true,
    checkOptions: () => [],
    create: (_, environment) => {
      environment.save(key, () => environment.load(key));
      return { decode: () => ({ ok: true, value: { document: {}, flags: [] } }) };
    },
  };
}

describe('the state of a codec', () => {
  it('is its own, whatever profiles are called and devices put into its name', () => {
    const names = ['a', 'a/b', 'a%2Fb', 'a/sparkplug', 'sparkplug'];
    const saved: string[] = [];
    const loaded: string[] = [];
    for (const key of ['b/G', 'G', 'sparkplug/G', 'a/G']) {
      const environment = {
        ...detachedEnvironment('test'),
        save: (name: string, state: () => unknown): void => {
          saved.push(name);
          state();
        },
        load: (name: string): void => void loaded.push(name),
      };
      const specs = names.map((name) => profile({ name, codec: 'sparkplug' }));
      compileRecipes(specs, new CodecRegistry([remembering('sparkplug', key)]), environment, new CodecMemory());
    }
    expect(saved).toHaveLength(names.length * 4);
    expect(new Set(saved).size).toBe(saved.length);
    expect(loaded).toEqual(saved);
  });

  it('is not what it counts: all profiles count in one place, which is the gateway’s', () => {
    const environment = detachedEnvironment('test');
    const counting: PayloadCodec = {
      ...remembering('sparkplug', 'G'),
      create: (_, { counts }) => {
        counts.repeat += 1;
        return { decode: () => ({ ok: true, value: { document: {}, flags: [] } }) };
      },
    };
    compileRecipes(
      [profile({ name: 'a', codec: 'sparkplug' }), profile({ name: 'b', codec: 'sparkplug' })],
      new CodecRegistry([counting]),
      environment,
      new CodecMemory(),
    );
    expect(environment.counts.repeat).toBe(2);
  });

  it('goes on to the next normaliser of the same profile, and to no other', () => {
    let made = 0;
    const remembered: PayloadCodec = {
      ...remembering('sparkplug', 'G'),
      create: () => {
        made += 1;
        return { decode: () => ({ ok: true, value: { document: {}, flags: [] } }) };
      },
    };
    const codecs = new CodecRegistry([remembered]);
    const environment = detachedEnvironment('test');
    const memory = new CodecMemory();
    const compile = (...specs: Parameters<typeof profile>[0][]): number => {
      compileRecipes(
        specs.map((spec) => profile({ codec: 'sparkplug', ...spec })),
        codecs,
        environment,
        memory,
      );
      return made;
    };
    expect(compile({ name: 'a' }, { name: 'b' })).toBe(2);
    expect(compile({ name: 'b' }, { name: 'a', topics: ['other/{device}'] })).toBe(2);
    expect(compile({ name: 'a' }, { name: 'c' })).toBe(3);
    // It was not needed for a while: nobody knows what has been missed.
    expect(compile({ name: 'b' })).toBe(4);
  });

  it('is kept where the settings that come next are wrong', () => {
    const memory = new CodecMemory();
    const decoder = { decode: () => ({ ok: true as const, value: { document: {}, flags: [] } }) };
    memory.decoder('a', 'x', {}, () => decoder);
    memory.settle();
    expect(() => compileRecipes([profile({ name: 'a', codec: 'unknown' })], new CodecRegistry([]), detachedEnvironment('test'), memory)).toThrow(/unknown/);
    expect(memory.decoder('a', 'x', {}, () => ({ ...decoder }))).toBe(decoder);
  });
});
