import { sharedVhost } from '../domain/broker-url.ts';
import { systemScheduler } from '../pipeline/scheduler.ts';
import type { Connection } from '../rabbit/connection.ts';
import { type BrokerFacts, probe } from '../rabbit/probe.ts';
import { QueueWatch, type QueueWatchOptions } from '../rabbit/queue-watch.ts';
import type { Topology } from '../rabbit/topology.ts';
import type { Settings } from '../settings/load.ts';

/** For every single answer: a start must not wait long for what only informs. */
const ANSWER_MS = 3000;
/** Between two looks at the queues. */
const QUEUES_MS = 15_000;

/** Asks the broker what the settings make it worth asking. `declared`: it has just agreed to the topology. */
export async function probeBroker(connection: Connection, settings: Settings, topology: Topology, declared: boolean): Promise<BrokerFacts> {
  const ingest = topology.queues.find(({ name }) => name === settings.source.queue);
  if (ingest === undefined) throw new Error('the topology has no ingest queue');
  return await probe(connection, {
    ingest: { ...ingest, declare: ingest.declare && declared },
    vhost: sharedVhost(settings.rabbitmq.urls),
    management: settings.rabbitmq.management,
    timeoutMs: ANSWER_MS,
    scheduler: systemScheduler,
  });
}

/** The same at the start of a gateway, into its log. */
export async function reportBroker(
  connection: Connection,
  settings: Settings,
  topology: Topology,
  log: { info(text: string): void; warn(text: string): void },
): Promise<void> {
  const { notes, warnings } = await probeBroker(connection, settings, topology, true);
  for (const note of notes) log.info(`broker: ${note}`);
  for (const warning of warnings) log.warn(`broker: ${warning}`);
}

/** Looks at the queues of the settings where these name a management API. Starts nothing. */
export function queueWatchOf(settings: Settings, warn: (message: string) => void): QueueWatch | undefined {
  const { rabbitmq } = settings;
  if (rabbitmq.management === undefined) return undefined;
  return new QueueWatch({
    url: rabbitmq.management,
    vhost: sharedVhost(rabbitmq.urls),
    queues: queuesOf(settings),
    everyMs: QUEUES_MS,
    timeoutMs: ANSWER_MS,
    scheduler: systemScheduler,
    warn,
  });
}

/** The queues of the settings, by what they are for. */
export function queuesOf({ source, deadLetters, queues }: Settings): QueueWatchOptions['queues'] {
  return [
    { name: source.queue, role: 'ingest' },
    { name: deadLetters.queue, role: 'dead-letters' },
    ...queues.map(({ name }) => ({ name, role: 'output' as const })),
  ];
}
