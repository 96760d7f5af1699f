import { definitionsJson, localUsers } from '../rabbit/definitions.ts';
import type { Topology } from '../rabbit/topology.ts';
import type { Accounts } from './credentials.ts';

/** Nothing declared; the gateway may use names that begin with `sluice.` and read amq.topic. */
export const NO_TOPOLOGY: Topology = { exchanges: [], queues: [], bindings: [] };
const INGEST_ONLY: Topology = { ...NO_TOPOLOGY, bindings: [{ source: 'amq.topic', queue: 'sluice.ingest', routingKey: '#', arguments: {} }] };

/**
 * What a private node starts with: accounts, each with the rights of its role, and the topology, so that the ingest
 * queue is bound before the first device connects. There is no `guest`: a node that loads definitions makes no default user.
 */
export function localDefinitions(accounts: Accounts, topology: Topology): object {
  const { admin, gateway, consumer, device } = accounts;
  const users = localUsers(topology === NO_TOPOLOGY ? INGEST_ONLY : topology, { admin, gateway, consumer, devices: [device] });
  return JSON.parse(definitionsJson(topology, users)) as object;
}
