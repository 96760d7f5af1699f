import type { Fault } from '../fault.ts';
import { ACCOUNT_FAULTS } from './accounts.ts';
import { BROKER_FAULTS } from './broker.ts';
import { CLUSTER_FAULTS } from './cluster.ts';
import { DEVICE_FAULTS } from './devices.ts';
import { DISK_FAULTS } from './disks.ts';
import { DIRECT_FAULTS, EDGE_FAULTS } from './edge.ts';
import { GATEWAY_FAULTS } from './gateway.ts';
import { INGEST_FAULTS } from './ingest.ts';
import { MACHINE_FAULTS } from './machine.ts';
import { NETWORK_FAULTS } from './network.ts';
import { OUTPUT_FAULTS } from './outputs.ts';
import { RELOAD_FAULTS } from './reload.ts';

/** In the order in which `all` runs them. */
export const FAULTS: readonly Fault[] = [
  ...GATEWAY_FAULTS,
  ...RELOAD_FAULTS,
  ...NETWORK_FAULTS,
  ...OUTPUT_FAULTS,
  ...BROKER_FAULTS,
  ...INGEST_FAULTS,
  ...ACCOUNT_FAULTS,
  ...DEVICE_FAULTS,
  ...DISK_FAULTS,
  ...MACHINE_FAULTS,
  ...CLUSTER_FAULTS,
  ...EDGE_FAULTS,
  ...DIRECT_FAULTS,
];

/** What `random` draws from: the mix of row F34. */
export const NEMESIS: readonly string[] = [
  'broker-kill',
  'broker-pause',
  'close-connections',
  'reset',
  'black-hole',
  'memory-alarm',
  'output-full',
  'gateway-kill',
];

export function faultOf(kind: string): Fault | undefined {
  return FAULTS.find((fault) => fault.kind === kind);
}
