import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import type { EdgeState } from '../../src/domain/edge-state.ts';
import { freePorts } from '../../src/local/ports.ts';
import { GatewayProcess } from '../../src/verify/gateway-process.ts';
import { ENDS_ON_POISON, mutantBuild } from '../support/gateway-mutants.ts';
import { Hand, unique, until } from '../support/rabbit.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const ENTRY = join(ROOT, 'dist/src/main.js');
const broker = inject('broker');
const exec = promisify(execFile);
let root: string;
let hand: Hand;

beforeAll(async () => {
  mkdirSync(join(ROOT, '.sluice'), { recursive: true, mode: 0o700 });
  root = mkdtempSync(join(ROOT, '.sluice', `test-${process.pid}-`));
  hand = await Hand.open(broker.adminUrl);
});
afterAll(async () => {
  await hand.close();
  rmSync(root, { recursive: true, force: true });
});

interface Bed {
  readonly name: string;
  readonly edge: GatewayProcess;
  /** Folder of the edge. */
  readonly dir: string;
  /** Settings file. */
  readonly file: string;
  /** What comes for it goes to `heard`, from the first packet on. */
  connect(options?: IClientOptions, heard?: string[]): Promise<MqttClient>;
}

const beds: { edge: GatewayProcess; clients: MqttClient[]; queues: string[] }[] = [];
afterEach(async () => {
  for (const { edge, clients, queues } of beds.splice(0)) {
    for (const client of clients) await client.endAsync(true).catch(() => {});
    await edge.end('SIGKILL').catch(() => {});
    for (const queue of queues) await hand.channel.deleteQueue(queue);
  }
});

interface Shape {
  readonly mode?: 'bridge' | 'direct';
  /** More of `edge` in its settings. */
  readonly more?: string;
  /** More of `edge.spool`. */
  readonly spool?: Readonly<Record<string, unknown>>;
  /** Another build. */
  readonly entry?: string;
}

/** An edge with a folder of its own. `url`: of RabbitMQ, which may be nowhere. */
async function bedOf(url: string, { mode = 'bridge', more = '', spool = {}, entry = ENTRY }: Shape = {}): Promise<Bed> {
  const name = `edge${unique()}`;
  const ports = await freePorts();
  const dir = join(root, name);
  mkdirSync(dir);
  const file = join(dir, 'edge.yaml');
  writeFileSync(
    file,
    `gateway: { name: ${name} }
edge:
  mode: ${mode}
  tcp: { host: 127.0.0.1, port: ${ports.mqtt} }
  anonymous: { publish: ['#'], subscribe: ['#'] }
  spool: ${JSON.stringify({ dir: join(dir, 'kept'), ...spool })}
  ${more}
rabbitmq: { url: '\${SLUICE_AMQP_URL:-amqp://127.0.0.1:1}' }
http: { port: ${ports.management} }
${mode === 'direct' ? pipelineOf(name) : ''}`,
  );
  const edge = new GatewayProcess({ settings: file, httpPort: ports.management, env: { SLUICE_AMQP_URL: url }, log: join(dir, 'edge.log'), entry });
  const clients: MqttClient[] = [];
  beds.push({ edge, clients, queues: queuesOf(name, mode, more) });
  const connect = async (options: IClientOptions = {}, heard: string[] = []): Promise<MqttClient> => {
    const client = mqtt.connect(`mqtt://127.0.0.1:${ports.mqtt}`, { protocolVersion: 4, reconnectPeriod: 0, clientId: unique(), ...options });
    clients.push(client);
    client.on('message', (_topic, payload) => heard.push(payload.toString()));
    await new Promise<void>((resolve, reject) => {
      client.once('connect', () => resolve());
      client.on('error', reject);
    });
    return client;
  };
  return { name, edge, dir, file, connect };
}

function queuesOf(name: string, mode: 'bridge' | 'direct', more: string): string[] {
  return [...(more === '' ? [] : [`sluice.edge.${name}.commands`]), ...(mode === 'direct' ? [`${name}.ingest`, `${name}.dead`, `${name}.out`] : [])];
}

/** What a gateway has besides its edge, with names of its own in RabbitMQ. */
function pipelineOf(name: string): string {
  return `source: { queue: ${name}.ingest, topics: ['${name}/elsewhere/+'] }
deadLetters: { exchange: ${name}.dlx, queue: ${name}.dead }
exchanges: [{ name: ${name}.readings }]
queues: [{ name: ${name}.out, bindings: [{ exchange: ${name}.readings, routingKey: '#' }] }]
profiles: [{ name: json, topics: ['${name}/{site}/{device}'], device: '{site}/{device}', values: $.values }]
routes: [{ name: all, exchange: ${name}.readings, routingKey: all, batch: { count: 10, ageMs: 50 } }]
`;
}

/** Values of the readings in the queue of a direct gateway, in their order. */
async function readings(name: string): Promise<number[]> {
  const got: number[] = [];
  await hand.channel.consume(
    `${name}.out`,
    (message) => {
      if (message === null) return;
      const batch = JSON.parse(message.content.toString()) as { readings: { values: { n: number } }[] };
      got.push(...batch.readings.map(({ values }) => values.n));
    },
    { noAck: true },
  );
  return got;
}

async function viewOf(edge: GatewayProcess): Promise<EdgeState> {
  return (await (await fetch(`${edge.url}/edge`)).json()) as EdgeState;
}

async function sluice(...args: string[]): Promise<string> {
  return (await exec(process.execPath, [ENTRY, ...args], { timeout: 30_000 })).stdout;
}

/** A queue that takes what is published below `topic`. */
async function takes(topic: string): Promise<string[]> {
  const { queue } = await hand.channel.assertQueue('', { exclusive: true });
  await hand.channel.bindQueue(queue, 'amq.topic', `${topic.replaceAll('/', '.')}.#`);
  const got: string[] = [];
  await hand.channel.consume(queue, (message) => void (message !== null && got.push(message.content.toString())), { noAck: true });
  return got;
}

/** `edge.spool.maxBytes` at least. */
const SMALLEST_SPOOL = 33_554_432;
/** Nobody listens there. */
const NOWHERE = 'amqp://127.0.0.1:1';

describe('an edge', () => {
  it('keeps what is published while there is no RabbitMQ, through a kill, and forwards it in order when there is one', async () => {
    const bed = await bedOf(NOWHERE);
    const got = await takes(bed.name);
    await bed.edge.start();
    const device = await bed.connect();
    for (let i = 1; i <= 20; i += 1) await device.publishAsync(`${bed.name}/a`, String(i), { qos: i % 2 === 0 ? 2 : 1 });
    expect(await viewOf(bed.edge)).toMatchObject({ connected: false, spool: { messages: 20 } });
    expect(await (await fetch(`${bed.edge.url}/readyz`)).json()).toMatchObject({ ready: true });
    await bed.edge.end('SIGKILL');
    expect(await sluice('spool', 'stat', '-c', bed.file)).toMatch(/messages +at most 20\n/);
    const lines = (await sluice('spool', 'export', '--dir', join(bed.dir, 'kept'))).trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { payload: string }).payload)).toEqual(Array.from({ length: 20 }, (_, i) => String(i + 1)));
    expect(got).toEqual([]);
    await bed.edge.start(60_000, { env: { SLUICE_AMQP_URL: broker.adminUrl } });
    await until('all came', () => got.length >= 20, 30_000);
    expect(got).toEqual(Array.from({ length: 20 }, (_, i) => String(i + 1)));
    await until('the spool is empty', async () => (await viewOf(bed.edge)).spool.messages === 0, 30_000);
    const { ledger, inFlight, imbalance } = await bed.edge.status();
    expect(ledger.messages).toMatchObject({ received: 20, forwarded: 20 });
    expect([inFlight.messages, imbalance.messages]).toEqual([0, 0]);
    expect(await bed.edge.end('SIGTERM')).toBe(0);
  });

  it('gives up the oldest of QoS 0 for room where it is told to, and nothing that was acknowledged', async () => {
    const bed = await bedOf(NOWHERE, { spool: { maxBytes: SMALLEST_SPOOL, whenFull: 'drop-oldest-qos0' } });
    const got = await takes(bed.name);
    await bed.edge.start();
    const device = await bed.connect();
    const acknowledged = async (from: number): Promise<void> => {
      for (let i = from; i < from + 10; i += 1) await device.publishAsync(`${bed.name}/a`, String(i), { qos: 1 });
    };
    await acknowledged(0);
    const chatter = Buffer.alloc(65_536, 'x');
    const many = Math.ceil((1.5 * SMALLEST_SPOOL) / chatter.length);
    for (let i = 0; i < many; i += 1) await device.publishAsync(`${bed.name}/b`, chatter, { qos: 0 });
    await acknowledged(10);
    const { spool, ledger, owed, imbalance } = await viewOf(bed.edge);
    expect(spool.droppedQos0).toBeGreaterThan(0);
    expect(spool.bytes).toBeLessThanOrEqual(SMALLEST_SPOOL);
    expect({ ...ledger, owed, imbalance }).toMatchObject({
      received: many + 20,
      filtered: spool.droppedQos0,
      owed: many + 20 - spool.droppedQos0,
      imbalance: 0,
    });
    await bed.edge.end('SIGKILL');
    await bed.edge.start(60_000, { env: { SLUICE_AMQP_URL: broker.adminUrl } });
    await until('the spool is empty', async () => (await viewOf(bed.edge)).spool.messages === 0, 60_000);
    await until('what was acknowledged', () => got.includes('19'));
    expect(got.filter((text) => text.length < 10)).toEqual(Array.from({ length: 20 }, (_, i) => String(i)));
    expect(await bed.edge.end('SIGTERM')).toBe(0);
  });

  it('passes on at once and writes nothing while RabbitMQ is there', async () => {
    const bed = await bedOf(broker.adminUrl);
    const got = await takes(bed.name);
    await bed.edge.start();
    await until('it is connected', async () => (await viewOf(bed.edge)).connected, 30_000);
    const device = await bed.connect();
    await Promise.all(Array.from({ length: 50 }, async (_, i) => await device.publishAsync(`${bed.name}/${i % 5}`, String(i), { qos: 1 })));
    // A confirm says that the queue has a message, not that its consumer has it.
    await until('all came', () => got.length >= 50);
    expect(got).toHaveLength(50);
    expect(await bed.edge.metrics()).toMatch(/^sluice_edge_kept_total\{where="memory"\} 50$/m);
    expect(await bed.edge.end('SIGTERM')).toBe(0);
  });

  it('hands commands from RabbitMQ to devices, to those that are away when they come back, and its own only once', async () => {
    const word = `commands/${unique()}`;
    const bed = await bedOf(broker.adminUrl, { more: `commands: ['${word}/#']` });
    await bed.edge.start();
    const options: IClientOptions = { clientId: `sleeper-${bed.name}`, clean: false };
    const sleeper = await bed.connect(options);
    await sleeper.subscribeAsync(`${word}/#`, { qos: 1 });
    await sleeper.endAsync();
    const heard: string[] = [];
    const awake = await bed.connect({}, heard);
    await awake.subscribeAsync(`${word}/#`, { qos: 1 });
    await until('the queue of commands is bound', async () => {
      hand.channel.publish('amq.topic', `${word.replaceAll('/', '.')}.go`, Buffer.from('first'), { deliveryMode: 2 });
      await hand.channel.waitForConfirms();
      return heard.includes('first');
    });
    await awake.publishAsync(`${word}/go`, 'from a device', { qos: 1 });
    hand.channel.publish('amq.topic', `${word.replaceAll('/', '.')}.go`, Buffer.from('last'), { deliveryMode: 2 });
    await until('the last one', () => heard.includes('last'));
    expect(heard.filter((text) => text !== 'first')).toEqual(['from a device', 'last']);
    const missed: string[] = [];
    await bed.edge.end('SIGKILL');
    await bed.edge.start();
    await bed.connect(options, missed);
    await until('what it has missed', () => missed.includes('last'));
    expect(missed.filter((text) => text !== 'first')).toEqual(['from a device', 'last']);
  });

  it('says what is wrong where it cannot start', async () => {
    const bed = await bedOf(NOWHERE);
    await bed.edge.start();
    await expect(
      exec(process.execPath, [ENTRY, 'run', '-c', bed.file], { timeout: 30_000, env: { ...process.env, SLUICE_AMQP_URL: NOWHERE } }),
    ).rejects.toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/port|folder/),
    });
  });
});

describe('a gateway that is its own edge', () => {
  const publish = async (device: MqttClient, topic: string, n: number): Promise<void> =>
    void (await device.publishAsync(topic, JSON.stringify({ values: { n } }), { qos: 1 }));
  const UP_TO_20 = Array.from({ length: 20 }, (_, i) => i + 1);

  it('is ready without RabbitMQ, keeps messages through a kill, and forwards their readings in order when it is there', async () => {
    const bed = await bedOf(NOWHERE, { mode: 'direct' });
    await bed.edge.start();
    const device = await bed.connect();
    for (const n of UP_TO_20) await publish(device, `${bed.name}/plant/press`, n);
    expect(await viewOf(bed.edge)).toMatchObject({ connected: false, spool: { messages: 20 } });
    const ready = await fetch(`${bed.edge.url}/readyz`);
    expect([ready.status, await ready.json()]).toMatchObject([
      200,
      { ready: true, reasons: [expect.stringContaining('broker is'), ...Array(2).fill(expect.anything())] },
    ]);
    await bed.edge.end('SIGKILL');
    await bed.edge.start(60_000, { env: { SLUICE_AMQP_URL: broker.adminUrl } });
    await until('its queue is declared', async () => (await bed.edge.status()).reasons.length === 0, 30_000);
    const got = await readings(bed.name);
    await until('all came', () => got.length >= 20, 30_000);
    expect(got).toEqual(UP_TO_20);
    await until('nothing is owed', async () => (await viewOf(bed.edge)).spool.messages === 0, 30_000);
    const { ledger, imbalance } = await bed.edge.status();
    expect([ledger.messages, imbalance]).toMatchObject([
      { received: 20, forwarded: 20 },
      { messages: 0, items: 0 },
    ]);
    expect(await viewOf(bed.edge)).toMatchObject({ connected: true, owed: 0, imbalance: 0, ledger: { received: 20, forwarded: 20 } });
    expect(await bed.edge.end('SIGTERM')).toBe(0);
  });

  it('buries a message on which it has ended three times, and goes on with the others', async () => {
    const build = mutantBuild(ENDS_ON_POISON);
    const bed = await bedOf(NOWHERE, { mode: 'direct', entry: join(build, 'dist/src/main.js') });
    await bed.edge.start();
    const device = await bed.connect();
    const topic = `${bed.name}/plant/press`;
    await publish(device, topic, 1);
    await device.publishAsync(topic, '{"values":{"n":2},"poison":true}', { qos: 1 });
    await publish(device, topic, 3);
    await bed.edge.end('SIGKILL');
    for (let i = 0; i < 3; i += 1) {
      bed.edge.launch({ env: { SLUICE_AMQP_URL: broker.adminUrl } });
      await until('it ends by itself', () => !bed.edge.running, 60_000);
    }
    await bed.edge.start(60_000, { env: { SLUICE_AMQP_URL: broker.adminUrl } });
    await until('the message is buried', async () => (await bed.edge.status()).ledger.messages.deadLettered === 1, 30_000);
    const got = await readings(bed.name);
    await until('the others came', () => got.includes(3), 30_000);
    expect([...new Set(got)]).toEqual([1, 3]);
    const dead = await hand.channel.get(`${bed.name}.dead`, { noAck: true });
    expect(dead).toMatchObject({ content: Buffer.from('{"values":{"n":2},"poison":true}') });
    await until('nothing is owed', async () => (await viewOf(bed.edge)).owed === 0, 30_000);
    // It is forgotten: who replays it, or sends it again to a gateway that can read it, is not held to it.
    expect(JSON.parse(readFileSync(join(bed.dir, 'kept', 'crashes.json'), 'utf8'))).toEqual({ version: 1, messages: {} });
    expect(await bed.edge.end('SIGTERM')).toBe(0);
    rmSync(build, { recursive: true, force: true });
  });

  it('buries what it cannot read, takes what is replayed, and ends with nothing left when it is stopped under load', async () => {
    const bed = await bedOf(broker.adminUrl, { mode: 'direct' });
    await bed.edge.start();
    await until('it forwards', async () => (await bed.edge.status()).reasons.length === 0, 30_000);
    const got = await readings(bed.name);
    const device = await bed.connect();
    await device.publishAsync(`${bed.name}/plant/press`, 'no JSON', { qos: 1 });
    const letter = await hand.channel.get(`${bed.name}.dead`);
    expect(letter === false ? undefined : letter.content.toString()).toBe('no JSON');
    await publish(device, `${bed.name}/plant/press`, 0);
    const stopped = Promise.all(UP_TO_20.map(async (n) => await publish(device, `${bed.name}.plant/press`, n).catch(() => {})));
    expect(await bed.edge.end('SIGTERM')).toBe(0);
    await device.endAsync(true);
    await stopped;
    // What had no answer by then is in the spool or was never taken; nothing of it comes twice.
    await bed.edge.start();
    await until('nothing is owed', async () => (await viewOf(bed.edge)).spool.messages === 0 && (await bed.edge.status()).inFlight.messages === 0, 30_000);
    await until('what was taken came', () => got.length > 0, 30_000);
    expect(got).toEqual([0, ...UP_TO_20].slice(0, got.length));
    expect(await bed.edge.end('SIGTERM')).toBe(0);
  });
});

describe('sluice edge password', () => {
  it('makes a hash that lets a device in', async () => {
    const child = exec(process.execPath, [ENTRY, 'edge', 'password'], { timeout: 30_000 });
    child.child.stdin?.end('a secret\n');
    const { stdout, stderr } = await child;
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^\$scrypt\$ln=\d+,r=8,p=1\$[^$]+\$[^$\n]+\n$/);
    expect(stdout).not.toContain('secret');
  });
});
