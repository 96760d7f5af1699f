import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { freePorts } from '../../src/local/ports.ts';
import { systemScheduler } from '../../src/pipeline/scheduler.ts';
import { type BrokerFacts, probe } from '../../src/rabbit/probe.ts';
import type { Session } from '../../src/rabbit/session.ts';
import { type AmqpArguments, buildTopology } from '../../src/rabbit/topology.ts';
import { Hand, Management, newSession, unique, until } from '../support/rabbit.ts';

const broker = inject('broker');
const MAIN = join(import.meta.dirname, '..', '..', 'dist', 'src', 'main.js');
const GOOD: AmqpArguments = {
  'x-queue-type': 'quorum',
  'x-delivery-limit': 120,
  'x-dead-letter-exchange': 'amq.fanout',
  'x-dead-letter-routing-key': 'ingest.poison',
  'x-dead-letter-strategy': 'at-least-once',
  'x-overflow': 'reject-publish',
  'x-single-active-consumer': true,
};
const dir = mkdtempSync(join(tmpdir(), 'sluice-doctor-'));
const made: string[] = [];
let hand: Hand;
let session: Session;
let management: Management;

beforeAll(async () => {
  hand = await Hand.open(broker.adminUrl);
  management = new Management(broker);
  session = newSession(broker.adminUrl);
  await session.start(AbortSignal.timeout(10_000));
});
afterAll(async () => {
  await session.close(2000);
  for (const queue of made) await hand.channel.deleteQueue(queue);
  await hand.close();
  rmSync(dir, { recursive: true, force: true });
});

function managementUrl(password = broker.users.admin.password): string {
  const url = new URL(broker.managementUrl);
  url.username = broker.users.admin.name;
  url.password = password;
  return url.href;
}

async function makeQueue(args: AmqpArguments, durable = true): Promise<string> {
  const name = `sluice.test.${unique()}`;
  await hand.channel.assertQueue(name, { durable, arguments: args });
  made.push(name);
  return name;
}

/** As for a queue that is somebody else's. */
async function facts(name: string, url?: string): Promise<BrokerFacts> {
  const { queues } = buildTopology({
    ingest: { queue: name, topics: ['#'], declare: false },
    deadLetters: { exchange: 'sluice.dead', queue: 'sluice.dead' },
    exchanges: [],
    queues: [],
  });
  const ingest = queues.find((queue) => queue.name === name);
  if (ingest === undefined || session.current === undefined) throw new Error('no queue or no connection');
  return await probe(session.current, { ingest, vhost: '/', management: url, timeoutMs: 5000, scheduler: systemScheduler });
}

describe('over AMQP alone', () => {
  it('tells product and version, and learns the arguments of a queue that is not ours', async () => {
    const name = await makeQueue(GOOD);
    const { product, version, notes, warnings } = await facts(name);
    expect([product, /^\d+\.\d+\.\d+/.test(version)]).toEqual(['RabbitMQ', true]);
    const known = notes.find((note) => note.startsWith(`queue '${name}'`)) ?? '';
    for (const [key, value] of Object.entries(GOOD)) expect(known).toContain(`${key}=${value}`);
    expect(warnings).toEqual([]);
  });

  it.each<readonly [string, AmqpArguments, boolean, readonly RegExp[]]>([
    ['a bare quorum queue', { 'x-queue-type': 'quorum' }, true, [/x-delivery-limit/, /no x-dead-letter-exchange/, /no single active consumer/]],
    ['a classic queue that is not durable', {}, false, [/not durable/, /classic: messages with QoS 0/, /no x-dead-letter-exchange/, /no single active/]],
    ['a TTL, and the oldest pushed out', { ...GOOD, 'x-message-ttl': 60_000, 'x-max-length': 10, 'x-overflow': 'drop-head' }, true, [/pushes out/, /60000 ms/]],
    ["the device's key on dead letters", { ...GOOD, 'x-dead-letter-routing-key': '' }, true, []],
    [
      'a low limit, dead letters at most once',
      { ...GOOD, 'x-delivery-limit': 2, 'x-dead-letter-strategy': 'at-most-once' },
      true,
      [/limit of 2/, /at most once/],
    ],
  ])('warns of %s', async (_, args, durable, patterns) => {
    const { warnings } = await facts(await makeQueue(args, durable));
    expect(warnings).toHaveLength(patterns.length);
    for (const [i, pattern] of patterns.entries()) expect(warnings[i]).toMatch(pattern);
  });

  it('notes what it cannot learn, makes no queue, and leaves the connection alone', async () => {
    const name = `sluice.test.${unique()}`;
    const { notes, warnings } = await facts(name);
    expect(notes.join('\n')).toMatch(/cannot be read: .*NOT_FOUND/);
    expect(warnings).toEqual([]);
    expect(session.state).toBe('ready');
    await expect(management.request('GET', `queues/%2F/${name}`)).rejects.toThrow(/404/);
  });
});

describe('with the management API', () => {
  it('sees plugins and bindings, and has nothing to warn of', async () => {
    const name = await makeQueue(GOOD);
    await hand.channel.bindQueue(name, 'amq.topic', 'probe.#');
    let notes: readonly string[] = [];
    let warnings: readonly string[] = ['not asked'];
    await until(
      'the node reports its plugins',
      async () => {
        ({ notes, warnings } = await facts(name, managementUrl()));
        // Not before the first report of the node either.
        expect(warnings).toEqual([]);
        return notes.some((note) => note.startsWith('plugins: '));
      },
      30_000,
    );
    expect(notes.join('\n')).toMatch(/plugins: .*rabbitmq_mqtt/);
    expect(notes).toContain('bound: amq.topic probe.#');
    expect(warnings).toEqual([]);
  });

  it('warns of a queue that is bound to nothing', async () => {
    expect((await facts(await makeQueue(GOOD), managementUrl())).warnings).toEqual([expect.stringMatching(/bound to nothing: .*drops them/)]);
  });

  it('warns of a policy', async () => {
    const name = await makeQueue(GOOD);
    await hand.channel.bindQueue(name, 'amq.topic', 'probe.#');
    const path = `policies/%2F/${name}`;
    await management.request('PUT', path, {
      pattern: `^${name.replaceAll('.', '\\.')}$`,
      definition: { 'message-ttl': 86_400_000, expires: 90_000_000 },
      'apply-to': 'queues',
    });
    try {
      let warnings: readonly string[] = [];
      await until('the policy is in effect', async () => (warnings = (await facts(name, managementUrl())).warnings).length > 0, 20_000);
      expect(warnings).toEqual([expect.stringMatching(/longer than 86400000 ms/), expect.stringMatching(/deletes itself after 90000000 ms/)]);
    } finally {
      await management.request('DELETE', path);
    }
  });

  it('notes that it is refused, without the password, and goes by AMQP', async () => {
    const { notes, warnings } = await facts(await makeQueue({ 'x-queue-type': 'classic' }), managementUrl('not-the-password'));
    expect(notes.join('\n')).toMatch(/answers 401 .*tag monitoring/);
    expect(notes.join('\n')).not.toContain('not-the-password');
    expect(warnings.join('\n')).toMatch(/classic/);
  });

  it('notes that nothing answers', async () => {
    const { management: port } = await freePorts();
    const { notes } = await facts(await makeQueue(GOOD), `http://u:secret@127.0.0.1:${port}`);
    expect(notes.filter((note) => note.includes('does not answer'))).toEqual([expect.stringMatching(/^the management API at http:.*: connect ECONNREFUSED/)]);
    expect(notes.join()).not.toContain('secret');
  });
});

describe('sluice doctor', () => {
  async function doctor(queue: string, ...more: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const file = join(dir, `${unique()}.yaml`);
    writeFileSync(
      file,
      `
rabbitmq: { url: '${broker.adminUrl}', management: '${managementUrl()}' }
source: { queue: ${queue} }
routes: [{ name: all, exchange: amq.fanout }]
`,
    );
    return await new Promise((resolve) => {
      execFile(process.execPath, [MAIN, 'doctor', '-c', file, ...more], { timeout: 30_000 }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      });
    });
  }

  it('ends with 0 where there is nothing to worry about, and shows no password', async () => {
    const name = await makeQueue(GOOD);
    await hand.channel.bindQueue(name, 'amq.topic', 'probe.#');
    const { code, stdout, stderr } = await doctor(name);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/RabbitMQ \d+[\s\S]*x-delivery-limit=120[\s\S]*nothing to worry about\n$/);
    expect(stdout).not.toContain(broker.users.admin.password);
  });

  it('ends with 1 where something can lose data, in text and in JSON', async () => {
    const name = await makeQueue({ 'x-queue-type': 'classic' });
    const { code, stdout } = await doctor(name);
    expect(code).toBe(1);
    expect(stdout).toMatch(/warning: queue '.*' is classic[\s\S]*warning: .*bound to nothing[\s\S]*\d warnings\n$/);
    const json = await doctor(name, '--json');
    expect(json.code).toBe(1);
    expect((JSON.parse(json.stdout) as BrokerFacts).warnings.length).toBeGreaterThan(1);
  });
});
