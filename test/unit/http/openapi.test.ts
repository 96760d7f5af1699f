import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterEach, describe, expect, it } from 'vitest';
import { encodeReading } from '../../../src/codec/reading.ts';
import { fault } from '../../../src/domain/fault.ts';
import { deadLetters } from '../../../src/http/dead-letters.ts';
import { openapiDocument } from '../../../src/http/openapi.ts';
import { SCHEMAS } from '../../../src/http/openapi-schemas.ts';
import { toJson } from '../../../src/http/json.ts';
import type { LetterDesk } from '../../../src/pipeline/letter-desk.ts';
import type { LetterPlanner } from '../../../src/pipeline/letter-plan.ts';
import { Router } from '../../../src/pipeline/router.ts';
import { letter } from '../../support/letters.ts';
import { message, publishTo, reading, rule } from '../pipeline/fixtures.ts';
import { lane } from './fake-provider.ts';
import { type GatewayApi, gatewayApi, noBugs, TOKEN } from './gateway-api.ts';

const opened: GatewayApi[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) {
    await one.app.close();
    noBugs(one);
  }
});

const WALK = { present: 1, seen: 1, matched: 1, otherReaders: 0, ended: 'all', reason: undefined } as const;
const DESK: LetterDesk = {
  walk: async (_filter, visit) => {
    await visit(letter({ id: 'a' }), Buffer.from('x'));
    return WALK;
  },
  replay: async () => ({ ...WALK, done: 1, skipped: {}, uncertain: 0, stopped: undefined }),
  drop: async () => ({ ...WALK, done: 1, skipped: {}, uncertain: 0, stopped: undefined }),
};

function setUp(): GatewayApi {
  const letters = deadLetters({ desk: DESK, planner: {} as LetterPlanner, now: () => 0, log: () => {} });
  const made = gatewayApi({ token: TOKEN, plugins: [letters] });
  opened.push(made);
  return made;
}

interface Operation {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, { readonly content: Readonly<Record<string, { readonly schema: object }>> }>>;
  readonly security: readonly object[];
}

const DOCUMENT = openapiDocument('1.2.3') as { paths: Record<string, Record<string, Operation>>; components: { schemas: object } };
const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
ajv.addSchema({ $id: 'doc', ...DOCUMENT });

/** What a schema of the document finds wrong with a value. */
function wrong(schema: object, value: unknown): unknown {
  const absolute = JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"doc#/components')) as object;
  const validate = ajv.compile(absolute);
  validate(value);
  return validate.errors ?? [];
}

function answerSchema(path: string, method: string, status = '200'): object {
  const { content } = DOCUMENT.paths[path]?.[method]?.responses[status] ?? { content: {} };
  return Object.values(content)[0]?.schema ?? { not: {} };
}

/** A gateway in which something has happened: every branch of the answers has a value. */
function busy(): GatewayApi {
  const made = setUp();
  const { onlooker, clock, provider, tracker, sampler } = made;
  const router = new Router([rule('live', publishTo('live', { delivery: 'best-effort' }), { continue: true }), rule('readings', publishTo('out'))], () => {});
  for (let i = 0; i < 5; i += 1) {
    const one = reading(
      { t: i, big: 2n ** 60n, on: true, name: 'x' },
      { receivedAt: clock.wall, flags: i === 0 ? undefined : ['late'], units: { t: 'Cel' }, tags: { a: 'b' } },
    );
    onlooker.saw(message(), { kind: 'readings', readings: [one] }, [router.route(one)], [Buffer.from(encodeReading(one))]);
    clock.wall += 6000;
    clock.monotonic += 1000;
    provider.ledger.messageReceived(10);
    provider.ledger.itemsReceived('readings', 1);
    provider.ledger.itemsSettled('readings', 'forwarded', 1);
    provider.ledger.delays.confirmed('readings', one.measuredAt, clock.wall);
    tracker.observer({
      type: 'batch-forwarded',
      route: 'readings',
      items: 1,
      bytes: 10,
      attempts: 1,
      publishMs: 1,
      oldestReceivedAt: clock.wall - 5,
      at: clock.wall,
    });
    sampler.sample();
  }
  clock.wall += 60_000;
  const buried = { id: 'l', fault: fault('NO_ROUTE', 'x'), route: undefined, attempts: 0, firstFailedAt: 0, buriedAt: 0, config: 'v1' };
  onlooker.buried({ ...buried, message: message(), reading: undefined });
  onlooker.buried({ ...buried, message: message('x/y'), reading: undefined });
  provider.lag = 5;
  provider.laneList = [lane({ state: 'held', heldSinceMs: 5, code: 'UNROUTABLE', message: 'x' }), lane({ route: '(dead letters)' })];
  return made;
}

describe('the document', () => {
  it('describes every route that there is, and no other', async () => {
    const { app } = setUp();
    const routes: string[] = [];
    app.addHook('onRoute', ({ method, url }) => {
      for (const each of [method].flat()) if (each !== 'HEAD') routes.push(`${each} ${url.replaceAll(/:(\w+)/g, '{$1}')}`);
    });
    await app.ready();
    const described = Object.entries(DOCUMENT.paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
    expect(routes.length).toBeGreaterThan(15);
    expect(new Set(described)).toEqual(new Set(routes));
  });

  it('has names of its own for each operation, and no schema that nobody uses', () => {
    const operations = Object.values(DOCUMENT.paths).flatMap((methods) => Object.values(methods));
    const ids = operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    const text = JSON.stringify(DOCUMENT);
    expect(Object.keys(SCHEMAS).filter((name) => !text.includes(`"#/components/schemas/${name}"`))).toEqual([]);
  });

  it('is served', async () => {
    const answer = await setUp().app.inject('/api/openapi.json');
    expect(answer.json()).toEqual(DOCUMENT);
  });

  it('says who needs the token, as the gateway does', async () => {
    const { app } = setUp();
    for (const [path, methods] of Object.entries(DOCUMENT.paths)) {
      for (const [method, { security }] of Object.entries(methods)) {
        if (['/api/live', '/api/tap'].includes(path)) continue;
        const { statusCode } = await app.inject({ method: method.toUpperCase() as 'GET', url: path.replaceAll(/\{\w+\}/g, 'x') });
        expect([path, method, statusCode === 401]).toEqual([path, method, security.length === 1]);
      }
    }
  });
});

describe('real answers', () => {
  it.each([
    ['/api/devices', '/api/devices?limit=10'],
    ['/api/devices/summary', '/api/devices/summary'],
    ['/api/devices/{device}', '/api/devices/dev'],
    ['/api/history', '/api/history'],
    ['/api/config', '/api/config'],
    ['/api/openapi.json', '/api/openapi.json'],
    ['/api/dead-letters', '/api/dead-letters'],
    ['/api/dead-letters/{id}', '/api/dead-letters/a'],
    ['/livez', '/livez'],
    ['/status', '/status'],
  ])('GET %s is as described', async (path, url) => {
    const answer = await busy().app.inject(url);
    expect(answer.statusCode).toBe(200);
    expect(wrong(answerSchema(path, 'get'), answer.json())).toEqual([]);
  });

  it.each([
    ['/api/explain', { topic: 'd/x', payload: '{"t":1}' }],
    ['/api/explain', { topic: 'd/x', payload: '{' }],
    ['/api/explain', { topic: 'd/x', payload: '' }],
    ['/config/reload', {}],
    ['/api/dead-letters/replay', { all: true }],
    ['/api/dead-letters/drop', { all: true, dryRun: true }],
  ])('POST %s %j is as described', async (path, payload) => {
    const answer = await busy().app.inject({ method: 'POST', url: path, payload, headers: { authorization: `Bearer ${TOKEN}` } });
    expect(answer.statusCode).toBe(200);
    expect(wrong(answerSchema(path, 'post'), answer.json())).toEqual([]);
  });

  it('problems and an unready gateway are as described', async () => {
    const { app } = busy();
    for (const [path, status, url] of [
      ['/api/devices', '400', '/api/devices?limit=0'],
      ['/api/devices/{device}', '404', '/api/devices/nobody'],
      ['/readyz', '503', '/readyz'],
    ] as const) {
      const answer = await app.inject(url);
      expect([url, answer.statusCode]).toEqual([url, Number(status)]);
      expect(wrong(answerSchema(path, 'get', status), answer.json())).toEqual([]);
    }
  });

  it('the events of both streams are as described', () => {
    const { sampler, hub, onlooker, tracker, clock } = busy();
    const at = clock.wall;
    tracker.observer({ type: 'batch-forwarded', route: 'readings', items: 1, bytes: 10, attempts: 1, publishMs: 1, oldestReceivedAt: at - 5, at });
    const event: unknown = JSON.parse(toJson(sampler.event()));
    expect(event).toMatchObject({
      latencyMs: { gateway: { p50: 5 }, device: { p50: expect.any(Number) as number } },
      flow: { routes: [{ state: 'held' }, { kind: 'drop' }] },
    });
    expect(wrong(answerSchema('/api/live', 'get'), event)).toEqual([]);
    const events: unknown[] = [];
    const any = { device: undefined, topic: undefined, route: undefined, outcome: undefined, code: undefined };
    hub.open({ filter: any, rate: 100, send: (text) => events.push(JSON.parse(text)) > 0 });
    const router = new Router(
      [rule('cold', { kind: 'drop' }, { when: 'values.t < 0.0' }), rule('warm', publishTo('out'), { when: 'values.t > 0.0' })],
      () => {},
    );
    const readings = [reading({ t: 1 }), reading({ t: -1 }, { flags: ['bom'] }), reading({ t: 0 }), reading({ text: 'x'.repeat(9000) })];
    onlooker.saw(
      message(),
      { kind: 'readings', readings },
      readings.map((each) => router.route(each)),
      [],
    );
    onlooker.saw({ ...message(), body: Buffer.from([0xff]), qos: undefined, contentType: 'x' }, { kind: 'fault', fault: fault('DECODE_INVALID', 'x') }, [], []);
    onlooker.saw(message(), { kind: 'filtered', reason: 'empty' }, [], []);
    events.push({ count: 3 });
    expect(events).toHaveLength(4);
    for (const each of events) expect(wrong(answerSchema('/api/tap', 'get'), each)).toEqual([]);
  });
});
