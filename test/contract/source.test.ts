import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { Ledger } from '../../src/domain/ledger.ts';
import type { Delivery } from '../../src/pipeline/ports.ts';
import { systemScheduler } from '../../src/pipeline/scheduler.ts';
import { assertTopology } from '../../src/rabbit/assert-topology.ts';
import type { Session } from '../../src/rabbit/session.ts';
import { AmqpSource, type AmqpSourceOptions } from '../../src/rabbit/source.ts';
import { buildTopology } from '../../src/rabbit/topology.ts';
import { EventLog, Hand, Management, newSession, soon, unique, until } from '../support/rabbit.ts';
import { TcpProxy } from '../../src/verify/proxy.ts';
import { type SourceBed, sourceContract } from './source.contract.ts';

const broker = inject('broker');
const NEVER = new AbortController().signal;
let hand: Hand;

beforeAll(async () => {
  hand = await Hand.open(broker.adminUrl);
});
afterAll(async () => {
  await hand.close();
});

interface AmqpBed extends SourceBed {
  readonly queue: string;
  readonly session: Session;
  readonly log: EventLog;
  readonly bugs: unknown[];
  readonly source: AmqpSource;
}

async function amqpBed(prefetch: number, type: 'quorum' | 'classic', overrides: Partial<AmqpSourceOptions> = {}): Promise<AmqpBed> {
  const queue = `sluice.test.${unique()}`;
  const dead = `${queue}.dead`;
  const topology = buildTopology({ ingest: { queue, topics: [`${queue}/#`], type }, deadLetters: { exchange: dead, queue: dead }, exchanges: [], queues: [] });
  const proxy = await TcpProxy.before(broker.amqpUrl, 5672);
  const log = new EventLog();
  const session = newSession(proxy.via(broker.amqpUrl), { observer: log.observer, name: `test-${queue}` });
  const ledger = new Ledger();
  const bugs: unknown[] = [];
  const options = { timeoutMs: 5000, scheduler: systemScheduler, observer: log.observer };
  const source = new AmqpSource({
    session,
    queue,
    prefetch,
    deliveryLimit: 100,
    ledger,
    prepare: (connection) => assertTopology(connection, topology, options),
    onBug: (error) => bugs.push(error),
    ...options,
    ...overrides,
  });
  await session.start(AbortSignal.timeout(10_000));
  const { current } = session;
  if (current === undefined) throw new Error('no connection');
  await assertTopology(current, topology, options);
  return {
    queue,
    source,
    session,
    ledger,
    log,
    bugs,
    fill: (bodies) => hand.fill(queue, bodies),
    loseChannel: async () => {
      const { epoch } = session.current ?? { epoch: 0 };
      proxy.cut();
      await until('the next connection', () => (session.current?.epoch ?? 0) > epoch);
    },
    leftOver: async () => {
      await source.close();
      await session.close(2000);
      return await hand.drain(queue);
    },
    close: async () => {
      await source.close();
      await session.close(2000);
      await proxy.close();
      await hand.channel.deleteQueue(queue);
      await hand.channel.deleteQueue(dead);
      await hand.channel.deleteExchange(dead);
    },
  };
}

sourceContract('RabbitMQ, quorum queue', (prefetch) => amqpBed(prefetch, 'quorum'));
sourceContract('RabbitMQ, classic queue', (prefetch) => amqpBed(prefetch, 'classic'));

describe('AmqpSource', () => {
  let bed: AmqpBed;
  const seen: Delivery[] = [];
  const take = (delivery: Delivery): void => {
    delivery.split(1);
    seen.push(delivery);
  };
  async function start(prefetch = 100, overrides: Partial<AmqpSourceOptions> = {}): Promise<void> {
    bed = await amqpBed(prefetch, 'quorum', overrides);
    seen.length = 0;
    await soon('consuming', bed.source.start(take, NEVER));
  }
  afterEach(async () => {
    await bed.close();
  });

  it('tells what an MQTT message says about itself, and nothing that it does not', async () => {
    await start();
    hand.channel.publish('amq.topic', `${bed.queue}.a.b`, Buffer.from([0xff, 0]), {
      deliveryMode: 1,
      contentType: 'x/y',
      headers: { 'x-mqtt-publish-qos': 1 },
    });
    hand.channel.publish('amq.topic', `${bed.queue}.*`, Buffer.alloc(0), { deliveryMode: 1 });
    await until('2 deliveries', () => seen.length === 2);
    const [first, second] = seen.map((d) => d.message);
    expect(first).toMatchObject({
      topic: `${bed.queue.replaceAll('.', '/')}/a/b`,
      contentType: 'x/y',
      contentEncoding: undefined,
      qos: 1,
      redelivered: false,
      deliveryCount: 0,
    });
    expect(first?.body).toEqual(Buffer.from([0xff, 0]));
    expect(second).toMatchObject({ topic: `${bed.queue.replaceAll('.', '/')}/+`, qos: 0 });
    expect(second?.body).toHaveLength(0);
  });

  it('counts redeliveries of a quorum queue', async () => {
    await start();
    await bed.fill(['x']);
    await until('the delivery', () => seen.length === 1);
    await bed.loseChannel();
    await until('the redelivery', () => seen.length === 2);
    expect(seen.map((d) => d.message.deliveryCount)).toEqual([0, 1]);
  });

  it('heals a channel that the broker closed, on the same connection, and tells of late parts', async () => {
    await start();
    await bed.fill(['a', 'b']);
    await until('2 deliveries', () => seen.length === 2);
    // An ack for a tag that was never given out is a 406 and costs the channel.
    const { channel } = (bed.source as unknown as { intake: { channel: { ack(m: unknown): void } } }).intake;
    channel.ack({ fields: { deliveryTag: 999_999 } });
    await until('both again', () => seen.length === 4);
    expect(bed.session.current?.epoch).toBe(1);
    expect(bed.log.of('source-detached')).toMatchObject([{ reason: expect.stringContaining('PRECONDITION_FAILED') as string, unsettled: 2 }]);
    seen[0]?.settlePart('forwarded');
    seen[1]?.settlePart('forwarded');
    await until('the late parts are told', () => bed.log.of('stale-ack').length > 0);
    expect(bed.log.of('stale-ack')).toEqual([{ type: 'stale-ack', epoch: 1, count: 2 }]);
    expect(bed.source.unsettled).toBe(2);
  });

  it('declares the queue again when it was deleted, and goes on', async () => {
    await start();
    await bed.fill(['lost with its queue']);
    await until('the delivery', () => seen.length === 1);
    await hand.channel.deleteQueue(bed.queue);
    await until('the delivery is not live', () => seen[0]?.live === false);
    await until('attached again', () => bed.log.of('source-attached').length === 2);
    expect(bed.log.of('source-detached')[0]?.reason).toMatch(/cancelled the consumer/);
    expect(bed.log.of('topology-repaired')).toMatchObject([{ what: `queue '${bed.queue}'` }]);
    // Through the exchange: the binding is back too.
    hand.channel.publish('amq.topic', `${bed.queue}.again`, Buffer.from('again'), { deliveryMode: 2 });
    await until('the new message', () => seen.length === 2);
    seen[0]?.settlePart('forwarded');
    seen[1]?.settlePart('forwarded');
    expect(await bed.leftOver()).toEqual([]);
    expect(bed.ledger.messages).toMatchObject({ received: 2, forwarded: 1, abandoned: 1 });
  });

  it('comes back after an operator closed the connection', async () => {
    await start();
    await bed.fill(['x']);
    await until('the delivery', () => seen.length === 1);
    await new Management(broker).closeConnection(bed.session.name);
    await until('the redelivery', () => seen.length === 2);
    expect(seen[1]?.message.redelivered).toBe(true);
    expect(bed.log.of('session-retry')[0]?.reason).toMatch(/CONNECTION.FORCED/);
  });

  it('reports an exception of the handler, acks nothing and keeps the connection', async () => {
    bed = await amqpBed(10, 'quorum');
    const bug = new Error('our bug');
    let calls = 0;
    await bed.source.start((delivery) => {
      calls += 1;
      if (delivery.message.body.toString() === 'm1') throw bug;
      delivery.split(1);
      delivery.settlePart('forwarded');
    }, NEVER);
    await bed.fill(['m0', 'm1', 'm2']);
    await until('the bug is reported', () => bed.bugs.length > 0);
    expect(bed.bugs).toEqual([bug]);
    expect(bed.session.state).toBe('ready');
    expect(await bed.leftOver()).toEqual(['m1', 'm2']);
    expect(calls).toBe(2);
  });

  it('keeps trying while the topology cannot be prepared, and says why', async () => {
    let refusals = 2;
    bed = await amqpBed(10, 'quorum', {
      prepare: () => {
        refusals -= 1;
        return refusals >= 0 ? Promise.reject(new Error('not allowed')) : Promise.resolve();
      },
    });
    await bed.fill(['x']);
    seen.length = 0;
    await soon('consuming', bed.source.start(take, NEVER));
    await until('the delivery', () => seen.length === 1);
    expect(bed.log.of('source-detached').map((e) => e.reason)).toEqual(['not allowed', 'not allowed']);
  });

  it('stands by while another consumer is active, and takes over in order', async () => {
    await start();
    await bed.fill(['a', 'b']);
    await until('2 deliveries', () => seen.length === 2);
    const second = newSession(broker.amqpUrl);
    const others: string[] = [];
    const standBy = new AmqpSource({
      session: second,
      queue: bed.queue,
      prefetch: 10,
      deliveryLimit: 100,
      ledger: new Ledger(),
      scheduler: systemScheduler,
      observer: () => {},
      prepare: () => Promise.resolve(),
      onBug: (error) => bed.bugs.push(error),
      timeoutMs: 5000,
    });
    try {
      await second.start(AbortSignal.timeout(5000));
      await standBy.start((delivery) => {
        delivery.split(1);
        others.push(delivery.message.body.toString());
      }, NEVER);
      await bed.fill(['c']);
      await until('the active one gets it', () => seen.length === 3);
      await bed.source.close();
      await until('the other takes over', () => others.length === 3);
      expect(others).toEqual(['a', 'b', 'c']);
    } finally {
      await standBy.close();
      await second.close(2000);
    }
  });
});
