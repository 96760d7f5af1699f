import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Pump } from './pump.ts';
import { type Direction, effectOf, type Toxic } from './toxics.ts';

export type { Direction, Toxic } from './toxics.ts';

export interface ProxyOptions {
  /** Port to listen on; default any. Give one below the ephemeral range where `down` is used: a client that retries a free loopback port of that range can connect to itself. */
  readonly listen?: number;
  /** Chance of jitter and slices; default `Math.random`. */
  readonly random?: () => number;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  readonly pumps: Readonly<Record<Direction, Pump>>;
  readonly timers: Set<NodeJS.Timeout>;
}

interface Active {
  readonly toxic: Toxic;
  readonly directions: readonly Direction[];
}

const DIRECTIONS: readonly Direction[] = ['up', 'down'];

/** A TCP proxy on 127.0.0.1 that makes the network failures which clients of a broker meet. */
export class TcpProxy {
  private readonly target: { readonly host: string; readonly port: number };
  private readonly random: () => number;
  private readonly pairs = new Set<Pair>();
  private readonly active = new Set<Active>();
  private listener: Server | undefined;
  private listening = 0;

  private constructor(target: { host: string; port: number }, random: () => number) {
    this.target = target;
    this.random = random;
  }

  static async start(host: string, port: number, options: ProxyOptions = {}): Promise<TcpProxy> {
    const proxy = new TcpProxy({ host, port }, options.random ?? Math.random);
    await proxy.listen(options.listen ?? 0);
    return proxy;
  }

  /** In front of what a URL leads to. */
  static async before(url: string, defaultPort: number): Promise<TcpProxy> {
    const { hostname, port } = new URL(url);
    return await TcpProxy.start(hostname.replaceAll(/^\[|\]$/g, ''), port === '' ? defaultPort : Number(port));
  }

  get port(): number {
    return this.listening;
  }

  /** Connections through it now. */
  get connections(): number {
    return this.pairs.size;
  }

  /** `url` with host and port of the proxy. */
  via(url: string): string {
    const through = new URL(url);
    through.hostname = '127.0.0.1';
    through.port = String(this.port);
    return through.href;
  }

  /** For connections that are there and for those that come. Answers how to take it away again. */
  add(toxic: Toxic, direction: Direction | 'both' = 'both'): () => void {
    const one: Active = { toxic, directions: direction === 'both' ? DIRECTIONS : [direction] };
    this.active.add(one);
    for (const pair of this.pairs) {
      this.apply(pair);
      this.arm(pair, toxic);
    }
    return () => {
      if (!this.active.delete(one)) return;
      // Bytes are missing in these streams: nobody could go on with them.
      if (toxic.type === 'timeout') this.cut();
      else for (const pair of this.pairs) this.apply(pair);
    };
  }

  /** Takes all toxics away. */
  clear(): void {
    const dropped = [...this.active].some(({ toxic }) => toxic.type === 'timeout');
    this.active.clear();
    if (dropped) this.cut();
    else for (const pair of this.pairs) this.apply(pair);
  }

  /** Passes nothing on until `resume`; bytes are kept. */
  pause(direction: Direction | 'both' = 'both'): void {
    this.add({ type: 'stall' }, direction);
  }

  /** Takes all stalls away. */
  resume(): void {
    for (const one of this.active) if (one.toxic.type === 'stall') this.active.delete(one);
    for (const pair of this.pairs) this.apply(pair);
  }

  /** Resets every connection (RST, not FIN). New ones are let in. */
  cut(): void {
    for (const pair of this.pairs) this.end(pair, true);
  }

  /** FIN in one direction of every connection; the other one goes on. */
  halfClose(direction: Direction): void {
    for (const { pumps } of this.pairs) pumps[direction].finish();
  }

  /** Refuses connections, as when nothing listens there, and resets those that are there. */
  async down(): Promise<void> {
    const { listener } = this;
    this.listener = undefined;
    const closed = new Promise<void>((resolve) => (listener === undefined ? resolve() : listener.close(() => resolve())));
    this.cut();
    await closed;
  }

  /** Listens again on the same port. */
  async up(): Promise<void> {
    if (this.listener === undefined) await this.listen(this.listening);
  }

  async close(): Promise<void> {
    this.active.clear();
    await this.down();
  }

  private async listen(port: number): Promise<void> {
    const listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.join(client));
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject);
      listener.listen(port, '127.0.0.1', resolve);
    });
    this.listening = (listener.address() as AddressInfo).port;
    this.listener = listener;
  }

  private join(client: Socket): void {
    const server = connect({ ...this.target, allowHalfOpen: true, noDelay: true });
    const limited = (reset: boolean): void => this.end(pair, reset);
    const pump = (from: Socket, to: Socket, direction: Direction): Pump => new Pump(from, to, effectOf(this.toxicsOf(direction)), this.random, limited);
    const pair: Pair = { client, server, pumps: { up: pump(client, server, 'up'), down: pump(server, client, 'down') }, timers: new Set() };
    this.pairs.add(pair);
    for (const socket of [client, server]) {
      socket.on('error', () => this.end(pair, true));
      // Closed in good order: what is held for the other side still goes out, and then that one closes too.
      socket.on('close', (failed) => {
        if (failed || !socket.readableEnded || (client.closed && server.closed)) this.end(pair, failed);
      });
    }
    for (const { toxic } of this.active) this.arm(pair, toxic);
  }

  private toxicsOf(direction: Direction): Toxic[] {
    return [...this.active].filter(({ directions }) => directions.includes(direction)).map(({ toxic }) => toxic);
  }

  private apply({ pumps }: Pair): void {
    for (const direction of DIRECTIONS) pumps[direction].change(effectOf(this.toxicsOf(direction)));
  }

  /** Toxics that end a connection after a time. */
  private arm(pair: Pair, toxic: Toxic): void {
    const reset = toxic.type === 'resetPeer';
    if (!reset && !(toxic.type === 'timeout' && toxic.afterMs > 0)) return;
    const still = (): boolean => [...this.active].some((one) => one.toxic === toxic);
    pair.timers.add(setTimeout(() => still() && this.end(pair, reset), toxic.afterMs));
  }

  private end(pair: Pair, reset: boolean): void {
    if (!this.pairs.delete(pair)) return;
    for (const timer of pair.timers) clearTimeout(timer);
    for (const direction of DIRECTIONS) pair.pumps[direction].stop();
    for (const socket of [pair.client, pair.server]) {
      if (reset) socket.resetAndDestroy();
      else socket.destroySoon();
    }
  }
}
