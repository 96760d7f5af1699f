import type { FastifyPluginAsync, FastifyReply } from 'fastify';
import { fileURLToPath } from 'node:url';
import type { ConfigView, ExplainAnswer, History, LiveEvent, ReloadView, TapMessage } from '../../src/console/api.ts';
import type { EdgeState } from '../../src/domain/edge-state.ts';
import { consolePages } from '../../src/http/console.ts';
import { edge } from '../../src/http/edge.ts';
import { createHttpServer, type HttpServer } from '../../src/http/server.ts';
import { fakeProvider, METRICS } from '../unit/http/fake-provider.ts';
import { FakeDevices, HOSTILE } from './fake-devices.ts';
import { FakeLetters } from './fake-letters.ts';

/** The console as `npm run build` leaves it. */
const BUILT = fileURLToPath(new URL('../../dist/src/console/', import.meta.url));

export const TOKEN = 'a-token-of-24-characters';

/** A gateway that only answers: canned and moving data of the API, for the console's tests. */
export class FakeGateway {
  readonly devices: FakeDevices;
  readonly letters = new FakeLetters();
  /** The broker is there. */
  broker = true;
  /** A route that is held. */
  held = false;
  /** What comes of POST /config/reload. */
  reload: ReloadView = { ok: true, outcome: 'unchanged', at: 0, version: '3f9a11c0', problems: [], warnings: [], changes: [] };
  /** For everything, not for changes alone. */
  readsNeedToken = false;
  /** Of a gateway that takes messages of devices itself; set before it starts. */
  edge: EdgeState | undefined;
  /** Requests that arrived: method and path with its query. */
  readonly requests: string[] = [];
  private port = 0;
  private server: HttpServer | undefined;
  private readonly streams = new Set<NodeJS.Timeout>();
  private n = 0;

  constructor(devices = 10_000) {
    this.devices = new FakeDevices(devices);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  /** Listens where it listened before, if it did. */
  async start(): Promise<void> {
    const provider = { ...fakeProvider(), name: 'hall-7', now: () => Date.now() };
    for (let i = 0; i < 1200; i += 1) {
      provider.ledger.messageReceived();
      provider.ledger.messageSettled('forwarded');
    }
    const console = consolePages(this.edge === undefined ? 'gateway' : 'gateway-with-edge', BUILT);
    this.server = createHttpServer({ port: this.port, status: provider, metrics: METRICS, plugins: [console, this.api(), edge(() => this.edge)] });
    ({ port: this.port } = await this.server.start());
  }

  async stop(): Promise<void> {
    for (const timer of this.streams) clearInterval(timer);
    this.streams.clear();
    await this.server?.close();
  }

  private api(): FastifyPluginAsync {
    return async (app) => {
      app.addHook('onRequest', async (request, reply) => {
        this.requests.push(`${request.method} ${request.url}`);
        const { pathname } = new URL(request.url, 'http://x');
        const change = request.method === 'POST' && pathname !== '/api/explain';
        if (!change && !(this.readsNeedToken && pathname.startsWith('/api'))) return;
        if (request.headers.authorization === `Bearer ${TOKEN}`) return;
        await this.problem(reply, 401, 'This is not the token of `http.token`.');
      });
      app.get('/api/live', (_request, reply) => this.stream(reply, 1000, () => [['live', this.live()]]));
      app.get('/api/history', () => this.history());
      app.get<{ Querystring: Record<string, string> }>('/api/devices', (request, reply) => json(reply, this.devices.page(request.query)));
      app.get('/api/devices/summary', () => this.devices.summary());
      app.get<{ Params: { name: string } }>('/api/devices/:name', async (request, reply) => {
        const found = this.devices.detail(request.params.name);
        return found === undefined ? await this.problem(reply, 404, 'No such device.') : json(reply, found);
      });
      app.get<{ Querystring: Record<string, string> }>('/api/tap', (request, reply) =>
        this.stream(reply, 250, () => [['message', this.message(request.query)], ...(this.n % 8 === 0 ? [['skipped', { count: 3 }] as const] : [])]),
      );
      app.post<{ Body: { topic: string } }>('/api/explain', (request) => this.explain(request.body.topic));
      app.get('/api/config', () => this.config());
      app.post<{ Body: { dryRun?: boolean } }>('/config/reload', async (request, reply) => {
        const report = this.reload;
        if (report.outcome === 'refused') return await this.problem(reply, 422, 'The settings are not taken over.', report);
        return request.body.dryRun === true && report.outcome === 'applied' ? { ...report, outcome: 'would-apply' } : report;
      });
      this.letters.register(app, async (reply, status, detail) => await this.problem(reply, status, detail));
    };
  }

  private async problem(reply: FastifyReply, status: number, detail: string, more: object = {}): Promise<FastifyReply> {
    return await reply
      .code(status)
      .header('content-type', 'application/problem+json')
      .send(JSON.stringify({ type: 'about:blank', title: 'No', status, detail, ...more }));
  }

  private stream(reply: FastifyReply, everyMs: number, events: () => (readonly [string, object])[]): void {
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    reply.raw.write('retry: 2000\n\n');
    const send = (): void => {
      for (const [name, data] of events()) reply.raw.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
    };
    send();
    const timer = setInterval(send, everyMs);
    this.streams.add(timer);
    reply.raw.once('close', () => {
      clearInterval(timer);
      this.streams.delete(timer);
    });
  }

  private live(): LiveEvent {
    const at = Date.now();
    const { broker, held } = this;
    const wave = Math.sin(at / 9000);
    const reasons = [
      ...(broker ? [] : ['broker is degraded: consume connection is connecting: ECONNREFUSED 127.0.0.1:5672']),
      ...(held ? ['route alarms is held: UNROUTABLE: no queue is bound for sluice.alarms'] : []),
    ];
    const session = (name: string): LiveEvent['flow']['sessions'][number] =>
      broker
        ? { name, state: 'ready', address: 'rabbit-1:5672', reason: null }
        : { name, state: 'connecting', address: 'rabbit-1:5672', reason: 'ECONNREFUSED 127.0.0.1:5672' };
    const rate = broker ? 8400 + 900 * wave : 0;
    const route = (name: string, exchange: string, share: number): LiveEvent['flow']['routes'][number] => ({
      route: name,
      kind: exchange === '' ? 'drop' : 'publish',
      exchange: exchange === '' ? null : exchange,
      state: broker ? 'sending' : 'waiting',
      lanes: 4,
      items: broker ? 120 : 900,
      heldMs: null,
      code: null,
      message: null,
      forwarded: 1_234_567,
      rate: rate * share,
    });
    return {
      at,
      ready: reasons.length === 0,
      reasons,
      rates: {
        received: rate,
        forwarded: rate * 1.1,
        deadLettered: broker ? 0.4 : 0,
        filtered: rate * 0.02,
        deduplicated: 0,
        readings: rate * 1.08,
        bytes: rate * 180,
      },
      latencyMs: { gateway: broker ? { p50: 11 + 2 * wave, p99: 48 + 12 * wave } : null, device: { p50: 240, p99: 900 } },
      lagMs: broker ? 12 : 8200,
      inFlight: { messages: broker ? 212 : 2000, items: broker ? 240 : 2300 },
      imbalance: { messages: 0, items: 0 },
      process: { rssBytes: 183_000_000, cpu: 0.42, loopP99Ms: 3.1 },
      flow: {
        sessions: [session('consume'), session('publish')],
        components: [
          ...['http', 'topology', 'source', 'ledger'].map((name) => ({ name, phase: 'ready', reason: null })),
          broker
            ? { name: 'broker', phase: 'ready', reason: null }
            : { name: 'broker', phase: 'degraded', reason: 'consume connection is connecting: ECONNREFUSED 127.0.0.1:5672' },
        ],
        source: { queue: 'sluice.ingest', prefetch: 2000, unsettled: broker ? 212 : 2000 },
        routes: [
          route('readings', 'sluice.readings', 1),
          held
            ? {
                ...route('alarms', 'sluice.alarms', 0),
                state: 'held',
                heldMs: 65_000,
                items: 14,
                code: 'UNROUTABLE',
                message: 'no queue is bound for sluice.alarms',
              }
            : { ...route('alarms', 'sluice.alarms', 0.01), items: 0 },
          { ...route('live', 'sluice.live', 0.1), items: 0 },
          { ...route('chatter', '', 0.02), items: 0 },
        ],
        deadLetters: { exchange: 'sluice.dead', queue: 'sluice.dead', buried: this.letters.letters.length + 40, waiting: 0 },
      },
    };
  }

  private history(): History {
    const now = Date.now();
    const points = Array.from({ length: 600 }, (_, i) => {
      const at = now - (600 - i) * 1000;
      const wave = Math.sin(at / 9000) + 0.3 * Math.sin(at / 1700);
      const dip = i > 320 && i < 360 ? 0 : 1;
      const received = dip * (8400 + 900 * wave);
      return {
        at,
        received,
        forwarded: received * 1.1,
        deadLettered: i % 90 === 0 ? 40 : 0.4,
        filtered: received * 0.02,
        gatewayP50: dip === 0 ? null : 11 + 2 * wave,
        gatewayP99: dip === 0 ? null : 48 + 14 * wave,
      };
    });
    return { stepMs: 1000, points };
  }

  private message(query: Readonly<Record<string, string>>): TapMessage {
    this.n += 1;
    const i = this.n % 4;
    const now = Date.now();
    const base = { n: this.n, at: now, bytes: 96, contentType: 'application/json', contentEncoding: null, qos: 1, redelivered: false };
    const topic = query['topic']?.replaceAll(/[+#]/g, 'x') ?? `devices/plant-${this.n % 9}/pump-${this.n % 300}/telemetry`;
    const routingKey = topic.replaceAll('/', '.');
    if (i === 3)
      return {
        ...base,
        topic,
        routingKey,
        payload: { text: '{"values":{"temperature":21.5', cut: false },
        profile: 'sluice-json',
        outcome: 'dead-lettered',
        reason: null,
        fault: { code: 'DECODE_INVALID', message: 'JSON ends in the middle of an object, at byte 29', stage: 'decode' },
        readings: [],
      };
    if (i === 2)
      return {
        ...base,
        topic,
        routingKey,
        payload: { base64: 'AAEC/v8QIA==', cut: false },
        bytes: 7,
        profile: 'chatter',
        outcome: 'filtered',
        reason: 'ignored',
        fault: null,
        readings: [],
      };
    const name = i === 1 && this.n % 8 === 1 ? HOSTILE : `plant-${this.n % 9}/pump-${this.n % 300}`;
    return {
      ...base,
      topic: name === HOSTILE ? `devices/${HOSTILE}/telemetry` : topic,
      routingKey,
      payload: { text: JSON.stringify({ values: { temperature: 21.5, note: HOSTILE } }, undefined, 2), cut: false },
      profile: 'sluice-json',
      outcome: 'readings',
      reason: null,
      fault: null,
      readings: [
        {
          id: `lz6RlVXVuicWEDWj4uYmTj-${this.n}`,
          device: query['device'] ?? name,
          profile: 'sluice-json',
          topic,
          measuredAt: now - 150,
          receivedAt: now,
          values: { temperature: 21.5, running: true, note: HOSTILE },
          units: { temperature: 'Cel' },
          tags: { site: 'hall' },
          flags: ['late'],
          routes: [{ route: 'readings', action: 'publish', exchange: 'sluice.readings', routingKey: 'sluice-json.hall', bestEffort: false }],
          fault: null,
        },
      ],
    };
  }

  private explain(topic: string): ExplainAnswer {
    const { outcome, readings, reason = null, fault = null } = { ...this.message({ topic }), outcome: 'readings' as const };
    return { text: `topic      ${topic}\nprofile    sluice-json\n1 reading`, outcome, readings, reason, fault };
  }

  private config(): ConfigView {
    return {
      version: '3f9a11c0',
      loadedAt: Date.now() - 3_600_000,
      file: '/etc/sluice/sluice.yaml',
      settings: {
        gateway: { name: 'hall-7', drainSeconds: 10 },
        rabbitmq: { url: 'amqp://sluice:***@rabbit-1:5672' },
        profiles: [{ name: 'sluice-json', topics: ['devices/{site}/{device}/telemetry'] }],
        routes: [{ name: 'readings', exchange: 'sluice.readings', routingKey: '{profile}.{tags.site}' }],
        http: { host: '127.0.0.1', port: 9600, token: '***' },
      },
      warnings: [
        {
          severity: 'warning',
          path: 'routes[2].delivery',
          file: 'sluice.yaml',
          line: 84,
          column: 7,
          message: 'best-effort: readings on this route can be lost',
        },
      ],
      reload: null,
    };
  }
}

/** Integers beyond 2^53 as plain digits, as the wire format writes them. */
function json(reply: FastifyReply, value: object): FastifyReply {
  const text = JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? `big:${each}` : each)).replaceAll(/"big:(\d+)"/g, '$1');
  return reply.header('content-type', 'application/json; charset=utf-8').send(text);
}
