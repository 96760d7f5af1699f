import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts, type Ports } from '../local/ports.ts';
import { type RabbitNode, startRabbitNode } from '../local/rabbit-node.ts';
import { PortMapper } from './port-mapper.ts';
import { TcpProxy } from './proxy.ts';

export interface ClusterOptions {
  /** Folder for the folders of the nodes. */
  readonly dir: string;
  /** RabbitMQ definitions. */
  readonly definitions: object;
  /** More lines for rabbitmq.conf. */
  readonly conf: readonly string[];
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
}

const SIZE = 3;
/** Seconds after which a node takes a silent peer for dead, give or take a quarter (default 60). With 8 a machine that was busy made all three give up. */
const NET_TICK_SECONDS = 20;

/** Name of a member in RabbitMQ's own words, `rabbit@host`. */
export function memberName(index: number): string {
  return `${shortName(index)}@localhost`;
}

function shortName(index: number): string {
  return `sluice-verify-${index + 1}`;
}

/** Three private RabbitMQ nodes of one cluster, and the network between them. */
export class Cluster {
  readonly nodes: readonly RabbitNode[];
  private readonly mappers: readonly PortMapper[];
  /** From each node (row) to each other one (column): a node that asks for a peer is sent here. */
  private readonly links: readonly (readonly (TcpProxy | undefined)[])[];

  private constructor(nodes: readonly RabbitNode[], mappers: readonly PortMapper[], links: readonly (readonly (TcpProxy | undefined)[])[]) {
    this.nodes = nodes;
    this.mappers = mappers;
    this.links = links;
  }

  /** Throws `BrokerNodeError`; nothing of it runs any more then. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const { dir, conf, deadlineMs, signal } = options;
    const members = Array.from({ length: SIZE }, (_, i) => i);
    const ports: Ports[] = [];
    for (const _ of members) ports.push(await freePorts());
    const mappers: PortMapper[] = [];
    const registered = new Map<string, number>();
    const links: (TcpProxy | undefined)[][] = [];
    const started: RabbitNode[] = [];
    try {
      for (const from of members) {
        links.push([]);
        for (const to of members) links[from]?.push(from === to ? undefined : await TcpProxy.start('127.0.0.1', ports[to]?.dist ?? 0));
        const peers = members.flatMap((to) => (from === to ? [] : [[shortName(to), links[from]?.[to]?.port ?? 0] as const]));
        mappers.push(await PortMapper.start(ports[from]?.epmd ?? 0, new Map(peers), registered));
      }
      const cookie = randomBytes(24).toString('hex');
      const formation = ['peer_discovery_backend = classic_config', ...members.map((i) => `classic_config.nodes.${i + 1} = ${memberName(i)}`)];
      const starts = members.map(async (i) => {
        const node = await startRabbitNode({
          dir: join(dir, `node-${i + 1}`),
          name: shortName(i),
          ports: ports[i] ?? {},
          // Accounts only: queues are declared when all are there, so that each quorum queue has a member on every node.
          definitions: { ...options.definitions, exchanges: [], queues: [], bindings: [] },
          // A node that is cut off from the others gives up its clients instead of going on alone.
          conf: [...formation.map((line) => `cluster_formation.${line}`), 'cluster_partition_handling = pause_minority', ...conf],
          cookie,
          mapper: 'given',
          erlArgs: `-kernel net_ticktime ${NET_TICK_SECONDS}`,
          deadlineMs,
          ...(signal === undefined ? {} : { signal }),
        });
        started[i] = node;
        return node;
      });
      const settled = await Promise.allSettled(starts);
      for (const one of settled) if (one.status === 'rejected') throw one.reason;
      const cluster = new Cluster(started, mappers, links);
      await cluster.openVirtualHost();
      await cluster.declare(options.definitions);
      return cluster;
    } catch (error) {
      await Promise.all(started.map(async (node) => await node?.remove()));
      await closeAll(mappers, links);
      throw error;
    }
  }

  /** Nothing gets through between this node and the others, either way, and nothing is closed. Answers how to mend it. */
  cutOff(index: number): () => void {
    const heals = this.links.flatMap((row, from) =>
      row.flatMap((link, to) => (link === undefined || (from !== index && to !== index) ? [] : [link.add({ type: 'timeout', afterMs: 0 })])),
    );
    return () => {
      for (const heal of heals) heal();
    };
  }

  async remove(): Promise<void> {
    await Promise.all(this.nodes.map(async (node) => await node.remove()));
    await closeAll(this.mappers, this.links);
  }

  /**
   * A node that joins while another one makes the virtual host may never open it, and then refuses every client (3.10.8: a node opens those
   * that it finds when it starts, and one that is made later is opened on the nodes that run by then). The command does no harm to one that is open.
   */
  private async openVirtualHost(): Promise<void> {
    await Promise.all(this.nodes.map(async (node) => await node.ctl(['restart_vhost'])));
  }

  private async declare(definitions: object): Promise<void> {
    const [first] = this.nodes;
    if (first === undefined) throw new Error('a cluster without nodes');
    const file = join(first.dir, 'all.json');
    writeFileSync(file, JSON.stringify(definitions), { mode: 0o600 });
    await first.ctl(['import_definitions', file]);
  }
}

async function closeAll(mappers: readonly PortMapper[], links: readonly (readonly (TcpProxy | undefined)[])[]): Promise<void> {
  for (const link of links.flat()) await link?.close();
  for (const mapper of mappers) await mapper.close();
}
