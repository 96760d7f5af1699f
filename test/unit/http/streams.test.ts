import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { fault } from '../../../src/domain/fault.ts';
import { MOST_STREAMS } from '../../../src/http/sse.ts';
import { collectGarbage } from '../../support/collect.ts';
import { message } from '../pipeline/fixtures.ts';
import { type GatewayApi, gatewayApi, noBugs } from './gateway-api.ts';

const WAIT_MS = 20_000;
const opened: GatewayApi[] = [];
const aborts: AbortController[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const one of aborts.splice(0)) one.abort();
  for (const one of sockets.splice(0)) one.destroy();
  for (const one of opened.splice(0)) {
    await one.app.close();
    noBugs(one);
  }
});

async function until(what: string, holds: () => boolean): Promise<void> {
  const end = Date.now() + WAIT_MS;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function listening(options: Parameters<typeof gatewayApi>[0] = {}): Promise<GatewayApi & { url: string; port: number }> {
  const made = gatewayApi(options);
  opened.push(made);
  const url = await made.app.listen({ port: 0, host: '127.0.0.1' });
  return { ...made, url, port: Number(new URL(url).port) };
}

/** A stream that is read as it comes. */
async function follow(url: string) {
  const abort = new AbortController();
  aborts.push(abort);
  const response = await fetch(url, { signal: abort.signal });
  const state = { text: '', ended: false, cut: false };
  const read = async (): Promise<void> => {
    try {
      for await (const chunk of response.body ?? []) state.text += Buffer.from(chunk as Uint8Array).toString();
    } catch {
      state.cut = true;
    }
    state.ended = true;
  };
  void read();
  const events = (name: string): unknown[] =>
    [...state.text.matchAll(/event: (\w+)\ndata: (.*)\n\n/g)].filter((match) => match[1] === name).map((match) => JSON.parse(match[2] ?? '') as unknown);
  return { response, state, abort, events };
}

/** What is in memory and no garbage. */
function heldBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function refused({ onlooker }: GatewayApi, body = 'x'): void {
  onlooker.saw({ ...message('d/1'), body: Buffer.from(body) }, { kind: 'fault', fault: fault('DECODE_INVALID', 'no') }, [], []);
}

describe('GET /api/live', () => {
  it('tells at once, and then each second', async () => {
    const made = await listening();
    const { response, state, events } = await follow(`${made.url}/api/live`);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('cache-control')).toBe('no-store');
    await until('two events', () => events('live').length >= 2);
    expect(state.text.startsWith('retry: 2000\n\n')).toBe(true);
    expect(events('live')[0]).toMatchObject({ ready: true, reasons: [], lagMs: null, latencyMs: { gateway: null, device: null } });
  });
});

describe('GET /api/tap', () => {
  it('sends what passes, and says what it skips', async () => {
    const made = await listening();
    const { events } = await follow(`${made.url}/api/tap?rate=2&outcome=dead-lettered`);
    await until('the tap', () => made.hub.size === 1);
    for (let i = 0; i < 5; i += 1) refused(made);
    await until('the events', () => events('message').length === 2 && events('skipped').length === 1);
    expect(events('message')).toMatchObject([{ n: 1, outcome: 'dead-lettered', profile: 'p' }, { n: 2 }]);
    expect(events('skipped')).toEqual([{ count: 3 }]);
  });

  it.each(['topic=a/%23/b', 'outcome=lost', 'code=NOPE', 'rate=0', 'rate=201', 'colour=red'])('refuses ?%s', async (query) => {
    const { app } = gatewayApi();
    expect((await app.inject(`/api/tap?${query}`)).json()).toMatchObject({ status: 400 });
    await app.close();
  });

  it('a client that goes away leaves nothing behind', async () => {
    const made = await listening();
    const one = await follow(`${made.url}/api/tap`);
    const two = await follow(`${made.url}/api/tap`);
    await until('two taps', () => made.hub.size === 2 && made.streams.size === 2);
    one.abort.abort();
    await until('one tap', () => made.hub.size === 1 && made.streams.size === 1);
    two.abort.abort();
    await until('no tap', () => made.hub.size === 0 && made.streams.size === 0);
    expect(made.streams.size).toBe(0);
  });

  it('a client that does not read costs no memory, and delays nobody', async () => {
    const made = await listening();
    const slow = connect(made.port, '127.0.0.1');
    sockets.push(slow);
    await once(slow, 'connect');
    slow.pause();
    slow.write('GET /api/tap?rate=200 HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await until('the slow tap', () => made.hub.size === 1);
    const before = heldBytes();
    const big = 'x'.repeat(4096);
    // 40 s of the rate, 32 MB: more than the kernel takes.
    for (let second = 0; second < 40; second += 1) {
      made.clock.monotonic += 1000;
      for (let i = 0; i < 200; i += 1) refused(made, big);
      await new Promise((resolve) => setImmediate(resolve));
    }
    // 3 MB on Node.js 20, 4.5 on 24; 36 where the tap writes to whoever does not read.
    expect(heldBytes() - before).toBeLessThan(10_000_000);
    const { events } = await follow(`${made.url}/api/tap`);
    await until('the other tap', () => made.hub.size === 2);
    refused(made);
    await until('its event', () => events('message').length === 1);
    // What it did not take is counted, and it is told once it reads again.
    let text = '';
    slow.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    slow.resume();
    await until('the count', () => /event: skipped\ndata: \{"count":\d{3,}\}/.test(text));
  });
});

describe('streams', () => {
  it(`are ${MOST_STREAMS} at most`, async () => {
    const made = await listening();
    for (let i = 0; i < MOST_STREAMS; i += 1) await follow(`${made.url}/api/${i % 2 === 0 ? 'tap' : 'live'}`);
    const more = await fetch(`${made.url}/api/live`);
    expect([more.status, more.headers.get('retry-after'), more.headers.get('content-type')]).toEqual([503, '5', 'application/problem+json; charset=utf-8']);
    expect(await more.json()).toMatchObject({ status: 503, title: 'Service Unavailable' });
    expect((await fetch(`${made.url}/livez`)).status).toBe(200);
    (aborts[0] as AbortController).abort();
    await until('room', () => made.streams.size < MOST_STREAMS);
    expect((await follow(`${made.url}/api/live`)).response.status).toBe(200);
  });

  it('end with the server, in good order', async () => {
    const made = await listening();
    const one = await follow(`${made.url}/api/live`);
    const two = await follow(`${made.url}/api/tap`);
    await until('both', () => made.streams.size === 2);
    await made.app.close();
    await until('their end', () => one.state.ended && two.state.ended);
    expect([one.state.cut, two.state.cut, made.streams.size, made.hub.size]).toEqual([false, false, 0, 0]);
  });

  it('outlive the time-out of requests', async () => {
    const made = await listening({ requestTimeoutMs: 300 });
    const { state, events } = await follow(`${made.url}/api/live`);
    await until('three seconds of events', () => events('live').length >= 4);
    expect(state.ended).toBe(false);
  });

  it('answer HEAD without beginning one', async () => {
    const made = await listening();
    for (const path of ['/api/live', '/api/tap']) {
      const response = await fetch(`${made.url}${path}`, { method: 'HEAD' });
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    }
    expect([made.streams.size, made.hub.size]).toEqual([0, 0]);
  });
});
