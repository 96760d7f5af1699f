import { describe, expect, it } from 'vitest';
import { comparisons, measure, table } from '../../bench/decode.ts';

describe('bench:decode', () => {
  // Its subjects throw where they do not get a reading out of every message.
  it('measures every row and prints it', async () => {
    const all = (await comparisons(50)).filter(({ base }) => !['cbor-x', 'msgpackr'].includes(base.name));
    const rows = measure(all, { rounds: 3, runs: 300, warmUp: 0 });
    expect(rows.map(({ subject }) => subject.replace(/, \d+ bytes$/, ''))).toEqual([
      'json to readings',
      'cbor to readings',
      'msgpack to readings',
      'sparkplug DDATA to readings',
      'sparkplug: DDATA',
      'sparkplug: DBIRTH',
      '50 profiles, 10 topics',
      '10 profiles, 50 topics',
      '50 profiles, 50 topics',
      '10 profiles, 250 topics',
    ]);
    for (const { ratio, least, greatest, subjectNs, baseNs } of rows) {
      expect(least).toBeGreaterThan(0);
      expect(ratio).toBeGreaterThanOrEqual(least);
      expect(greatest).toBeGreaterThanOrEqual(ratio);
      expect(Math.min(subjectNs, baseNs)).toBeGreaterThan(0);
    }
    expect(table(rows).split('\n')).toHaveLength(rows.length + 2);
  });

  it('does not time failures', () => {
    const failing = { name: 'failing', run: () => JSON.parse('{') as unknown };
    expect(() => measure([{ subject: failing, base: failing }], { rounds: 1, runs: 1, warmUp: 0 })).toThrow(SyntaxError);
  });
});
