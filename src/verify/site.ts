import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { connect } from 'amqplib';
import { type Accounts, newAccounts } from '../local/credentials.ts';
import { localDefinitions } from '../local/definitions.ts';
import { freePorts } from '../local/ports.ts';
import { nodeFiles } from '../local/rabbit-files.ts';
import { type RabbitNode, type RabbitNodeOptions, startRabbitNode } from '../local/rabbit-node.ts';
import { sweepRuns } from '../local/stale-node.ts';
import { type BindingSpec, buildTopology, type Topology } from '../rabbit/topology.ts';
import type { Settings } from '../settings/load.ts';
import { topologyOptions } from '../app/topology-options.ts';
import { Cluster } from './cluster.ts';
import { edgeSection, EdgeStand } from './edge-stand.ts';
import { GatewayProcess } from './gateway-process.ts';
import { TcpProxy } from './proxy.ts';
import { readSiteSettings, SettingsCopy } from './site-settings.ts';
import type { SmallDisk } from './small-disk.ts';

export interface SiteOptions {
  /**
   * Settings file of the gateway, which takes broker and port from SLUICE_AMQP_URL and SLUICE_HTTP_PORT, and the management API, if
   * it wants one, from SLUICE_MANAGEMENT_URL; or writes one into the site's folder and answers its path.
   */
  readonly settings: string | ((dir: string) => string);
  /** Where the site makes a folder of its own. */
  readonly root: string;
  /** Prefix of that folder's name; the process id and a random part follow. */
  readonly prefix: string;
  /** Built `main.js` of the gateway under test; default this build's. */
  readonly gateway?: string | undefined;
  /** Three nodes of one cluster instead of one node. */
  readonly cluster?: boolean | undefined;
  /** An edge for the devices, not started: a process between, or the gateway itself. */
  readonly edge?: 'edge' | 'direct' | undefined;
  /** More lines for rabbitmq.conf. */
  readonly conf?: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/** Ten seconds on a machine that is idle. */
const BROKER_START_MS = 180_000;

/** In front of AMQP (the gateway), MQTT, and MQTT over WebSocket (the devices) of one node. */
interface Doors {
  readonly amqp: TcpProxy;
  readonly mqtt: TcpProxy;
  readonly ws: TcpProxy;
}

type AdminChannel = Awaited<ReturnType<Awaited<ReturnType<typeof connect>>['createChannel']>>;

/** A private broker and a gateway process, with a proxy in front of each of the broker's doors: what may be broken must not be shared. */
export class PrivateSite {
  readonly dir: string;
  readonly settings: Settings;
  /** The file that its gateways read. */
  readonly copy: SettingsCopy;
  readonly topology: Topology;
  /** The broker; of a cluster the first node. */
  readonly node: RabbitNode;
  readonly cluster: Cluster | undefined;
  readonly users: Accounts;
  /** Of the first node, and in front of its management API (the gateway). */
  readonly proxies: Doors & { readonly management: TcpProxy };
  /** Of each node of a cluster; else of the first alone. */
  readonly doors: readonly Doors[];
  readonly gateway: GatewayProcess;
  /** Stands by for the first one; not started. */
  readonly second: GatewayProcess;
  /** Where devices connect instead of the broker. */
  readonly edge: EdgeStand | undefined;
  /** File systems that faults have mounted in its folder. */
  readonly disks = new Set<SmallDisk>();

  private constructor(
    site: Pick<PrivateSite, 'dir' | 'settings' | 'copy' | 'topology' | 'node' | 'cluster' | 'users' | 'proxies' | 'doors' | 'gateway' | 'second' | 'edge'>,
  ) {
    this.dir = site.dir;
    this.settings = site.settings;
    this.copy = site.copy;
    this.topology = site.topology;
    this.node = site.node;
    this.cluster = site.cluster;
    this.users = site.users;
    this.proxies = site.proxies;
    this.doors = site.doors;
    this.gateway = site.gateway;
    this.second = site.second;
    this.edge = site.edge;
  }

  /** Starts broker and proxies, not the gateway. Throws `SiteSettingsError` or `BrokerNodeError`; nothing of it runs any more then. */
  static async start(options: SiteOptions): Promise<PrivateSite> {
    const root = resolve(options.root);
    mkdirSync(root, { recursive: true, mode: 0o700 });
    await sweepRuns(root, options.prefix, { evidence: true });
    const dir = mkdtempSync(join(root, `${options.prefix}${process.pid}-`));
    let node: RabbitNode | undefined;
    let cluster: Cluster | undefined;
    let edge: EdgeStand | undefined;
    const proxies: TcpProxy[] = [];
    try {
      const users = newAccounts();
      const file = resolve(typeof options.settings === 'string' ? options.settings : options.settings(dir));
      // Below the ephemeral range, see freePorts: the gateway retries these ports while nobody listens.
      const own = await freePorts();
      const others = options.cluster === true ? [await freePorts(), await freePorts()] : [];
      const listens = [own, ...others];
      const settings = await readSiteSettings(
        file,
        listens.map((ports) => `amqp://127.0.0.1:${ports.amqp}`).join(','),
        own.management,
        `http://127.0.0.1:${own.dist}`,
      );
      const topology = buildTopology(topologyOptions(settings));
      const { conf = [], signal } = options;
      const definitions = localDefinitions(users, topology);
      const device = { name: users.device.name, passwordHash: passwordHashOf(definitions, users.device.name) };
      const edgePorts = options.edge === 'direct' ? await freePorts() : undefined;
      const folder = join(dir, 'kept');
      const copy = new SettingsCopy(file, dir, edgePorts && { edge: edgeSection('direct', device, edgePorts) });
      const common = { conf, deadlineMs: BROKER_START_MS, ...(signal === undefined ? {} : { signal }) };
      const single: RabbitNodeOptions = { ...common, dir: join(dir, 'node'), name: 'sluice-verify', ports: 'free', definitions };
      if (options.cluster === true) cluster = await Cluster.start({ ...common, dir, definitions });
      else node = await startRabbitNode(single);
      const nodes = cluster?.nodes ?? (node === undefined ? [] : [node]);
      const proxy = async (port: number, listen: number): Promise<TcpProxy> => {
        const one = await TcpProxy.start('127.0.0.1', port, { listen });
        proxies.push(one);
        return one;
      };
      const doors: Doors[] = [];
      for (const [i, { ports }] of nodes.entries()) {
        const listen = listens[i] ?? own;
        const [amqp, mqtt] = [await proxy(ports.amqp, listen.amqp), await proxy(ports.mqtt, listen.mqtt)];
        doors.push({ amqp, mqtt, ws: await proxy(ports.webMqtt, listen.webMqtt) });
      }
      const [first, front] = [nodes[0], doors[0]];
      if (first === undefined || front === undefined) throw new Error('a site without a broker');
      const url = doors.map(({ amqp }) => amqp.via(first.amqpUrl(users.gateway))).join(',');
      const management = await proxy(first.ports.management, own.dist);
      const { name, password } = users.admin;
      const managementUrl = management.via(`http://${name}:${password}@127.0.0.1`);
      const gateway = (httpPort: number, log: string): GatewayProcess =>
        new GatewayProcess({
          settings: copy.file,
          httpPort,
          env: { SLUICE_AMQP_URL: url, SLUICE_MANAGEMENT_URL: managementUrl, SLUICE_HTTP_PORT: String(httpPort), SLUICE_EDGE_DIR: folder },
          log: join(dir, log),
          entry: options.gateway,
        });
      const served = gateway(own.management, 'gateway.log');
      if (edgePorts !== undefined) edge = EdgeStand.within(served, front.amqp, folder, edgePorts);
      if (options.edge === 'edge') {
        edge = await EdgeStand.make({
          dir,
          amqpPort: first.ports.amqp,
          // What a device may publish is all that the edge does.
          amqpUrl: (port) => withPort(first.amqpUrl(users.device), port),
          device,
          entry: options.gateway,
        });
      }
      return new PrivateSite({
        dir,
        edge,
        settings,
        copy,
        topology,
        node: first,
        cluster,
        users,
        proxies: { ...front, management },
        doors,
        gateway: served,
        second: gateway(own.prometheus, 'gateway-2.log'),
      });
    } catch (error) {
      await edge?.close();
      for (const one of proxies) await one.close();
      await node?.remove();
      await cluster?.remove();
      rmSync(dir, { recursive: true, force: true });
      throw error;
    }
  }

  get nodes(): readonly RabbitNode[] {
    return this.cluster?.nodes ?? [this.node];
  }

  get mqttUrl(): string {
    return `mqtt://127.0.0.1:${this.proxies.mqtt.port}`;
  }

  get wsUrl(): string {
    return `ws://127.0.0.1:${this.proxies.ws.port}/ws`;
  }

  /** The account of the auditor at each node, past the proxies. */
  get auditUrls(): readonly string[] {
    return this.nodes.map((node) => node.amqpUrl(this.users.admin));
  }

  /** What the gateway's account may do, as the node was started with. */
  get gatewayRights(): { readonly configure: string; readonly write: string; readonly read: string } {
    const definitions = localDefinitions(this.users, this.topology) as { permissions: { user: string; configure: string; write: string; read: string }[] };
    const rights = definitions.permissions.find(({ user }) => user === this.users.gateway.name);
    if (rights === undefined) throw new Error('the definitions have no gateway account');
    return rights;
  }

  /** As the administrator, on a connection that is closed at the end. */
  async admin<T>(use: (channel: AdminChannel) => Promise<T>): Promise<T> {
    const url = this.nodes.find(({ running }) => running)?.amqpUrl(this.users.admin) ?? '';
    const connection = await connect(url, { timeout: 5000 });
    connection.on('error', () => {});
    try {
      return await use(await connection.createChannel());
    } finally {
      await connection.close().catch(() => {});
    }
  }

  async bind(bindings: readonly BindingSpec[]): Promise<void> {
    await this.admin(async (channel) => {
      for (const b of bindings) await channel.bindQueue(b.queue, b.source, b.routingKey, b.arguments);
    });
  }

  async unbind(bindings: readonly BindingSpec[]): Promise<void> {
    await this.admin(async (channel) => {
      for (const b of bindings) await channel.unbindQueue(b.queue, b.source, b.routingKey, b.arguments);
    });
  }

  /** Deliveries that each node has marked as redelivered since it started, by its process id; without those that do not answer. */
  async redelivered(): Promise<ReadonlyMap<number, number>> {
    const found = new Map<number, number>();
    for (const { pid, ports } of this.nodes) {
      try {
        const response = await fetch(`http://127.0.0.1:${ports.prometheus}/metrics`, { signal: AbortSignal.timeout(5000) });
        const counts = (await response.text()).matchAll(/^rabbitmq_global_messages_redelivered_total\{[^}]*\} (\d+)/gm);
        found.set(
          pid ?? 0,
          [...counts].reduce((sum, [, count]) => sum + Number(count), 0),
        );
      } catch {
        // It is away: that is what many of these runs are about.
      }
    }
    return found;
  }

  /** Ends everything. `keep`: leaves logs and whatever else is evidence, without the broker's data. */
  async stop(keep = false): Promise<void> {
    await Promise.all([this.gateway.end('SIGKILL').catch(() => {}), this.second.end('SIGKILL').catch(() => {}), this.edge?.close()]);
    for (const proxy of [this.proxies.management, ...this.doors.flatMap(({ amqp, mqtt, ws }) => [amqp, mqtt, ws])]) await proxy.close();
    if (keep) for (const node of this.nodes) keepLog(node.dir, this.dir);
    await (this.cluster ?? this.node).remove();
    for (const disk of this.disks) await disk.close();
    if (!keep) rmSync(this.dir, { recursive: true, force: true });
  }
}

function withPort(url: string, port: number): string {
  const there = new URL(url);
  there.port = String(port);
  return there.href;
}

function passwordHashOf(definitions: object, user: string): string {
  const { users } = definitions as { users: readonly { name: string; password_hash: string }[] };
  return users.find(({ name }) => name === user)?.password_hash ?? '';
}

/** What a broker wrote since its last start, and in the one before. */
function keepLog(node: string, dir: string): void {
  const { log } = nodeFiles(node);
  for (const end of ['', '.1']) if (existsSync(log + end)) copyFileSync(log + end, join(dir, `${basename(node)}.log${end}`));
}
