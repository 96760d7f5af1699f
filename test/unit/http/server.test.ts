import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { toJson } from '../../../src/http/json.ts';
import { RateSampler } from '../../../src/http/rates.ts';
import { buildHttp, createHttpServer, HttpListenError, type HttpServerOptions } from '../../../src/http/server.ts';
import type { Status } from '../../../src/http/status.ts';
import { trackStatus } from '../../../src/http/tracker.ts';
import { type FakeProvider, fakeProvider, lane, METRICS } from './fake-provider.ts';

const opened: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

function setUp(changes: Partial<HttpServerOptions> = {}): { app: FastifyInstance; provider: FakeProvider; sampler: RateSampler } {
  const provider = fakeProvider();
  const sampler = new RateSampler(provider);
  const app = buildHttp({ port: 0, status: provider, metrics: METRICS, ...changes }, sampler);
  opened.push(app);
  return { app, provider, sampler };
}

describe('/livez', () => {
  it('answers while nothing is ready', async () => {
    const { app, provider } = setUp();
    provider.componentList = [];
    const response = await app.inject('/livez');
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({ status: 'alive' });
  });
});

describe('/readyz', () => {
  it('is 200 when every component is ready and no lane is held', async () => {
    const { app, provider } = setUp();
    provider.laneList = [lane({}), lane({ state: 'waiting' })];
    const response = await app.inject('/readyz');
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({
      ready: true,
      reasons: [],
      components: [{ name: 'source', phase: 'ready', since: '2026-01-02T03:04:05.000Z' }],
      heldLanes: [],
      heldLaneCount: 0,
    });
  });

  it.each(['idle', 'starting', 'degraded', 'draining', 'closed'] as const)('is 503 while a component is %s, with the reason', async (phase) => {
    const { app, provider } = setUp();
    provider.componentList.push({ name: 'publisher', phase, reason: 'no connection', since: provider.clock.wall });
    const response = await app.inject('/readyz');
    expect(response.statusCode).toBe(503);
    expect(response.json()).toMatchObject({ ready: false, reasons: [`publisher is ${phase}: no connection`] });
  });

  it('is 503 before any component is there', async () => {
    const { app, provider } = setUp();
    provider.componentList = [];
    expect((await app.inject('/readyz')).statusCode).toBe(503);
  });

  it('is 503 while a lane is held and says which, why and since when', async () => {
    const { app, provider } = setUp();
    provider.laneList = [lane({}), lane({ state: 'held', attempts: 4, items: 12, heldSinceMs: 65_000, code: 'UNROUTABLE', message: 'no queue is bound' })];
    const response = await app.inject('/readyz');
    expect(response.statusCode).toBe(503);
    expect(response.json()).toMatchObject({
      ready: false,
      reasons: ['route readings is held: UNROUTABLE: no queue is bound'],
      heldLaneCount: 1,
      heldLanes: [
        {
          route: 'readings',
          destination: 'sluice.readings a.b',
          code: 'UNROUTABLE',
          message: 'no queue is bound',
          attempts: 4,
          items: 12,
          heldMs: 65_000,
          since: '2026-01-02T03:03:00.000Z',
        },
      ],
    });
  });

  it('bounds its answer and keeps the lanes that are held longest', async () => {
    const { app, provider } = setUp();
    provider.laneList = Array.from({ length: 5000 }, (_, i) => lane({ state: 'held', heldSinceMs: i, destination: `d${i}`, code: 'BLOCKED' }));
    const body = (await app.inject('/readyz')).json<{ heldLanes: { destination: string }[]; heldLaneCount: number }>();
    expect(body.heldLaneCount).toBe(5000);
    expect(body.heldLanes).toHaveLength(100);
    expect(body.heldLanes[0]?.destination).toBe('d4999');
  });
});

describe('/status', () => {
  it('shows the books, what is in flight and the imbalance', async () => {
    const { app, provider } = setUp();
    const { ledger } = provider;
    await app.ready();
    for (let i = 0; i < 5; i += 1) ledger.messageReceived();
    ledger.messageSettled('forwarded');
    ledger.messageSettled('dead-lettered');
    ledger.itemsReceived('readings', 8);
    ledger.itemsSettled('readings', 'forwarded', 3);
    ledger.itemsSettled('readings', 'deduplicated', 1);
    ledger.readings = 8;
    ledger.faulted('DECODE_INVALID');
    provider.held = { messages: 3, items: 3 };
    provider.lag = 42;
    provider.clock.monotonic = 90_000;
    provider.laneList = [lane({ state: 'waiting' }), lane({ state: 'held', code: 'BLOCKED', heldSinceMs: 5 })];
    const response = await app.inject('/status');
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8');
    const status = response.json<Status>();
    expect(status).toMatchObject({
      name: 'gate',
      version: '1.2.3',
      configVersion: 'abc123',
      startedAt: '2026-01-02T03:04:05.000Z',
      uptimeSeconds: 90,
      ready: false,
      ledger: {
        messages: { received: 5, forwarded: 1, deadLettered: 1, filtered: 0, deduplicated: 0, abandoned: 0 },
        items: { received: 8, forwarded: 3, deadLettered: 0, filtered: 0, deduplicated: 1, abandoned: 0 },
      },
      inFlight: { messages: 3, items: 3 },
      imbalance: { messages: 0, items: 1 },
      readings: 8,
      faults: { DECODE_INVALID: 1 },
      routes: { readings: { received: 8, forwarded: 3 } },
      laneCount: 2,
      sessions: [{ name: 'publish', state: 'ready' }],
      lagMs: 42,
    });
    expect(status.lanes.map(({ state }) => state)).toEqual(['held', 'waiting']);
  });

  it('bounds the list of lanes', async () => {
    const { app, provider } = setUp();
    provider.laneList = Array.from({ length: 300 }, (_, i) => lane({ destination: `d${i}` }));
    const status = (await app.inject('/status')).json<Status>();
    expect(status.lanes).toHaveLength(100);
    expect(status.laneCount).toBe(300);
  });

  it('shows no password, wherever a text quotes a URL', async () => {
    const { app, provider } = setUp();
    const text = 'cannot reach amqp://sluice:hunter2@broker/v';
    provider.componentList = [{ name: 'source', phase: 'degraded', reason: text, since: 0 }];
    provider.sessionList = [{ name: 'publish', state: 'connecting', address: 'broker:5672', reason: text, since: 0 }];
    provider.laneList = [lane({ state: 'held', code: 'NOT_CONNECTED', message: text })];
    for (const path of ['/status', '/readyz']) {
      const { body } = await app.inject(path);
      expect(body).not.toContain('hunter2');
      expect(body).toContain('amqp://sluice:***@broker/v');
    }
  });

  it('survives a route with the name of a prototype member', async () => {
    const { app, provider } = setUp();
    provider.ledger.itemsReceived('__proto__', 2);
    const { body } = await app.inject('/status');
    expect(body).toContain('"__proto__":{"received":2');
  });
});

describe('rates', () => {
  it('are measured over what was sampled, also when samples come late', () => {
    const { provider, sampler } = setUp();
    expect(sampler.rates()).toEqual({ messagesIn: 0, itemsForwarded: 0, windowSeconds: 0 });
    sampler.sample();
    provider.clock.monotonic = 4000;
    provider.ledger.messages.received = 400;
    provider.ledger.items.forwarded = 1000;
    sampler.sample();
    expect(sampler.rates()).toEqual({ messagesIn: 100, itemsForwarded: 250, windowSeconds: 4 });
  });

  it('forget what is older than ten samples', () => {
    const { provider, sampler } = setUp();
    for (let second = 0; second <= 30; second += 1) {
      provider.clock.monotonic = second * 1000;
      if (second <= 10) provider.ledger.messages.received += 100;
      sampler.sample();
    }
    expect(sampler.rates()).toEqual({ messagesIn: 0, itemsForwarded: 0, windowSeconds: 10 });
  });
});

describe('/metrics', () => {
  it('hands out what the registry renders, with its content type', async () => {
    const { app } = setUp();
    const response = await app.inject('/metrics');
    expect(response.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(response.body).toBe('up 1\n');
  });

  it('answers 500 without details, and reports them, when rendering fails', async () => {
    const errors: Error[] = [];
    const broken = { contentType: 'text/plain', render: () => Promise.reject(new Error('secret detail')) };
    const { app } = setUp({ metrics: broken, onError: (error) => errors.push(error) });
    const response = await app.inject('/metrics');
    expect(response.statusCode).toBe(500);
    expect(response.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(response.body).not.toContain('secret detail');
    expect(errors.map(({ message }) => message)).toEqual(['secret detail']);
  });
});

describe('every answer', () => {
  it.each(['/', '/livez', '/readyz', '/status', '/metrics', '/nothing'])('%s carries the security headers', async (path) => {
    const { app } = setUp();
    const { headers } = await app.inject(path);
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'cache-control': 'no-store',
    });
  });

  it('is a problem for what is not there, and for what cannot be done', async () => {
    const { app } = setUp();
    const missing = await app.inject('/nothing?x=1');
    expect(missing.statusCode).toBe(404);
    expect(missing.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(missing.json()).toEqual({ type: 'about:blank', title: 'Not Found', status: 404, detail: 'There is nothing at /nothing.' });
    const posted = await app.inject({ method: 'POST', url: '/status' });
    expect(posted.statusCode).toBe(405);
    expect(posted.headers.allow).toBe('GET, HEAD');
    const garbled = await app.inject('/%zz');
    expect(garbled.statusCode).toBe(400);
    expect(garbled.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect((await app.inject({ method: 'HEAD', url: '/status' })).statusCode).toBe(200);
  });

  it('lists the endpoints at /, with the name made safe', async () => {
    const provider = { ...fakeProvider(), name: '<script>alert(1)</script>' };
    const { app } = setUp({ status: provider });
    const { body } = await app.inject('/');
    for (const path of ['/livez', '/readyz', '/status', '/metrics']) expect(body).toContain(`href="${path}"`);
    expect(body).not.toContain('<script>');
  });

  it('leaves / to a plugin that has a page there', async () => {
    const { app } = setUp({
      plugins: [
        async (instance) => {
          instance.get('/', () => 'console');
        },
      ],
    });
    expect((await app.inject('/')).body).toBe('console');
  });
});

describe('toJson', () => {
  it('writes big integers as numbers where exact, else as strings', () => {
    expect(toJson({ a: 5n, b: 9007199254740993n, c: -(2n ** 63n) })).toBe('{"a":5,"b":"9007199254740993","c":"-9223372036854775808"}');
  });
});

describe('createHttpServer', () => {
  it('listens on loopback, answers, and stops with a connection open', async () => {
    const server = createHttpServer({ port: 0, status: fakeProvider(), metrics: METRICS });
    opened.push(server);
    const { address, port } = await server.start();
    expect(address).toBe('127.0.0.1');
    const response = await fetch(`http://127.0.0.1:${port}/livez`, { headers: { connection: 'keep-alive' }, signal: AbortSignal.timeout(5000) });
    expect(await response.json()).toEqual({ status: 'alive' });
    await server.close();
    await server.close();
    await expect(fetch(`http://127.0.0.1:${port}/livez`, { signal: AbortSignal.timeout(5000) })).rejects.toThrow('fetch failed');
  });

  it('stops while a request is only half there', async () => {
    const server = createHttpServer({ port: 0, status: fakeProvider(), metrics: METRICS });
    opened.push(server);
    const { port } = await server.start();
    const socket = connect(port, '127.0.0.1');
    // A reset is as good an end as any.
    const ended = new Promise<void>((resolve) => socket.on('close', () => resolve()));
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    // In one write: the answer to the first request shows that the server has seen the beginning of the second.
    socket.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /livez HTTP/1.1\r\nHost:');
    await once(socket, 'data');
    const closed = Promise.all([server.close(), ended]).then(() => 'closed');
    const late = new Promise<string>((resolve) => setTimeout(resolve, 3000, 'too late').unref());
    expect(await Promise.race([closed, late])).toBe('closed');
    socket.destroy();
  });

  it('says clearly that the port is in use', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      const server = createHttpServer({ port, status: fakeProvider(), metrics: METRICS });
      const error = await server.start().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(HttpListenError);
      expect(error).toMatchObject({
        code: 'EADDRINUSE',
        message: `HTTP cannot listen on 127.0.0.1 port ${port} (EADDRINUSE): another process listens there; stop it or set another http.port`,
      });
      await server.close();
    } finally {
      await new Promise((resolve) => other.close(resolve));
    }
  });

  it('can be closed without a start', async () => {
    const server = createHttpServer({ port: 0, status: fakeProvider(), metrics: METRICS });
    await expect(server.close()).resolves.toBeUndefined();
  });
});

describe('trackStatus', () => {
  it('remembers phases, states and lag, and counts what has not spoken as idle', () => {
    let now = 1000;
    const tracker = trackStatus({ components: ['source', 'http'], sessions: ['publish'] }, () => now);
    now = 2000;
    tracker.observer({ type: 'component-phase', component: 'source', phase: 'starting', reason: undefined });
    now = 3000;
    tracker.observer({ type: 'component-phase', component: 'source', phase: 'starting', reason: 'still' });
    tracker.observer({ type: 'session-state', session: 'publish', state: 'ready', address: 'rabbit-1:5672', reason: undefined });
    expect(tracker.components()).toEqual([
      { name: 'source', phase: 'starting', reason: 'still', since: 2000 },
      { name: 'http', phase: 'idle', reason: undefined, since: 1000 },
    ]);
    expect(tracker.sessions()).toEqual([{ name: 'publish', state: 'ready', address: 'rabbit-1:5672', reason: undefined, since: 3000 }]);
    expect(tracker.lagMs()).toBeUndefined();
    tracker.observer({ type: 'batch-forwarded', route: 'r', items: 1, bytes: 1, attempts: 1, publishMs: 1, oldestReceivedAt: 10, at: 35 });
    expect(tracker.lagMs()).toBe(25);
  });
});
