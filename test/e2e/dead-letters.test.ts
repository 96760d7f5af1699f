import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { Hand, until } from '../support/rabbit.ts';
import { Rig } from './rig.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'dist/src/main.js');
const TOKEN = 'a-token-of-24-characters';
const OUT = ['sluice.out.a', 'sluice.out.b'];

/** `each` is what is wrong with the profile of the first gateway. */
function settings(each: string | undefined): string {
  const route = (name: string, rest: object): object => ({ name, exchange: `sluice.${name}`, routingKey: '{profile}', batch: { count: 1 }, ...rest });
  return stringify({
    gateway: { name: 'dead-letters' },
    rabbitmq: { url: '${SLUICE_AMQP_URL}' },
    profiles: [
      {
        name: 'weather',
        topics: ['weather/{device}'],
        device: '{device}',
        values: '$.v',
        time: { from: '$.time', unit: 'ms' },
        ...(each === undefined ? {} : { each }),
      },
      { name: 'pair', topics: ['pair/{device}'], device: '{device}', each: '$.list', values: '$' },
    ],
    exchanges: ['a', 'b'].map((name) => ({ name: `sluice.${name}`, type: 'topic' })),
    // Queue b is there, and whether it is bound is the test's to say.
    queues: [
      { name: 'sluice.out.a', bindings: [{ exchange: 'sluice.a', routingKey: '#' }] },
      { name: 'sluice.out.b', bindings: [] },
    ],
    routes: [route('a', { continue: true }), route('b', { profiles: ['pair'], when: 'values.n > 1', buryAfterSeconds: 1 })],
    retry: { baseMs: 50, capMs: 300 },
    http: { port: '${SLUICE_HTTP_PORT}', token: '${SLUICE_TEST_TOKEN:-' + TOKEN + '}' },
  });
}

interface Result {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

interface WireReading {
  readonly id: string;
  readonly topic: string;
  readonly measuredAt: number;
  readonly receivedAt: number;
  readonly values: Readonly<Record<string, number>>;
  readonly flags?: readonly string[];
}

let rig: Rig;
let file: string;
let hand: Hand;

beforeAll(async () => {
  rig = await Rig.start((dir) => {
    const original = join(dir, 'settings.yaml');
    writeFileSync(original, settings(undefined));
    return original;
  });
  file = rig.copy.file;
  hand = await Hand.open(rig.node.amqpUrl(rig.users.admin));
});

afterAll(async () => {
  await hand?.close();
  await rig?.stop();
});

beforeEach(async () => {
  for (const queue of ['sluice.dead', 'sluice.ingest', ...OUT]) await hand.channel.purgeQueue(queue);
});

/** `sluice dead ...` as a process of its own; `during` runs beside it. */
async function dead(args: readonly string[], account = rig.users.gateway, during: (kill: () => void) => Promise<void> = async () => {}): Promise<Result> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, SLUICE_AMQP_URL: rig.node.amqpUrl(account), SLUICE_HTTP_PORT: '0' },
    timeout: 60_000,
  });
  const text = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (text.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text.err += chunk.toString()));
  child.stdin.end();
  const code = new Promise<number | null>((resolve) => child.once('close', resolve));
  await during(() => child.kill('SIGKILL'));
  return { code: await code, ...text };
}

async function gatewayWith(each: string | undefined): Promise<void> {
  await rig.gateway.end('SIGTERM');
  rig.copy.write(settings(each));
  await rig.gateway.start();
}

async function publish(messages: readonly (readonly [topic: string, body: string])[]): Promise<void> {
  for (const [topic, body] of messages) hand.channel.publish('amq.topic', topic.replaceAll('/', '.'), Buffer.from(body), { deliveryMode: 2 });
  await hand.channel.waitForConfirms();
}

/** Nothing waits for the gateway, and it has nothing in its hands. */
async function settled(): Promise<void> {
  await until(
    'the gateway has settled everything',
    async () => (await hand.depth('sluice.ingest')) === 0 && (await rig.gateway.status()).inFlight.messages === 0,
    60_000,
  );
}

async function letters(count: number): Promise<void> {
  await until(`${count} dead letters`, async () => (await hand.depth('sluice.dead')) === count, 60_000);
}

async function readings(queue: string): Promise<WireReading[]> {
  await settled();
  return (await hand.drain(queue)).flatMap((body) => (body.startsWith('{') ? (JSON.parse(body) as { readings: WireReading[] }).readings : []));
}

const json = (text: string): Record<string, unknown>[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('dead letters of a wrong profile', () => {
  const fixed = Array.from(
    { length: 50 },
    (_, i) => [`weather/d${i % 5}`, JSON.stringify({ ...(i % 2 === 0 ? { time: 1_700_000_000_000 + i } : {}), v: { n: i } })] as const,
  );
  const broken = Array.from({ length: 7 }, (_, i) => [`weather/d${i}`, `{"v":${i}`] as const);
  const strange = Array.from({ length: 5 }, (_, i) => [`other/d${i}`, '{"v":1}'] as const);

  async function prepare(): Promise<void> {
    await gatewayWith('$.list');
    await publish([...broken.slice(0, 3), ...fixed, ...broken.slice(3), ...strange]);
    await letters(62);
    await settled();
  }

  it('become readings once it is right: exactly those asked for, none twice, none gone', { timeout: 240_000 }, async () => {
    await prepare();
    const buried = json((await dead(['dead', 'list', '--code', 'SCHEMA_MISMATCH', '--limit', '100', '--json'])).out);
    const receivedAt = new Map(buried.map(({ receivedAt, id }) => [id, Date.parse(receivedAt as string)]));
    await gatewayWith(undefined);
    const plan = await dead(['dead', 'replay', '-c', file, '--code', 'SCHEMA_MISMATCH', '--dry-run']);
    expect(plan.err).toMatch(/50 letters would be\n {2}forwarded: 50\n50 readings, by route\n {2}a: 50\n/);
    await letters(62);

    const replayed = await dead(['dead', 'replay', '-c', file, '--code', 'SCHEMA_MISMATCH', '--json']);
    expect(replayed).toMatchObject({ code: 0 });
    expect(json(replayed.out)).toMatchObject([{ present: 62, matched: 50, done: 50, uncertain: 0, skipped: {} }]);
    const found = await readings('sluice.out.a');
    expect(found.map(({ topic, values }) => `${topic} ${values['n']}`).sort()).toEqual(fixed.map(([topic], i) => `${topic} ${i}`).sort());
    expect(new Set(found.map(({ id }) => id)).size).toBe(50);
    // In the order of the queue, topic by topic.
    for (let d = 0; d < 5; d += 1) {
      const order = found.filter(({ topic }) => topic === `weather/d${d}`).map(({ values }) => values['n'] as number);
      expect(order).toEqual([...order].sort((a, b) => a - b));
    }
    // What has no time of its own was measured when it first came, not today.
    expect(new Set(found.map((reading) => reading.receivedAt))).toEqual(new Set(receivedAt.values()));
    expect(found.filter(({ flags = [] }) => flags.includes('arrival-id'))).toEqual([]);
    await letters(12);
    const left = json((await dead(['dead', 'list', '--json'])).out).map(({ code }) => code as string);
    expect(left.sort()).toEqual([...Array<string>(7).fill('DECODE_INVALID'), ...Array<string>(5).fill('NO_PROFILE')]);
  });

  it('lose none and make none twice when the replay is killed in between', { timeout: 240_000 }, async () => {
    await prepare();
    await gatewayWith(undefined);
    for (const kills of [5, 25]) {
      await dead(['dead', 'replay', '-c', file, '--code', 'SCHEMA_MISMATCH', '--rate', '20'], rig.users.gateway, async (kill) => {
        const before = (await rig.gateway.status()).ledger.messages.received;
        await until('some are replayed', async () => (await rig.gateway.status()).ledger.messages.received - before >= kills, 60_000);
        kill();
      });
    }
    const consumers = async (): Promise<number> => (await hand.channel.checkQueue('sluice.dead')).consumerCount;
    await until('the broker has noticed', async () => (await consumers()) === 0, 60_000);
    await dead(['dead', 'replay', '-c', file, '--code', 'SCHEMA_MISMATCH']);
    const found = await readings('sluice.out.a');
    expect(found.map(({ values }) => values['n']).sort((a, b) => (a as number) - (b as number))).toEqual(fixed.map((_, i) => i));
    await letters(12);
  });

  it('come back as often as is allowed while it is still wrong', { timeout: 240_000 }, async () => {
    await prepare();
    const replay = async (...more: string[]): Promise<Record<string, unknown>> =>
      json((await dead(['dead', 'replay', '--topic', 'weather/d1', '--code', 'SCHEMA_MISMATCH', '--max-replays', '2', '--json', ...more])).out)[0] ?? {};
    for (let round = 0; round < 2; round += 1) {
      expect(await replay()).toMatchObject({ done: 10, skipped: {} });
      await settled();
      await letters(62);
    }
    expect(await replay()).toMatchObject({ done: 0, skipped: { 'max-replays': 10 } });
    expect(await replay('--force', '--limit', '4')).toMatchObject({ done: 4 });
    await settled();
    await letters(62);
    const all = json((await dead(['dead', 'list', '--where', 'replays > 0', '--json'])).out);
    expect(all.map(({ replays }) => Number(replays)).sort((a, b) => a - b)).toEqual([2, 2, 2, 2, 2, 2, 3, 3, 3, 3]);
    expect(all.every(({ firstId, id }) => typeof firstId === 'string' && firstId !== id)).toBe(true);
  });

  it('can be looked at, exported to sluice decode, and dropped, one as well as many', { timeout: 240_000 }, async () => {
    await prepare();
    const table = (await dead(['dead', 'list', '--stage', 'decode'], rig.users.consumer)).out.trim().split('\n');
    expect(table[0]).toMatch(/^time +code +topic +size +message +id$/);
    expect(table).toHaveLength(8);
    const id = table[1]?.split(/ +/).at(-1) ?? '';
    expect((await dead(['dead', 'show', id])).out).toMatch(/code +DECODE_INVALID[\s\S]*\n\n\{"v":0\n$/);
    expect(await dead(['dead', 'show', 'nobody'])).toMatchObject({ code: 1, err: expect.stringContaining('no dead letter has the id') as string });

    const exported = await dead(['dead', 'export', '--code', 'SCHEMA_MISMATCH,DECODE_INVALID']);
    const list = join(rig.dir, 'letters.jsonl');
    writeFileSync(list, exported.out);
    writeFileSync(join(rig.dir, 'right.yaml'), settings(undefined));
    const decoded = json((await dead(['decode', '-c', join(rig.dir, 'right.yaml'), '--messages', list])).out);
    expect(decoded.map(({ outcome }) => outcome as string).sort()).toEqual([...Array<string>(7).fill('dead-lettered'), ...Array<string>(50).fill('readings')]);
    await letters(62);

    expect(await dead(['dead', 'drop', id])).toMatchObject({ code: 2, err: expect.stringContaining('--yes') as string });
    expect(await dead(['dead', 'drop', id, '--yes'])).toMatchObject({ code: 0, out: 'dropped 1 of 1 that matched\n' });
    expect(await dead(['dead', 'drop', '--code', 'NO_PROFILE', '--yes'])).toMatchObject({ code: 0, out: 'dropped 5 of 5 that matched\n' });
    await letters(56);
  });

  it('tell whoever may not replay them which right is missing', { timeout: 240_000 }, async () => {
    await prepare();
    const refused = await dead(['dead', 'replay', '--code', 'NO_PROFILE'], rig.users.consumer);
    expect(refused).toMatchObject({ code: 5, out: expect.stringMatching(/replayed 0 of \d[\s\S]*ACCESS_REFUSED.*amq\.default/) as string });
    const device = await dead(['dead', 'list'], rig.users.device);
    expect(device).toMatchObject({ code: 4, err: expect.stringMatching(/needs the right to read it/) as string });
    await letters(62);
  });

  it('that the broker refuses for good are left alone, and do not stand in the way of others', { timeout: 240_000 }, async () => {
    await gatewayWith('$.list');
    const small = [0, 1, 2, 3, 4, 5].map((n) => [`weather/d${n}`, JSON.stringify({ v: { n } })] as const);
    const large = ['weather/large', JSON.stringify({ v: { n: 9 }, pad: 'x'.repeat(100_000) })] as const;
    await publish([...small.slice(0, 3), large, ...small.slice(3)]);
    await letters(7);
    await gatewayWith(undefined);
    // As when somebody has lowered the limit since. A channel reads it when it opens.
    const limit = async (bytes: number): Promise<string> => await rig.node.ctl(['eval', `application:set_env(rabbit, max_message_size, ${bytes}).`]);
    await limit(50_000);
    try {
      const replayed = await dead(['dead', 'replay', '--json']);
      expect({ code: replayed.code, changes: json(replayed.out)[0] }).toMatchObject({
        code: 0,
        changes: { matched: 7, done: 6, skipped: { refused: 1 }, uncertain: 0 },
      });
      // Alone it is the same, and a person is told.
      const alone = await dead(['dead', 'replay']);
      expect(alone).toMatchObject({ code: 0, out: expect.stringMatching(/^replayed 0 of 1[\s\S]*left alone: 1 .*refuse/) as string });
      await letters(1);
    } finally {
      await limit(134_217_728);
    }
    // At least once: where the channel was lost, those that were under way went again. Their readings have one id.
    const found = await readings('sluice.out.a');
    expect(new Set(found.map(({ values }) => values['n']))).toEqual(new Set([0, 1, 2, 3, 4, 5]));
    expect(await dead(['dead', 'replay'])).toMatchObject({ code: 0, out: 'replayed 1 of 1 that matched\n' });
    expect((await readings('sluice.out.a')).map(({ values }) => values['n'])).toEqual([9]);
    await letters(0);
  });

  it('are replayed and dropped over HTTP by who has the token', { timeout: 240_000 }, async () => {
    await prepare();
    await gatewayWith(undefined);
    const ask = async (method: string, path: string, body?: object, token = TOKEN): Promise<{ status: number; body: Record<string, unknown> }> => {
      const response = await fetch(`${rig.gateway.url}/api/dead-letters${path}`, {
        method,
        headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), authorization: `Bearer ${token}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    };
    const listed = await ask('GET', '?code=SCHEMA_MISMATCH&limit=2');
    expect(listed).toMatchObject({ status: 200, body: { matched: 50, seen: 62, letters: [{ code: 'SCHEMA_MISMATCH' }, {}] } });
    const filter = { code: 'SCHEMA_MISMATCH', topic: 'weather/d2' };
    expect(await ask('POST', '/replay', filter, 'not-the-token')).toMatchObject({ status: 401, body: { title: 'Unauthorized' } });
    expect(await ask('POST', '/replay', { ...filter, dryRun: true })).toMatchObject({ status: 200, body: { plan: { letters: 10, routes: { a: 10 } } } });
    await letters(62);
    expect(await ask('POST', '/replay', filter)).toMatchObject({ status: 200, body: { done: 10, uncertain: 0 } });
    expect((await readings('sluice.out.a')).map(({ topic }) => topic)).toEqual(Array<string>(10).fill('weather/d2'));
    await letters(52);
    expect(await ask('POST', '/drop', { code: ['NO_PROFILE', 'DECODE_INVALID'] })).toMatchObject({ status: 200, body: { done: 12 } });
    await letters(40);
  });
});

describe('dead letters of a part of a message', () => {
  it('are replayed to the route that had failed, and to no other', { timeout: 240_000 }, async () => {
    await gatewayWith(undefined);
    // Route b takes the second and third reading of each message, and has nowhere to go: held for its named time, then parked.
    await publish(Array.from({ length: 4 }, (_, i) => [`pair/d${i}`, JSON.stringify({ list: [1, 2, 3].map((n) => ({ n, device: i })) })] as const));
    await letters(8);
    expect(await readings('sluice.out.a')).toHaveLength(12);
    const parked = json((await dead(['dead', 'list', '--route', 'b', '--json'])).out);
    expect(parked).toHaveLength(8);
    expect(parked[0]).toMatchObject({ code: 'HELD_TOO_LONG', scope: 'route', readings: 3, stage: 'publish' });

    await hand.channel.bindQueue('sluice.out.b', 'sluice.b', '#');
    try {
      expect(await dead(['dead', 'replay', '--route', 'b'])).toMatchObject({ code: 0, out: 'replayed 8 of 8 that matched\n' });
      const found = await readings('sluice.out.b');
      expect(found.map(({ topic, values }) => `${topic} ${values['n']}`).sort()).toEqual([0, 1, 2, 3].flatMap((i) => [`pair/d${i} 2`, `pair/d${i} 3`]));
      // The ids of before, although these messages have nothing of their own to make one from.
      expect(new Set(found.map(({ id }) => id))).toEqual(new Set(parked.map(({ readingId }) => readingId)));
      expect(await readings('sluice.out.a')).toEqual([]);
      await letters(0);
    } finally {
      await hand.channel.unbindQueue('sluice.out.b', 'sluice.b', '#');
    }
  });
});
