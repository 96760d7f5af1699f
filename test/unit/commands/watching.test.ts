import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { encodeReading } from '../../../src/codec/reading.ts';
import { CommandError } from '../../../src/commands/command.ts';
import { tap } from '../../../src/commands/tap.ts';
import { top } from '../../../src/commands/top.ts';
import type { WatchStreams } from '../../../src/commands/watch.ts';
import { fault } from '../../../src/domain/fault.ts';
import { Router } from '../../../src/pipeline/router.ts';
import { type GatewayApi, gatewayApi, TOKEN } from '../http/gateway-api.ts';
import { message, publishTo, reading, rule } from '../pipeline/fixtures.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function listening(options: Parameters<typeof gatewayApi>[0] = {}): Promise<GatewayApi & { url: string }> {
  const made = gatewayApi(options);
  closing.push(async () => await made.app.close());
  return { ...made, url: await made.app.listen({ port: 0, host: '127.0.0.1' }) };
}

function streams(terminal?: WatchStreams['terminal']) {
  const state = { out: '', err: '' };
  const to: WatchStreams = { out: async (text) => ((state.out += text), true), terminal };
  return { state, to, err: (text: string) => void (state.err += text) };
}

const TERMINAL = { colours: true, columns: 80, rows: 24 };

/** Something passes again and again, until the command has ended. */
async function whilePassing<T>(made: GatewayApi, what: readonly ((made: GatewayApi) => void)[], command: Promise<T>): Promise<T> {
  const timer = setInterval(() => {
    if (made.hub.size > 0) for (const one of what) one(made);
  }, 20);
  try {
    return await command;
  } finally {
    clearInterval(timer);
  }
}

const ROUTER = new Router([rule('readings', publishTo('out'), { when: 'values.t > 0.0' })], () => {});
const EVIL = 'thermo\u001b[2J\u202e';
const good = ({ onlooker }: GatewayApi): void => {
  const one = reading({ t: 21.5, big: 2n ** 70n, text: 'a\u009b' }, { device: EVIL, flags: ['late'], units: { t: 'Cel' } });
  onlooker.saw(
    { ...message('d/x'), body: Buffer.from('{"t":21.5}') },
    { kind: 'readings', readings: [one] },
    [ROUTER.route(one)],
    [Buffer.from(encodeReading(one))],
  );
};
const unrouted = ({ onlooker }: GatewayApi): void => {
  const one = reading({ t: -1 });
  onlooker.saw(message('d/y'), { kind: 'readings', readings: [one] }, [ROUTER.route(one)], []);
};
const refused = ({ onlooker }: GatewayApi): void =>
  onlooker.saw({ ...message('d/z\u001b'), body: Buffer.from([0xff, 0x1b]) }, { kind: 'fault', fault: fault('DECODE_INVALID', 'not \u001b JSON') }, [], []);

const ESC = String.fromCodePoint(27);
const COLOUR = new RegExp(`${ESC}\\[\\d+m`, 'g');
const DRAWN = new RegExp(`${ESC}\\[(\\d+m|K|J)`, 'g');
const STEERS = /[\p{Cc}\u202a-\u202e]/gu;

/** No escape but those of our own colours, and nothing that turns the direction of text. */
function unsafe(text: string): string[] {
  return text.replaceAll(COLOUR, '').replaceAll('\n', '').match(STEERS) ?? [];
}

async function failure(work: Promise<unknown>): Promise<CommandError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof CommandError)) throw new Error(`no CommandError but ${String(error)}`);
  return error;
}

describe('sluice tap', () => {
  it('prints messages, what became of them, and their ways; nothing in it steers a terminal', async () => {
    const made = await listening();
    const { state, to, err } = streams(TERMINAL);
    expect(await whilePassing(made, [good, unrouted, refused], tap(['--url', made.url, '--count', '3'], {}, to, err))).toBe(0);
    const text = state.out.replaceAll(COLOUR, '');
    expect(text).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} {2}d\/x {2}10 B {2}p {2}1 reading\n {2}thermo\\u001b\[2J\\u202e {2}t=21.5 Cel big=1180591620717411303424 text="a\\u009b" {2}late {2}-> readings \(out k\)$/m,
    );
    expect(text).toMatch(/^ {4}NO_ROUTE: no route takes/m);
    expect(text).toMatch(/^ {2}DECODE_INVALID: not \\u001b JSON\n {2}payload \/xs= \(base64\)$/m);
    expect(unsafe(state.out)).toEqual([]);
    expect(state.out).toContain('\u001b[31m');
  });

  it('has no colours elsewhere', async () => {
    const made = await listening();
    const { state, to, err } = streams();
    await whilePassing(made, [refused], tap(['--url', made.url, '--count', '1'], {}, to, err));
    expect(state.out).not.toContain('\u001b');
  });

  it('filters, and says what was left out', async () => {
    const made = await listening();
    const { state, to, err } = streams();
    const pass = ({ clock }: GatewayApi): void => void (clock.monotonic += 20);
    await whilePassing(
      made,
      [good, refused, refused, pass],
      tap(['--url', made.url, '--outcome', 'dead-lettered', '--rate', '1', '--count', '3'], {}, to, err),
    );
    expect(state.out).not.toContain('reading');
    expect(state.err).toMatch(/^sluice tap: \d+ more messages were left out; a filter, or a higher --rate, shows others$/m);
  });

  it('explains, as text and as JSON', async () => {
    const made = await listening();
    const text = streams();
    await whilePassing(made, [good], tap(['--url', made.url, '--explain', '--count', '1'], {}, text.to, text.err));
    expect(text.state.out).toMatch(/^ {4}profile {3}p$/m);
    expect(text.state.out).toMatch(/^ {4}route {5}rule "readings" to exchange out/m);
    const json = streams();
    await whilePassing(made, [good], tap(['--url', made.url, '--explain', '--json', '--count', '2'], {}, json.to, json.err));
    const lines = json.state.out.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain('"big":1180591620717411303424');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ topic: 'd/x', explain: expect.stringContaining('template') as string });
    expect(unsafe(json.state.out)).toEqual([]);
  });
});

describe('sluice top', () => {
  it('prints a line a second where there is no terminal', async () => {
    const made = await listening();
    good(made);
    made.provider.componentList = [{ name: 'source', phase: 'degraded', reason: 'a \u001b[2J reason', since: 0 }];
    const { state, to } = streams();
    expect(await top(['--url', made.url, '--seconds', '3'], {}, to)).toBe(0);
    const lines = state.out.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThanOrEqual(2);
    for (const line of lines)
      expect(line).toMatch(
        /^\d{4}-.*Z {2}NOT READY {2}in 0\/s {2}out 0\/s {2}dead 0\/s {2}p99 - .* devices 1 \(\d silent\) {2}source is degraded: a \\u001b\[2J reason$/,
      );
  });

  it('draws a screen that fits, and leaves the terminal as it was', async () => {
    const made = await listening();
    good(made);
    made.clock.wall += 100_000;
    const { state, to } = streams({ ...TERMINAL, columns: 40, rows: 12 });
    await top(['--url', made.url, '--seconds', '2'], {}, to);
    expect(state.out.startsWith('\u001b[?1049h\u001b[?25l\u001b[H')).toBe(true);
    expect(state.out.endsWith('\u001b[?25h\u001b[?1049l')).toBe(true);
    const screen = (state.out.split('\u001b[H')[1] ?? '').replaceAll(DRAWN, '');
    const lines = screen.split('\n');
    expect(lines.length).toBeLessThanOrEqual(12);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(40);
    expect(screen).toContain('ROUTE');
  });

  it('prints one JSON object a second', async () => {
    const made = await listening();
    good(made);
    const { state, to } = streams(TERMINAL);
    await top(['--url', made.url, '--seconds', '2', '--json'], {}, to);
    const [line = ''] = state.out.split('\n');
    expect(JSON.parse(line)).toMatchObject({ ready: true, rates: { received: 0 }, devices: { known: 1 } });
  });
});

describe.each([
  ['tap', async (argv: readonly string[], env?: NodeJS.ProcessEnv) => await tap(argv, env ?? {}, streams().to, () => {})],
  ['top', async (argv: readonly string[], env?: NodeJS.ProcessEnv) => await top(argv, env ?? {}, streams().to)],
] as const)('sluice %s says', (verb, run) => {
  it('that no gateway is there', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const error = await failure(run(['--url', `http://127.0.0.1:${port}`]));
    expect([error.exitCode, error.message]).toEqual([
      4,
      expect.stringMatching(new RegExp(`^${verb}: no gateway answers at http://127.0.0.1:${port} \\(connection refused\\).*--url$`)),
    ]);
  });

  it('that something else is there', async () => {
    const server = createServer((_request, response) => response.end('<html>'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(async () => await new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))));
    const error = await failure(run(['--url', `http://127.0.0.1:${(server.address() as AddressInfo).port}`]));
    expect([error.exitCode, error.message]).toEqual([4, expect.stringContaining('is not a gateway')]);
  });

  it('that it wants a token, takes the right one, and never shows one', async () => {
    const { url } = await listening({ host: '0.0.0.0', token: TOKEN });
    for (const argv of [[], ['--token', 'wrong-token-of-the-user']]) {
      const error = await failure(run(['--url', url, ...argv]));
      expect([error.exitCode, error.message]).toEqual([4, expect.stringMatching(/wants a token.*--token or SLUICE_HTTP_TOKEN/)]);
      expect(error.message).not.toContain('wrong-token');
    }
    expect(await run(['--url', url, '--seconds', '1'], { SLUICE_HTTP_TOKEN: TOKEN })).toBe(0);
  });

  it('that the gateway has none', async () => {
    const { url } = await listening({ host: '0.0.0.0' });
    expect((await failure(run(['--url', url]))).message).toContain('http.token');
  });

  it('what is wrong with the command line', async () => {
    for (const argv of [['--colour'], ['--seconds', '0'], ['--seconds', 'x'], ['--url', 'ftp://x'], ['--url', 'x'], ['more']]) {
      const error = await failure(run(argv));
      expect([argv, error.exitCode]).toEqual([argv, 2]);
      expect(error.message.startsWith(`${verb}: `)).toBe(true);
    }
  });

  it('that the gateway stops', async () => {
    const made = await listening();
    const ended = failure(run(['--url', made.url]));
    const end = Date.now() + 20_000;
    while (made.streams.size === 0 && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
    await made.app.close();
    expect((await ended).exitCode).toBe(4);
  });
});

it('sluice tap hands on what the gateway finds wrong with a filter', async () => {
  const { url } = await listening();
  const error = await failure(tap(['--url', url, '--topic', 'a/#/b'], {}, streams().to, () => {}));
  expect([error.exitCode, error.message]).toEqual([2, expect.stringContaining('a/#/b')]);
});
