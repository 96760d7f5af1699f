import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { type Channel, type ConfirmChannel, connect } from 'amqplib';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { definitionsJson, localUsers } from '../../src/rabbit/definitions.ts';
import { buildTopology } from '../../src/rabbit/topology.ts';
import { Management, soon, unique, until } from '../support/rabbit.ts';

const broker = inject('broker');
const management = new Management(broker);
const run = unique();
const vhost = `security-${run}`;
const path = encodeURIComponent(vhost);
const password = `p/w:${run}@%`;
const site = `north-${run}`;
// A name that begins with the other's: what is not anchored would match both.
const other = `north-${run}-2`;
const one = { name: site, device: 'm1' };
const names = { gateway: `gw-${run}`, consumer: `co-${run}`, operator: `op-${run}`, site, other, one: `${site}.m1` };
type Role = keyof typeof names;

const topology = buildTopology({
  ingest: { queue: 'sluice.ingest', topics: ['#'] },
  deadLetters: { exchange: 'sluice.dead', queue: 'sluice.dead' },
  exchanges: [
    { name: 'sluice.readings', type: 'topic' },
    { name: 'sluice.live', type: 'fanout', durable: false },
  ],
  queues: [{ name: 'sluice.out.readings', type: 'classic', bindings: [{ exchange: 'sluice.readings', routingKey: '#' }] }],
});
const account = (name: string): { name: string; password: string } => ({ name, password });
const users = localUsers(topology, {
  gateway: account(names.gateway),
  consumer: account(names.consumer),
  operator: account(names.operator),
  devices: [account(site), account(other), { ...one, password }],
});

function urlOf(user: string, pass = password): string {
  const url = new URL(broker.adminUrl);
  if (user !== broker.users.admin.name) {
    url.username = user;
    url.password = encodeURIComponent(pass);
  }
  url.pathname = `/${path}`;
  return url.href;
}

/** Rights need an administrator and a virtual host of our own. */
describe.skipIf(broker.kind === 'external')('rights on RabbitMQ', () => {
  const closers: (() => Promise<unknown>)[] = [];
  /** Routing keys of what reached the gateway's queue. */
  let arrived: string[] = [];
  let spy: Awaited<ReturnType<typeof connect>>;

  beforeAll(async () => {
    await management.request('PUT', `vhosts/${path}`);
    await management.request('POST', 'definitions', JSON.parse(definitionsJson(topology, users, { vhost })) as unknown);
    spy = await connect(urlOf(names.gateway));
    const channel = await spy.createChannel();
    await channel.consume('sluice.ingest', (message) => void arrived.push(message?.fields.routingKey ?? ''), { noAck: true });
  });
  afterAll(async () => {
    await spy.close();
    await management.request('DELETE', `vhosts/${path}`);
    for (const name of Object.values(names)) await management.request('DELETE', `users/${name}`);
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close().catch(() => {});
    arrived = [];
  });

  async function device(user: string, options: IClientOptions = {}): Promise<MqttClient & { present: boolean }> {
    const client = mqtt.connect(broker.mqttUrl, {
      username: `${vhost}:${user}`,
      password,
      clientId: `${user}.${unique()}`,
      protocolVersion: 4,
      reconnectPeriod: 0,
      connectTimeout: 10_000,
      ...options,
    });
    client.on('error', () => {});
    closers.push(async () => await client.endAsync(true));
    const { sessionPresent } = await soon(
      `${user} connects`,
      new Promise<{ sessionPresent: boolean }>((resolve, reject) => {
        client.once('connect', resolve);
        client.once('error', reject);
        client.once('close', () => reject(new Error('closed')));
      }),
    );
    return Object.assign(client, { present: sessionPresent });
  }
  /** RabbitMQ refuses an MQTT 3.1.1 client by closing the connection. */
  async function outcome(client: MqttClient, act: Promise<unknown>): Promise<'done' | 'refused'> {
    const closed = new Promise<'refused'>((resolve) => client.once('close', () => resolve('refused')));
    return await soon('an answer', Promise.race([closed, act.then(() => 'done' as const).catch(() => closed)]));
  }
  async function publishes(user: string, topic: string, options: IClientOptions = {}): Promise<'done' | 'refused'> {
    const client = await device(user, options);
    return await outcome(client, client.publishAsync(topic, '{}', { qos: 1 }));
  }
  async function subscribes(user: string, topic: string, options: IClientOptions = {}): Promise<'done' | 'refused'> {
    const client = await device(user, options);
    const granted = client.subscribeAsync(topic, { qos: 1 }).then((subs) => {
      if (subs[0]?.qos !== 1) throw new Error('not granted');
    });
    return await outcome(client, granted);
  }
  /** Runs `act` on a channel of its own and answers what it earned. */
  async function amqp(user: string, act: (channel: ConfirmChannel) => Promise<unknown> | void): Promise<number | 'allowed'> {
    const model = await connect(urlOf(user), { timeout: 10_000 });
    model.on('error', () => {});
    closers.push(async () => await model.close());
    const channel = await model.createConfirmChannel();
    const closed = new Promise<number>((resolve) => channel.on('error', (error: Error & { code?: number }) => resolve(error.code ?? 0)));
    const done = (async () => {
      await act(channel);
      // A publish is answered by nothing: the next round trip comes after its refusal.
      await channel.prefetch(1);
      return 'allowed' as const;
    })();
    return await soon('an answer', Promise.race([closed, done.catch(() => closed)]));
  }
  const publish =
    (exchange: string, key: string, options = {}) =>
    (channel: ConfirmChannel): void =>
      void channel.publish(exchange, key, Buffer.from('x'), options);
  const consume = (queue: string) => (channel: Channel) => channel.consume(queue, () => {});

  it.each([
    ['its own site', site, `devices/${site}/m1/telemetry`, 'done'],
    ['its own device', names.one, `devices/${site}/m1/telemetry`, 'done'],
    ['the longest topic', site, `devices/${site}/`.padEnd(200, 'x'), 'done'],
    ['a topic that is one byte too long', site, `devices/${site}/`.padEnd(201, 'x'), 'refused'],
    ['a topic that is too long in bytes, not in characters', site, `devices/${site}/`.padEnd(150, 'é'), 'refused'],
    ['a topic that would kill the consumer', site, `devices/${site}/`.padEnd(300, 'x'), 'refused'],
    ['a topic with a line feed', site, `devices/${site}/a\nb`, 'refused'],
    ['a topic with a line feed at its end', site, `devices/${site}/a\n`, 'refused'],
    ['a topic with a terminal escape', site, `devices/${site}/\u001b[2J`, 'refused'],
    ['another site', site, `devices/${other}/m1/t`, 'refused'],
    ['a site whose name begins with its own', site, `devices/${site}-3/m1/t`, 'refused'],
    ['another device of its site', names.one, `devices/${site}/m2/t`, 'refused'],
    ['a device whose name begins with its own', names.one, `devices/${site}/m10/t`, 'refused'],
    ['its own level and nothing below', names.one, `devices/${site}/m1`, 'refused'],
    ['commands', site, `commands/${site}/m1`, 'refused'],
    ['the broker’s own topics', site, '$SYS/broker/version', 'refused'],
    ['its topic behind a slash', site, `/devices/${site}/m1/t`, 'refused'],
  ] as const)('publishing to %s', async (_, user, topic, expected) => {
    expect(await publishes(user, topic)).toBe(expected);
    if (expected === 'done') await until('the message', () => arrived.length === 1);
    expect(arrived).toHaveLength(expected === 'done' ? 1 : 0);
  });

  it('cannot say with dots what it may not say with slashes', async () => {
    // RabbitMQ turns slashes into dots, so that a/b and a.b are one: rights are checked on what comes out.
    for (const [user, topic] of [
      [site, `devices/${other}.m1/t`],
      [site, `devices.${other}/m1/t`],
      [names.one, `devices/${site}.m2/t`],
      [names.one, `devices.${site}.m2.t/t`],
      [other, `devices/${site}.m1.t/t`],
    ] as const) {
      expect([topic, await publishes(user, topic)]).toEqual([topic, 'refused']);
    }
    expect(await publishes(names.one, `devices/${site}.m1/t`)).toBe('done');
    await until('the message', () => arrived.length === 1);
    expect(arrived).toEqual([`devices.${site}.m1.t`]);
  });

  it('cannot put another name into a right by its client id', async () => {
    for (const clientId of ['.*', 'x|.*', other, 'north.*', `${site}|${other}`]) {
      expect([clientId, await publishes(site, `devices/${other}/m1/t`, { clientId })]).toEqual([clientId, 'refused']);
      expect([clientId, await subscribes(site, `commands/${other}/m1`, { clientId })]).toEqual([clientId, 'refused']);
    }
    expect(JSON.stringify(users)).not.toContain('client_id');
    expect(arrived).toEqual([]);
  });

  it('cannot leave a last will elsewhere', async () => {
    const willing = await device(site, { will: { topic: `devices/${other}/m1/status`, payload: Buffer.from('x'), qos: 1, retain: false } }).catch(
      () => undefined,
    );
    willing?.stream.destroy();
    const good = await device(site, { will: { topic: `devices/${site}/m1/status`, payload: Buffer.from('x'), qos: 1, retain: false } });
    good.stream.destroy();
    await until('the last will of the good one', () => arrived.length > 0);
    expect(arrived).toEqual([`devices.${site}.m1.status`]);
  });

  it.each([
    ['its own site', site, `devices/${site}/#`, 'done'],
    ['its own commands', site, `commands/${site}/+/set`, 'done'],
    ['its own device', names.one, `commands/${site}/m1/#`, 'done'],
    ['everything', site, '#', 'refused'],
    ['every site', site, 'devices/+/m1', 'refused'],
    ['all three levels', site, '+/+/#', 'refused'],
    ['all below devices', site, 'devices/#', 'refused'],
    ['the broker’s own topics', site, '$SYS/#', 'refused'],
    ['another site', site, `commands/${other}/m1`, 'refused'],
    ['every device of its site', names.one, `commands/${site}/+/set`, 'refused'],
    ['another site by a shared subscription', site, `$share/g/devices/${other}/#`, 'refused'],
  ] as const)('subscribing to %s', async (_, user, topic, expected) => {
    expect(await subscribes(user, topic)).toBe(expected);
  });

  it('cannot read what waits for another, neither over AMQP nor as a session of the same client id', async () => {
    const clientId = `${other}.pump`;
    const victim = await device(other, { clientId, clean: false });
    await victim.subscribeAsync(`commands/${other}/pump`, { qos: 1 });
    await victim.endAsync();
    expect(await amqp(broker.users.admin.name, publish('amq.topic', `commands.${other}.pump`))).toBe('allowed');

    const queue = `mqtt-subscription-${clientId}qos1`;
    for (const user of [site, names.one, names.consumer, names.operator]) {
      expect([user, await amqp(user, consume(queue))]).toEqual([user, 403]);
      expect([user, await amqp(user, (c) => c.purgeQueue(queue))]).toEqual([user, 403]);
      expect([user, await amqp(user, (c) => c.deleteQueue(queue))]).toEqual([user, 403]);
    }
    const heard: string[] = [];
    const thief = await device(site, { clientId, clean: false }).catch(() => undefined);
    thief?.on('message', (topic) => void heard.push(topic));
    const closed = new Promise<void>((resolve) => (thief === undefined || !thief.connected ? resolve() : thief.once('close', () => resolve())));
    await soon('the thief is shown out', closed);
    // Nor may one make a clean session of it, which would throw the queue away.
    await device(site, { clientId, clean: true }).catch(() => undefined);

    const back = mqtt.connect(broker.mqttUrl, { username: `${vhost}:${other}`, password, clientId, clean: false, protocolVersion: 4, reconnectPeriod: 0 });
    back.on('error', () => {});
    closers.push(async () => await back.endAsync(true));
    back.on('message', (topic) => void heard.push(`owner ${topic}`));
    await until('the owner gets it', () => heard.length > 0);
    expect(heard).toEqual([`owner commands/${other}/pump`]);
  });

  it('gives queues to client ids that begin with the name of the account, and to no others', async () => {
    const topic = `commands/${site}/m1`;
    for (const clientId of [site, `${site}.m1`, `${site}:m1`, `${site}/m1`])
      expect([clientId, await subscribes(site, topic, { clientId })]).toEqual([clientId, 'done']);
    for (const clientId of [other, `${site}-2.m1`, `x${site}`, 'mosq-1234']) {
      expect([clientId, await subscribes(site, topic, { clientId })]).toEqual([clientId, 'refused']);
      // Who only publishes needs no queue, and may call itself what it likes.
      expect([clientId, await publishes(site, `devices/${site}/m1/t`, { clientId })]).toEqual([clientId, 'done']);
      expect([clientId, await publishes(site, `devices/${site}/m1/t`, { clientId, clean: false })]).toEqual([clientId, 'done']);
    }
  });

  it('cannot change the topic that the gateway sees, by what AMQP can do and MQTT cannot', async () => {
    const key = `devices.${site}.m1.t`;
    const spoofed = `devices.${other}.m1.t`;
    expect(await amqp(site, publish('amq.topic', key, { CC: [spoofed], BCC: [spoofed], headers: { 'x-death': [{}] } }))).toBe('allowed');
    await until('the message', () => arrived.length > 0);
    // The broker lets CC route, unchecked; what it delivers has the key that was checked.
    expect(arrived).toEqual([key]);
    expect(await amqp(site, publish('amq.topic', spoofed))).toBe(403);
  });

  const REFUSED: readonly (readonly [role: Role, what: string, act: (channel: ConfirmChannel) => Promise<unknown> | void])[] = [
    ['gateway', 'publish as a device', publish('amq.topic', `devices.${site}.m1.t`)],
    ['gateway', 'declare what is not its own', (c) => c.assertQueue('foreign')],
    ['gateway', 'delete an exchange of the broker', (c) => c.deleteExchange('amq.topic')],
    ['consumer', 'read the ingest queue', consume('sluice.ingest')],
    ['consumer', 'empty the ingest queue', (c) => c.purgeQueue('sluice.ingest')],
    ['consumer', 'delete a queue', (c) => c.deleteQueue('sluice.out.readings')],
    ['consumer', 'publish readings', publish('sluice.readings', 'x')],
    ['consumer', 'publish dead letters', publish('sluice.dead', 'x')],
    ['consumer', 'publish as a device', publish('amq.topic', 'x')],
    ['consumer', 'publish past the exchanges', publish('', 'sluice.ingest')],
    ['consumer', 'listen to devices', async (c) => c.bindQueue((await c.assertQueue('', { exclusive: true })).queue, 'amq.topic', '#')],
    ['consumer', 'listen to readings on their way', async (c) => c.bindQueue((await c.assertQueue('', { exclusive: true })).queue, 'sluice.readings', '#')],
    ['operator', 'read readings', consume('sluice.out.readings')],
    ['operator', 'read the ingest queue', consume('sluice.ingest')],
    ['operator', 'empty the dead letters', (c) => c.deleteQueue('sluice.dead')],
    ['operator', 'declare a queue', (c) => c.assertQueue('', { exclusive: true })],
    ['operator', 'publish as a device', publish('amq.topic', 'x')],
    ['operator', 'publish past the exchanges', publish('', 'sluice.ingest')],
    ['site', 'read the ingest queue', consume('sluice.ingest')],
    ['site', 'read readings', consume('sluice.out.readings')],
    ['site', 'publish readings', publish('sluice.readings', 'x')],
    ['site', 'publish past the exchanges', publish('', 'sluice.ingest')],
    ['site', 'declare a queue', (c) => c.assertQueue('mine')],
    [
      'site',
      'listen to all devices from a queue of its own',
      async (c) => c.bindQueue((await c.assertQueue(`mqtt-subscription-${site}qos1`)).queue, 'amq.topic', '#'),
    ],
    ['one', 'publish as another device of its site', publish('amq.topic', `devices.${site}.m2.t`)],
  ];
  it.each(REFUSED)('the account of the %s cannot %s', async (role, _, act) => {
    expect(await amqp(names[role], act)).toBe(403);
  });

  const ALLOWED: readonly (readonly [role: Role, what: string, act: (channel: ConfirmChannel) => Promise<unknown> | void])[] = [
    ['gateway', 'publish readings', publish('sluice.readings', 'x')],
    ['gateway', 'publish dead letters', publish('sluice.dead', 'decode.DECODE_INVALID')],
    ['gateway', 'replay dead letters into the ingest queue', publish('', 'sluice.ingest')],
    ['consumer', 'read readings', consume('sluice.out.readings')],
    ['consumer', 'read dead letters', consume('sluice.dead')],
    ['consumer', 'listen to the live feed', async (c) => c.bindQueue((await c.assertQueue('', { exclusive: true })).queue, 'sluice.live', '')],
    ['operator', 'read dead letters', consume('sluice.dead')],
  ];
  it.each(ALLOWED)('the account of the %s can %s', async (role, _, act) => {
    expect(await amqp(names[role], act)).toBe('allowed');
  });

  it('shows the management pages to the operator alone, and lets nobody change anything there', async () => {
    const ask = async (user: string, method: string, what: string): Promise<number> => {
      const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
      const response = await fetch(`${broker.managementUrl}/api/${what}`, { method, headers: { authorization }, signal: AbortSignal.timeout(10_000) });
      return response.status;
    };
    expect(await ask(names.operator, 'GET', 'overview')).toBe(200);
    for (const user of [names.gateway, names.consumer, site]) expect([user, await ask(user, 'GET', 'overview')]).toEqual([user, 401]);
    expect(await ask(names.operator, 'GET', 'users')).toBe(401);
    expect(await ask(names.operator, 'DELETE', `queues/${path}/sluice.out.readings`)).toBeGreaterThanOrEqual(400);
    expect(await ask(names.operator, 'DELETE', `users/${site}`)).toBe(401);
  });

  it('lets nobody in without a password, nor as guest', async () => {
    const plain = (options: IClientOptions): Promise<string> => {
      const client = mqtt.connect(broker.mqttUrl, { clientId: unique(), protocolVersion: 4, reconnectPeriod: 0, connectTimeout: 10_000, ...options });
      closers.push(async () => await client.endAsync(true));
      return new Promise((resolve) => {
        client.once('connect', () => resolve('connected'));
        client.once('error', (error) => resolve(error.message));
        client.once('close', () => resolve('closed'));
      });
    };
    for (const options of [
      {},
      { username: 'guest', password: 'guest' },
      { username: site, password: '' },
      { username: `${vhost}:${site}`, password: 'x' },
      { username: broker.users.admin.name },
    ]) {
      expect([options, await soon('an answer', plain(options))]).not.toEqual([options, 'connected']);
    }
    for (const url of [urlOf('guest', 'guest'), urlOf(site, 'x'), urlOf(site, '')]) await expect(soon('an answer', connect(url))).rejects.toThrow(/ACCESS|403/);
  });
});
