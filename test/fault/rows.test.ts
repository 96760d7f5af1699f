import { beforeAll, describe, expect, it } from 'vitest';
import { ACCOUNT_FAULTS } from '../../src/verify/faults/accounts.ts';
import { BROKER_FAULTS } from '../../src/verify/faults/broker.ts';
import { CLUSTER_FAULTS } from '../../src/verify/faults/cluster.ts';
import { DIRECT_FAULTS, EDGE_FAULTS } from '../../src/verify/faults/edge.ts';
import { DEVICE_FAULTS } from '../../src/verify/faults/devices.ts';
import { DISK_FAULTS } from '../../src/verify/faults/disks.ts';
import { GATEWAY_FAULTS } from '../../src/verify/faults/gateway.ts';
import { FAULTS } from '../../src/verify/faults/index.ts';
import { INGEST_FAULTS } from '../../src/verify/faults/ingest.ts';
import { MACHINE_FAULTS } from '../../src/verify/faults/machine.ts';
import { NETWORK_FAULTS } from '../../src/verify/faults/network.ts';
import { OUTPUT_FAULTS } from '../../src/verify/faults/outputs.ts';
import { RELOAD_FAULTS } from '../../src/verify/faults/reload.ts';
import type { Report } from '../../src/verify/report.ts';
import { balance, GOOD, privately } from './runs.ts';

/** How often each fault is injected; row F16 asks for a hundred kills at random points. */
const TIMES = Number(process.env['SLUICE_FAULT_TIMES'] ?? 1);
const KILLS = Number(process.env['SLUICE_KILLS'] ?? 10);
/** Length of the random mix. */
const MIX_SECONDS = Number(process.env['SLUICE_MIX_SECONDS'] ?? 120);

const GROUPS = {
  gateway: GATEWAY_FAULTS,
  reload: RELOAD_FAULTS,
  network: NETWORK_FAULTS,
  outputs: OUTPUT_FAULTS,
  broker: BROKER_FAULTS,
  ingest: INGEST_FAULTS,
  accounts: ACCOUNT_FAULTS,
  devices: DEVICE_FAULTS,
  disks: DISK_FAULTS,
  machine: MACHINE_FAULTS,
  cluster: CLUSTER_FAULTS,
  edge: EDGE_FAULTS,
  direct: DIRECT_FAULTS,
} as const;

it('every fault is in a group', () => {
  expect(Object.values(GROUPS).flat()).toHaveLength(FAULTS.length);
});

describe.each(Object.entries(GROUPS))('%s', (name, faults) => {
  let report: Report | undefined;

  beforeAll(async () => {
    const kinds = faults.flatMap(({ kind }) => Array.from({ length: kind === 'gateway-kill' ? KILLS : TIMES }, () => kind));
    // Three nodes on one machine do less than one.
    report = await privately(kinds, name === 'cluster' ? { rate: 60 } : {}, name);
  });

  it.for(faults.map(({ rows, kind }) => [rows.join(' '), kind] as const))('%s %s: applied, seen, and over', ([, kind], { skip }) => {
    const found = report?.faults.filter((row) => row.kind === kind) ?? [];
    expect(found.length).toBeGreaterThan(0);
    expect(found.flatMap(({ problems }) => problems)).toEqual([]);
    for (const { skipped, recoveredMs } of found) {
      if (skipped !== null) skip(skipped);
      expect(recoveredMs).not.toBe(null);
    }
  });

  it('loses nothing, invents nothing, keeps the order', () => {
    expect(balance(report as Report)).toEqual(GOOD);
  });
});

it('F34 random: a seeded mix loses nothing, invents nothing, keeps the order', async () => {
  const report = await privately(['random'], { seconds: MIX_SECONDS }, 'random');
  expect(report.faults.length).toBeGreaterThan(1);
  expect(balance(report)).toEqual(GOOD);
});
