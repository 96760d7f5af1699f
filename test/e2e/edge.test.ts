import { expect, it } from 'vitest';
import { goodRows } from './rows.ts';

it('loses nothing that an edge has acknowledged, and keeps the order', { timeout: 600_000 }, async () => {
  const report = await goodRows(['edge-term', 'edge-link-cut', 'edge-kill-spooling', 'edge-kill-draining', 'edge-spool-damaged']);
  expect(report.pubacked).toBeGreaterThan(1000);
  expect(report.faults.find(({ kind }) => kind === 'edge-term')?.duplicates).toBe(0);
});
