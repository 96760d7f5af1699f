import type { TopologyOptions } from './rabbit/topology.ts';
import type { Settings } from './settings/load.ts';

/** What the settings say about the broker's objects, in the terms of the one topology table. */
export function topologyOptions(settings: Settings): TopologyOptions {
  const { source, deadLetters, exchanges, queues } = settings;
  return { ingest: source, deadLetters, exchanges, queues };
}
