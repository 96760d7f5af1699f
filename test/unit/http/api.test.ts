import { afterEach, describe, expect, it } from 'vitest';
import { encodePayload } from '../../../devices/formats/sparkplug-writer.ts';
import { encodeReading } from '../../../src/codec/reading.ts';
import type { Reading } from '../../../src/domain/reading.ts';
import { message, reading } from '../pipeline/fixtures.ts';
import { type GatewayApi, gatewayApi, noBugs, TOKEN } from './gateway-api.ts';

const opened: GatewayApi[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) {
    await one.app.close();
    noBugs(one);
  }
});

function setUp(options: Parameters<typeof gatewayApi>[0] = {}): GatewayApi {
  const made = gatewayApi(options);
  opened.push(made);
  return made;
}

function seen({ onlooker, clock }: GatewayApi, rest: Partial<Reading>, values: Parameters<typeof reading>[0] = { t: 1 }): void {
  const one = reading(values, { receivedAt: clock.wall, topic: `d/${rest.device ?? ''}`, ...rest });
  onlooker.saw(message(one.topic), { kind: 'readings', readings: [one] }, [], [Buffer.from(encodeReading(one))]);
}

interface Row {
  device: string;
  values: Record<string, unknown>;
}

const READS = ['/api/devices', '/api/devices/summary', '/api/devices/x', '/api/history', '/api/config', '/api/live', '/api/tap'];

describe('who may read', () => {
  it.each(READS)('%s: everybody on loopback, with or without a token set', async (url) => {
    for (const token of [undefined, TOKEN]) {
      const { app } = setUp(token === undefined ? {} : { token });
      const answer = await app.inject({ url, method: 'HEAD', headers: { authorization: 'Basic cHJveHk6eA==' } });
      expect([url, [200, 404].includes(answer.statusCode)]).toEqual([url, true]);
    }
  });

  it.each(READS)('%s: elsewhere who shows the token', async (url) => {
    const { app } = setUp({ host: '0.0.0.0', token: TOKEN });
    const get = async (authorization?: string): Promise<number> =>
      (await app.inject({ url, method: 'HEAD', ...(authorization === undefined ? {} : { headers: { authorization } }) })).statusCode;
    expect([await get(), await get('Bearer wrong'), await get(`Basic ${TOKEN}`)]).toEqual([401, 401, 401]);
    expect([200, 404]).toContain(await get(`Bearer ${TOKEN}`));
  });

  it('nobody elsewhere without a token, and the answer says what to set', async () => {
    const { app } = setUp({ host: '192.0.2.7' });
    const get = await app.inject('/api/devices');
    expect(get.json()).toMatchObject({ status: 403, title: 'Forbidden' });
    expect(get.json<{ detail: string }>().detail).toContain('http.token');
    expect(get.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect((await app.inject({ method: 'POST', url: '/api/explain', payload: { topic: 'd/1', payload: '{}' } })).statusCode).toBe(403);
    expect((await app.inject('/status')).statusCode).toBe(200);
  });

  it('a refusal says how to log in, before a body is looked at', async () => {
    const { app } = setUp({ host: '0.0.0.0', token: TOKEN });
    const answer = await app.inject({ method: 'POST', url: '/api/explain', payload: 'not json', headers: { 'content-type': 'application/json' } });
    expect([answer.statusCode, answer.headers['www-authenticate']]).toEqual([401, 'Bearer realm="sluice"']);
  });
});

describe('GET /api/devices', () => {
  function fleet(): GatewayApi {
    const made = setUp();
    for (const [i, device] of ['c', 'A', 'b', 'd'].entries()) {
      made.clock.wall += 1000;
      for (let n = 0; n <= i + 1; n += 1) {
        made.clock.wall += 100;
        seen(made, { device, profile: i % 2 === 0 ? 'even' : 'odd', flags: i === 2 ? ['late'] : undefined });
      }
    }
    made.clock.wall += 5000;
    for (let i = 0; i < 30; i += 1) {
      made.clock.wall += 1000;
      seen(made, { device: 'often' });
    }
    return made;
  }

  async function names({ app }: GatewayApi, query: string): Promise<string[]> {
    const answer = await app.inject(`/api/devices?${query}`);
    expect([query, answer.statusCode]).toEqual([query, 200]);
    return answer.json<{ devices: Row[] }>().devices.map(({ device }) => device);
  }

  it('lists with filters, order and pages', async () => {
    const made = fleet();
    expect(await names(made, '')).toEqual(['often', 'd', 'b', 'A', 'c']);
    expect(await names(made, 'sort=lastSeen&order=asc')).toEqual(['c', 'A', 'b', 'd', 'often']);
    expect(await names(made, 'sort=device')).toEqual(['A', 'b', 'c', 'd', 'often']);
    expect(await names(made, 'sort=messages')).toEqual(['often', 'd', 'b', 'A', 'c']);
    expect(await names(made, 'sort=rate&limit=1')).toEqual(['A']);
    expect(await names(made, 'sort=late&limit=2')).toEqual(['b', 'A']);
    expect(await names(made, 'sort=silent&limit=2&offset=1')).toEqual(['A', 'b']);
    expect(await names(made, 'search=D/A')).toEqual(['A']);
    expect(await names(made, 'profile=even&search=')).toEqual(['b', 'c']);
    expect(await names(made, 'flag=late')).toEqual(['b']);
    expect(await names(made, 'silent=false')).toEqual(['often']);
    expect(await names(made, 'silent=true&offset=5000')).toEqual([]);
    const page = (await made.app.inject('/api/devices?limit=2&offset=1&profile=odd')).json<object>();
    expect(page).toMatchObject({ total: 2, known: 5, forgotten: 0, offset: 1, limit: 2 });
  });

  it('the same beyond the pages that are picked as by sorting', async () => {
    const made = setUp();
    for (let i = 0; i < 300; i += 1) {
      made.clock.wall += (i * 7919) % 1000;
      seen(made, { device: `d${(i * 31) % 300}` });
    }
    for (const sort of ['lastSeen', 'device', 'rate', 'silent']) {
      expect(await names(made, `sort=${sort}&limit=50&offset=200`)).toEqual((await names(made, `sort=${sort}&limit=1000&offset=0`)).slice(200, 250));
      // Beyond 2000 all are sorted.
      expect(await names(made, `sort=${sort}&limit=1000&offset=1500`)).toEqual([]);
    }
  });

  it.each(['colour=red', 'limit=0', 'limit=1001', 'sort=size', 'order=up', 'silent=maybe', 'flag=red', 'sort=late&sort=rate'])('refuses ?%s', async (query) => {
    const { app } = setUp();
    expect((await app.inject(`/api/devices?${query}`)).json()).toMatchObject({ status: 400, title: 'Bad Request' });
  });

  it('shows a device whole, with exact numbers, whatever its name', async () => {
    const made = setUp();
    const device = 'a/"b" }\u001b,"values":{';
    for (let i = 0; i < 3; i += 1) {
      seen(
        made,
        { device, topic: `d/${i}`, units: { n: 'V' }, flags: ['bom'], tags: { 'a"b': '},"units":{"x":"y"}' } },
        { n: i + 0.5, big: 2n ** 70n, text: '},"units":{"x":"\\"}' },
      );
      made.clock.wall += 6000;
    }
    const answer = await made.app.inject(`/api/devices/${encodeURIComponent(device)}`);
    expect(answer.body).toContain('"big":1180591620717411303424');
    expect(answer.body).not.toContain('\u001b');
    expect(answer.json()).toMatchObject({
      device,
      profile: 'p',
      topic: 'd/2',
      topics: ['d/0', 'd/1', 'd/2'],
      firstSeenAt: made.clock.wall - 18_000,
      lastSeenAt: made.clock.wall - 6000,
      intervalMs: 6000,
      silentForMs: 6000,
      silent: false,
      readings: 3,
      refused: 0,
      late: 0,
      flags: { bom: 3 },
      lastFlags: ['bom'],
      values: { n: 2.5, text: '},"units":{"x":"\\"}' },
      units: { n: 'V' },
      spark: { name: 'n', values: [0.5, 1.5, 2.5] },
      history: { names: ['n'], at: [-18, -12, -6].map((s) => made.clock.wall + s * 1000), values: [[0.5, 1.5, 2.5]] },
      cut: false,
      lastReading: { device, topic: 'd/2', values: { n: 2.5 } },
    });
    const listed = (await made.app.inject('/api/devices')).json<{ devices: Row[] }>().devices[0];
    expect(listed).toMatchObject({ device, values: { n: 2.5 } });
    expect(listed).not.toHaveProperty('history');
  });

  it.each(['__proto__', 'constructor', '%', 'é€😀', 'x'.repeat(255), '😀'.repeat(127)])('finds %j by its name', async (device) => {
    const made = setUp();
    const { app } = made;
    expect((await app.inject(`/api/devices/${encodeURIComponent(device)}`)).json()).toMatchObject({ status: 404, title: 'Not Found' });
    seen(made, { device });
    expect((await app.inject(`/api/devices/${encodeURIComponent(device)}`)).json()).toMatchObject({ device });
  });

  it('sums up', async () => {
    const made = fleet();
    const answer = (await made.app.inject('/api/devices/summary')).json<object>();
    expect(answer).toMatchObject({
      known: 5,
      silent: 4,
      late: 1,
      byProfile: { even: 2, odd: 2, p: 1 },
      byFlag: { late: 1 },
      top: { silent: [{ device: 'c', silentForMs: 39_200 }, { device: 'A' }, { device: 'b' }, { device: 'd' }], late: [{ device: 'b', late: 4 }], refused: [] },
    });
  });
});

describe('POST /api/explain', () => {
  async function ask({ app }: GatewayApi, payload: object): Promise<{ status: number; body: Record<string, unknown> }> {
    const answer = await app.inject({ method: 'POST', url: '/api/explain', payload });
    return { status: answer.statusCode, body: answer.json() };
  }

  it('says what would become of a message, without a token', async () => {
    const made = setUp({ token: TOKEN });
    const { status, body } = await ask(made, { topic: 'd/one', payload: '{"t":1.5,"big":1180591620717411303424}' });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      profile: 'p',
      outcome: 'readings',
      fault: null,
      reason: null,
      readings: [{ device: 'one', values: { t: 1.5 }, routes: [{ route: 'readings', action: 'publish', exchange: 'out' }], fault: null }],
    });
    expect(body['text']).toMatch(/profile +p\n[^]*value +t = 1.5\n[^]*route +rule "readings" to exchange out/);
    expect((await ask(made, { topic: 'd/one', payload_b64: Buffer.from('{"t":1}').toString('base64') })).body).toMatchObject({ outcome: 'readings' });
    expect((await ask(made, { topic: 'd/one', payload: 'x' })).body).toMatchObject({
      outcome: 'dead-lettered',
      fault: { code: 'DECODE_INVALID' },
      readings: [],
    });
    expect((await ask(made, { topic: 'd/one', payload: '' })).body).toMatchObject({ outcome: 'filtered', reason: 'empty' });
    expect((await ask(made, { topic: 'nobody', payload: '{}' })).body).toMatchObject({
      outcome: 'dead-lettered',
      fault: { code: 'NO_PROFILE' },
      profile: null,
    });
    expect(made.registry.size).toBe(0);
  });

  it.each([
    {},
    { topic: 'x' },
    { topic: 'x', payload: '', payload_b64: '' },
    { topic: 'x', payload: 1 },
    { topic: 'x', payload_b64: '*' },
    { payload: '' },
    { topic: 'x', payload: '', colour: 1 },
  ])('refuses %j', async (payload) => {
    expect(await ask(setUp(), payload)).toMatchObject({ status: 400, body: { title: 'Bad Request' } });
  });

  it('takes the longest payload of the default limits', async () => {
    const { body } = await ask(setUp(), { topic: 'd/one', payload: `{"t":"${'x'.repeat(1_048_000)}"}` });
    expect(body).toMatchObject({ outcome: 'readings', readings: [{ cut: true }] });
  });

  it('teaches codecs with a memory nothing, from one question to the next', async () => {
    const made = setUp();
    const time = 1_700_000_000_000;
    const birth = encodePayload({ time, seq: 0, metrics: [{ name: 'm', alias: 1, type: 'Int32', value: 5, time }] }).toString('base64');
    const data = encodePayload({ time, seq: 1, metrics: [{ alias: 1, value: 7, type: 'Int32', time }] }).toString('base64');
    for (let i = 0; i < 2; i += 1) {
      const born = (await ask(made, { topic: 'spBv1.0/g/NBIRTH/n', payload_b64: birth })).body;
      expect(born).toMatchObject({ outcome: 'readings' });
      expect((await ask(made, { topic: 'spBv1.0/g/NDATA/n', payload_b64: data })).body).toMatchObject({ fault: { code: 'SPARKPLUG_NO_BIRTH' } });
    }
  });

  it('follows the settings in force', async () => {
    const made = setUp();
    made.explainer.use({ profiles: [], limits: { messageBytes: 100, depth: 3, fields: 10, readingsPerMessage: 3 }, routes: [] });
    expect((await ask(made, { topic: 'd/one', payload: '{}' })).body).toMatchObject({ fault: { code: 'NO_PROFILE' } });
  });
});

describe('GET /api/config', () => {
  it('shows the settings in force and their warnings', async () => {
    const answer = await setUp().app.inject('/api/config');
    expect(answer.json()).toMatchObject({
      version: 'abc123',
      loadedAt: 1,
      file: 'sluice.yaml',
      warnings: [{ severity: 'warning', line: 3 }],
      reload: { ok: true },
    });
  });
});

describe('other methods', () => {
  it.each(READS.filter((url) => url !== '/api/devices/x'))('POST %s is refused', async (url) => {
    expect((await setUp({ token: TOKEN }).app.inject({ method: 'POST', url, headers: { authorization: `Bearer ${TOKEN}` } })).statusCode).toBe(405);
  });
});
