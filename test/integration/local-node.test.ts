import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as amqpConnect } from 'amqplib';
import { connectAsync } from 'mqtt';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { newAccounts } from '../../src/local/credentials.ts';
import { localDefinitions, NO_TOPOLOGY } from '../../src/local/definitions.ts';
import { amqpAnswers, freePorts, portState } from '../../src/local/ports.ts';
import { alive } from '../../src/local/processes.ts';
import { BrokerNodeError, type RabbitNode, startRabbitNode, stopStaleNode } from '../../src/local/rabbit-node.ts';

const amqp = { timeout: 5000 };

async function refused(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return 'was let in';
}

async function mqttLogin(url: string, username?: string, password?: string): Promise<void> {
  const account = username === undefined || password === undefined ? {} : { username, password };
  const client = await connectAsync(url, { ...account, connectTimeout: 5000, reconnectPeriod: 0, protocolVersion: 4 }, false);
  await client.endAsync();
}

describe('the broker that the tests share', () => {
  const broker = inject('broker');

  it('lets every account in over AMQP, MQTT and WebSocket', async () => {
    for (const url of [broker.amqpUrl, broker.adminUrl]) {
      const connection = await amqpConnect(url, amqp);
      expect(connection.connection.serverProperties['product']).toBe('RabbitMQ');
      await connection.close();
    }
    const { name, password } = broker.users.device;
    await expect(mqttLogin(broker.mqttUrl, name, password)).resolves.toBeUndefined();
    await expect(mqttLogin(broker.wsUrl, name, password)).resolves.toBeUndefined();
  });

  it.skipIf(broker.kind === 'external')('refuses guest, anonymous devices and wrong passwords', async () => {
    const guest = new URL(broker.amqpUrl);
    guest.username = 'guest';
    guest.password = 'guest';
    expect(await refused(amqpConnect(guest.href, amqp))).toContain('ACCESS_REFUSED');
    expect(await refused(mqttLogin(broker.mqttUrl))).toMatch(/refused|authorized/i);
    expect(await refused(mqttLogin(broker.mqttUrl, 'guest', 'guest'))).toMatch(/refused|authorized|password/i);
    // 3.10 closes the WebSocket here without a CONNACK.
    expect(await refused(mqttLogin(broker.wsUrl, broker.users.device.name, 'wrong'))).toMatch(/refused|authorized|password|connect/i);
    const answer = await fetch(`${broker.managementUrl}/api/overview`, { headers: { authorization: `Basic ${btoa('guest:guest')}` } });
    expect(answer.status).toBe(401);
  });

  it.skipIf(broker.kind === 'external')('shows the management UI to the administrator', async () => {
    const { name, password } = broker.users.admin;
    const answer = await fetch(`${broker.managementUrl}/api/overview`, { headers: { authorization: `Basic ${btoa(`${name}:${password}`)}` } });
    expect(answer.status).toBe(200);
  });
});

describe('a private node', () => {
  // Blanks, a letter beyond ASCII and a long path: what home folders look like.
  const base = mkdtempSync(join(tmpdir(), 'sluice node ü '));
  const dir = join(base, 'a folder with a rather long name '.repeat(3).trim(), 'node');
  const users = newAccounts();
  let node: RabbitNode;

  beforeAll(async () => {
    node = await startRabbitNode({ dir, ports: 'free', definitions: localDefinitions(users, NO_TOPOLOGY) });
  });

  afterAll(async () => {
    await node.stop();
    rmSync(base, { recursive: true, force: true });
  });

  it('keeps its secrets to this user', () => {
    for (const file of ['home/.erlang.cookie', 'definitions.json']) expect(statSync(join(dir, file)).mode & 0o077).toBe(0);
    expect(readFileSync(join(dir, 'definitions.json'), 'utf8')).not.toContain(users.gateway.password);
  });

  it('answers rabbitmqctl, and says what went wrong', async () => {
    const names = (await node.ctl(['-q', 'list_users', '--no-table-headers'])).split('\n').map((line) => line.split('\t')[0]);
    expect(new Set(names.filter((name) => name !== ''))).toEqual(new Set(['admin', 'consumer', 'gateway', 'plant-1']));
    // A second lock besides the missing user guest, whom anonymous devices would be.
    expect(await node.ctl(['eval', 'application:get_env(rabbitmq_mqtt, allow_anonymous).'])).toContain('{ok,false}');
    await expect(node.ctl(['no_such_command'])).rejects.toThrow(/no_such_command/);
  });

  it('listens on loopback only', () => {
    const table = readFileSync('/proc/net/tcp', 'utf8') + readFileSync('/proc/net/tcp6', 'utf8');
    for (const port of Object.values(node.ports)) {
      const hex = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
      const listening = table
        .split('\n')
        .map((line) => line.trim().split(/\s+/))
        .filter((columns) => columns[3] === '0A' && columns[1]?.endsWith(hex) === true);
      expect(listening.length, `port ${port}`).toBeGreaterThan(0);
      // 127.0.0.1, or ::1 (the port mapper listens there too).
      for (const columns of listening) expect(columns[1]).toMatch(/^(0100007F|00000000000000000000000001000000):/);
    }
  });

  it('keeps confirmed messages over a crash and a restart on the same ports', async () => {
    const connection = await amqpConnect(node.amqpUrl(users.admin), amqp);
    connection.on('error', () => undefined);
    const channel = await connection.createConfirmChannel();
    channel.on('error', () => undefined);
    await channel.assertQueue('kept', { durable: true });
    channel.sendToQueue('kept', Buffer.from('x'), { persistent: true });
    await channel.waitForConfirms();
    const closed = new Promise((settle) => connection.once('close', settle));
    // Once in many runs RabbitMQ 3.10.8 did not know a queue any more that it had declared milliseconds before the kill.
    await node.ctl(['eval', 'mnesia:dump_log().']);
    const before = node.pid ?? 0;
    const { ports } = node;
    await node.kill();
    await closed;
    expect(alive(before)).toBe(false);
    expect(node.running).toBe(false);
    expect(await amqpAnswers(ports.amqp, 1000)).toBe(false);
    expect(await portState(ports.epmd)).toBe('free');

    await node.restart();
    expect(node.ports).toEqual(ports);
    expect(node.pid).not.toBe(before);
    const again = await amqpConnect(node.amqpUrl(users.admin), amqp);
    const reader = await again.createChannel();
    expect((await reader.checkQueue('kept')).messageCount).toBe(1);
    await again.close();
  });

  it('is not started twice in one folder', async () => {
    const pid = node.pid;
    await expect(startRabbitNode({ dir, ports: 'free', definitions: localDefinitions(users, NO_TOPOLOGY) })).rejects.toMatchObject({ code: 'DIR_IN_USE' });
    expect(node.pid).toBe(pid);
  });

  it('stops in order, leaves no process and no open port', async () => {
    const pid = node.pid ?? 0;
    await node.stop();
    expect(await node.ended).toBe('exit code 0');
    expect(alive(pid)).toBe(false);
    for (const port of Object.values(node.ports)) expect(await portState(port)).toBe('free');
    expect(await stopStaleNode(dir)).toBe(false);
    await node.stop();
  });

  it('names a port that is in use, and who has it', async () => {
    const ports = await freePorts();
    const other = createServer();
    await new Promise<void>((settle) => other.listen(ports.mqtt, '127.0.0.1', () => settle()));
    try {
      const failure = await startRabbitNode({ dir, ports, definitions: localDefinitions(users, NO_TOPOLOGY) }).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(BrokerNodeError);
      expect(failure).toMatchObject({ code: 'PORT_IN_USE' });
      expect((failure as Error).message).toContain(`port ${ports.mqtt} (mqtt) is in use by`);
      expect((failure as Error).message).toContain(`pid ${process.pid}`);
    } finally {
      other.close();
    }
  });

  it('reports a node that ends during its start at once, with what its log says', async () => {
    const failure = await startRabbitNode({ dir, ports: 'free', definitions: localDefinitions(users, NO_TOPOLOGY), conf: ['no.such.key = 1'] }).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: 'ENDED' });
    expect((failure as Error).message).toContain('no.such.key');
  });
});
