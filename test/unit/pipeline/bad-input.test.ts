import { describe, expect, it } from 'vitest';
import { encodeReading } from '../../../src/codec/reading.ts';
import type { Reading } from '../../../src/domain/reading.ts';
import type { Normalised } from '../../../src/pipeline/normaliser.ts';
import { badInputCases, type Case } from '../../support/bad-input-cases.ts';
import { message, normaliser, NOW, outcome, profile, readings, time } from './normalise-support.ts';

const CASES = badInputCases(NOW);
const OF_READING: readonly string[] = ['measuredAt', 'device'];

function run(one: Case): Normalised {
  return normaliser(profile(one.profile ?? {}), one.limits).normalise(message(one.body, one.message));
}

const REFUSED = CASES.filter((one) => typeof one.expect === 'string');
const TAKEN = CASES.filter((one) => typeof one.expect !== 'string');

describe('bad input', () => {
  it.each(REFUSED)('$id is refused: $expect', (one) => {
    const result = run(one);
    expect(outcome(result)).toBe(one.expect);
    // One short line that can be logged as it is.
    const line = result.kind === 'fault' ? result.fault.message : '';
    expect(line.length).toBeLessThan(1000);
    expect(line).not.toMatch(/[\p{Cc}\p{Cs}]/u);
  });

  it.each(TAKEN)('$id is one reading', (one) => {
    const all = readings(run(one));
    expect(all).toHaveLength(1);
    const reading = all[0] as Reading;
    // A Map compares every name, `__proto__` too.
    const wanted = new Map(Object.entries(one.expect));
    const seen = new Map<string, unknown>(Object.entries(reading.values));
    for (const key of OF_READING.filter((name) => wanted.has(name))) {
      seen.set(key, reading[key as 'device']);
    }
    expect(seen).toEqual(wanted);
    expect(reading.flags ?? []).toEqual(one.flags ?? reading.flags ?? []);
    expect(JSON.parse(encodeReading(reading))).toMatchObject({ device: reading.device });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('leaves the same normaliser fit for the next message, whatever came before', () => {
    const gateway = normaliser({ scalar: 'v', time: time() });
    for (const one of CASES) {
      gateway.normalise(message(one.body, one.message));
      const behind = gateway.normalise(message(`{"time":${NOW},"a":1}`));
      expect(behind.kind === 'readings' && { ...behind.readings[0]?.values }).toEqual({ a: 1 });
      expect(behind.kind === 'readings' && behind.readings[0]?.flags).toBeUndefined();
    }
  });
});
