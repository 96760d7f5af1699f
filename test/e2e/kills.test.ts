import { expect, it } from 'vitest';
import type { FaultRow } from '../../src/verify/row.ts';
import { GATEWAY_MUTANTS, mutated } from '../support/gateway-mutants.ts';
import { goodRows } from './rows.ts';

it('loses nothing, invents nothing and keeps the order through kills, resets and deleted destinations', { timeout: 600_000 }, async () => {
  const report = await goodRows([
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
  ]);
  expect(report.pubacked).toBeGreaterThan(2000);
  const rows = (kind: string): FaultRow[] => report.faults.filter((row) => row.kind === kind);
  for (const { duplicates } of [...rows('calm'), ...rows('config-reload'), ...rows('gateway-term')]) expect(duplicates).toBe(0);
  for (const { redelivered } of rows('gateway-kill')) expect(redelivered).toBeGreaterThan(0);
  // A destination that is gone is named, with the reason.
  for (const { sign } of [...rows('output-exchange-deleted'), ...rows('output-queue-deleted')]) expect(sign).toMatch(/route readings is held: UNROUTABLE/);
});

// They are texts that stand in the place of others in the build; `npm run test:faults` runs them.
it.each(GATEWAY_MUTANTS)('the mutant of $file fits the build', (mutant) => {
  expect(() => mutated(mutant)).not.toThrow();
});
