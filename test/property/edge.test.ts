import { describe, expect, it } from 'vitest';
import { runEdgeHistory } from '../support/sim/edge-history.ts';

// SLUICE_HISTORIES and SLUICE_SEED repeat or lengthen a run; every failure names its seed.
const HISTORIES = Number(process.env['SLUICE_HISTORIES'] ?? 500);
const FIRST_SEED = Number(process.env['SLUICE_SEED'] ?? 1);

describe('what the edge promises, over random histories of faults', () => {
  it(`holds in ${HISTORIES} histories`, { timeout: 600_000 }, async () => {
    const sum = { published: 0, acknowledged: 0, forwarded: 0, duplicates: 0, kills: 0, cuts: 0, diskFailures: 0, parked: 0 };
    for (let seed = FIRST_SEED; seed < FIRST_SEED + HISTORIES; seed += 1) {
      const report = await runEdgeHistory(seed);
      expect(report.violations, `SLUICE_SEED=${seed} SLUICE_HISTORIES=1`).toEqual([]);
      for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += report[key];
    }
    console.log(`histories: ${HISTORIES}, ${JSON.stringify(sum)}`);
    expect(sum.acknowledged).toBe(sum.published);
    expect(sum.kills).toBeGreaterThan(HISTORIES / 2);
    expect(sum.cuts).toBeGreaterThan(HISTORIES);
    expect(sum.diskFailures).toBeGreaterThan(HISTORIES / 10);
    expect(sum.parked).toBeGreaterThan(HISTORIES / 10);
  });
});
