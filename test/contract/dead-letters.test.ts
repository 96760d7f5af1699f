import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { fault } from '../../src/domain/fault.ts';
import { systemScheduler } from '../../src/pipeline/scheduler.ts';
import { AmqpDeadLetters } from '../../src/rabbit/dead-letters.ts';
import { letterOf, messageOf } from '../support/batches.ts';
import { Hand, newSession, soon, unique } from '../support/rabbit.ts';
import { TcpProxy } from '../../src/verify/proxy.ts';
import { type DeadLettersBed, deadLettersContract } from './dead-letters.contract.ts';

const broker = inject('broker');
const NEVER = new AbortController().signal;
let hand: Hand;

beforeAll(async () => {
  hand = await Hand.open(broker.adminUrl);
});
afterAll(async () => {
  await hand.close();
});

async function amqpBed(options: { confirmTimeoutMs: number }): Promise<DeadLettersBed & { readonly sink: AmqpDeadLetters; readonly queue: string }> {
  const name = `sluice.test.${unique()}`;
  await hand.channel.assertExchange(name, 'topic');
  await hand.channel.assertQueue(name, { arguments: { 'x-queue-type': 'quorum' } });
  await hand.channel.bindQueue(name, name, '#');
  const proxy = await TcpProxy.before(broker.amqpUrl, 5672);
  const session = newSession(proxy.via(broker.amqpUrl), { name });
  await session.start(AbortSignal.timeout(10_000));
  const sink = new AmqpDeadLetters({
    session,
    exchange: name,
    channelTimeoutMs: 2000,
    maxMessageBytes: 1_048_576,
    scheduler: systemScheduler,
    ...options,
  });
  return {
    sink,
    queue: name,
    arrived: async () => {
      const ids: string[] = [];
      for (;;) {
        const message = await hand.channel.get(name, { noAck: true });
        if (message === false) return ids;
        ids.push(String(message.properties.messageId));
      }
    },
    unbind: async () => void (await hand.channel.unbindQueue(name, name, '#')),
    removeExchange: async () => void (await hand.channel.deleteExchange(name)),
    stall: () => proxy.pause(),
    resume: () => proxy.resume(),
    cut: () => proxy.cut(),
    close: async () => {
      await sink.close(1000);
      await session.close(1000);
      await proxy.close();
      await hand.channel.deleteQueue(name);
      await hand.channel.deleteExchange(name);
    },
  };
}

deadLettersContract('RabbitMQ', amqpBed);

describe('AmqpDeadLetters', () => {
  let bed: Awaited<ReturnType<typeof amqpBed>>;
  afterEach(async () => {
    await bed.close();
  });

  it('keeps the bytes and says why, in headers that hold whatever a device sent', async () => {
    bed = await amqpBed({ confirmTimeoutMs: 5000 });
    const body = Buffer.from([0, 0xff, 0xfe, 0x7b, 0x22]);
    const letter = letterOf({
      id: 'l-1',
      message: messageOf({
        body,
        topic: `t/\u0000${'é'.repeat(5000)}`,
        routingKey: 'k'.repeat(100_000),
        contentType: 'x'.repeat(300),
        contentEncoding: 'gzip',
      }),
      fault: fault('DECODE_INVALID', `bad\n\u001b[31m${'\uD83D\uDE00'.repeat(600)}`),
      route: 'readings',
      attempts: 3,
    });
    expect(await soon('an answer', bed.sink.bury(letter, NEVER))).toEqual({ ok: true, value: undefined });
    const message = await hand.channel.get(bed.queue, { noAck: true });
    if (message === false) throw new Error('nothing arrived');
    expect(message.content.equals(body)).toBe(true);
    expect(message.fields.routingKey).toBe('decode.DECODE_INVALID');
    expect(message.properties).toMatchObject({ messageId: 'l-1', deliveryMode: 2, contentType: undefined, contentEncoding: 'gzip', appId: 'sluice' });
    const headers = message.properties.headers ?? {};
    expect(headers).toMatchObject({
      'x-sluice-code': 'DECODE_INVALID',
      'x-sluice-stage': 'decode',
      'x-sluice-attempts': 3,
      'x-sluice-route': 'readings',
      'x-sluice-config': 'c1',
      'x-sluice-received-at': '2023-11-14T22:13:20.000Z',
      'x-sluice-buried-at': '2023-11-14T22:13:21.500Z',
    });
    expect(headers['x-sluice-message']).toMatch(/^bad\uFFFD\uFFFD\[31m\u{1F600}+\uFFFD?$/u);
    expect(headers['x-sluice-topic']).toMatch(/^t\/\uFFFDé+$/);
    for (const value of Object.values(headers)) expect(Buffer.byteLength(String(value))).toBeLessThanOrEqual(2000);
  });

  it('carries a content type that is legal', async () => {
    bed = await amqpBed({ confirmTimeoutMs: 5000 });
    await bed.sink.bury(letterOf({ message: messageOf({ contentType: 'application/json' }) }), NEVER);
    const message = await hand.channel.get(bed.queue, { noAck: true });
    expect(message !== false && message.properties.contentType).toBe('application/json');
  });
});
