import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'amqplib';
import { connectAsync } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Accounts, newAccounts } from '../../src/local/credentials.ts';
import { localDefinitions } from '../../src/local/definitions.ts';
import { freePorts, type Ports } from '../../src/local/ports.ts';
import { findRabbit } from '../../src/local/rabbit-install.ts';
import { type RabbitNode, startRabbitNode } from '../../src/local/rabbit-node.ts';
import { buildTopology } from '../../src/rabbit/topology.ts';
import { loadSettings } from '../../src/settings/load.ts';
import { topologyOptions } from '../../src/app/topology-options.ts';
import { until } from '../support/rabbit.ts';
import { documentedFiles, opensslMissing } from '../support/tls.ts';

// docker/rabbitmq/*.conf on a real node, with other addresses, paths and names only. RabbitMQ does not start with a key that
// it does not know, so what starts here is known to this version (3.10.8 on Debian 12).

const ROOT = join(import.meta.dirname, '..', '..');
const SHIPPED = join(ROOT, 'docker', 'rabbitmq');
const impossible = opensslMissing ?? (findRabbit() === undefined ? 'no RabbitMQ on this machine: its configuration files are not tested' : undefined);
if (impossible !== undefined) console.log(impossible);

const NAME = 'sluice-files';

/** The lines of all files in the order in which compose mounts them, moved to this machine. */
function moved(dir: string, own: Ports, tls: Ports): string[] {
  const text = ['rabbitmq.conf', 'cluster.conf', 'tls.conf'].map((file) => readFileSync(join(SHIPPED, file), 'utf8')).join('\n');
  const changes: readonly (readonly [RegExp, string])[] = [
    [/^listeners\.tcp\.default = 5672$/m, `listeners.tcp.default = 127.0.0.1:${tls.management}`],
    [/^mqtt\.listeners\.tcp\.default = 1883$/m, `mqtt.listeners.tcp.default = 127.0.0.1:${tls.prometheus}`],
    [/^web_mqtt\.tcp\.port = 15675$/m, `web_mqtt.tcp.port = ${own.webMqtt}`],
    [/^management\.tcp\.port = 15672$/m, `management.tcp.port = ${own.management}`],
    [/^prometheus\.tcp\.port = 15692$/m, `prometheus.tcp.port = ${own.prometheus}`],
    [/^listeners\.ssl\.default = 5671$/m, `listeners.ssl.default = 127.0.0.1:${tls.amqp}`],
    [/^mqtt\.listeners\.ssl\.default = 8883$/m, `mqtt.listeners.ssl.default = 127.0.0.1:${tls.mqtt}`],
    [/^web_mqtt\.ssl\.port = 15676$/m, `web_mqtt.ssl.port = ${tls.webMqtt}`],
    [/\/etc\/rabbitmq\/definitions\.d$/m, join(dir, 'definitions.d')],
    [/\/etc\/rabbitmq\/tls/g, join(dir, 'tls')],
    // One node, alone: three of them are tried in test/fault/production.test.ts.
    [/^cluster_formation\.classic_config\.nodes\.1 = rabbit@rabbit-1$/m, `cluster_formation.classic_config.nodes.1 = ${NAME}@localhost`],
    [/^cluster_formation\.classic_config\.nodes\.[23] = rabbit@rabbit-[23]$/gm, ''],
    [/^cluster_formation\.target_cluster_size_hint = 3$/m, 'cluster_formation.target_cluster_size_hint = 1'],
    // This machine's disk is not ours to judge.
    [/^disk_free_limit\.absolute = 2GB$/m, 'disk_free_limit.absolute = 50MB'],
  ];
  let lines = text;
  for (const [from, to] of changes) {
    if (lines.search(from) === -1) throw new Error(`no line of the files fits ${String(from)}`);
    lines = lines.replace(from, to);
  }
  return lines.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

describe.skipIf(impossible !== undefined)('docker/rabbitmq on this machine', () => {
  let dir: string;
  let node: RabbitNode;
  let users: Accounts;
  let tls: Ports;

  beforeAll(async () => {
    mkdirSync(join(ROOT, '.sluice'), { recursive: true, mode: 0o700 });
    dir = mkdtempSync(join(ROOT, '.sluice', `test-${process.pid}-`));
    documentedFiles(dir, 'a passphrase');
    users = newAccounts();
    const loaded = await loadSettings(join(ROOT, 'config/sluice.yaml'), {});
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    // As compose mounts them: the shipped topology, and accounts as docker/secrets.sh makes them.
    const folder = join(dir, 'definitions.d');
    mkdirSync(folder);
    copyFileSync(join(SHIPPED, 'definitions.json'), join(folder, '10-topology.json'));
    writeFileSync(join(folder, '20-accounts.json'), JSON.stringify(localDefinitions(users, buildTopology(topologyOptions(loaded.settings)))));
    const own = await freePorts();
    tls = await freePorts();
    node = await startRabbitNode({ dir: join(dir, 'node'), name: NAME, ports: own, definitions: {}, conf: moved(dir, own, tls), deadlineMs: 180_000 });
  }, 240_000);

  afterAll(async () => {
    await node?.remove();
    rmSync(dir, { recursive: true, force: true });
  });

  it('starts with every key, and has the accounts and the topology of the folder', async () => {
    const { name, password } = users.gateway;
    const connection = await connect(`amqp://${name}:${password}@127.0.0.1:${tls.management}`, { timeout: 20_000 });
    const channel = await connection.createConfirmChannel();
    // Bound as the topology says; the device's rights are tried below.
    const admin = await connect(`amqp://${users.admin.name}:${users.admin.password}@127.0.0.1:${tls.management}`, { timeout: 20_000 });
    const publishing = await admin.createConfirmChannel();
    publishing.publish('amq.topic', 'devices.x', Buffer.from('{}'));
    await publishing.waitForConfirms();
    await until('the message is in the ingest queue', async () => (await channel.checkQueue('sluice.ingest')).messageCount === 1, 30_000);
    await admin.close();
    await connection.close();
    await expect(connect(`amqp://guest:guest@127.0.0.1:${tls.management}`, { timeout: 20_000 })).rejects.toThrow(/ACCESS_REFUSED/);
    // One call: each starts an Erlang of its own.
    const known = await node.ctl(['eval', '[application:get_env(rabbit, Key) || Key <- [cluster_partition_handling, queue_leader_locator]].']);
    expect(known).toMatch(/pause_minority[\s\S]*balanced/);
  });

  it('takes devices and clients over TLS by the documented certificates, and nobody without an account', async () => {
    const ca = readFileSync(join(dir, 'tls', 'ca.pem'));
    const { gateway, device } = users;
    const connection = await connect(`amqps://${gateway.name}:${gateway.password}@localhost:${tls.amqp}`, { ca, timeout: 20_000 });
    await connection.close();
    const login = async (url: string, account: object): Promise<void> => {
      const client = await connectAsync(url, { ...account, ca, connectTimeout: 20_000, reconnectPeriod: 0, protocolVersion: 4 }, false);
      await client.endAsync();
    };
    const account = { username: device.name, password: device.password };
    await expect(login(`mqtts://localhost:${tls.mqtt}`, account)).resolves.toBeUndefined();
    await expect(login(`wss://localhost:${tls.webMqtt}/ws`, account)).resolves.toBeUndefined();
    await expect(login(`mqtt://127.0.0.1:${tls.prometheus}`, account)).resolves.toBeUndefined();
    await expect(login(`mqtts://localhost:${tls.mqtt}`, {})).rejects.toThrow(/refused|authorized/i);
  });
});
