import { afterEach, describe, expect, it } from 'vitest';
import type { ReloadReport } from '../../../src/http/ports.ts';
import { RateSampler } from '../../../src/http/rates.ts';
import { api } from '../../../src/http/api.ts';
import { reload } from '../../../src/http/reload.ts';
import { buildHttp } from '../../../src/http/server.ts';
import { EventStreams } from '../../../src/http/sse.ts';
import { fakeProvider, METRICS } from './fake-provider.ts';

const TOKEN = 'a-token-of-24-characters';
const APPLIED: ReloadReport = {
  ok: true,
  outcome: 'applied',
  at: 1,
  version: 'v2',
  problems: [],
  warnings: [],
  changes: ['limits.depth'],
  trial: { messages: 1, same: 1, changes: [] },
};

const opened: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

function setUp(report: ReloadReport = APPLIED, token: string | undefined = TOKEN) {
  const asked: boolean[] = [];
  const provider = fakeProvider();
  const plugin = reload(async (dryRun) => {
    asked.push(dryRun);
    return await Promise.resolve(report);
  });
  const streams = new EventStreams(() => 0);
  const app = buildHttp(
    { port: 0, status: provider, metrics: METRICS, plugins: [api({ host: '127.0.0.1', token, streams, plugins: [plugin] })] },
    new RateSampler(provider),
  );
  opened.push(app);
  const post = async (payload: object | undefined, authorization: string | undefined = `Bearer ${TOKEN}`) =>
    await app.inject({
      method: 'POST',
      url: '/config/reload',
      ...(payload === undefined ? {} : { payload }),
      headers: authorization === '' ? {} : { authorization },
    });
  return { post, asked };
}

describe('POST /config/reload', () => {
  it('reloads, or tries, for who has the token', async () => {
    const { post, asked } = setUp();
    const response = await post(undefined);
    expect([response.statusCode, response.json()]).toEqual([200, APPLIED]);
    expect((await post({ dryRun: true })).statusCode).toBe(200);
    expect(asked).toEqual([false, true]);
  });

  it('is for nobody else', async () => {
    const { post, asked } = setUp();
    const without = await post(undefined, '');
    expect([without.statusCode, without.headers['www-authenticate'], without.headers['content-type']]).toEqual([
      401,
      'Bearer realm="sluice"',
      'application/problem+json; charset=utf-8',
    ]);
    expect((await post(undefined, 'Bearer another-token-of-24-char')).statusCode).toBe(401);
    expect(asked).toEqual([]);
  });

  it('answers a refusal with what is wrong and where', async () => {
    const problems = [{ file: 'sluice.yaml', line: 5, column: 3, path: 'routes[0].when', message: 'no such name', severity: 'error' as const }];
    const response = await setUp({ ...APPLIED, ok: false, outcome: 'refused', version: 'v1', problems, trial: undefined }).post(undefined);
    expect(response.statusCode).toBe(422);
    expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(response.json()).toMatchObject({ status: 422, title: 'Unprocessable Content', outcome: 'refused', version: 'v1', problems });
  });

  it('does not guess what a body means', async () => {
    const { post, asked } = setUp();
    for (const [body, detail] of [
      [{ dryrun: true }, /unknown: dryrun; there are dryRun/],
      [{ dryRun: 'yes' }, /dryRun must be true or false/],
      [[], /must be a JSON object/],
    ] as const) {
      const response = await post(body);
      expect(response.statusCode).toBe(400);
      expect(response.json()).toMatchObject({ detail: expect.stringMatching(detail) as string });
    }
    expect(asked).toEqual([]);
  });
});
