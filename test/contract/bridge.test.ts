import type { ConsumeMessage } from 'amqplib';
import mqtt from 'mqtt';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Fault } from '../../src/domain/fault.ts';
import type { KeptMessage } from '../../src/domain/kept-message.ts';
import { systemScheduler } from '../../src/pipeline/scheduler.ts';
import { AmqpBridge, type AmqpBridgeOptions } from '../../src/rabbit/bridge.ts';
import type { Session } from '../../src/rabbit/session.ts';
import { TcpProxy } from '../../src/verify/proxy.ts';
import { Hand, newSession, soon, unique, until } from '../support/rabbit.ts';

const broker = inject('broker');
let hand: Hand;

beforeAll(async () => {
  hand = await Hand.open(broker.adminUrl);
});
afterAll(async () => {
  await hand.close();
});

interface Bed {
  readonly bridge: AmqpBridge;
  readonly session: Session;
  readonly proxy: TcpProxy;
  readonly exchange: string;
  readonly queue: string;
  close(): Promise<void>;
}

const beds: Bed[] = [];
afterEach(async () => {
  for (const bed of beds.splice(0)) await bed.close();
});

/** A bridge to an exchange with a queue behind `good.#`. */
async function bedOf(options: Partial<AmqpBridgeOptions> = {}, url = broker.adminUrl): Promise<Bed> {
  const name = `sluice.test.${unique()}`;
  await hand.channel.assertExchange(name, 'topic', { durable: false });
  await hand.channel.assertQueue(name, { durable: true, arguments: { 'x-queue-type': 'classic' } });
  await hand.channel.bindQueue(name, name, 'good.#');
  const proxy = await TcpProxy.before(broker.adminUrl, 5672);
  const session = newSession(proxy.via(url), { name });
  const bridge = new AmqpBridge({
    session,
    exchange: name,
    instance: 'edge-1',
    window: 100,
    perTopic: 1,
    mandatory: true,
    confirmTimeoutMs: 10_000,
    channelTimeoutMs: 2000,
    maxMessageBytes: 1_048_576,
    scheduler: systemScheduler,
    ...options,
  });
  bridge.start();
  await session.start(AbortSignal.timeout(10_000));
  await until('the bridge is open', () => bridge.unavailable === undefined);
  const bed = {
    bridge,
    session,
    proxy,
    exchange: name,
    queue: name,
    close: async () => {
      await bridge.close(500);
      await session.close(500);
      await proxy.close();
      await hand.channel.deleteQueue(name);
      await hand.channel.deleteExchange(name);
    },
  };
  beds.push(bed);
  return bed;
}

function messageOf(payload: string, shape: Partial<KeptMessage> = {}): KeptMessage {
  return { topic: 'good/one', payload: Buffer.from(payload), qos: 1, retain: false, dup: false, clientId: 'c', receivedAt: 1_700_000_000_000, ...shape };
}

function send(bridge: AmqpBridge, message: KeptMessage, late = false): Promise<Fault | undefined> {
  return soon(`an answer to ${message.payload.toString()}`, new Promise((resolve) => bridge.send(message, late, resolve)), 15_000);
}

/** Takes what is bound for these keys of an exchange, with all that AMQP says of it. */
async function listen(exchange: string, key: string): Promise<ConsumeMessage[]> {
  const { queue } = await hand.channel.assertQueue('', { exclusive: true });
  await hand.channel.bindQueue(queue, exchange, key);
  const got: ConsumeMessage[] = [];
  await hand.channel.consume(queue, (message) => void (message !== null && got.push(message)), { noAck: true });
  return got;
}

describe('the bridge and the MQTT plugin of the broker', () => {
  it('publish the same message in the same way, save for its id', async () => {
    const topic = `bridge/${unique()}/Temp 1.5/ü`;
    const got = await listen('amq.topic', `bridge.#`);
    const bed = await bedOf({ exchange: 'amq.topic' });
    const client = await mqtt.connectAsync(broker.mqttUrl, {
      clientId: unique(),
      username: broker.users.admin.name,
      password: broker.users.admin.password,
      protocolVersion: 4,
      reconnectPeriod: 0,
    });
    try {
      const shapes = [
        { qos: 0, retain: false },
        { qos: 1, retain: false },
        { qos: 1, retain: true },
        { qos: 2, retain: false },
      ] as const;
      for (const shape of shapes) {
        const before = got.length;
        await client.publishAsync(topic, Buffer.from([0, 255, 1]), shape);
        await until('the message of the plugin', () => got.length === before + 1);
        expect(await send(bed.bridge, messageOf('', { topic, payload: Buffer.from([0, 255, 1]), ...shape }))).toBeUndefined();
        await until('the message of the bridge', () => got.length === before + 2);
        const [plugin, ours] = got.slice(before) as [ConsumeMessage, ConsumeMessage];
        expect(ours.content).toEqual(plugin.content);
        const known = ({ fields, properties }: ConsumeMessage): unknown => ({
          exchange: fields.exchange,
          routingKey: fields.routingKey,
          ...properties,
          messageId: undefined,
          headers: properties.headers,
        });
        expect(known(ours)).toEqual(known(plugin));
        expect(plugin.properties.messageId).toBeUndefined();
      }
      // The last retained one goes.
      await client.publishAsync(topic, Buffer.alloc(0), { qos: 1, retain: true });
    } finally {
      await client.endAsync(true);
    }
  });

  it('differ where a message is late: it says when it was received', async () => {
    const bed = await bedOf();
    const got = await listen(bed.exchange, 'good.#');
    expect(await send(bed.bridge, messageOf('late'), true)).toBeUndefined();
    await until('the message', () => got.length === 1);
    expect(got[0]?.properties.headers?.['sluice-received-at']).toBe(1_700_000_000_000);
  });
});

describe('the bridge answers', () => {
  it('when the broker has the message, in the order of the calls, many at once', async () => {
    const bed = await bedOf();
    const answers = await Promise.all(Array.from({ length: 300 }, (_, i) => send(bed.bridge, messageOf(`${i}`))));
    expect(answers.every((fault) => fault === undefined)).toBe(true);
    expect(await hand.drain(bed.queue)).toEqual(Array.from({ length: 300 }, (_, i) => `${i}`));
  });

  it('UNROUTABLE for what no queue takes, and only for that', async () => {
    const bed = await bedOf();
    const [bad, good] = await Promise.all([send(bed.bridge, messageOf('bad', { topic: 'nowhere' })), send(bed.bridge, messageOf('good'))]);
    expect(bad?.code).toBe('UNROUTABLE');
    expect(bad?.message).toContain("'nowhere'");
    expect(good).toBeUndefined();
    const lax = await bedOf({ mandatory: false });
    expect(await send(lax.bridge, messageOf('bad', { topic: 'nowhere' }))).toBeUndefined();
  });

  it('BROKER_NACK where a queue is full', async () => {
    const bed = await bedOf();
    const full = `${bed.exchange}.full`;
    await hand.channel.assertQueue(full, { exclusive: true, arguments: { 'x-max-length': 1, 'x-overflow': 'reject-publish' } });
    await hand.channel.bindQueue(full, bed.exchange, 'full.#');
    await hand.fill(full, ['first']);
    const fault = await send(bed.bridge, messageOf('second', { topic: 'full/x' }));
    expect(fault).toMatchObject({ code: 'BROKER_NACK', kind: 'retryable' });
  });

  it('permanent for what AMQP cannot carry, before anything is sent', async () => {
    const bed = await bedOf({ maxMessageBytes: 10 });
    expect(await send(bed.bridge, messageOf('12345678901'))).toMatchObject({ code: 'TOO_LARGE', kind: 'permanent' });
    expect(await send(bed.bridge, messageOf('1', { topic: `good/${'x'.repeat(255)}` }))).toMatchObject({ code: 'ENCODE_FAILED', kind: 'permanent' });
    expect(await send(bed.bridge, messageOf('1'))).toBeUndefined();
  });

  it('retryable for everything on its way when the connection is cut, and heals', async () => {
    const bed = await bedOf();
    let changes = 0;
    bed.bridge.onChange(() => {
      changes += 1;
    });
    bed.proxy.pause('down');
    const answers = Array.from({ length: 20 }, (_, i) => send(bed.bridge, messageOf(`cut-${i}`)));
    await until('the messages arrived', async () => (await hand.depth(bed.queue)) === 20);
    bed.proxy.cut();
    for (const answer of answers) expect(await answer).toMatchObject({ code: 'NOT_CONNECTED', kind: 'retryable' });
    expect(bed.bridge.unavailable?.code).toBe('NOT_CONNECTED');
    expect(await send(bed.bridge, messageOf('away'))).toMatchObject({ code: 'NOT_CONNECTED' });
    bed.proxy.resume();
    await until('the bridge is back', () => bed.bridge.unavailable === undefined);
    expect(changes).toBeGreaterThanOrEqual(2);
    expect(await send(bed.bridge, messageOf('again'))).toBeUndefined();
  });

  it('retryable when the exchange is gone, and heals when it is back', async () => {
    const bed = await bedOf();
    await hand.channel.deleteExchange(bed.exchange);
    expect(await send(bed.bridge, messageOf('lost'))).toMatchObject({ code: 'UNROUTABLE', kind: 'retryable' });
    expect(bed.bridge.unavailable?.message).toContain('does not exist');
    await hand.channel.assertExchange(bed.exchange, 'topic', { durable: false });
    await hand.channel.bindQueue(bed.queue, bed.exchange, 'good.#');
    await until(
      'a message gets through',
      async () => bed.bridge.unavailable === undefined && (await send(bed.bridge, messageOf('back'))) === undefined,
      20_000,
    );
  });

  it('CONFIRM_TIMEOUT when no confirm comes, and then on a new connection', async () => {
    const bed = await bedOf({ confirmTimeoutMs: 400 });
    bed.proxy.pause('down');
    expect(await send(bed.bridge, messageOf('silent'))).toMatchObject({ code: 'CONFIRM_TIMEOUT', kind: 'retryable' });
    bed.proxy.resume();
    await until('the bridge is back', () => bed.bridge.unavailable === undefined, 20_000);
    expect(await send(bed.bridge, messageOf('again'))).toBeUndefined();
  });

  it('ACCESS_REFUSED for a topic that its account may not write to, which holds up no other', async () => {
    const { name, password } = broker.users.device;
    const url = Object.assign(new URL(broker.adminUrl), { username: name, password }).href;
    const got = await listen('amq.topic', `devices.${name}.#`);
    const bed = await bedOf({ exchange: 'amq.topic' }, url);
    const states: (string | undefined)[] = [];
    bed.bridge.onChange(() => states.push(bed.bridge.unavailable?.code));
    /** As the keeper does: again until it is taken, or refused while the others pass. */
    const through = async (message: KeptMessage): Promise<string | undefined> => {
      for (;;) {
        await until('the bridge is open', () => bed.bridge.unavailable === undefined);
        const why = await send(bed.bridge, message);
        if (why === undefined || (why.code === 'ACCESS_REFUSED' && bed.bridge.unavailable === undefined)) return why?.code;
      }
    };
    const allowed = (n: number): KeptMessage => messageOf(`${n}`, { topic: `devices/${name}/good-${n % 5}` });
    const refused = messageOf('never', { topic: 'elsewhere/one' });
    const first = await Promise.all([
      ...Array.from({ length: 10 }, (_, n) => through(allowed(n))),
      through(refused),
      ...[10, 11, 12].map((n) => through(allowed(n))),
    ]);
    expect(first).toEqual(first.map((_, i) => (i === 10 ? 'ACCESS_REFUSED' : undefined)));
    // It cost the channel once. From here on its topic is tried beside the others, again and again, and they do not notice.
    expect(states).toEqual(['ACCESS_REFUSED', undefined]);
    for (let round = 0; round < 3; round += 1) {
      const answers = await Promise.all([send(bed.bridge, refused), ...Array.from({ length: 50 }, (_, n) => send(bed.bridge, allowed(100 + n)))]);
      expect(answers.map((why) => why?.code)).toEqual(['ACCESS_REFUSED', ...Array.from({ length: 50 }, () => undefined)]);
    }
    expect(states).toHaveLength(2);
    await until('all that was confirmed has come', () => new Set(got.map(({ content }) => content.toString())).size === 13 + 50);
  });

  it('once, when it closes under what is on its way', async () => {
    const bed = await bedOf();
    bed.proxy.pause('down');
    const answer = send(bed.bridge, messageOf('last'));
    await bed.bridge.close(200);
    expect(await answer).toMatchObject({ code: 'NOT_CONNECTED' });
    bed.proxy.resume();
  });
});
