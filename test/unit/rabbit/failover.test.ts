import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import type { ChannelModel } from 'amqplib';
import { describe, expect, it } from 'vitest';
import type { GatewayEvent } from '../../../src/domain/events.ts';
import { AddressRound } from '../../../src/rabbit/address-round.ts';
import { Connection } from '../../../src/rabbit/connection.ts';
import type { dial } from '../../../src/rabbit/dial.ts';
import { Session, SessionError } from '../../../src/rabbit/session.ts';
import { seededRandom, VirtualTime } from '../../support/sim/virtual-time.ts';

const NAMES = ['a', 'b', 'c'] as const;
const URLS = NAMES.map((name) => `amqp://user:hush-${name}@${name}/plant`);

/** What a node does with a connection: takes it and keeps it, takes it and closes it after so many ms, or refuses it so. */
type Node = 'up' | number | Error;

const REFUSED = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
const UNKNOWN = Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' });
const SILENT = new Error('amqp://user@a/plant: no answer within 10000 ms');
/** As amqplib tells it: the node answers, and does not open the virtual host. */
const NO_VHOST = new Error('Expected ConnectionOpenOk; got <ConnectionClose channel:0>');

/** A cluster in virtual time, and a session to it. */
class Bench {
  readonly time = new VirtualTime(seededRandom(1));
  readonly nodes: Record<string, Node>;
  readonly attempts: { readonly at: number; readonly host: string }[] = [];
  readonly events: GatewayEvent[] = [];
  readonly session: Session;
  private readonly open = new Map<string, EventEmitter>();

  constructor(nodes: Record<string, Node>, urls: readonly string[] = URLS, failFast = false) {
    this.nodes = nodes;
    this.session = new Session({
      name: 'consume',
      urls,
      heartbeatSeconds: 5,
      connectTimeoutMs: 10_000,
      failFast,
      observer: (event) => void this.events.push(event),
      scheduler: this.time,
      dial: this.dial,
    });
  }

  get hosts(): string[] {
    return this.attempts.map(({ host }) => host);
  }

  start(): Promise<unknown> {
    return this.session.start(new AbortController().signal).catch((error: unknown) => error);
  }

  /** The node dies, or closes its connections. */
  lose(host: string): void {
    this.open.get(host)?.emit('close', new Error('CONNECTION_FORCED'));
  }

  private readonly dial: typeof dial = async (url, epoch) => {
    const host = new URL(url).hostname;
    this.attempts.push({ at: this.time.monotonic(), host });
    const node = this.nodes[host] ?? 'up';
    if (node instanceof Error) throw node;
    const model = Object.assign(new EventEmitter(), { connection: { serverProperties: {}, stream: new PassThrough() } });
    this.open.set(host, model);
    if (typeof node === 'number') this.time.after(node, () => model.emit('close', new Error('CONNECTION_FORCED')));
    return await Promise.resolve(new Connection(model as unknown as ChannelModel, epoch, this.time));
  };
}

function of<T extends GatewayEvent['type']>(bench: Bench, type: T): Extract<GatewayEvent, { type: T }>[] {
  return bench.events.filter((event): event is Extract<GatewayEvent, { type: T }> => event.type === type);
}

describe('AddressRound', () => {
  it('gives each address a turn at once, and then pauses, longer each time', () => {
    const round = new AddressRound(3);
    const seen = Array.from({ length: 7 }, () => [round.index, round.next()]);
    expect(seen).toEqual([
      [0, 0],
      [1, 0],
      [2, 1],
      [0, 0],
      [1, 0],
      [2, 2],
      [0, 0],
    ]);
  });

  it('begins a new round behind a good connection, from the address after it', () => {
    const round = new AddressRound(3);
    for (let i = 0; i < 4; i += 1) round.next();
    expect(round.index).toBe(1);
    round.proven();
    expect([round.next(), round.next(), round.next()]).toEqual([0, 0, 1]);
    expect(round.index).toBe(1);
  });

  it('pauses after each failure where there is one address', () => {
    const round = new AddressRound(1);
    expect([round.next(), round.next(), round.next()]).toEqual([1, 2, 3]);
    round.calm();
    expect(round.next()).toBe(1);
  });
});

describe('a session with several addresses', () => {
  it.each([
    ['refused', REFUSED],
    ['a name that does not resolve', UNKNOWN],
    ['silence until the connect timeout', SILENT],
    ['a node that does not open the virtual host', NO_VHOST],
  ])('goes on at once from %s, and says so without a secret', async (_, failure) => {
    const bench = new Bench({ a: failure, b: failure, c: 'up' });
    const started = bench.start();
    await bench.time.runUntil(0);
    await started;
    expect(bench.hosts).toEqual(['a', 'b', 'c']);
    expect(bench.session).toMatchObject({ state: 'ready', address: 'c:5672' });
    expect(of(bench, 'session-failover')).toMatchObject([
      { from: 'a:5672', to: 'b:5672' },
      { from: 'b:5672', to: 'c:5672' },
    ]);
    expect(of(bench, 'session-retry')).toEqual([]);
    expect(of(bench, 'session-state').at(-1)).toMatchObject({ state: 'ready', address: 'c:5672' });
    expect(JSON.stringify(bench.events)).not.toContain('hush');
  });

  it('leaves a node that it loses for the next one, in the same moment, and stays there', async () => {
    const bench = new Bench({});
    await Promise.all([bench.start(), bench.time.runUntil(60_000)]);
    bench.nodes['a'] = REFUSED;
    bench.lose('a');
    await bench.time.runUntil(60_000);
    expect(bench.attempts.at(-1)).toEqual({ at: 60_000, host: 'b' });
    bench.nodes['a'] = 'up';
    await bench.time.runUntil(600_000);
    expect(bench.session.address).toBe('b:5672');
    // And round the end of the list.
    bench.lose('b');
    await bench.time.runUntil(1_200_000);
    bench.lose('c');
    await bench.time.runUntil(1_200_001);
    expect(bench.hosts).toEqual(['a', 'b', 'c', 'a']);
    expect(of(bench, 'session-retry')).toEqual([]);
  });

  it('pauses once in a round while nobody answers, with the usual back-off', async () => {
    const bench = new Bench({ a: REFUSED, b: UNKNOWN, c: SILENT });
    void bench.start();
    await bench.time.runUntil(60_000);
    const retries = of(bench, 'session-retry');
    expect(bench.attempts).toHaveLength(3 * retries.length);
    expect(bench.hosts.slice(0, 6)).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
    expect(retries.map(({ attempt }) => attempt)).toEqual(retries.map((_, i) => i + 1));
    expect(Math.max(...retries.map(({ delayMs }) => delayMs))).toBeGreaterThan(2000);
    expect(retries[0]).toMatchObject({ address: 'a:5672', reason: expect.stringMatching(/ECONNREFUSED.*ENOTFOUND.*no answer/) as string });
  });

  // Nodes that take connections and end them at once are the way to a storm.
  it('makes no storm of connections that are lost at once', async () => {
    const bench = new Bench({ a: 0, b: 1, c: 5 });
    void bench.start();
    await bench.time.runUntil(60_000);
    const retries = of(bench, 'session-retry');
    // 100 ms doubled up to 10 s, on average half of it: some 15 rounds in a minute, not thousands.
    expect(retries.length).toBeLessThan(40);
    expect(bench.attempts.length).toBeLessThanOrEqual(3 * (retries.length + 1));
    expect(retries.at(-1)?.attempt).toBe(retries.length);
  });

  it('gives up at the start when all of them refuse for good, and not while one may mend itself', async () => {
    const bad = new Bench({ a: NO_VHOST, b: NO_VHOST, c: NO_VHOST }, URLS, true);
    const [failed] = await Promise.all([bad.start(), bad.time.runUntil(0)]);
    expect(failed).toBeInstanceOf(SessionError);
    expect(bad.hosts).toEqual(['a', 'b', 'c']);
    expect(bad.session).toMatchObject({ state: 'closed', address: undefined });
    const hopeful = new Bench({ a: NO_VHOST, b: REFUSED, c: NO_VHOST }, URLS, true);
    void hopeful.start();
    await hopeful.time.runUntil(0);
    expect(hopeful.session.state).toBe('connecting');
    hopeful.nodes['b'] = 'up';
    await hopeful.time.runUntil(1000);
    expect(hopeful.session).toMatchObject({ state: 'ready', address: 'b:5672' });
  });

  it('has the pauses of one address where there is one', async () => {
    const bench = new Bench({ a: REFUSED }, URLS.slice(0, 1));
    void bench.start();
    await bench.time.runUntil(10_000);
    expect(of(bench, 'session-failover')).toEqual([]);
    expect(of(bench, 'session-retry')).toHaveLength(bench.attempts.length);
  });
});
