import mqtt, { type MqttClient } from 'mqtt';
import { type Channel, connect } from 'amqplib';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { systemScheduler } from '../../src/pipeline/scheduler.ts';
import { assertTopology, TopologyError } from '../../src/rabbit/assert-topology.ts';
import type { Session } from '../../src/rabbit/session.ts';
import { type BrokerUser, definitionsJson, localUsers } from '../../src/rabbit/definitions.ts';
import { buildTopology, type Topology } from '../../src/rabbit/topology.ts';
import { EventLog, Management, newSession, soon, unique, until } from '../support/rabbit.ts';

const broker = inject('broker');
const management = new Management(broker);
const run = unique();
// A virtual host of its own: the names of the default settings can be used in it.
const vhost = `test-${run}`;
const password = `p/w:${run}@%`;
const site = `north_${run}`;
const names = { gateway: `gw-${run}`, consumer: `co-${run}`, device: site, other: `south_${run}` };

const topology = buildTopology({
  ingest: { queue: 'sluice.ingest', topics: ['devices/+/+/telemetry/#', 'devices/#'] },
  deadLetters: { exchange: 'sluice.dead', queue: 'sluice.dead' },
  exchanges: [
    { name: 'sluice.readings', type: 'topic' },
    { name: 'sluice.alarms', type: 'direct', alternateExchange: 'sluice.dead' },
    { name: 'sluice.live', type: 'fanout', durable: false },
    { name: 'sluice.attributes', type: 'headers' },
  ],
  queues: [
    {
      name: 'sluice.out.readings',
      type: 'quorum',
      maxLength: 100_000,
      maxBytes: 10_000_000_000,
      messageTtlMs: 60_000,
      bindings: [{ exchange: 'sluice.readings', routingKey: '#' }],
    },
    {
      name: 'sluice.out.alarms',
      type: 'classic',
      maxPriority: 9,
      bindings: [
        { exchange: 'sluice.alarms', routingKey: 'critical' },
        { exchange: 'sluice.alarms', routingKey: 'info' },
      ],
    },
    { name: 'sluice.out.attributes', type: 'quorum', bindings: [{ exchange: 'sluice.attributes', arguments: { 'x-match': 'any', flagged: 'late' } }] },
  ],
});
const users = localUsers(topology, {
  gateway: { name: names.gateway, password },
  consumer: { name: names.consumer, password },
  devices: [
    { name: names.device, password },
    { name: names.other, password },
  ],
});

function urlOf(user: string, host = vhost): string {
  const url = new URL(broker.adminUrl);
  url.username = user;
  url.password = encodeURIComponent(password);
  url.pathname = `/${encodeURIComponent(host)}`;
  return url.href;
}

/** A private virtual host needs an administrator. */
describe.skipIf(broker.kind === 'external')('topology on RabbitMQ', () => {
  const closers: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    await management.request('PUT', `vhosts/${encodeURIComponent(vhost)}`);
    await management.request('POST', 'definitions', JSON.parse(definitionsJson(topology, users, { vhost })) as unknown);
  });
  afterAll(async () => {
    await management.request('DELETE', `vhosts/${encodeURIComponent(vhost)}`);
    for (const name of Object.values(names)) await management.request('DELETE', `users/${name}`);
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  async function session(user: string, host = vhost): Promise<Session> {
    const made = newSession(urlOf(user, host), { failFast: true });
    closers.push(() => made.close(2000));
    await soon('connecting', made.start(AbortSignal.timeout(10_000)));
    return made;
  }
  async function assertAs(user: string, wanted: Topology, host = vhost, observer = new EventLog().observer): Promise<void> {
    const { current } = await session(user, host);
    if (current === undefined) throw new Error('no connection');
    await assertTopology(current, wanted, { timeoutMs: 5000, scheduler: systemScheduler, observer });
  }
  async function channel(user: string): Promise<Channel> {
    const model = await connect(urlOf(user));
    model.on('error', () => {});
    closers.push(() => model.close());
    const made = await model.createChannel();
    made.on('error', () => {});
    return made;
  }
  /** Runs `act` on a channel of its own and answers the reply code that it earned. */
  async function codeFor(user: string, act: (channel: Channel) => Promise<unknown> | void): Promise<number | 'allowed'> {
    const made = await channel(user);
    const closed = new Promise<number>((resolve) => made.on('error', (error: Error & { code?: number }) => resolve(error.code ?? 0)));
    const done = (async () => {
      await act(made);
      // A publish is answered by nothing: the next round trip comes after its refusal.
      await made.prefetch(1);
      return 'allowed' as const;
    })();
    return await Promise.race([closed, done.catch(() => closed)]);
  }
  async function device(user: string, account = user): Promise<MqttClient> {
    const client = mqtt.connect(broker.mqttUrl, {
      username: `${vhost}:${account}`,
      password,
      clientId: `${account}.${unique()}`,
      reconnectPeriod: 0,
      connectTimeout: 5000,
    });
    client.on('error', () => {});
    closers.push(() => client.endAsync(true));
    await soon('the device connects', new Promise((resolve) => client.once('connect', resolve)));
    return client;
  }

  it('finds the definitions file as the gateway wants it, and says what it asserted', async () => {
    const log = new EventLog();
    // Naming one of the broker's own exchanges is fine.
    const named = { ...topology, exchanges: [...topology.exchanges, { name: 'amq.topic', type: 'topic' as const, durable: true, arguments: {} }] };
    await assertAs(names.gateway, named, vhost, log.observer);
    expect(log.events).toEqual([{ type: 'topology-asserted', exchanges: 6, queues: 5, bindings: 7, away: undefined }]);
  });

  it("declares everything from nothing with the gateway's rights, and with none of them less", async () => {
    const bare = `${vhost}-bare`;
    const gateway = users.find((u) => u.name === names.gateway);
    if (gateway === undefined) throw new Error('no gateway');
    const grant = async (rights: Partial<BrokerUser>): Promise<void> => {
      const { configure, write, read } = { ...gateway, ...rights };
      await management.request('PUT', `permissions/${encodeURIComponent(bare)}/${gateway.name}`, { configure, write, read });
    };
    await management.request('PUT', `vhosts/${encodeURIComponent(bare)}`);
    try {
      for (const missing of [{ configure: '^$' }, { write: '^$' }, { read: '^$' }, { read: '^sluice\\..*$' }]) {
        await grant(missing);
        await expect(assertAs(names.gateway, topology, bare)).rejects.toMatchObject({ name: 'TopologyError', code: 403 });
      }
      await grant({});
      await assertAs(names.gateway, topology, bare);
    } finally {
      await management.request('DELETE', `vhosts/${encodeURIComponent(bare)}`);
    }
  });

  it('names the queue that exists with other properties, and what to do', async () => {
    const other = {
      ...topology,
      queues: topology.queues.map((q) => (q.name === 'sluice.ingest' ? { ...q, arguments: { ...q.arguments, 'x-delivery-limit': 7 } } : q)),
    };
    const error = await assertAs(names.gateway, other).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(TopologyError);
    expect(error).toMatchObject({
      what: "queue 'sluice.ingest'",
      code: 406,
      message: expect.stringMatching(/other properties.*x-delivery-limit.*delete it/) as string,
    });
  });

  it('names a binding to an exchange that is not there, and a queue that should be there already', async () => {
    const binding = { source: 'sluice.nowhere', queue: 'sluice.ingest', routingKey: 'a', arguments: {} };
    await expect(assertAs(names.gateway, { ...topology, bindings: [binding] })).rejects.toThrow(
      /binding of queue 'sluice.ingest' to exchange 'sluice.nowhere'.*Add it/,
    );
    const queue = { name: 'sluice.elsewhere', durable: true, declare: false, arguments: {} };
    await expect(assertAs(names.gateway, { ...topology, queues: [queue] })).rejects.toThrow(/queue 'sluice.elsewhere': does not exist/);
  });

  it('gives the gateway nothing outside its names', async () => {
    expect(await codeFor(names.gateway, (c) => c.assertQueue('foreign'))).toBe(403);
    expect(await codeFor(names.gateway, (c) => void c.publish('amq.topic', 'x', Buffer.from('x')))).toBe(403);
    expect(await codeFor(names.gateway, (c) => void c.publish('sluice.live', 'x', Buffer.from('x')))).toBe('allowed');
    expect(await codeFor(names.gateway, (c) => c.consume('sluice.ingest', () => {}))).toBe('allowed');
    // Replays of dead letters; that nobody else may is why the gateway believes what they say of themselves.
    expect(await codeFor(names.gateway, (c) => void c.publish('', 'sluice.none', Buffer.from('x')))).toBe('allowed');
    expect(await codeFor(names.consumer, (c) => void c.publish('', 'sluice.ingest', Buffer.from('x')))).toBe(403);
    expect(await codeFor(names.device, (c) => void c.publish('', 'sluice.ingest', Buffer.from('x')))).toBe(403);
  });

  it('lets the consumer read what goes out and nothing else', async () => {
    for (const queue of ['sluice.out.readings', 'sluice.out.alarms', 'sluice.dead']) {
      expect(await codeFor(names.consumer, (c) => c.consume(queue, () => {}))).toBe('allowed');
    }
    const tap = async (c: Channel, exchange: string): Promise<void> => {
      const { queue } = await c.assertQueue('', { exclusive: true, autoDelete: true });
      await c.bindQueue(queue, exchange, '');
      await c.consume(queue, () => {});
    };
    expect(await codeFor(names.consumer, (c) => tap(c, 'sluice.live'))).toBe('allowed');
    expect(await codeFor(names.consumer, (c) => tap(c, 'sluice.readings'))).toBe(403);
    expect(await codeFor(names.consumer, (c) => tap(c, 'amq.topic'))).toBe(403);
    expect(await codeFor(names.consumer, (c) => c.consume('sluice.ingest', () => {}))).toBe(403);
    expect(await codeFor(names.consumer, (c) => c.purgeQueue('sluice.ingest'))).toBe(403);
    expect(await codeFor(names.consumer, (c) => void c.publish('sluice.readings', 'x', Buffer.from('x')))).toBe(403);
    expect(await codeFor(names.consumer, (c) => c.deleteQueue('sluice.out.readings'))).toBe(403);
  });

  it('lets a device publish below its own site, and nowhere else', async () => {
    const consumer = await channel(names.gateway);
    const got: string[] = [];
    await consumer.consume('sluice.ingest', (message) => void got.push(message?.fields.routingKey ?? ''), { noAck: true });
    const client = await device(site);
    await soon('the PUBACK', client.publishAsync(`devices/${site}/m1/telemetry`, '{}', { qos: 1 }));
    await until('the message', () => got.length === 1);

    // RabbitMQ answers a refused publish of MQTT 3.1.1 by closing the connection.
    const at = (length: number): string => `devices/${site}/`.padEnd(length, 'x');
    const refused = [`devices/${names.other}/m1/telemetry`, `devices/${site}`, `devices/${site}x/m1/t`, `x/devices/${site}/m1/t`, 'other', at(201), at(300)];
    for (const topic of refused) {
      const intruder = await device(site);
      const closed = new Promise((resolve) => intruder.once('close', () => resolve(undefined)));
      intruder.publish(topic, '{}', { qos: 1 });
      await soon(`${topic} is refused`, closed);
    }
    await soon('the longest topic', client.publishAsync(at(200), '{}', { qos: 1 }));
    await until('the message', () => got.length === 2);
    expect(got).toEqual([`devices.${site}.m1.telemetry`, at(200).replaceAll('/', '.')]);
  });

  it('lets a device subscribe to its own topics and commands only', async () => {
    const client = await device(site);
    const granted = async (topic: string): Promise<number | undefined> => (await soon('SUBACK', client.subscribeAsync(topic, { qos: 1 })))[0]?.qos;
    expect(await granted(`commands/${site}/m1`)).toBe(1);
    expect(await granted(`devices/${site}/#`)).toBe(1);
    for (const topic of [`commands/${names.other}/m1`, 'devices/#', '#', `devices/+/m1`]) {
      const spy = await device(site);
      const closed = new Promise((resolve) => spy.once('close', () => resolve('closed')));
      const answer = spy.subscribeAsync(topic, { qos: 1 }).then(
        (subs) => (subs[0]?.qos === 128 ? 'refused' : 'granted'),
        () => 'refused',
      );
      expect([topic, await soon('an answer', Promise.race([closed, answer]))]).not.toEqual([topic, 'granted']);
    }
  });

  it('keeps a device out of every queue and exchange of the gateway', async () => {
    expect(await codeFor(site, (c) => c.consume('sluice.ingest', () => {}))).toBe(403);
    expect(await codeFor(site, (c) => c.consume('sluice.out.readings', () => {}))).toBe(403);
    expect(await codeFor(site, (c) => void c.publish('sluice.readings', 'x', Buffer.from('x')))).toBe(403);
    expect(await codeFor(site, (c) => c.assertQueue('mine'))).toBe(403);
    expect(await codeFor(site, (c) => void c.publish('amq.topic', `devices.${names.other}.m1.t`, Buffer.from('x')))).toBe(403);
  });
});
