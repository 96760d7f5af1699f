import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import type { Letter, LetterChanges, LetterFilter, LetterWalk } from '../../../src/domain/letter.ts';
import { api } from '../../../src/http/api.ts';
import { deadLetters } from '../../../src/http/dead-letters.ts';
import { RateSampler } from '../../../src/http/rates.ts';
import { buildHttp } from '../../../src/http/server.ts';
import { EventStreams } from '../../../src/http/sse.ts';
import { type LetterDesk, LetterDeskError, type LetterVisitor } from '../../../src/pipeline/letter-desk.ts';
import { compileLetterFilter } from '../../../src/pipeline/letter-filter.ts';
import type { LetterPlanner } from '../../../src/pipeline/letter-plan.ts';
import { letter } from '../../support/letters.ts';
import { fakeProvider, METRICS } from './fake-provider.ts';

const TOKEN = 'a-token-of-24-characters';
const NOW = 1_700_000_100_000;
const WALK: LetterWalk = { present: 3, seen: 3, matched: 0, otherReaders: 0, ended: 'all', reason: undefined };

/** Letters in memory, and what was asked of them. */
class FakeDesk implements LetterDesk {
  letters: Letter[] = [letter({ id: 'a' }), letter({ id: 'b', code: 'NO_ROUTE' }), letter({ id: 'c', topic: 'x/\u0000' })];
  readonly asked: unknown[] = [];
  failure: Error | undefined;

  async walk(filter: LetterFilter, visit: LetterVisitor): Promise<LetterWalk> {
    if (this.failure !== undefined) throw this.failure;
    let matched = 0;
    for (const each of this.letters.filter(compileLetterFilter(filter, NOW))) {
      matched += 1;
      if ((await visit(each, Buffer.from('{"secret":1}'))) === false) break;
    }
    return { ...WALK, matched };
  }

  async replay(filter: LetterFilter, options: object): Promise<LetterChanges> {
    return this.change('replay', filter, options);
  }

  async drop(filter: LetterFilter, options: object): Promise<LetterChanges> {
    return this.change('drop', filter, options);
  }

  private change(what: string, filter: LetterFilter, options: object): LetterChanges {
    compileLetterFilter(filter, NOW);
    this.asked.push([what, filter, { ...options, signal: undefined }]);
    return { ...WALK, matched: 2, done: 2, skipped: {}, uncertain: 0, stopped: undefined };
  }
}

function apiOf(token: string | undefined, ...plugins: FastifyPluginAsync[]): FastifyPluginAsync {
  return api({ host: '127.0.0.1', token, streams: new EventStreams(() => 0), plugins });
}

const opened: FastifyInstance[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

function setUp(options: { readonly token?: string } = { token: TOKEN }) {
  const { token } = options;
  const desk = new FakeDesk();
  const logged: string[] = [];
  const bugs: Error[] = [];
  const planner = { plan: () => ({ outcome: 'forwarded', code: undefined, message: undefined, readings: 1, routes: { r: 1 } }) } as unknown as LetterPlanner;
  const provider = fakeProvider();
  const plugins = [apiOf(token, deadLetters({ desk, planner, now: () => NOW, log: (message) => logged.push(message) }))];
  const app = buildHttp({ port: 0, status: provider, metrics: METRICS, plugins, onError: (error) => bugs.push(error) }, new RateSampler(provider));
  opened.push(app);
  const post = async (path: string, payload: object, authorization: string | undefined = `Bearer ${TOKEN}`) =>
    await app.inject({ method: 'POST', url: `/api/dead-letters/${path}`, payload, ...(authorization === undefined ? {} : { headers: { authorization } }) });
  return { app, desk, post, logged, bugs };
}

describe('GET /api/dead-letters', () => {
  it('lists, filtered and by pages, without a token', async () => {
    const { app } = setUp({});
    const all = (await app.inject('/api/dead-letters')).json<{ letters: { id: string }[] }>();
    expect(all).toMatchObject({ matched: 3, ended: 'all', otherReaders: 0, limit: 100, offset: 0 });
    expect(all.letters.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    const some = async (query: string): Promise<string[]> =>
      (await app.inject(`/api/dead-letters?${query}`)).json<{ letters: { id: string }[] }>().letters.map(({ id }) => id);
    expect(await some('code=NO_ROUTE&code=OTHER')).toEqual(['b']);
    expect(await some('limit=1&offset=1')).toEqual(['b']);
    expect(await some(`where=${encodeURIComponent('size > 19 && code == "NO_ROUTE"')}&since=1h`)).toEqual(['b']);
    expect(await some('topic=x/%2B')).toEqual(['c']);
  });

  it.each(['colour=red', 'limit=0', 'limit=x', 'limit=1001', 'since=yesterday', 'where=1%20%2B', 'topic=a/%23/b', 'code='])(
    'refuses ?%s with problem details',
    async (query) => {
      const { app, bugs } = setUp();
      const response = await app.inject(`/api/dead-letters?${query}`);
      expect(response.statusCode).toBe(400);
      expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
      expect(response.json()).toMatchObject({ type: 'about:blank', title: 'Bad Request', status: 400, detail: expect.any(String) as string });
      expect(bugs).toEqual([]);
    },
  );

  it.each([
    ['busy', 409],
    ['refused', 503],
    ['missing', 503],
    ['unavailable', 503],
  ] as const)('says that the desk is %s', async (trouble, status) => {
    const { app, desk } = setUp();
    desk.failure = new LetterDeskError(trouble, 'because');
    const response = await app.inject('/api/dead-letters');
    expect(response.json()).toMatchObject({ status, detail: 'because' });
  });

  it('leaves a bug of ours to the server', async () => {
    const { app, desk, bugs } = setUp();
    desk.failure = new TypeError('a bug');
    expect((await app.inject('/api/dead-letters')).statusCode).toBe(500);
    expect(bugs).toEqual([desk.failure]);
  });
});

describe('GET /api/dead-letters/:id', () => {
  it('shows the letter and its payload to who may read', async () => {
    const { app } = setUp();
    const open = (await app.inject('/api/dead-letters/a')).json<Record<string, unknown>>();
    expect(open).toMatchObject({ id: 'a', code: 'DECODE_INVALID', buriedAt: '2023-11-14T22:13:21.000Z' });
    expect(open).toMatchObject({ payload_b64: Buffer.from('{"secret":1}').toString('base64'), payloadCut: false });
    expect((await app.inject('/api/dead-letters/nobody')).json()).toMatchObject({ status: 404, title: 'Not Found' });
  });
});

describe.each(['replay', 'drop'])('POST /api/dead-letters/%s', (verb) => {
  it('does what is asked, and logs it', async () => {
    const { post, desk, logged } = setUp();
    const response = await post(verb, { code: ['NO_ROUTE'], limit: 5 });
    expect(response.statusCode).toBe(200);
    expect(response.json()).toMatchObject({ matched: 2, done: 2 });
    const rules = verb === 'replay' ? { maxReplays: 3, whole: false, rate: undefined } : {};
    expect(desk.asked).toEqual([[verb, { codes: ['NO_ROUTE'] }, { ...rules, limit: 5, signal: undefined }]]);
    expect(logged).toEqual([`dead letters: ${verb === 'replay' ? 'replayed' : 'dropped'}`]);
  });

  it('changes nothing in a dry run', async () => {
    const { post, desk } = setUp();
    expect((await post(verb, { all: true, dryRun: true })).json()).toMatchObject({
      matched: 3,
      ...(verb === 'replay' ? { plan: { letters: 3, routes: { r: 3 } } } : {}),
    });
    expect(desk.asked).toEqual([]);
  });

  it.each([
    ['no token set', undefined, `Bearer ${TOKEN}`, 403],
    ['no token sent', TOKEN, undefined, 401],
    ['a wrong token', TOKEN, 'Bearer a-token-of-24-characterz', 401],
    ['a longer token', TOKEN, `Bearer ${TOKEN}x`, 401],
    ['another scheme', TOKEN, `Basic ${TOKEN}`, 401],
    ['an empty token', TOKEN, 'Bearer ', 401],
  ])('refuses with %s', async (_, set, sent, status) => {
    const desk = new FakeDesk();
    const provider = fakeProvider();
    const plugins = [apiOf(set, deadLetters({ desk, planner: {} as LetterPlanner, now: () => NOW, log: () => {} }))];
    const app = buildHttp({ port: 0, status: provider, metrics: METRICS, plugins }, new RateSampler(provider));
    opened.push(app);
    const headers = sent === undefined ? {} : { authorization: sent };
    const response = await app.inject({ method: 'POST', url: `/api/dead-letters/${verb}`, payload: { all: true }, headers });
    expect(response.statusCode).toBe(status);
    expect(response.json<{ detail: string }>().detail).toContain('http.token');
    expect(response.headers['www-authenticate']).toBe(status === 401 ? 'Bearer realm="sluice"' : undefined);
    expect(desk.asked).toEqual([]);
  });

  it.each([{}, { colour: 'red' }, { all: 'yes' }, { code: [] }, { code: [7] }, { where: '' }, { all: true, limit: 1.5e9 }, { where: 'code ==' }, []])(
    'refuses %j',
    async (body) => {
      const { post, desk } = setUp();
      expect((await post(verb, body)).json()).toMatchObject({ status: 400, title: 'Bad Request' });
      expect(desk.asked).toEqual([]);
    },
  );
});
