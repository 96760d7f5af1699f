import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  ACKS_BEFORE_THE_CONFIRM,
  ACKS_ON_DELIVERY,
  type GatewayMutant,
  IGNORES_RETURNS,
  mutantBuild,
  RETRIES_BEHIND_LATER_WORK,
} from '../support/gateway-mutants.ts';
import { privately } from './runs.ts';

// A suite that cannot fail proves nothing: each of these gateways breaks one promise, and the verdict must say which.

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** Its `main.js`. */
function build(mutant: GatewayMutant): string {
  const folder = mutantBuild(mutant);
  folders.push(folder);
  return join(folder, 'dist/src/main.js');
}

describe('a gateway', () => {
  it('that acks on delivery is caught when it is killed (F16)', async () => {
    const report = await privately(['gateway-kill'], { gateway: build(ACKS_ON_DELIVERY) });
    expect(report.lost).toBeGreaterThan(0);
    expect(report.ok).toBe(false);
  });

  it('that acks before the confirm is caught when the destination is gone for a while (F13)', async () => {
    const report = await privately(['output-exchange-deleted'], { gateway: build(ACKS_BEFORE_THE_CONFIRM) });
    expect(report.lost).toBeGreaterThan(0);
    expect(report.ok).toBe(false);
  });

  it('that ignores returns is caught when the destination has no queue (F13)', async () => {
    const report = await privately(['output-queue-deleted'], { gateway: build(IGNORES_RETURNS) });
    expect(report.lost).toBeGreaterThan(0);
    expect(report.ok).toBe(false);
  });

  it('that retries behind later work is caught when the destination is gone for a while (F13)', async () => {
    const report = await privately(['output-exchange-deleted'], { gateway: build(RETRIES_BEHIND_LATER_WORK) });
    expect(report.outOfOrder).toBeGreaterThan(0);
    expect(report.ok).toBe(false);
  });
});
