import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { hostGuard } from '../../../src/http/host-guard.ts';
import { RateSampler } from '../../../src/http/rates.ts';
import { buildHttp, createHttpServer, type HttpServerOptions } from '../../../src/http/server.ts';
import { fakeProvider, lane, METRICS } from './fake-provider.ts';

const opened: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

function app(changes: Partial<HttpServerOptions> = {}): FastifyInstance {
  const provider = fakeProvider();
  const made = buildHttp({ port: 0, status: provider, metrics: METRICS, ...changes }, new RateSampler(provider));
  opened.push(made);
  return made;
}

async function listening(changes: Partial<HttpServerOptions> = {}): Promise<{ address: string; port: number }> {
  const server = createHttpServer({ port: 0, status: fakeProvider(), metrics: METRICS, ...changes });
  opened.push(server);
  return await server.start();
}

/** Everything that comes back until the other side closes. */
async function answerTo(port: number, send: (socket: Socket) => void): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  await once(socket, 'connect');
  send(socket);
  await closed;
  return text;
}

const PATHS = ['/', '/livez', '/readyz', '/status', '/metrics'];

describe('the address', () => {
  it('is loopback unless the settings say otherwise', async () => {
    expect((await listening()).address).toBe('127.0.0.1');
  });
});

describe('without a token', () => {
  const CHANGING = ['POST', 'PUT', 'DELETE', 'PATCH'] as const;

  it.each(PATHS.flatMap((path) => CHANGING.map((method) => [method, path] as const)))('%s %s is refused', async (method, url) => {
    const provider = fakeProvider();
    const before = structuredClone(provider.ledger.messages);
    const response = await app({ status: provider }).inject({ method, url, payload: { drain: true }, headers: { 'x-http-method-override': 'GET' } });
    expect(response.statusCode).toBe(405);
    expect(response.headers.allow).toBe('GET, HEAD');
    expect(provider.ledger.messages).toEqual(before);
  });

  it.each(['OPTIONS', 'TRACE', 'CONNECT'] as const)('%s tells other origins nothing', async (method) => {
    const response = await app().inject({ method: method as 'OPTIONS', url: '/status', headers: { origin: 'http://evil.example' } });
    expect(response.statusCode).toBeGreaterThanOrEqual(400);
    expect(Object.keys(response.headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
  });

  it('a page of another origin is not invited to read', async () => {
    for (const url of PATHS) {
      const { headers } = await app().inject({ url, headers: { origin: 'http://evil.example' } });
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
    }
  });
});

describe('the Host name', () => {
  it.each(['localhost', 'localhost:9600', 'LOCALHOST.', '127.0.0.1:9600', '127.8.9.1', '[::1]:9600', '[::ffff:127.0.0.1]'])(
    '%s is answered on loopback',
    async (host) => {
      expect((await app().inject({ url: '/status', headers: { host } })).statusCode).toBe(200);
    },
  );

  it.each([
    'evil.example',
    'evil.example:9600',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    'xlocalhost',
    '10.0.0.7',
    '[::2]',
    '0.0.0.0',
    'localhost@evil.example',
    'local host',
  ])('%j is refused on loopback, on every path', async (host) => {
    for (const url of [...PATHS, '/nothing']) {
      const response = await app().inject({ url, headers: { host } });
      expect([url, response.statusCode]).toEqual([url, 421]);
      expect(response.json<{ detail: string }>().detail).toContain('http.allowedHosts');
      expect(response.headers['x-content-type-options']).toBe('nosniff');
      expect(response.body).not.toContain('abc123');
    }
  });

  it('does not count what a proxy says it was', async () => {
    const headers = { host: 'evil.example', 'x-forwarded-host': 'localhost', forwarded: 'host=localhost' };
    expect((await app().inject({ url: '/status', headers })).statusCode).toBe(421);
  });

  it('is answered where the settings name it', async () => {
    const made = app({ allowedHosts: ['Gateway.Plant.example'] });
    expect((await made.inject({ url: '/status', headers: { host: 'gateway.plant.example:443' } })).statusCode).toBe(200);
    expect((await made.inject({ url: '/status', headers: { host: 'plant.example' } })).statusCode).toBe(421);
    expect((await made.inject({ url: '/status', headers: { host: 'localhost' } })).statusCode).toBe(200);
  });

  it('is not looked at on an address that others reach, unless the settings name some', () => {
    expect(hostGuard('0.0.0.0', [])('anything.example')).toBe(true);
    expect(hostGuard('0.0.0.0', ['gw.example'])('anything.example')).toBe(false);
    expect(hostGuard('192.0.2.7', ['gw.example'])('192.0.2.7:9600')).toBe(true);
    expect(hostGuard('127.0.0.1', [])('')).toBe(false);
  });

  it('may not be left out of HTTP/1.1, nor be there twice', async () => {
    const { port } = await listening();
    expect(await answerTo(port, (socket) => socket.write('GET /status HTTP/1.1\r\nConnection: close\r\n\r\n'))).toMatch(/^HTTP\/1\.1 400 /);
    const twice = 'GET /status HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\nConnection: close\r\n\r\n';
    expect(await answerTo(port, (socket) => socket.write(twice))).not.toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe('a request', () => {
  it('that comes drop by drop is cut', async () => {
    const { port } = await listening({ requestTimeoutMs: 200 });
    const answer = await answerTo(port, (socket) => {
      socket.write('GET /status HTTP/1.1\r\nHost: localhost\r\n');
      const drip = setInterval(() => socket.write('x-drop: 1\r\n'), 50);
      socket.once('close', () => clearInterval(drip));
    });
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('whose body never comes is cut', async () => {
    const { port } = await listening({ requestTimeoutMs: 200 });
    const answer = await answerTo(port, (socket) => socket.write('POST /status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n{'));
    expect(answer).toMatch(/^HTTP\/1\.1 40[58] /);
  });

  it('with more than 16 KiB of headers is refused', async () => {
    const { port } = await listening();
    const answer = await answerTo(port, (socket) => socket.write(`GET /status HTTP/1.1\r\nHost: localhost\r\nx-long: ${'x'.repeat(17 * 1024)}\r\n\r\n`));
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
  });

  it('is one of few at a time', () => {
    expect(app().server.maxConnections).toBe(256);
  });
});

describe('what devices say', () => {
  it('reaches no answer raw: no control or direction character, no markup', async () => {
    const provider = fakeProvider();
    const hostile = 'x\r\nHTTP/1.1 200 OK\r\n\u001b[2J\u009b31m\u202egpj.exe\u2028<script>';
    provider.laneList = [lane({ state: 'held', destination: hostile, message: hostile, code: 'UNROUTABLE' })];
    provider.componentList = [{ name: 'source', phase: 'degraded', reason: hostile, since: 0 }];
    for (const url of ['/status', '/readyz', '/nothing%0d%0a%1b[2J']) {
      const response = await app({ status: provider }).inject(url);
      expect(response.headers['content-type']).toMatch(/json/);
      // oxlint-disable-next-line no-control-regex -- control characters are what this is about
      expect(response.body).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/);
    }
    const status = (await app({ status: provider }).inject('/status')).json<{ lanes: { destination: string }[] }>();
    expect(status.lanes[0]?.destination).toBe(hostile);
  });
});
