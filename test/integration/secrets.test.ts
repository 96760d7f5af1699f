import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'amqplib';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { freePorts } from '../../src/local/ports.ts';
import { GatewayProcess } from '../../src/verify/gateway-process.ts';
import { GATEWAY } from '../e2e/rig.ts';
import { Hand, Management, unique, until } from '../support/rabbit.ts';
import { parseExposition } from '../unit/observe/exposition.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const broker = inject('broker');
const management = new Management(broker);
const word = unique();
/** With what must be escaped in a URL, so that both forms are looked for. */
const MARKER = `Mark3r-${word}/@:é`;
const PASSPHRASE = `Pass-${word} phrase`;
const user = `secretive-${word}`;

let dir: string;
let httpPort: number;
let file: string;
const queue = `sluice.${word}`;

function forms(secret: string): string[] {
  return [secret, encodeURIComponent(secret), encodeURI(secret), Buffer.from(secret).toString('base64'), JSON.stringify(secret).slice(1, -1)];
}
function mustHide(what: string, text: string): void {
  expect(text.length, `${what} is empty`).toBeGreaterThan(0);
  const key = readFileSync(join(ROOT, 'test/vectors/tls/locked-key.pem'), 'utf8').split('\n')[1] ?? '';
  for (const form of [...forms(MARKER), ...forms(PASSPHRASE), key]) expect(text.includes(form), `${what} shows ${form}: ${text.slice(0, 4000)}`).toBe(false);
}

function urlWith(password: string, port?: number): string {
  const url = new URL(broker.amqpUrl);
  url.username = user;
  url.password = encodeURIComponent(password);
  if (port !== undefined) url.port = String(port);
  return url.href;
}

/** Settings whose secrets come in every way that there is: from the environment and from files. */
beforeAll(async () => {
  mkdirSync(join(ROOT, '.sluice'), { recursive: true, mode: 0o700 });
  dir = mkdtempSync(join(ROOT, '.sluice', `test-${process.pid}-`));
  httpPort = (await freePorts()).management;
  file = join(dir, 'secrets.yaml');
  writeFileSync(join(dir, 'url'), urlWith(MARKER));
  writeFileSync(
    file,
    `rabbitmq: { url: "\${URL}", connectTimeoutSeconds: 2 }
source: { queue: ${queue}.in, topics: ['secrets/${word}/#'] }
profiles:
  - { name: p, topics: ['secrets/{x}/{device}'], codec: json, device: '{device}', values: $ }
exchanges:
  - { name: ${queue}.out, type: topic }
queues:
  - { name: ${queue}.out, type: quorum, bindings: [{ exchange: ${queue}.out, routingKey: '#' }] }
routes:
  - { name: all, exchange: ${queue}.out, routingKey: 'r.{device}', batch: { count: 1 } }
deadLetters: { exchange: ${queue}.dead, queue: ${queue}.dead }
http: { port: ${httpPort} }
log: { level: trace }
`,
  );
  const tls = readFileSync(file, 'utf8').replace(
    'connectTimeoutSeconds: 2 }',
    `tls: { cert: "\${file:${join(ROOT, 'test/vectors/tls/cert.pem')}}", key: "\${file:${join(ROOT, 'test/vectors/tls/locked-key.pem')}}", passphrase: "\${PASSPHRASE}" } }`,
  );
  writeFileSync(join(dir, 'wrong-passphrase.yaml'), tls);
  if (broker.kind === 'external') return;
  await management.request('PUT', `users/${user}`, { password: MARKER, tags: '' });
  await management.request('PUT', `permissions/%2F/${user}`, { configure: '.*', write: '.*', read: '.*' });
});
afterAll(async () => {
  if (broker.kind === 'private') {
    await management.request('DELETE', `users/${user}`);
    const connection = await connect(broker.adminUrl);
    const channel = await connection.createChannel();
    for (const name of ['in', 'out', 'dead']) await channel.deleteQueue(`${queue}.${name}`);
    for (const name of ['out', 'dead']) await channel.deleteExchange(`${queue}.${name}`);
    await connection.close();
  }
  rmSync(dir, { recursive: true, force: true });
});

async function sluice(args: readonly string[], env: NodeJS.ProcessEnv): Promise<{ code: number; text: string }> {
  return await new Promise((resolve) => {
    execFile(process.execPath, [join(ROOT, 'dist/src/main.js'), ...args], { timeout: 60_000, env: { ...process.env, ...env } }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), text: stdout + stderr });
    });
  });
}

/** Accounts of our own need a broker of our own. */
describe.skipIf(broker.kind === 'external')('secrets', () => {
  const wrong = `${MARKER}-wrong`;

  it.each<[string, string[], () => NodeJS.ProcessEnv, number]>([
    ['sluice run with a wrong password', ['run', '--log', 'json', '-c', 'secrets.yaml'], () => ({ URL: urlWith(wrong) }), 4],
    ['sluice run with a wrong password, as text', ['run', '--log', 'text', '-c', 'secrets.yaml'], () => ({ URL: urlWith(wrong) }), 4],
    ['sluice run with a URL that is none', ['run', '-c', 'secrets.yaml'], () => ({ URL: `ampq:/${MARKER}` }), 3],
    ['sluice run with a wrong passphrase', ['run', '-c', 'wrong-passphrase.yaml'], () => ({ URL: urlWith(MARKER).replace('amqp:', 'amqps:'), PASSPHRASE }), 3],
    ['sluice check', ['check', '--print', 'secrets.yaml'], () => ({ URL: urlWith(MARKER) }), 0],
    ['sluice topology --apply with a wrong password', ['topology', '--apply', '-c', 'secrets.yaml'], () => ({ URL: urlWith(wrong) }), 4],
    [
      'sluice topology --definitions',
      ['topology', '--definitions', '-c', 'secrets.yaml'],
      () => ({ URL: urlWith(MARKER), SLUICE_GATEWAY_PASSWORD: MARKER, SLUICE_CONSUMER_PASSWORD: MARKER }),
      0,
    ],
    ['sluice consume with a wrong password', ['consume', '--queue', 'x'], () => ({ SLUICE_AMQP_URL: urlWith(wrong) }), 4],
    ['sluice consume of a queue that is not there', ['consume', '--queue', 'x', '-c', 'secrets.yaml'], () => ({ URL: urlWith(MARKER) }), 4],
  ])('are not shown by %s', async (what, args, env, code) => {
    const found = await sluice(
      args.map((arg) => (arg.endsWith('.yaml') ? join(dir, arg) : arg)),
      env(),
    );
    expect([found.code, found.text]).toEqual([code, found.text]);
    mustHide(what, found.text);
  });

  it('are not shown while the broker cannot be reached', async () => {
    const { amqp } = await freePorts();
    const log = join(dir, 'unreachable.log');
    const gateway = new GatewayProcess({ settings: file, httpPort, env: { URL: urlWith(MARKER, amqp) }, log, entry: GATEWAY });
    gateway.start(60_000).catch(() => {});
    const read = async (path: string): Promise<string> =>
      await fetch(`${gateway.url}${path}`)
        .then(async (r) => await r.text())
        .catch(() => '');
    try {
      await until('the reason', async () => (await read('/readyz')).includes('ECONNREFUSED'), 60_000);
      for (const path of ['/readyz', '/status', '/metrics', '/']) mustHide(path, await read(path));
    } finally {
      expect(await gateway.end('SIGTERM', 20_000)).toBe(0);
    }
    mustHide('the log', readFileSync(log, 'utf8'));
  });

  it('are not shown by a gateway at work, its dead letters or its crash; and hostile topics forge no line, no series', { timeout: 180_000 }, async () => {
    const log = join(dir, 'work.log');
    // Ends the process by an exception that quotes the URL, as those of a client library may.
    const crash = join(dir, 'crash.mjs');
    writeFileSync(crash, `process.on('SIGUSR2', () => { setImmediate(() => { throw new Error('lost ' + process.env.URL); }); });\n`);
    const gateway = new GatewayProcess({ settings: file, httpPort, env: { URL: urlWith(MARKER), NODE_OPTIONS: `--import ${crash}` }, log, entry: GATEWAY });
    await gateway.start(60_000);
    const hand = await Hand.open(broker.adminUrl);
    const before = parseExposition(await gateway.metrics());

    const hostile = [
      'a\n{"level":"fatal","msg":"forged"}',
      'a\r\nb',
      '\u001b[2J\u001b]0;title\u0007',
      '\u202egpj.exe',
      '\u009b31m',
      '\u2028x',
      '"} 1\nsluice_forged 1\n',
      '{"x"}',
      '\\',
      '\u0000',
      'é'.repeat(80),
    ];
    // Payloads that cannot be read carry the topic into the log and into the dead letters, readable ones into routing keys.
    const bodies = ['{"v":1}', '{"v":', `"\u001b[2J\n"`, `{"a\nb":1}`];
    let sent = 0;
    for (const name of [...hostile, ...Array.from({ length: 300 }, (_, i) => `device-${i}`)]) {
      for (const body of bodies) {
        hand.channel.publish('amq.topic', `secrets.${word}.${name}`, Buffer.from(body), { deliveryMode: 2 });
        sent += 1;
      }
    }
    await hand.channel.waitForConfirms();
    await until(
      'everything is settled',
      async () => {
        const { ledger, inFlight } = await gateway.status();
        return ledger.messages.received === sent && inFlight.messages === 0;
      },
      60_000,
    );
    expect((await gateway.status()).imbalance).toEqual({ messages: 0, items: 0 });

    const metrics = await gateway.metrics();
    const after = parseExposition(metrics);
    const names = (exposition: typeof after): string[] => exposition.series.map((s) => `${s.name}${JSON.stringify(s.labels)}`);
    const known = new Set(names(before));
    // A code or an outcome may appear for the first time; nothing of what devices say may.
    const fresh = names(after).filter((name) => !known.has(name));
    expect(fresh.filter((name) => !/^sluice_\w+\{("(code|route|le|reason|outcome)":"[\w.+()-]+",?)*\}$/.test(name))).toEqual([]);
    // `device-mismatch` is a flag; the devices of this test have numbers.
    expect(metrics).not.toMatch(/forged|device-\d|gpj/);
    expect(fresh.length).toBeLessThan(50);

    for (const path of ['/readyz', '/status', '/']) mustHide(path, await (await fetch(`${gateway.url}${path}`)).text());
    mustHide('/metrics', metrics);
    const letters: string[] = [];
    const { consumerTag } = await hand.channel.consume(
      `${queue}.dead`,
      (message) => void letters.push(JSON.stringify([message?.properties, String(message?.content)])),
      { noAck: true },
    );
    await until('the dead letters', () => letters.length >= 100);
    await hand.channel.cancel(consumerTag);
    mustHide('the dead letters', letters.join('\n'));

    if (gateway.pid !== undefined) process.kill(gateway.pid, 'SIGUSR2');
    await until(
      'the crash',
      async () =>
        await fetch(`${gateway.url}/livez`).then(
          () => false,
          () => true,
        ),
      30_000,
    );
    expect(await gateway.end('SIGKILL')).toBe(1);
    await hand.close();

    const text = readFileSync(log, 'utf8');
    mustHide('the log', text);
    expect(text).toContain('lost amqp://');
    const lines = text.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(20);
    for (const line of lines) {
      const parsed = JSON.parse(line) as { name?: string; msg?: string };
      expect([line, parsed.name, parsed.msg]).not.toEqual([line, 'sluice', 'forged']);
      // oxlint-disable-next-line no-control-regex -- control characters are what this is about
      expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/);
    }
    expect(text).toContain('dead-lettered');
  });
});
