import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Fleet, type FleetOptions } from '../../devices/fleet.ts';
import type { GatewayEvent } from '../../src/domain/events.ts';
import { type Accounts, newAccounts } from '../../src/local/credentials.ts';
import { localDefinitions, NO_TOPOLOGY } from '../../src/local/definitions.ts';
import { freePorts } from '../../src/local/ports.ts';
import { findRabbit } from '../../src/local/rabbit-install.ts';
import { type RabbitNode, startRabbitNode } from '../../src/local/rabbit-node.ts';
import { type Session, SessionError } from '../../src/rabbit/session.ts';
import { type TlsSettings, tlsOptions } from '../../src/rabbit/tls.ts';
import { GatewayProcess } from '../../src/verify/gateway-process.ts';
import { GATEWAY } from '../e2e/rig.ts';
import { EventLog, Hand, newSession, soon, until } from '../support/rabbit.ts';
import { authority, blocks, documentedFiles, opensslMissing, signed } from '../support/tls.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PASSPHRASE = 'marker-of-a passphrase';
const impossible = opensslMissing ?? (findRabbit() === undefined ? 'no RabbitMQ on this machine: TLS is not tested' : undefined);
if (impossible !== undefined) console.log(impossible);

/** One node that is set up as docs/security.md says, with the files that the commands of that page make. */
describe.skipIf(impossible !== undefined)('TLS as docs/security.md sets it up', () => {
  let dir: string;
  let tls: string;
  let node: RabbitNode;
  let users: Accounts;
  let url: string;
  let mqtts: string;
  let wss: string;
  const closers: (() => Promise<unknown>)[] = [];
  const pem = (name: string): string => readFileSync(join(tls, `${name}.pem`), 'utf8');
  const own = (name: string): TlsSettings => ({ cert: pem(name), key: pem(`${name}-key`) });

  beforeAll(async () => {
    mkdirSync(join(ROOT, '.sluice'), { recursive: true, mode: 0o700 });
    dir = mkdtempSync(join(ROOT, '.sluice', `test-${process.pid}-`));
    tls = join(dir, 'tls');
    documentedFiles(dir, PASSPHRASE);
    authority(tls, 'stranger-ca');
    signed(tls, 'ca', 'device', 2, 'extendedKeyUsage=clientAuth\n');
    signed(tls, 'ca', 'old-device', -1, 'extendedKeyUsage=clientAuth\n');
    signed(tls, 'stranger-ca', 'stranger', 2, 'extendedKeyUsage=clientAuth\n');
    signed(tls, 'ca', 'old-broker', -1, 'subjectAltName=IP:127.0.0.1\n');
    for (const suffix of ['', '-key']) copyFileSync(join(tls, `broker${suffix}.pem`), join(tls, `good-broker${suffix}.pem`));
    users = newAccounts();
    const free = await freePorts();
    const conf = blocks('ini')
      .join('')
      .replaceAll('/etc/rabbitmq/tls', tls)
      .replace(/^listeners\.ssl\.default = 5671$/m, `listeners.ssl.default = 127.0.0.1:${free.amqp}`)
      .replace(/^mqtt\.listeners\.ssl\.default = 8883$/m, `mqtt.listeners.ssl.default = 127.0.0.1:${free.mqtt}`)
      .replace(/^web_mqtt\.ssl\.port = 15676$/m, `web_mqtt.ssl.port = ${free.webMqtt}`);
    if (/= (5671|8883|15676)$/m.test(conf)) throw new Error(`the page has other lines than this test replaces:\n${conf}`);
    node = await startRabbitNode({
      dir: join(dir, 'node'),
      name: 'sluice-tls',
      ports: 'free',
      definitions: localDefinitions(users, NO_TOPOLOGY),
      conf: [...conf.split('\n'), 'web_mqtt.ssl.ip = 127.0.0.1'],
    });
    url = `amqps://${users.gateway.name}:${users.gateway.password}@127.0.0.1:${free.amqp}`;
    mqtts = `mqtts://127.0.0.1:${free.mqtt}`;
    wss = `wss://127.0.0.1:${free.webMqtt}/ws`;
  });
  afterAll(async () => {
    await node?.remove();
    if (dir !== undefined) rmSync(dir, { recursive: true, force: true });
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  /** What the broker shows from now on. */
  async function show(name: 'good-broker' | 'old-broker'): Promise<void> {
    for (const suffix of ['', '-key']) copyFileSync(join(tls, `${name}${suffix}.pem`), join(tls, `broker${suffix}.pem`));
    await node.ctl(['eval', 'ssl:clear_pem_cache().']);
  }
  function session(settings: TlsSettings, observer?: (event: GatewayEvent) => void): Session {
    const made = newSession(url, { tls: tlsOptions(settings), expiryWarningDays: settings.expiryWarningDays, ...(observer === undefined ? {} : { observer }) });
    closers.push(async () => await made.close(2000));
    return made;
  }
  /** The first reason that a connection with these settings does not come up. */
  async function refusal(settings: TlsSettings): Promise<string> {
    const log = new EventLog();
    const made = session(settings, log.observer);
    const started = made.start(AbortSignal.timeout(60_000)).then(() => 'connected');
    started.catch(() => {});
    await until('an answer', () => log.of('session-retry').length > 0 || made.state === 'ready', 30_000);
    const reason = log.of('session-retry')[0]?.reason ?? 'connected';
    await made.close(2000);
    await expect(started).rejects.toThrow(SessionError);
    return reason;
  }
  const good = (): TlsSettings => ({ ca: pem('ca'), ...own('gateway'), passphrase: PASSPHRASE });

  it('connects with both certificates, and tells when they expire', async () => {
    const log = new EventLog();
    await soon('connecting', session({ ...good(), expiryWarningDays: 398 }, log.observer).start(AbortSignal.timeout(30_000)), 40_000);
    const told = log.of('certificate-expiry').map(({ certificate, subject, daysLeft, when }) => [certificate, subject, daysLeft, when]);
    expect(told).toEqual([
      ['broker', 'CN=broker.example', 396, 'soon'],
      ['gateway', 'CN=gateway', 396, 'soon'],
    ]);
  });

  it('tells what expires later as such', async () => {
    const log = new EventLog();
    await soon('connecting', session(good(), log.observer).start(AbortSignal.timeout(30_000)), 40_000);
    expect(log.of('certificate-expiry').map(({ when }) => when)).toEqual(['later', 'later']);
  });

  it.each(['localhost', 'broker.example'])('knows the broker by the name %s of the settings', async (serverName) => {
    const made = session({ ...good(), serverName });
    await soon('connecting', made.start(AbortSignal.timeout(30_000)), 40_000);
    expect(made.state).toBe('ready');
  });

  it.each<[string, () => TlsSettings, RegExp]>([
    ['no authority', () => ({ ...good(), ca: undefined }), /unknown CA.* rabbitmq\.tls\.ca \(SELF_SIGNED_CERT_IN_CHAIN\)/],
    ['another authority', () => ({ ...good(), ca: pem('stranger-ca') }), /unknown CA.* rabbitmq\.tls\.ca /],
    ['another name', () => ({ ...good(), serverName: 'elsewhere.example' }), /another host name.*rabbitmq\.tls\.serverName/],
    ['no certificate of our own', () => ({ ca: pem('ca') }), /wants a certificate of the gateway.*rabbitmq\.tls\.cert/],
    ['a certificate of our own that has expired', () => ({ ca: pem('ca'), ...own('old-device') }), /does not accept.*expired.*rabbitmq\.tls\.cert/],
    ['a certificate of our own that a stranger signed', () => ({ ca: pem('ca'), ...own('stranger') }), /does not accept.*cacertfile/],
    ['a wrong passphrase', () => ({ ...good(), passphrase: 'x' }), /rabbitmq\.tls\.passphrase does not open/],
  ])('does not connect with %s, and says which setting is to be changed', async (_, settings, expected) => {
    const reason = await refusal(settings());
    expect(reason).toMatch(expected);
    expect(reason).toContain('amqps://gateway@127.0.0.1');
    for (const secret of [users.gateway.password, PASSPHRASE]) expect(reason).not.toContain(secret);
  });

  it('says that a port does not speak TLS', async () => {
    const plain = newSession(node.amqpUrl(users.gateway).replace('amqp:', 'amqps:'), { tls: tlsOptions(good()) });
    closers.push(async () => await plain.close(2000));
    plain.start(AbortSignal.timeout(60_000)).catch(() => {});
    await until('a reason', () => plain.reason !== undefined, 30_000);
    expect(plain.reason).toMatch(/does not speak TLS/);
  });

  it('is not ready while the certificate of the broker has expired, says so, and goes on when it was renewed', async () => {
    closers.push(async () => await show('good-broker'));
    await show('old-broker');
    const httpPort = (await freePorts()).management;
    const settings = join(dir, 'tls.yaml');
    writeFileSync(
      settings,
      `rabbitmq:
  url: '${url}'
  tls: { ca: "\${file:tls/ca.pem}", cert: "\${file:tls/gateway.pem}", key: "\${file:tls/gateway-key.pem}", passphrase: '${PASSPHRASE}' }
source: { queue: sluice.tls.in, topics: ['devices/#'] }
profiles:
  - { name: p, topics: ['devices/{site}/{device}/#'], codec: json, device: '{site}/{device}', values: $.values }
exchanges: [{ name: sluice.tls, type: topic }]
queues: [{ name: sluice.out.tls, type: classic, bindings: [{ exchange: sluice.tls, routingKey: '#' }] }]
routes: [{ name: all, exchange: sluice.tls, routingKey: k, batch: { count: 1 } }]
http: { port: ${httpPort} }
log: { level: trace }
`,
    );
    const log = join(dir, 'gateway.log');
    const gateway = new GatewayProcess({ settings, httpPort, env: {}, log, entry: GATEWAY });
    closers.push(async () => await gateway.end('SIGKILL').catch(() => {}));
    const starting = gateway.start(90_000);
    starting.catch(() => {});
    const answer = async (path: string): Promise<string> =>
      await fetch(`${gateway.url}${path}`)
        .then(async (r) => `${r.status} ${await r.text()}`)
        .catch(() => '');
    await until('the reason in /readyz', async () => (await answer('/readyz')).includes('certificate has expired'), 60_000);
    expect(await answer('/readyz')).toMatch(/^503 .*ssl_options\.certfile/);
    expect(await answer('/status')).toMatch(/certificate has expired/);

    await show('good-broker');
    await starting;
    expect(await answer('/readyz')).toMatch(/^200 /);
    const metrics = await gateway.metrics();
    for (const certificate of ['broker', 'gateway']) {
      const seconds = Number(new RegExp(`^sluice_tls_certificate_expiry_timestamp_seconds\\{certificate="${certificate}"\\} (\\d+)$`, 'm').exec(metrics)?.[1]);
      expect(seconds * 1000 - Date.now()).toBeGreaterThan(396 * 86_400_000);
    }

    // The whole way with TLS: simulated devices over both transports, the gateway, and what comes out.
    const fleet = await run({ mqttUrl: mqtts, wsUrl: wss, tls: { ca: pem('ca'), cert: pem('device'), key: pem('device-key') }, devices: 4, messages: 20 });
    expect(fleet.pubacked).toBe(20);
    const hand = await Hand.open(node.amqpUrl(users.admin));
    closers.push(async () => await hand.close());
    await until('the readings', async () => (await hand.depth('sluice.out.tls')) >= 20, 30_000);
    expect(await gateway.end('SIGTERM', 20_000)).toBe(0);
    const text = readFileSync(log, 'utf8');
    expect(text).toContain('certificate has expired');
    for (const secret of [users.gateway.password, PASSPHRASE, pem('gateway-key').split('\n')[1] ?? '']) expect(text).not.toContain(secret);
  });

  async function run(options: Partial<FleetOptions>): Promise<Awaited<ReturnType<Fleet['stop']>>> {
    const fleet = new Fleet({
      username: users.device.name,
      password: users.device.password,
      devices: 2,
      messages: 4,
      rate: 100,
      faultShare: 0,
      profiles: ['thermostat'],
      startTimeoutMs: 20_000,
      ...options,
    });
    try {
      await fleet.start(AbortSignal.timeout(60_000));
      await soon('the plan', fleet.done(), 30_000);
    } finally {
      closers.push(async () => await fleet.stop(1000).catch(() => {}));
    }
    return await fleet.stop(20_000);
  }

  it('lets simulated devices in over WebSocket without a certificate, where the broker does not ask for one', async () => {
    expect((await run({ wsUrl: wss, tls: { ca: pem('ca') } })).pubacked).toBe(4);
  });

  it.each<[string, () => Partial<FleetOptions>, RegExp]>([
    ['an unknown authority', () => ({ mqttUrl: mqtts }), /self-signed certificate|unable to verify/i],
    ['an unknown authority over WebSocket', () => ({ wsUrl: wss, tls: { ca: pem('stranger-ca') } }), /self-signed certificate|unable to verify/i],
    ['no certificate of theirs', () => ({ mqttUrl: mqtts, tls: { ca: pem('ca') } }), /certificate required|handshake failure/i],
  ])('keeps simulated devices out with %s, and says why', async (_, options, expected) => {
    await expect(run(options())).rejects.toThrow(expected);
  });

  it('lets no version of TLS before 1.2 in', async () => {
    const handshake = async (maxVersion: 'TLSv1.1'): Promise<string> =>
      await new Promise((resolve) => {
        // Level 0, or OpenSSL would not even offer the old one.
        const socket = connectTls({
          port: Number(new URL(url).port),
          host: '127.0.0.1',
          ca: pem('ca'),
          minVersion: 'TLSv1',
          maxVersion,
          ciphers: 'DEFAULT@SECLEVEL=0',
        });
        closers.push(async () => socket.destroy());
        socket.once('secureConnect', () => resolve(socket.getProtocol() ?? ''));
        socket.once('error', (error: Error & { code?: string }) => resolve(error.code ?? error.message));
      });
    expect(await soon('an answer', handshake('TLSv1.1'))).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
  });
});
