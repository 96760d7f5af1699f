import { join } from 'node:path';
import { expect } from 'vitest';
import { type Report, reportLines } from '../../src/verify/report.ts';
import { verify } from '../../src/verify/run.ts';
import { GATEWAY } from './rig.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/**
 * Rows of the fault suite that every change must pass, in one run; `npm run test:faults` has all. What was acknowledged to a device arrives
 * once or more, in order per topic, unchanged.
 */
export async function goodRows(kinds: readonly string[]): Promise<Report> {
  const report = await verify(
    {
      target: { mode: 'private', config: join(ROOT, 'config/sluice.yaml'), root: join(ROOT, '.sluice'), gateway: GATEWAY },
      rate: 300,
      seconds: 5,
      devices: 40,
      faults: kinds,
      seed: 1,
    },
    process.stdout,
    new AbortController().signal,
  );
  console.log(reportLines(report).join('\n'));
  const { lost, unexpected, outOfOrder, changed } = report;
  expect({ problems: report.problems, lost, unexpected, outOfOrder, changed }).toEqual({ problems: [], lost: 0, unexpected: 0, outOfOrder: 0, changed: 0 });
  expect(report.ok).toBe(true);
  expect(report.faults.map(({ kind }) => kind)).toEqual(kinds);
  return report;
}
