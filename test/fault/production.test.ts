import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect as amqpConnect } from 'amqplib';
import { connect as mqttConnect, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Accounts, newAccounts } from '../../src/local/credentials.ts';
import { localDefinitions } from '../../src/local/definitions.ts';
import { freePorts, type Ports } from '../../src/local/ports.ts';
import { findRabbit } from '../../src/local/rabbit-install.ts';
import { type RabbitNode, startRabbitNode } from '../../src/local/rabbit-node.ts';
import { buildTopology } from '../../src/rabbit/topology.ts';
import { loadSettings } from '../../src/settings/load.ts';
import { topologyOptions } from '../../src/app/topology-options.ts';
import { GatewayProcess } from '../../src/verify/gateway-process.ts';
import { HAPROXY, Haproxy, SHIPPED as BALANCER, withAddresses } from '../support/haproxy.ts';
import { soon, until } from '../support/rabbit.ts';
import { CONFIG, GATEWAY, ROOT } from './runs.ts';

// docker/compose.production.yaml without an engine: three nodes by docker/rabbitmq/*.conf, HAProxy by docker/haproxy/haproxy.cfg,
// two gateways and a device through it. Only names, addresses, ports and bounds for this machine are others. A node dies, and the gateway that works stops.

const FILES = join(ROOT, 'docker', 'rabbitmq');
const NODES = [1, 2, 3];
const START_MS = 600_000;
const SOON_MS = 120_000;
const possible = HAPROXY && findRabbit()?.epmd !== undefined;

/** rabbitmq.conf and cluster.conf; listeners are those of the private node. */
function conf(dir: string): string[] {
  const text = ['rabbitmq.conf', 'cluster.conf'].map((file) => readFileSync(join(FILES, file), 'utf8')).join('\n');
  return text
    .replaceAll(/^(\w+\.tcp\.port|(mqtt\.)?listeners\.tcp\.default) = .*$/gm, '')
    .replace('/etc/rabbitmq/definitions.d', join(dir, 'definitions.d'))
    .replaceAll(/rabbit@(rabbit-\d)/g, '$1@localhost')
    .replace(/^disk_free_limit\.absolute = 2GB$/m, 'disk_free_limit.absolute = 50MB')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** haproxy.cfg in front of them. */
function balancer(front: Ports, ports: readonly Ports[]): string {
  const doors = [
    [5672, 'amqp'],
    [1883, 'mqtt'],
    [15675, 'webMqtt'],
    [15672, 'management'],
  ] as const;
  const servers = NODES.flatMap((node, i) => doors.map(([port, door]) => [`rabbit-${node}:${port}`, `127.0.0.1:${ports[i]?.[door] ?? 0}`]));
  const binds = [...doors, [8404, 'prometheus'] as const].map(([port, door]) => [`:${port}`, `127.0.0.1:${front[door]}`]);
  // Two file descriptors for each connection: more than a user may have on many machines.
  const text = readFileSync(join(BALANCER, 'haproxy.cfg'), 'utf8').replace('maxconn 20000', 'maxconn 2000');
  return withAddresses(text, Object.fromEntries([...servers, ...binds]) as Record<string, string>);
}

/** Whether the virtual host runs there, and the gateway has its rights. */
async function opensVhost(node: RabbitNode): Promise<boolean> {
  const said = await node.ctl([
    '-q',
    'eval',
    '{rabbit_vhost_sup_sup:check(), [Name || [{user, Name} | _] <- rabbit_auth_backend_internal:list_vhost_permissions(<<"/">>)]}.',
  ]);
  return said.startsWith('{[],') && said.includes('<<"gateway">>');
}

describe.skipIf(!possible)('the production set-up', () => {
  let dir: string;
  let users: Accounts;
  let mapper: ChildProcess;
  let proxy: Haproxy;
  let front: Ports;
  let device: MqttClient;
  const nodes: RabbitNode[] = [];
  const gateways: GatewayProcess[] = [];
  /** Numbers of the readings that the broker acknowledged to the device. */
  const acknowledged = new Set<number>();
  let next = 0;

  beforeAll(
    async () => {
      mkdirSync(join(ROOT, '.sluice'), { recursive: true, mode: 0o700 });
      dir = mkdtempSync(join(ROOT, '.sluice', `test-${process.pid}-`));
      users = newAccounts();
      const loaded = await loadSettings(CONFIG, {});
      if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
      const folder = join(dir, 'definitions.d');
      mkdirSync(folder);
      copyFileSync(join(FILES, 'definitions.json'), join(folder, '10-topology.json'));
      writeFileSync(join(folder, '20-accounts.json'), JSON.stringify(localDefinitions(users, buildTopology(topologyOptions(loaded.settings)))));
      front = await freePorts();
      const common = await freePorts();
      const ports: Ports[] = [];
      // One port mapper for all, as they find one another through it.
      for (const _ of NODES) ports.push({ ...(await freePorts()), epmd: common.epmd });
      mapper = spawn(findRabbit()?.epmd ?? '', ['-address', '127.0.0.1', '-port', String(common.epmd)], { cwd: dir, stdio: 'ignore' });
      process.once('exit', () => mapper.kill('SIGKILL'));
      const starts = NODES.map(async (node, i) => {
        const started = await startRabbitNode({
          dir: join(dir, `node-${node}`),
          name: `rabbit-${node}`,
          ports: ports[i] ?? {},
          definitions: {},
          conf: conf(dir),
          cookie: 'a-word-of-the-production-test',
          mapper: 'given',
          deadlineMs: START_MS,
        });
        nodes[i] = started;
      });
      for (const one of await Promise.allSettled(starts)) if (one.status === 'rejected') throw one.reason;
      // A node that has joined listens before its virtual host runs: until then it refuses everybody, and a gateway that starts would end.
      // Where it joined while another node made the virtual host, it never opens it by itself: docs/deployment.md.
      await Promise.all(nodes.map(async (node) => await node.ctl(['restart_vhost'])));
      await until('the virtual host runs on every node', async () => (await Promise.all(nodes.map(opensVhost))).every(Boolean), SOON_MS);
      proxy = await Haproxy.start(dir, balancer(front, ports), `http://127.0.0.1:${front.prometheus}/health`);
      for (const number of [1, 2]) {
        const { management: httpPort } = await freePorts();
        const { name, password } = users.gateway;
        const env = {
          SLUICE_NAME: `gateway-${number}`,
          SLUICE_AMQP_URL: `amqp://${name}:${password}@127.0.0.1:${front.amqp}`,
          SLUICE_HTTP_PORT: String(httpPort),
        };
        const gateway = new GatewayProcess({
          settings: CONFIG,
          httpPort,
          env: { ...env, SLUICE_STATE_DIR: join(dir, `state-${number}`) },
          log: join(dir, `gateway-${number}.log`),
          entry: GATEWAY,
        });
        gateways.push(gateway);
        // One after the other: the first becomes the active consumer.
        await gateway.start(SOON_MS);
      }
      // As a device does: the plugin refuses (`Server unavailable`) until its nodes know of one another, and it tries again.
      device = mqttConnect(`mqtt://127.0.0.1:${front.mqtt}`, {
        username: users.device.name,
        password: users.device.password,
        clientId: users.device.name,
        reconnectPeriod: 200,
        reconnectOnConnackError: true,
        connectTimeout: 20_000,
        protocolVersion: 4,
      });
      device.on('error', () => {});
      await soon('the device is connected', new Promise<void>((resolve) => void device.once('connect', () => resolve())), SOON_MS);
    },
    START_MS + 3 * SOON_MS,
  );

  afterAll(async () => {
    await device?.endAsync(true).catch(() => undefined);
    for (const gateway of gateways) if (gateway.running) await gateway.end('SIGKILL');
    await proxy?.stop();
    await Promise.all(nodes.map(async (node) => await node?.remove()));
    mapper?.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  }, SOON_MS);

  /** Publishes so many readings, each acknowledged before the next; after a lost connection the client sends again by itself. */
  async function publish(count: number): Promise<void> {
    for (const end = next + count; next < end; next += 1) {
      const payload = JSON.stringify({ device: `${users.device.name}/bench`, seq: next, values: { n: next } });
      await soon(`the acknowledgement of reading ${next}`, device.publishAsync(`devices/${users.device.name}/bench/telemetry`, payload, { qos: 1 }), SOON_MS);
      acknowledged.add(next);
    }
  }

  const received = async (): Promise<number[]> =>
    await Promise.all(gateways.map(async (gateway) => (gateway.running ? (await gateway.status(30_000)).ledger.messages.received : 0)));

  it('declares each quorum queue on three nodes, though the definitions are read by nodes that start alone', async () => {
    const rows = (await nodes[0]?.ctl(['-q', 'list_queues', 'name', 'members']))?.split('\n') ?? [];
    const members = rows.find((row) => row.startsWith('sluice.ingest\t')) ?? '';
    expect(members.match(/rabbit-\d@localhost/g)?.sort()).toEqual(['rabbit-1@localhost', 'rabbit-2@localhost', 'rabbit-3@localhost']);
  });

  it('has one gateway that works and one that stands by, and both are ready', async () => {
    await publish(50);
    await until('one gateway has them', async () => (await received())[0] === 50, SOON_MS);
    expect(await received()).toEqual([50, 0]);
    await until('all of it is forwarded', async () => (await gateways[0]?.status(30_000))?.ledger.messages.forwarded === 50, SOON_MS);
    for (const gateway of gateways) expect(await gateway.waitReady(true, SOON_MS)).toMatchObject({ ready: true });
  });

  it('goes on when a node is killed', async () => {
    await nodes[1]?.kill();
    await publish(50);
    for (const gateway of gateways) await gateway.waitReady(true, SOON_MS);
    await publish(50);
    await until('the balancer has taken the node out', () => proxy.log().includes('Server amqp/rabbit-2 is DOWN'), SOON_MS);
    expect(acknowledged.size).toBe(150);
  });

  it('goes on when the gateway that works is stopped, with all that it held settled', async () => {
    const before = await received();
    const active = before.indexOf(Math.max(...before));
    expect(await gateways[active]?.end('SIGTERM', 60_000)).toBe(0);
    await publish(50);
    await until('the other gateway works', async () => ((await received())[1 - active] ?? 0) >= (before[1 - active] ?? 0) + 50, SOON_MS);
  });

  it('has lost nothing', async () => {
    for (const gateway of gateways.filter(({ running }) => running)) await gateway.waitReady(true, SOON_MS);
    const { name, password } = users.consumer;
    const connection = await amqpConnect(`amqp://${name}:${password}@127.0.0.1:${front.amqp}`, { timeout: 20_000 });
    connection.on('error', () => {});
    const channel = await connection.createChannel();
    const seen = new Set<number>();
    await channel.consume(
      'sluice.out.readings',
      (message) => {
        if (message === null) return;
        for (const { values } of (JSON.parse(message.content.toString()) as { readings: { values: { n: number } }[] }).readings) seen.add(values.n);
        channel.ack(message);
      },
      { noAck: false },
    );
    await until('every acknowledged reading is in the queue', () => [...acknowledged].every((number) => seen.has(number)), SOON_MS).catch(() => undefined);
    expect([...acknowledged].filter((number) => !seen.has(number))).toEqual([]);
    expect(acknowledged.size).toBe(200);
    await connection.close();
  });
});
