import type { Connection } from './connection.ts';

/** What a broker tells about itself over AMQP, and what follows from it. */
export interface BrokerFacts {
  readonly product: string;
  readonly version: string;
  readonly cluster: string | undefined;
  /** Each one line for the log and for `sluice doctor`. */
  readonly warnings: readonly string[];
}

/** From the server properties of the handshake (AMQP 0-9-1, connection.start); asks the broker nothing. */
export function probe(connection: Connection): BrokerFacts {
  const properties = connection.serverProperties as Readonly<Record<string, unknown>>;
  return brokerFacts(textOf(properties['product']), textOf(properties['version']), textOf(properties['cluster_name']) || undefined);
}

export function brokerFacts(product: string, version: string, cluster: string | undefined): BrokerFacts {
  const warnings: string[] = [];
  const match = /^(\d+)\.(\d+)/.exec(version);
  if (product !== 'RabbitMQ') {
    warnings.push(`the broker calls itself '${product}', not RabbitMQ: quorum queues, publisher confirms and MQTT topics may work differently`);
  } else if (match === null) {
    warnings.push(`the broker's version '${version}' cannot be read: what depends on it is assumed to be as in RabbitMQ 3.10`);
  } else {
    const major = Number(match[1]);
    const minor = Number(match[2]);
    const at = (wantedMajor: number, wantedMinor: number): boolean => major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
    if (!at(3, 10)) warnings.push(`RabbitMQ ${version} is older than 3.10: quorum queues there have neither at-least-once dead letters nor message TTL`);
    if (!at(3, 13)) {
      warnings.push(
        `RabbitMQ ${version} speaks MQTT 3.1.1 only, and PUBACKs a device also when no queue is bound: declare the ingest queue before devices connect`,
      );
    }
    if (at(4, 0) && !at(4, 3))
      warnings.push(`RabbitMQ ${version} counts returned messages towards x-delivery-limit; Sluice never returns any, others on the same queue may`);
  }
  return { product, version, cluster, warnings };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
