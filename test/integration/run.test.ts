import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'amqplib';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { freePorts } from '../../src/local/ports.ts';
import { GatewayProcess } from '../../src/verify/gateway-process.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const ENTRY = join(ROOT, 'dist/src/main.js');
const broker = inject('broker');

let dir: string;
let files = 0;

beforeAll(() => {
  mkdirSync(join(ROOT, '.sluice'), { recursive: true, mode: 0o700 });
  dir = mkdtempSync(join(ROOT, '.sluice', `test-${process.pid}-`));
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Settings of a gateway with queues of its own. */
function settings(url: string, port: number, more = ''): { file: string; queue: string; word: string } {
  files += 1;
  const file = join(dir, `${files}.yaml`);
  const word = `run${process.pid}x${files}`;
  const queue = `sluice.${word}`;
  writeFileSync(
    file,
    `rabbitmq: { url: '${url}', connectTimeoutSeconds: 2 }
source: { queue: ${queue}.in, topics: ['run/${word}/#'] }
profiles:
  - { name: p, topics: ['run/{x}/{device}'], codec: json, device: '{device}', values: $ }
exchanges:
  - { name: ${queue}.out, type: topic }
queues:
  - { name: ${queue}.out, type: quorum, bindings: [{ exchange: ${queue}.out, routingKey: '#' }] }
routes:
  - { name: all, exchange: ${queue}.out, routingKey: k }
http: { port: ${port} }
${more}`,
  );
  return { file, queue, word };
}

async function run(file: string): Promise<{ code: number; stderr: string; ms: number }> {
  const since = performance.now();
  return await new Promise((resolve) => {
    execFile(process.execPath, [join(ROOT, 'dist/src/main.js'), 'run', '-c', file, '--log', 'json'], { timeout: 30_000 }, (error, _stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stderr, ms: performance.now() - since });
    });
  });
}

async function freePort(): Promise<number> {
  return (await freePorts()).management;
}

describe('sluice run', () => {
  it('names what is wrong in the settings, with its line, and ends with 3', async () => {
    const { file } = settings(broker.amqpUrl, await freePort(), 'gateway: { nmae: x }\n');
    const { code, stderr } = await run(file);
    expect(code).toBe(3);
    expect(stderr).toMatch(/:12:\d+: error: .*nmae/);
    expect(stderr).toContain('did you mean "name"');
  });

  it('says what to do about a wrong password, without showing it, and ends with 4', async () => {
    const url = new URL(broker.amqpUrl);
    url.password = 'wrong-secret';
    const { code, stderr } = await run(settings(url.href, await freePort()).file);
    expect(code).toBe(4);
    expect(stderr).toMatch(/password|ACCESS_REFUSED/i);
    expect(stderr).not.toContain('wrong-secret');
  });

  it('says which port is in use, and ends with 4', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const { code, stderr } = await run(settings(broker.amqpUrl, port).file);
    taken.close();
    expect(code).toBe(4);
    expect(stderr).toContain(String(port));
    expect(stderr).toContain('http.port');
  });

  it('names the queue that exists with other arguments, and ends with 4', async () => {
    const { file, queue } = settings(broker.amqpUrl, await freePort());
    const connection = await connect(broker.adminUrl);
    const channel = await connection.createChannel();
    await channel.assertQueue(`${queue}.in`, { durable: true, arguments: { 'x-queue-type': 'classic' } });
    const { code, stderr } = await run(file);
    await channel.deleteQueue(`${queue}.in`);
    await connection.close();
    expect(code).toBe(4);
    expect(stderr).toContain(`${queue}.in`);
  });

  it('waits in plain sight for a broker that is not there, and stops when told to', async () => {
    const { management: httpPort, amqp } = await freePorts();
    const gateway = new GatewayProcess({
      settings: settings(`amqp://gateway:hidden-word@127.0.0.1:${amqp}`, httpPort).file,
      httpPort,
      env: {},
      log: join(dir, 'waiting.log'),
      entry: ENTRY,
    });
    const started = gateway.start(60_000).catch((error: unknown) => String(error));
    let body = '';
    for (const end = performance.now() + 30_000; !body.includes('ECONNREFUSED') && performance.now() < end; ) {
      body = JSON.stringify(await gateway.waitReady(false, 30_000));
    }
    expect(body).toContain('ECONNREFUSED');
    expect(body).not.toContain('hidden-word');
    expect((await fetch(`${gateway.url}/livez`)).status).toBe(200);
    expect(await gateway.end('SIGTERM')).toBe(0);
    expect(await started).toContain('the gateway ended');
  });

  it('forwards, stops on SIGTERM with 0, and its log holds no secret', async () => {
    const httpPort = await freePort();
    const { file, queue, word } = settings(broker.amqpUrl, httpPort);
    const gateway = new GatewayProcess({ settings: file, httpPort, env: {}, log: join(dir, 'good.log'), entry: ENTRY });
    await gateway.start();
    const connection = await connect(broker.adminUrl);
    const channel = await connection.createConfirmChannel();
    for (let i = 0; i < 100; i += 1) channel.publish('amq.topic', `run.${word}.dev${i % 5}`, Buffer.from(`{"n":${i}}`), { deliveryMode: 2 });
    await channel.waitForConfirms();
    const end = performance.now() + 10_000;
    while ((await gateway.status()).ledger.messages.forwarded < 100) {
      if (performance.now() > end) throw new Error(JSON.stringify(await gateway.status()));
      await sleep(20);
    }
    const status = await gateway.status();
    expect(status.imbalance).toEqual({ messages: 0, items: 0 });
    expect(JSON.stringify(status)).not.toContain(broker.users.gateway.password);
    expect(await gateway.metrics()).toContain('sluice_ledger_imbalance{unit="messages"} 0');
    expect(await gateway.end('SIGTERM', 10_000)).toBe(0);
    expect((await channel.checkQueue(`${queue}.in`)).messageCount).toBe(0);
    expect((await channel.checkQueue(`${queue}.out`)).messageCount).toBeGreaterThan(0);
    const log = readFileSync(join(dir, 'good.log'), 'utf8');
    expect(log).toContain('the gateway is ready');
    expect(log).not.toContain(broker.users.gateway.password);
    for (const name of [`${queue}.in`, `${queue}.out`]) await channel.deleteQueue(name);
    await channel.deleteExchange(`${queue}.out`);
    await connection.close();
  });
});
