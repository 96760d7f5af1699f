import type { Scheduler } from '../pipeline/ports.ts';
import type { Connection } from './connection.ts';
import { learnQueue } from './learn-queue.ts';
import { readManagement } from './management.ts';
import { queueWarnings } from './queue-warnings.ts';
import type { QueueSpec } from './topology.ts';

/** What a broker tells about itself, and what follows from it. Each entry is one line for the log and for `sluice doctor`. */
export interface BrokerFacts {
  readonly product: string;
  readonly version: string;
  readonly cluster: string | undefined;
  /** What was found, and what could not be. */
  readonly notes: readonly string[];
  /** What can lose data or order, each with what to do. */
  readonly warnings: readonly string[];
}

export interface ProbeOptions {
  /** The ingest queue as the settings want it. Where the gateway declares it, the broker has agreed to just these arguments. */
  readonly ingest: QueueSpec;
  readonly vhost: string;
  /** Base URL of the management API; what only it tells stays unknown without. */
  readonly management: string | undefined;
  /** For every single answer. */
  readonly timeoutMs: number;
  readonly scheduler: Scheduler;
}

/** Asks once, behind the declaration of the topology. Changes nothing on the broker and never rejects: what cannot be found out is a note. */
export async function probe(connection: Connection, options: ProbeOptions): Promise<BrokerFacts> {
  const { ingest, vhost, management, timeoutMs } = options;
  const properties = connection.serverProperties as Readonly<Record<string, unknown>>;
  const { product, version, cluster, major, notes, warnings } = brokerFacts(
    textOf(properties['product']),
    textOf(properties['version']),
    textOf(properties['cluster_name']) || undefined,
  );
  const more = management === undefined ? undefined : await readManagement(management, vhost, ingest.name, timeoutMs);
  if (more === undefined) notes.push('plugins, policies and bindings are unknown: name the management API in rabbitmq.management to see them');
  notes.push(...(more?.failures ?? []));

  let known = ingest.declare ? { arguments: ingest.arguments, durable: ingest.durable } : undefined;
  if (more?.arguments !== undefined) known = { arguments: more.arguments, durable: more.durable ?? true };
  if (known === undefined) {
    const learned = await learnQueue(connection, ingest.name, ingest.arguments, options);
    if (typeof learned === 'string') notes.push(`queue '${ingest.name}': its arguments cannot be read: ${learned}`);
    else known = learned;
  }
  if (known !== undefined) {
    const list = Object.entries(known.arguments).map(([key, value]) => `${key}=${value}`);
    notes.push(`queue '${ingest.name}': ${list.length === 0 ? 'no arguments' : list.join(', ')}`);
    warnings.push(...queueWarnings({ name: ingest.name, ...known, policy: more?.policy ?? {} }, major));
  }
  if (more?.plugins !== undefined) {
    notes.push(`plugins: ${more.plugins.join(', ') || 'none'}`);
    if (!more.plugins.includes('rabbitmq_mqtt')) {
      warnings.push('the plugin rabbitmq_mqtt is not enabled: no device can publish over MQTT. rabbitmq-plugins enable rabbitmq_mqtt');
    }
  }
  if (more?.bindings !== undefined) {
    notes.push(`bound: ${more.bindings.map(({ source, routingKey }) => `${source} ${routingKey}`).join('; ') || 'to nothing'}`);
    if (more.bindings.length === 0) {
      warnings.push(
        `queue '${ingest.name}' is bound to nothing: the broker confirms messages to devices and drops them. Bind it, or let the gateway (source.declare)`,
      );
    }
  }
  for (const alarm of more?.alarms ?? []) warnings.push(`${alarm}: the broker blocks publishers, devices among them. Free memory or disk`);
  return { product, version, cluster, notes, warnings };
}

/** From the server properties of the handshake (AMQP 0-9-1, connection.start). `major` is 3 where the version cannot be read. Pure. */
export function brokerFacts(
  product: string,
  version: string,
  cluster: string | undefined,
): { product: string; version: string; cluster: string | undefined; major: number; notes: string[]; warnings: string[] } {
  const notes = [`${product} ${version}${cluster === undefined ? '' : `, cluster ${cluster}`}`];
  const warnings: string[] = [];
  const match = /^(\d+)\.(\d+)/.exec(version);
  const major = match === null ? 3 : Number(match[1]);
  if (product !== 'RabbitMQ') {
    warnings.push(`the broker calls itself '${product}', not RabbitMQ: quorum queues, publisher confirms and MQTT topics may work differently`);
  } else if (match === null) {
    warnings.push(`the broker's version '${version}' cannot be read: what depends on it is assumed to be as in RabbitMQ 3.10`);
  } else {
    const minor = Number(match[2]);
    const at = (wantedMajor: number, wantedMinor: number): boolean => major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
    if (!at(3, 10)) warnings.push(`RabbitMQ ${version} is older than 3.10: quorum queues there have neither at-least-once dead letters nor message TTL`);
    if (!at(3, 13)) {
      notes.push('MQTT 3.1.1 only: a device is told PUBACK also when no queue is bound; declare the ingest queue before devices connect');
    }
    if (at(4, 0) && !at(4, 3)) notes.push('returned messages count towards x-delivery-limit; Sluice never returns any, others on the same queue may');
  }
  return { product, version, cluster, major, notes, warnings };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
