import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { encodeBatch } from '../../src/codec/batch.ts';
import { Consumer } from '../../src/commands/consumer.ts';
import { EXIT } from '../../src/commands/command.ts';
import { contentOfTexts } from '../support/batches.ts';
import { Hand, soon, unique, until } from '../support/rabbit.ts';
import { TcpProxy } from '../../src/verify/proxy.ts';

const broker = inject('broker');
let hand: Hand;
beforeAll(async () => {
  hand = await Hand.open(broker.adminUrl);
});
afterAll(async () => {
  await hand.close();
});

describe('sluice consume', () => {
  const closers: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  async function newQueue(): Promise<string> {
    const queue = `sluice.out.test.${unique()}`;
    await hand.channel.assertQueue(queue, { arguments: { 'x-queue-type': 'classic' } });
    closers.push(() => hand.channel.deleteQueue(queue));
    return queue;
  }
  function send(queue: string, ids: readonly string[], encoding: 'json' | 'ndjson' = 'json', gzip = false): void {
    const texts = ids.map(
      (id) => `{"id":"${id}","device":"d","profile":"p","topic":"t","measuredAt":1700000000000,"receivedAt":1,"values":{"n":9007199254740993}}`,
    );
    const { body, type, contentType, contentEncoding } = encodeBatch({
      id: 'b',
      gateway: 'g',
      sealedAt: 0,
      content: contentOfTexts(texts, encoding),
      encoding,
      gzip,
    });
    hand.channel.publish('', queue, body, { type, contentType, ...(contentEncoding === undefined ? {} : { contentEncoding }) });
  }
  function consumer(options: Partial<ConstructorParameters<typeof Consumer>[0]>): {
    lines: string[];
    told: string[];
    stop: () => void;
    done: Promise<void>;
  } {
    const lines: string[] = [];
    const told: string[] = [];
    const abort = new AbortController();
    const made = new Consumer(
      {
        urls: [broker.amqpUrl],
        tls: undefined,
        queue: undefined,
        exchange: 'sluice.live',
        count: Number.POSITIVE_INFINITY,
        json: true,
        keep: false,
        ...options,
      },
      (text, done) => {
        lines.push(...text.split('\n').slice(0, -1));
        done();
      },
      (line) => told.push(line),
    );
    const done = made.run(abort.signal);
    done.catch(() => {});
    closers.push(async () => {
      abort.abort();
      await soon('the consumer ends', done).catch(() => {});
    });
    return { lines, told, stop: () => abort.abort(), done };
  }
  const idOf = (line: string): string => (JSON.parse(line) as { id: string }).id;

  it('prints every reading of every encoding with all its digits, acks, and stops after the count', async () => {
    const queue = await newQueue();
    send(queue, ['a', 'b']);
    send(queue, ['c'], 'ndjson');
    send(queue, ['d', 'e'], 'ndjson', true);
    send(queue, ['f']);
    const { lines, done } = consumer({ queue, count: 4 });
    await soon('it stops', done);
    expect(lines.map(idOf)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(lines.every((line) => line.includes('9007199254740993'))).toBe(true);
    expect(await hand.depth(queue)).toBe(1);
  });

  it('leaves the messages in the queue with --keep', async () => {
    const queue = await newQueue();
    send(queue, ['a']);
    send(queue, ['b']);
    const { lines, done } = consumer({ queue, count: 2, keep: true });
    await soon('it stops', done);
    expect(lines).toHaveLength(2);
    await until('both are back', async () => (await hand.depth(queue)) === 2);
  });

  it('comes back after a lost connection', async () => {
    const queue = await newQueue();
    const proxy = await TcpProxy.before(broker.amqpUrl, 5672);
    closers.push(() => proxy.close());
    const { lines, told, stop, done } = consumer({ queue, urls: [proxy.via(broker.amqpUrl)] });
    send(queue, ['a']);
    await until('the first', () => lines.length === 1);
    proxy.cut();
    await until('the loss is told', () => told.length > 0);
    send(queue, ['b']);
    await until('the second', () => lines.some((line) => idOf(line) === 'b'));
    stop();
    await expect(soon('it stops', done)).resolves.toBe(undefined);
    expect(await hand.depth(queue)).toBe(0);
  });

  it('stops with a message that is no batch, and leaves it where it is', async () => {
    const queue = await newQueue();
    hand.channel.publish('', queue, gzipSync('x'), { contentType: 'text/plain' });
    const { done } = consumer({ queue });
    await expect(soon('it stops', done)).rejects.toMatchObject({ exitCode: EXIT.failed, message: expect.stringMatching(/not a batch.*text\/plain/) as string });
    await until('it is back', async () => (await hand.depth(queue)) === 1);
  });

  it('says which queue is not there', async () => {
    const { done } = consumer({ queue: 'sluice.out.nowhere' });
    await expect(soon('it stops', done)).rejects.toMatchObject({
      exitCode: EXIT.unavailable,
      message: expect.stringMatching(/sluice\.out\.nowhere.*404/) as string,
    });
  });

  it('says that the password is wrong', async () => {
    const url = new URL(broker.amqpUrl);
    url.password = 'wrong';
    const { done } = consumer({ queue: 'q', urls: [url.href] });
    await expect(soon('it stops', done)).rejects.toMatchObject({ exitCode: EXIT.unavailable, message: expect.stringMatching(/403/) as string });
  });

  it('taps a live exchange and leaves nothing behind', async () => {
    const exchange = `sluice.test.${unique()}`;
    await hand.channel.assertExchange(exchange, 'fanout', { durable: false });
    closers.push(() => hand.channel.deleteExchange(exchange));
    const { lines, stop, done } = consumer({ exchange, urls: [broker.adminUrl] });
    const content = contentOfTexts(['{"id":"live"}'], 'json');
    const { body, type, contentType } = encodeBatch({ id: 'b', gateway: 'g', sealedAt: 0, content, encoding: 'json', gzip: false });
    await until('it arrives', () => {
      hand.channel.publish(exchange, '', body, { type, contentType });
      return lines.length > 0;
    });
    expect(lines.map(idOf)).toContain('live');
    stop();
    await soon('it stops', done);
    let returned = false;
    hand.channel.once('return', () => (returned = true));
    hand.channel.publish(exchange, '', body, { mandatory: true });
    await until('nobody listens any more', () => returned);
  });
});
