import { join } from 'node:path';
import { expect, it } from 'vitest';
import { reportLines } from '../../src/verify/report.ts';
import { verify } from '../../src/verify/run.ts';
import { GATEWAY } from './rig.ts';

// Some rows of an edge, for every change: `npm run test:faults` has all. What the edge acknowledged to a device comes out of the gateway
// behind RabbitMQ once or more, in order per topic, unchanged.
const ROOT = join(import.meta.dirname, '..', '..');
const KINDS = ['edge-term', 'edge-link-cut', 'edge-kill-spooling', 'edge-kill-draining', 'edge-spool-damaged'];

it('loses nothing that an edge has acknowledged, and keeps the order', { timeout: 600_000 }, async () => {
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
  expect(report.faults.map(({ kind }) => kind)).toEqual(KINDS);
});
