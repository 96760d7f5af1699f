import { join } from 'node:path';
import { expect, it } from 'vitest';
import { reportLines } from '../../src/verify/report.ts';
import type { FaultRow } from '../../src/verify/row.ts';
import { verify } from '../../src/verify/run.ts';
import { GATEWAY } from './rig.ts';

// The rows of the fault suite that every change must pass, in one run: `npm run test:faults` has all of them. What the
// broker acknowledged to a device arrives once or more, in order per topic, unchanged.
const ROOT = join(import.meta.dirname, '..', '..');
const KINDS = [
  'calm',
  'config-reload',
  'gateway-term',
  'gateway-kill',
  'gateway-term',
  'gateway-kill',
  'reset',
  'output-exchange-deleted',
  'output-queue-deleted',
  'broker-kill',
];

it('loses nothing, invents nothing and keeps the order through kills, resets and deleted destinations', { timeout: 600_000 }, async () => {
  const report = await verify(
    {
      target: { mode: 'private', config: join(ROOT, 'config/sluice.yaml'), root: join(ROOT, '.sluice'), gateway: GATEWAY },
      rate: 300,
      seconds: 5,
      devices: 40,
      faults: KINDS,
      seed: 1,
    },
    process.stdout,
    new AbortController().signal,
  );
  console.log(reportLines(report).join('\n'));
  const { lost, unexpected, outOfOrder, changed } = report;
  expect({ problems: report.problems, lost, unexpected, outOfOrder, changed }).toEqual({ problems: [], lost: 0, unexpected: 0, outOfOrder: 0, changed: 0 });
  expect(report.ok).toBe(true);
  expect(report.pubacked).toBeGreaterThan(2000);
  expect(report.faults.map(({ kind }) => kind)).toEqual(KINDS);
  const rows = (kind: string): FaultRow[] => report.faults.filter((row) => row.kind === kind);
  for (const { duplicates } of [...rows('calm'), ...rows('config-reload'), ...rows('gateway-term')]) expect(duplicates).toBe(0);
  for (const { redelivered } of rows('gateway-kill')) expect(redelivered).toBeGreaterThan(0);
  // A destination that is gone is named, with the reason.
  for (const { sign } of [...rows('output-exchange-deleted'), ...rows('output-queue-deleted')]) expect(sign).toMatch(/route readings is held: UNROUTABLE/);
});
