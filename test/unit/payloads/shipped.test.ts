import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { flagList } from '../../../src/domain/flags.ts';
import { readLayout } from '../../../src/domain/layout/run.ts';
import { layoutVectors, planOf, SHIPPED_LAYOUTS, shippedLayouts } from '../../support/layouts.ts';

const layouts = await shippedLayouts();
const vectors = layoutVectors();

/** Numbers to 12 digits: the vectors were computed elsewhere. */
function rounded(value: unknown): unknown {
  if (typeof value === 'number') return Number(value.toPrecision(12));
  if (typeof value !== 'object' || value === null) return value;
  return Array.isArray(value) ? value.map(rounded) : Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, rounded(inner)]));
}

describe('the shipped layouts', () => {
  it('load, each in a file of its name, and have vectors', () => {
    expect([...layouts.keys()].sort()).toEqual([...SHIPPED_LAYOUTS].sort());
    const seen = new Set(vectors.map(({ layout }) => layout));
    expect(SHIPPED_LAYOUTS.filter((name) => !seen.has(name))).toEqual([]);
  });

  it.each(SHIPPED_LAYOUTS)('%s says what it is for, and where its facts are from', (name) => {
    const text = readFileSync(join(import.meta.dirname, '../../../config/payloads', `${name}.yaml`), 'utf8');
    expect(text).toMatch(/^# \S.{30,}/);
    expect(text).toMatch(/^# Source: \S.{20,}/m);
    expect(text).toMatch(new RegExp(`^name: ${name}$`, 'm'));
  });

  it.each(vectors.map((vector) => [vector.layout, vector.port, vector.hex.slice(0, 60), vector] as const))('%s, port %i, %s', (name, port, _hex, vector) => {
    const spec = layouts.get(name);
    if (spec === undefined) throw new Error('no such layout');
    const read = readLayout(planOf(spec), Buffer.from(vector.hex, 'hex'), port);
    expect(read === undefined ? null : rounded({ ...read.values })).toEqual(vector.values === null ? null : rounded(vector.values));
    expect(flagList(read?.flags ?? 0)).toEqual(vector.flags);
  });
});
