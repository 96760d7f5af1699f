import { setTimeout as sleep } from 'node:timers/promises';
import { Histogram } from '../../../devices/histogram.ts';
import { LoadClient } from './load-client.ts';
import type { Credentials } from './packets.ts';

export interface LoadOptions {
  readonly host: string;
  readonly port: number;
  readonly credentials?: Credentials | undefined;
  readonly clients: number;
  /** Of the first client; default 0. Two loads that are told apart at the far end need numbers apart. */
  readonly firstClient?: number;
  /** Client ids are this and a number, topics this, a slash and a number. */
  readonly prefix: string;
  readonly topicsPerClient: number;
  /** Most messages of one client without an acknowledgement; at most 65,535. */
  readonly window: number;
  readonly payloadBytes: number;
  readonly keepAliveSeconds?: number;
  /** Clients from one loopback address, 127.0.0.1 first. Default: all. */
  readonly clientsPerAddress?: number;
}

/** What a stretch of load came to. */
export interface LoadResult {
  /** Acknowledged within the measured time. */
  readonly acked: number;
  readonly seconds: number;
  readonly perSecond: number;
  /** Milliseconds from when a message was due (open loop) or sent (closed loop) to its PUBACK. */
  readonly latency: { readonly p50: number; readonly p99: number; readonly max: number };
  /** CPU microseconds of the generator for one acknowledged message. */
  readonly generatorUs: number;
}

const CONNECT_MS = 60_000;
/** Log-ins under way at once. */
const LOGINS = 32;
/** Between two looks at what is due: fine enough for latencies of a millisecond. */
const TICK_MS = 1;
const now = (): number => performance.timeOrigin + performance.now();

/** Publishers of QoS 1 on raw sockets: as fast as their windows allow, or at a fixed rate. */
export class Load {
  private readonly clients: LoadClient[];
  private readonly troubles: string[] = [];
  private filling = false;
  /** Ends what is being measured before its time. */
  private readonly early: AbortController[] = [];

  private constructor(options: LoadOptions) {
    const { clients, firstClient = 0, prefix, topicsPerClient, window, payloadBytes, host, port, credentials, keepAliveSeconds = 60 } = options;
    const perAddress = options.clientsPerAddress ?? Number.POSITIVE_INFINITY;
    this.clients = Array.from(
      { length: clients },
      (_, i) =>
        new LoadClient({
          host,
          port,
          from: i < perAddress ? undefined : `127.0.0.${1 + Math.floor(i / perAddress)}`,
          credentials,
          keepAliveSeconds,
          clientId: `${prefix}-${firstClient + i}`,
          index: firstClient + i,
          topics: Array.from({ length: topicsPerClient }, (_v, t) => `${prefix}/${String(i).padStart(5, '0')}/${String(t).padStart(3, '0')}`),
          window,
          payloadBytes,
          onTrouble: (what) => this.trouble(what),
          onAcked: (client) => {
            if (this.filling) client.publish(Number.POSITIVE_INFINITY, now);
          },
        }),
    );
  }

  static async connect(options: LoadOptions): Promise<Load> {
    const load = new Load(options);
    const left = load.clients.values();
    const logIn = async (): Promise<void> => {
      for (const client of left) await client.connect(CONNECT_MS);
    };
    await Promise.all(Array.from({ length: LOGINS }, logIn));
    return load;
  }

  get published(): number {
    return this.clients.reduce((sum, { published }) => sum + published, 0);
  }

  get acked(): number {
    return this.clients.reduce((sum, { acked }) => sum + acked, 0);
  }

  /** Messages of each client, in their order. */
  get publishedEach(): number[] {
    return this.clients.map(({ published }) => published);
  }

  /** Each client sends as soon as its window has room. Measures after the warm-up; what is sent is not waited for. */
  async saturate(warmUpSeconds: number, seconds: number, began: () => void, ended: () => void): Promise<LoadResult> {
    this.filling = true;
    for (const client of this.clients) client.publish(Number.POSITIVE_INFINITY, now);
    const result = await this.measure(warmUpSeconds, seconds, began);
    this.filling = false;
    ended();
    return result;
  }

  /** So many messages a second in all, one of each client in turn, whatever becomes of those before. */
  async pace(perSecond: number, warmUpSeconds: number, seconds: number, began: () => void, ended: () => void): Promise<LoadResult> {
    const { clients } = this;
    const from = now();
    let issued = 0;
    let turn = 0;
    let running = true;
    const dueAt = (): number => from + (issued * 1000) / perSecond;
    const tick = (): void => {
      // Over: what is sent from here on is in no count of what is owed.
      if (!running) return;
      const at = now();
      // Who has no room is passed over; when nobody has any, what is due waits, and its latency counts from when it was due.
      for (let passed = 0; passed < clients.length && dueAt() <= at; ) {
        const client = clients[turn] as LoadClient;
        turn = turn + 1 === clients.length ? 0 : turn + 1;
        const due = dueAt();
        if (client.publish(1, () => due) === 0) passed += 1;
        else {
          issued += 1;
          passed = 0;
        }
      }
      setTimeout(tick, TICK_MS);
    };
    tick();
    const result = await this.measure(warmUpSeconds, seconds, began);
    running = false;
    ended();
    return result;
  }

  /** Waits until everything is acknowledged; answers how much is not by then. */
  async finish(deadlineMs: number): Promise<number> {
    const end = performance.now() + deadlineMs;
    while (this.acked < this.published && performance.now() < end && this.troubles.length === 0) await sleep(5);
    this.check();
    return this.published - this.acked;
  }

  /** Ends what is being measured now; its result is that of the time so far. */
  stop(): void {
    for (const early of this.early.splice(0)) early.abort();
  }

  /** Every client sends a PINGREQ, as one that idles does. */
  ping(): void {
    for (const client of this.clients) client.ping();
  }

  close(): void {
    for (const client of this.clients) client.close();
  }

  private async measure(warmUpSeconds: number, seconds: number, began: () => void): Promise<LoadResult> {
    await this.wait(warmUpSeconds);
    const histogram = new Histogram();
    for (const client of this.clients) client.histogram = histogram;
    const cpu = process.cpuUsage();
    const from = performance.now();
    const ackedBefore = this.acked;
    began();
    await this.wait(seconds);
    for (const client of this.clients) client.histogram = undefined;
    const acked = this.acked - ackedBefore;
    const measured = (performance.now() - from) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    this.check();
    return { acked, seconds: measured, perSecond: acked / measured, latency: histogram.summary(), generatorUs: (user + system) / Math.max(1, acked) };
  }

  private async wait(seconds: number): Promise<void> {
    const early = new AbortController();
    this.early.push(early);
    await sleep(seconds * 1000, undefined, { signal: early.signal }).catch(() => undefined);
    this.early.splice(0);
  }

  private trouble(what: string): void {
    this.troubles.push(what);
    this.filling = false;
    this.stop();
  }

  private check(): void {
    if (this.troubles.length > 0) throw new Error(`${this.troubles.length} connections failed, the first: ${this.troubles[0]}`);
  }
}
