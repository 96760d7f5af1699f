import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DecodeOutcome } from '../../../src/pipeline/trial-decoder.ts';
import type { Reading } from '../../../src/domain/reading.ts';
import { bodyOf, decoderOf, ROOT, run, shipped, type Vector, vectors } from './support.ts';

const { profiles, problems } = await shipped();
const names = profiles.map((profile) => profile.name);
const FILES = readdirSync(join(ROOT, 'config/profiles')).map((file) => file.replace(/\.yaml$/, ''));

/** A big integer in a vector is written as `"123n"`. */
function plain(value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}

function comparable(reading: Reading): Record<string, unknown> {
  const { values, units, tags, ...rest } = reading;
  return { ...rest, values: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, plain(value)])), units: { ...units }, tags: { ...tags } };
}

/** What a vector wants to see. */
function wanted(vector: Vector): unknown {
  if (vector.filtered !== undefined) return { outcome: 'filtered', code: vector.filtered, readings: [] };
  if (vector.deadLettered !== undefined) return { outcome: 'dead-lettered', code: vector.deadLettered, readings: [] };
  return { outcome: 'readings', code: undefined, readings: vector.readings };
}

/** The outcome with those parts of its readings that the vector names; those are compared whole, so that a value too many fails as one too few does. */
function seen(outcome: DecodeOutcome, vector: Vector): unknown {
  const readings = outcome.readings.map((reading, i) => {
    const found = comparable(reading);
    return Object.fromEntries(Object.keys(vector.readings?.[i] ?? found).map((key) => [key, found[key]]));
  });
  return { outcome: outcome.outcome, code: outcome.code, readings };
}

describe('the shipped profiles', () => {
  it('go together without an error or a warning', () => {
    expect(problems).toEqual([]);
    expect(profiles.length).toBeGreaterThan(15);
  });

  it('are all in config/all-profiles.yaml, each in a file of its name', () => {
    expect([...names].sort()).toEqual([...FILES].sort());
  });

  it('have vectors', () => {
    // Sparkplug's are made by its own tests: its payloads are binary and build on one another.
    const missing = names.filter((name) => name !== 'sparkplug-b' && !readdirSync(join(ROOT, 'test/vectors/profiles')).includes(`${name}.jsonl`));
    expect(missing).toEqual([]);
  });

  it('say in their first line what they are for', () => {
    for (const name of FILES) expect(readFileSync(join(ROOT, 'config/profiles', `${name}.yaml`), 'utf8')).toMatch(/^# \S.{30,}/);
  });
});

describe.each(names.filter((name) => name !== 'sparkplug-b'))('%s', (name) => {
  const alone = decoderOf(profiles.filter((profile) => profile.name === name));
  const together = decoderOf(profiles);
  it.each(vectors(name).map((vector, i) => [i + 1, vector.topic, vector] as const))('reads vector %i (%s)', (_i, topic, vector) => {
    expect(seen(run(alone, topic, bodyOf(vector)), vector)).toEqual(wanted(vector));
  });

  it.each(vectors(name).map((vector, i) => [i + 1, vector.topic, vector] as const))('reads vector %i (%s) among all others', (_i, topic, vector) => {
    const outcome = run(together, topic, bodyOf(vector));
    expect(seen(outcome, vector)).toEqual(wanted(vector));
    // Discovery is ignored by the first profile that knows of it.
    expect(topic.startsWith('homeassistant/') ? name : outcome.match?.profile.name).toBe(name);
  });
});
