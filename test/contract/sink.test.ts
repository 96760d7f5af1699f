import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { systemScheduler } from '../../src/pipeline/scheduler.ts';
import type { Session } from '../../src/rabbit/session.ts';
import { AmqpSink, type AmqpSinkOptions } from '../../src/rabbit/sink.ts';
import { batchOf } from '../support/batches.ts';
import { Hand, newSession, soon, unique, until } from '../support/rabbit.ts';
import { TcpProxy } from '../../src/verify/proxy.ts';
import { codeOf, type SinkBed, sinkContract } from './sink.contract.ts';

const broker = inject('broker');
const NEVER = new AbortController().signal;
let hand: Hand;

beforeAll(async () => {
  hand = await Hand.open(broker.adminUrl);
});
afterAll(async () => {
  await hand.close();
});

interface AmqpBed extends SinkBed {
  readonly sink: AmqpSink;
  readonly session: Session;
  readonly queue: string;
}

async function amqpBed(options: Partial<AmqpSinkOptions>): Promise<AmqpBed> {
  const base = `sluice.test.${unique()}`;
  const names = { exchange: `${base}.x`, other: `${base}.y` };
  for (const name of Object.values(names)) {
    await hand.channel.assertExchange(name, 'topic', { durable: false });
    await hand.channel.assertQueue(name, { durable: true, arguments: { 'x-queue-type': 'classic' } });
    await hand.channel.bindQueue(name, name, 'good.#');
  }
  const proxy = await TcpProxy.before(broker.amqpUrl, 5672);
  const session = newSession(proxy.via(broker.amqpUrl), { name: base });
  await session.start(AbortSignal.timeout(10_000));
  const sink = new AmqpSink({
    session,
    gateway: 'gw',
    confirmTimeoutMs: 10_000,
    channelTimeoutMs: 2000,
    maxMessageBytes: 1_048_576,
    scheduler: systemScheduler,
    ...options,
  });
  const ids = async (queue: string): Promise<string[]> => {
    const bodies = await hand.drain(queue);
    return bodies.filter((body) => body.startsWith('{"version"')).map((body) => (JSON.parse(body) as { batch: string }).batch);
  };
  return {
    ...names,
    queue: names.exchange,
    missing: `${base}.missing`,
    sink,
    session,
    fillUp: async () => {
      const full = `${base}.full`;
      await hand.channel.assertQueue(full, { exclusive: true, arguments: { 'x-max-length': 1, 'x-overflow': 'reject-publish' } });
      await hand.channel.bindQueue(full, names.exchange, 'good.#');
      await hand.fill(full, ['full']);
    },
    arrived: async () => ({ exchange: await ids(names.exchange), other: await ids(names.other) }),
    stall: () => proxy.pause(),
    resume: () => proxy.resume(),
    cut: () => proxy.cut(),
    close: async () => {
      await sink.close(1000);
      await session.close(1000);
      await proxy.close();
      for (const name of Object.values(names)) {
        await hand.channel.deleteQueue(name);
        await hand.channel.deleteExchange(name);
      }
      await hand.channel.deleteQueue(`${base}.full`);
    },
  };
}

sinkContract('RabbitMQ', amqpBed);

describe('AmqpSink', () => {
  let bed: AmqpBed;
  afterEach(async () => {
    await bed.close();
  });
  const publish = (shape: Parameters<typeof batchOf>[0], signal = NEVER) =>
    soon('an answer', bed.sink.publish(batchOf({ exchange: bed.exchange, routingKey: 'good', ...shape }), signal));

  it('sends the properties that consumers rely on', async () => {
    bed = await amqpBed({});
    const result = await publish({
      id: 'b-1',
      headers: { site: 'north' },
      texts: ['{"id":"r1"}', '{"id":"r2"}'],
      action: { encoding: 'ndjson', gzip: true, priority: 9, ttlMs: 60_000 },
    });
    expect(result).toEqual({ ok: true, value: undefined });
    const message = await hand.channel.get(bed.queue, { noAck: true });
    if (message === false) throw new Error('nothing arrived');
    expect(message.properties).toMatchObject({
      messageId: 'b-1',
      type: 'sluice.readings.v1',
      contentType: 'application/x-ndjson',
      contentEncoding: 'gzip',
      deliveryMode: 2,
      priority: 9,
      expiration: '60000',
      timestamp: 1_700_000_000,
      appId: 'sluice',
      headers: { site: 'north', 'sluice-count': 2, 'sluice-config': 'c1' },
    });
    expect(gunzipSync(message.content).toString()).toBe('{"id":"r1"}\n{"id":"r2"}\n');
  });

  it('sends best-effort copies transient', async () => {
    bed = await amqpBed({});
    await until('an offer is taken', () => bed.sink.offer(batchOf({ id: 'o', exchange: bed.exchange, routingKey: 'good' })));
    let mode: unknown;
    await until('it arrives', async () => {
      const message = await hand.channel.get(bed.queue, { noAck: true });
      if (message !== false) mode = message.properties.deliveryMode;
      return message !== false;
    });
    expect(mode).toBe(1);
  });

  it('refuses a batch above its bound as TOO_LARGE without sending it', async () => {
    bed = await amqpBed({ maxMessageBytes: 1024 });
    expect(codeOf(await publish({ id: 'large', texts: ['"x"'.padEnd(2000)] }))).toBe('TOO_LARGE');
    expect(codeOf(await publish({ id: 'small' }))).toBe('ok');
    expect((await bed.arrived()).exchange).toEqual(['small']);
  });

  it("finds the one batch above the broker's bound among many, and delivers the others", async () => {
    // Sending so much, and reading what was refused, takes a busy broker many seconds, in which it answers nothing else.
    bed = await amqpBed({ maxMessageBytes: 300_000_000, confirmTimeoutMs: 60_000, channelTimeoutMs: 60_000 });
    // RabbitMQ up to 3.13 takes 128 MiB, from 4.0 16 MiB; a body above both.
    const huge = `"${'x'.repeat(135_000_000)}"`;
    const todo = new Map(Array.from({ length: 8 }, (_, i) => [`b${i}`, i === 3 ? [huge] : ['{"id":"r"}']]));
    let verdict: string | undefined;
    for (let round = 0; round < 5 && todo.size > 0; round += 1) {
      await Promise.all(
        [...todo].map(async ([id, texts]) => {
          const code = codeOf(await soon('an answer', bed.sink.publish(batchOf({ id, exchange: bed.exchange, routingKey: 'good', texts }), NEVER), 90_000));
          if (code === 'ok' || code === 'TOO_LARGE') todo.delete(id);
          if (code === 'TOO_LARGE') verdict = id;
        }),
      );
    }
    expect(todo.size).toBe(0);
    expect(verdict).toBe('b3');
    expect(new Set((await bed.arrived()).exchange)).toEqual(new Set(['b0', 'b1', 'b2', 'b4', 'b5', 'b6', 'b7']));
  });

  it('names the exchange that is missing and the key that leads nowhere', async () => {
    bed = await amqpBed({});
    const missing = await publish({ id: 'a', exchange: bed.missing });
    expect(missing).toMatchObject({
      ok: false,
      fault: { code: 'UNROUTABLE', kind: 'retryable', message: expect.stringContaining(`'${bed.missing}' does not exist`) as string },
    });
    const nowhere = await publish({ id: 'b', routingKey: 'nowhere' });
    expect(nowhere).toMatchObject({ ok: false, fault: { code: 'UNROUTABLE', message: expect.stringMatching(/nowhere.*NO_ROUTE/) as string } });
  });

  it('publishes again as soon as the exchange is there', async () => {
    bed = await amqpBed({});
    expect(codeOf(await publish({ id: 'a', exchange: bed.missing }))).toBe('UNROUTABLE');
    await hand.channel.assertExchange(bed.missing, 'fanout', { durable: false });
    await hand.channel.bindQueue(bed.queue, bed.missing, '');
    expect(codeOf(await publish({ id: 'b', exchange: bed.missing }))).toBe('ok');
    await hand.channel.deleteExchange(bed.missing);
  });

  it('reports an exchange that it may not write to as ACCESS_REFUSED', async () => {
    bed = await amqpBed({});
    const internal = `${bed.exchange}.internal`;
    await hand.channel.assertExchange(internal, 'fanout', { durable: false, internal: true });
    expect(codeOf(await publish({ id: 'a', exchange: internal }))).toBe('ACCESS_REFUSED');
    await hand.channel.deleteExchange(internal);
  });

  it('gives up the connection when not even the closing of the channel is answered', async () => {
    bed = await amqpBed({ confirmTimeoutMs: 200 });
    expect(codeOf(await publish({ id: 'first' }))).toBe('ok');
    const before = bed.session.current;
    bed.stall();
    expect(codeOf(await publish({ id: 'stuck' }))).toBe('CONFIRM_TIMEOUT');
    expect(before?.lost).toBe(true);
    bed.resume();
    await until('the next connection', () => bed.session.current !== undefined && bed.session.current !== before);
  });

  it('closes the channel alone when only the confirm is missing', async () => {
    bed = await amqpBed({ confirmTimeoutMs: 300 });
    expect(codeOf(await publish({ id: 'first' }))).toBe('ok');
    const connection = bed.session.current;
    bed.stall();
    const answer = publish({ id: 'late' });
    const { publishers } = bed.sink as unknown as { publishers: Map<string, { line: unknown }> };
    await until('the time is up', () => publishers.get(bed.exchange)?.line === undefined);
    bed.resume();
    expect(codeOf(await answer)).toBe('CONFIRM_TIMEOUT');
    expect(bed.session.current).toBe(connection);
    expect(codeOf(await publish({ id: 'late' }))).toBe('ok');
  });

  it('does not publish while the broker blocks, and does not count the block against the confirm', async () => {
    bed = await amqpBed({ confirmTimeoutMs: 300 });
    expect(codeOf(await publish({ id: 'first' }))).toBe('ok');
    bed.stall();
    const inFlight = publish({ id: 'in-flight' });
    await new Promise(setImmediate);
    // As the broker says it; a real alarm would hit every test on this node.
    const model = bed.session.current?.model;
    model?.emit('blocked', 'low on memory');
    expect(bed.session.state).toBe('blocked');
    expect(bed.sink.unavailable).toMatchObject({ code: 'BLOCKED', message: expect.stringContaining('low on memory') as string });
    expect(codeOf(await publish({ id: 'not-sent' }))).toBe('BLOCKED');
    expect(bed.sink.offer(batchOf({ id: 'not-offered', exchange: bed.exchange, routingKey: 'good' }))).toBe(false);
    // Three times as long as a confirm may take.
    await new Promise((resolve) => setTimeout(resolve, 900));
    let called = 0;
    bed.sink.onAvailable(() => {
      called += 1;
    });
    bed.resume();
    model?.emit('unblocked');
    expect(codeOf(await inFlight)).toBe('ok');
    expect(called).toBe(1);
    expect((await bed.arrived()).exchange).toEqual(['first', 'in-flight']);
  });

  it('answers NOT_CONNECTED after close', async () => {
    bed = await amqpBed({});
    expect(codeOf(await publish({ id: 'first' }))).toBe('ok');
    bed.stall();
    const inFlight = publish({ id: 'in-flight' });
    await new Promise(setImmediate);
    const closed = bed.sink.close(200);
    expect(codeOf(await inFlight)).toBe('NOT_CONNECTED');
    await soon('closed', closed, 2000);
    expect(codeOf(await publish({ id: 'later' }))).toBe('NOT_CONNECTED');
    bed.resume();
  });
});
