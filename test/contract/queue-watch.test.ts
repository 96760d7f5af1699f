import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeAll, afterAll, describe, expect, inject, it } from 'vitest';
import type { QueueRole } from '../../src/domain/queue-state.ts';
import { systemScheduler } from '../../src/pipeline/scheduler.ts';
import { QueueWatch, type QueueWatchOptions } from '../../src/rabbit/queue-watch.ts';
import { Hand, unique, until } from '../support/rabbit.ts';

const broker = inject('broker');
const open: (() => unknown)[] = [];

function watch(
  url: string,
  queues: readonly { name: string; role: QueueRole }[],
  rest: Partial<QueueWatchOptions> = {},
): { watch: QueueWatch; warnings: string[] } {
  const warnings: string[] = [];
  const one = new QueueWatch({
    url,
    vhost: '/',
    queues,
    everyMs: 50,
    timeoutMs: 5000,
    scheduler: systemScheduler,
    warn: (message) => void warnings.push(message),
    ...rest,
  });
  open.push(() => one.close());
  one.start();
  return { watch: one, warnings };
}

afterEach(() => {
  for (const close of open.splice(0)) close();
});

describe('QueueWatch, of a real broker', () => {
  let hand: Hand;
  beforeAll(async () => {
    hand = await Hand.open(broker.adminUrl);
  });
  afterAll(async () => await hand.close());

  it('tells what waits, what is with a consumer, who reads and what was taken, and leaves out a queue that is not there', { timeout: 60_000 }, async () => {
    const queue = `sluice.test.${unique()} ?/`;
    await hand.channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
    try {
      await hand.fill(queue, ['1', '2', '3', '4', '5']);
      const url = new URL(broker.managementUrl);
      url.username = broker.users.admin.name;
      url.password = broker.users.admin.password;
      const { watch: one, warnings } = watch(url.href, [
        { name: queue, role: 'output' },
        { name: `${queue}.gone`, role: 'dead-letters' },
      ]);
      // The broker's own statistics are up to five seconds old.
      await until('five messages wait', () => one.states[0]?.ready === 5, 30_000);
      await hand.channel.prefetch(2);
      let first = true;
      const { consumerTag } = await hand.channel.consume(queue, (message) => {
        if (message !== null && first) hand.channel.ack(message);
        first = false;
      });
      const wanted = { name: queue, role: 'output', ready: 2, unacked: 2, consumers: 1, taken: 1 };
      await until('one is taken, two are held', () => JSON.stringify(one.states) === JSON.stringify([wanted]), 30_000);
      expect(warnings).toEqual([]);
      expect(one.looks.failed).toBe(0);
      await hand.channel.cancel(consumerTag);
    } finally {
      await hand.channel.deleteQueue(queue);
    }
  });
});

describe('QueueWatch, of a management API that fails', () => {
  let server: Server;
  let answer: { status: number; body: string } | undefined;
  const asked: string[] = [];
  const base = (): string => `http://watcher:secret-word@127.0.0.1:${(server.address() as AddressInfo).port}`;
  const two = [
    { name: 'a', role: 'ingest' },
    { name: 'b', role: 'output' },
  ] as const;

  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push(request.url ?? '');
      if (answer === undefined) return;
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it('forgets what it knew, asks no second queue, warns once without the password, and goes on', async () => {
    answer = { status: 200, body: '{"messages_ready":7,"consumers":1}' };
    const { watch: one, warnings } = watch(base(), two);
    await until('both are known', () => one.states.length === 2);
    expect(one.states[0]).toEqual({ name: 'a', role: 'ingest', ready: 7, unacked: undefined, consumers: 1, taken: 0 });
    answer = { status: 401, body: '{"error":"not_authorised"}' };
    await until('three looks fail', () => one.looks.failed >= 3);
    expect(one.states).toEqual([]);
    expect(asked.slice(-2).filter((path) => path.includes('/b?'))).toEqual([]);
    expect(warnings).toEqual([expect.stringMatching(/^the state of the queues is unknown: the management API answers 401 .*monitoring$/)]);
    answer = { status: 200, body: '{"messages_ready":8}' };
    await until('they are known again', () => one.states[0]?.ready === 8);
    answer = { status: 200, body: 'no JSON secret-word' };
    await until('it warns again', () => warnings.length === 2);
    expect(warnings.join()).not.toContain('secret-word');
  });

  it('gives up one that never answers, and waits for nothing when it is closed', async () => {
    answer = undefined;
    const { watch: one, warnings } = watch(base(), two, { timeoutMs: 200 });
    await until('a look fails', () => one.looks.failed === 1);
    expect(warnings[0]).toMatch(/does not answer/);
    await until('the next one is under way', () => asked.length > 0 && one.looks.failed < 2);
    one.close();
    const { failed } = one.looks;
    const before = asked.length;
    // A watch behind it that looks four times: the closed one would have, too.
    const { watch: other } = watch(base(), [{ name: 'c', role: 'output' }], { timeoutMs: 200 });
    await until('another watch looks four times', () => other.looks.failed >= 4);
    expect(one.looks.failed).toBe(failed);
    expect(asked.slice(before).filter((path) => !path.includes('/c?'))).toEqual([]);
  });
});
