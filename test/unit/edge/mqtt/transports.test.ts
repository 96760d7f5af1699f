import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { connectAsync, type IClientOptions } from 'mqtt';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import type { ListenTls } from '../../../../src/edge/mqtt/options.ts';
import { authority, opensslMissing, signed } from '../../../support/tls.ts';
import { connect } from './packets.ts';
import { startListener, until } from './support.ts';

const LOOPBACK = { host: '127.0.0.1', port: 0 };

async function roundTrip(url: string, options: IClientOptions = {}): Promise<string[]> {
  const client = await connectAsync(url, { clientId: 'js', reconnectPeriod: 0, ...options });
  const seen: string[] = [];
  client.on('message', (topic, payload) => seen.push(`${topic} ${payload.toString()}`));
  await client.subscribeAsync('echo/#', { qos: 1 });
  for (const qos of [0, 1, 2] as const) await client.publishAsync(`echo/${qos}`, 'x'.repeat(qos * 20_000), { qos });
  await until('the echoes', () => seen.length === 3);
  await client.endAsync();
  return seen.map((line) => line.slice(0, 8)).toSorted();
}

const ECHOES = ['echo/0 ', 'echo/1 x', 'echo/2 x'];

describe('MQTT.js', () => {
  it('publishes and subscribes over TCP', async () => {
    const { port, keeper } = await startListener();
    expect(await roundTrip(`mqtt://127.0.0.1:${port}`)).toEqual(ECHOES);
    expect(keeper.asked).toHaveLength(3);
  });

  it('publishes and subscribes over WebSocket', async () => {
    const { ports, keeper, access, counters } = await startListener({ ws: LOOPBACK });
    expect(await roundTrip(`ws://127.0.0.1:${ports.ws}/ws`)).toEqual(ECHOES);
    expect(keeper.asked).toHaveLength(3);
    expect(access.logins[0]).toMatchObject({ transport: 'ws', address: '127.0.0.1' });
    await until('no connection is left', () => counters.connectionsNow === 0);
  });
});

const mosquittoMissing = ((): string | undefined => {
  try {
    execFileSync('mosquitto_pub', ['--help'], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'skipped: mosquitto_pub and mosquitto_sub are not installed' : undefined;
  }
})();
if (mosquittoMissing !== undefined) console.warn(mosquittoMissing);

describe.skipIf(mosquittoMissing !== undefined)('mosquitto_pub and mosquitto_sub', () => {
  it('publish and subscribe', async () => {
    const { port, keeper, counters } = await startListener();
    const at = ['-h', '127.0.0.1', '-p', String(port), '-V', '311', '-q', '2', '-t', 'm/1'];
    const subscriber = spawn('mosquitto_sub', [...at, '-C', '1', '-W', '20'], { stdio: ['ignore', 'pipe', 'ignore'] });
    let heard = '';
    subscriber.stdout.on('data', (chunk: Buffer) => (heard += chunk.toString()));
    await until('the subscriber', () => counters.clientsNow === 1);
    const publisher = spawn('mosquitto_pub', [...at, '-m', 'hello', '-r'], { stdio: 'ignore' });
    await until('the message', () => heard === 'hello\n' && publisher.exitCode === 0);
    expect(keeper.asked).toMatchObject([{ topic: 'm/1', qos: 2, retain: true }]);
  });
});

describe('WebSocket', () => {
  const status = (url: string): Promise<string> =>
    new Promise((resolve, reject) => {
      get(url, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve(`${response.statusCode} ${text}`));
      }).on('error', reject);
    });
  const upgrade = (url: string, protocols: string[]): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(url, protocols);
      socket.on('unexpected-response', (request, response) => {
        resolve(response.statusCode);
        request.destroy();
      });
      socket.on('open', () => {
        resolve(101);
        socket.close();
      });
      socket.on('error', reject);
    });

  it('answers what is no MQTT over WebSocket in HTTP', async () => {
    const { ports, refused } = await startListener({ ws: LOOPBACK });
    const at = `127.0.0.1:${ports.ws}`;
    expect(await status(`http://${at}/`)).toMatch(/^404 MQTT over WebSocket is at \/ws/);
    expect(await status(`http://${at}/ws`)).toMatch(/^426 This is MQTT over WebSocket/);
    expect(await upgrade(`ws://${at}/other`, ['mqtt'])).toBe(404);
    expect(await upgrade(`ws://${at}/ws`, ['soap'])).toBe(400);
    expect(await upgrade(`ws://${at}/ws`, [])).toBe(400);
    expect(await upgrade(`ws://${at}/ws`, ['mqttv3.1', 'mqtt'])).toBe(101);
    expect(refused()).toEqual(Array.from({ length: 5 }, () => 'websocket'));
  });

  it('ends a connection that sends text, or says nothing', async () => {
    const { ports, refused } = await startListener({ ws: LOOPBACK, limits: { connectTimeoutMs: 300 } });
    const open = async (): Promise<WebSocket> => {
      const socket = new WebSocket(`ws://127.0.0.1:${ports.ws}/ws`, ['mqtt']);
      socket.on('error', () => undefined);
      await until('it is open', () => socket.readyState === WebSocket.OPEN);
      return socket;
    };
    const text = await open();
    text.send(connect({ id: 'd' }).toString('latin1'));
    const silent = await open();
    await until('both are closed', () => text.readyState === WebSocket.CLOSED && silent.readyState === WebSocket.CLOSED);
    expect(refused()).toContain('connect-timeout');
  });
});

describe.skipIf(opensslMissing !== undefined)('TLS', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-mqtt-tls-'));
  const file = (name: string): Buffer => readFileSync(join(dir, name));

  function files(clientCertificates: ListenTls['clientCertificates']): ListenTls {
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    authority(dir, 'ca');
    authority(dir, 'stranger');
    signed(dir, 'ca', 'server', 2, 'subjectAltName=IP:127.0.0.1');
    signed(dir, 'ca', 'device-7', 2, 'subjectAltName=URI:urn:device:7\nextendedKeyUsage=clientAuth');
    signed(dir, 'stranger', 'other', 2, 'extendedKeyUsage=clientAuth');
    return { cert: file('server.pem'), key: file('server-key.pem'), ca: file('ca.pem'), clientCertificates };
  }

  it('hands the verified certificate of a client to the rules; a stranger does not come in', { timeout: 120_000 }, async () => {
    const tls = files('optional');
    const { ports, access, refused, counters } = await startListener({ tls: { ...LOOPBACK, ...tls }, ws: { ...LOOPBACK, tls } });
    const url = `mqtts://127.0.0.1:${ports.tls}`;
    const ca = file('ca.pem');
    const mine = { ca, cert: file('device-7.pem'), key: file('device-7-key.pem') };
    expect(await roundTrip(url, mine)).toEqual(ECHOES);
    expect(access.logins[0]).toMatchObject({ transport: 'tls', certificate: { commonName: 'device-7', altNames: 'URI:urn:device:7' } });
    expect(await roundTrip(url, { ca })).toEqual(ECHOES);
    expect(access.logins[1]?.certificate).toBeUndefined();
    expect(await roundTrip(`wss://127.0.0.1:${ports.ws}/ws`, mine)).toEqual(ECHOES);
    expect(access.logins[2]).toMatchObject({ transport: 'wss', certificate: { commonName: 'device-7' } });
    const stranger = connectTls({ host: '127.0.0.1', port: ports.tls ?? 0, ca, cert: file('other.pem'), key: file('other-key.pem') });
    stranger.on('error', () => undefined);
    stranger.write(connect({ id: 'stranger' }));
    let heard = 0;
    stranger.on('data', (chunk: Buffer) => (heard += chunk.length));
    await until('the end of the stranger', () => stranger.closed);
    expect(heard).toBe(0);
    expect(refused()).toEqual(['tls']);
    await until('no connection is left', () => counters.connectionsNow === 0);
  });
});
