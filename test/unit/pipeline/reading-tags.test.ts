import { describe, expect, it } from 'vitest';
import type { Normalised } from '../../../src/pipeline/normaliser.ts';
import { message, normaliser, readings } from './normalise-support.ts';

const TAGS = { site: '{device}', kind: '$.kind', line: '$.line' };

describe('tags out of the payload', () => {
  const run = (bodies: readonly object[]): (object | string | undefined)[] => {
    const gateway = normaliser({ values: '$.v', tags: TAGS });
    return bodies.map((body) => said(gateway.normalise(message(JSON.stringify({ v: { a: 1 }, ...body })))));
  };

  function said(result: Normalised): object | string | undefined {
    return result.kind === 'fault' ? result.fault.code : readings(result)[0]?.tags;
  }

  it('follow each payload, whatever the one before said', () => {
    expect(
      run([
        { kind: 'press' },
        { kind: 'press' },
        { kind: 'oven', line: 4 },
        { kind: 'oven', line: '4' },
        { kind: 'oven', line: null },
        { line: 4 },
        { kind: { a: 1 } },
        { kind: 'press' },
        {},
        {},
      ]),
    ).toEqual([
      { site: '1', kind: 'press' },
      { site: '1', kind: 'press' },
      { site: '1', kind: 'oven', line: '4' },
      { site: '1', kind: 'oven', line: '4' },
      { site: '1', kind: 'oven' },
      { site: '1', line: '4' },
      'SCHEMA_MISMATCH',
      { site: '1', kind: 'press' },
      { site: '1' },
      { site: '1' },
    ]);
  });

  it('are one object for readings that say the same, save very long ones', () => {
    const gateway = normaliser({ values: '$.v', tags: TAGS });
    const tags = (kind: string): object | undefined => readings(gateway.normalise(message(JSON.stringify({ v: { a: 1 }, kind }))))[0]?.tags;
    expect(tags('press')).toBe(tags('press'));
    const long = 'x'.repeat(1000);
    const first = tags(long);
    expect(tags(long)).toEqual(first);
    expect(tags(long)).not.toBe(first);
  });

  it('are those of their own topic', () => {
    const gateway = normaliser({ values: '$.v', tags: TAGS });
    const body = JSON.stringify({ v: { a: 1 }, kind: 'press' });
    const of = (topic: string): object | undefined => readings(gateway.normalise(message(body, { topic })))[0]?.tags;
    expect([of('d/1'), of('d/2'), of('d/1')]).toEqual([
      { site: '1', kind: 'press' },
      { site: '2', kind: 'press' },
      { site: '1', kind: 'press' },
    ]);
  });
});
