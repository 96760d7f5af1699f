import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { type Channel, type ConsumeMessage, connect } from 'amqplib';
import type { LedgerContent } from '../../devices/ledger.ts';
import { Arrivals, type Verdict } from './arrivals.ts';

/** Where readings or dead letters come out. */
export interface Outlet {
  /** Name for reports: of the queue. */
  readonly name: string;
  readonly kind: 'readings' | 'dead-letters';
  /**
   * `take`: the queue itself is read, and emptied. `beside`: a queue of our own, exclusive to the auditor's connection and
   * gone with it, gets copies over these bindings; nothing is taken from anybody.
   */
  readonly read: 'take' | { readonly beside: readonly OutletBinding[] };
}

export interface OutletBinding {
  readonly exchange: string;
  readonly routingKey: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

interface Arrived {
  readonly topic: string;
  readonly receivedAt?: number;
  readonly values: Readonly<Record<string, unknown>>;
}

const PREFETCH = 200;
const CLOSE_MS = 2000;
const GIVE_UP_MS = 20_000;

/** Reads where readings and dead letters come out, through broker restarts, and holds them against what the devices know. */
export class Auditor {
  readonly arrivals: Arrivals;
  /** Connections that were lost. With queues beside the real ones each may have cost evidence. */
  losses = 0;
  /** Messages that are no batch of readings we can read. */
  unreadable = 0;
  lastError: string | undefined;
  /** Of the reading that came out last: when the gateway says that it got it, milliseconds since 1970. */
  lastReceivedAt: number | undefined;
  private readonly url: string;
  private readonly outlets: readonly Outlet[];
  private wanted = false;
  private stopped = false;
  private running: Promise<void> = Promise.resolve();
  private attached = false;
  private change: () => void = () => {};
  private lastArrival = 0;

  constructor(url: string, outlets: readonly Outlet[], arrivals = new Arrivals()) {
    this.url = url;
    this.outlets = outlets;
    this.arrivals = arrivals;
  }

  /** Resolves when it reads for the first time, or throws why not after `deadlineMs`. */
  async start(deadlineMs = 30_000): Promise<void> {
    this.wanted = true;
    this.running = this.run();
    const end = performance.now() + deadlineMs;
    while (!this.attached) {
      if (performance.now() > end)
        throw new Error(`the audit cannot read ${this.outlets.map(({ name }) => name).join(', ')}: ${this.lastError ?? 'no answer'}`);
      await sleep(20);
    }
  }

  /** Stops reading; what it has read is acked when this resolves. A slow consumer, or none. */
  async pause(): Promise<void> {
    this.wanted = false;
    this.change();
    while (this.attached) await sleep(10);
  }

  resume(): void {
    this.wanted = true;
    this.change();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.change();
    await this.running;
  }

  /**
   * Waits until everything acknowledged is there and nothing more comes for a second; then judges. Gives the rest up after
   * `deadlineMs`, or when nothing has come for a while although the gateway is `idle`: it will not come then.
   */
  async settle(ledger: LedgerContent, deadlineMs: number, idle: () => boolean, signal: AbortSignal): Promise<Verdict> {
    const end = performance.now() + deadlineMs;
    let missing = this.arrivals.missing(ledger);
    let busyAt = performance.now();
    while (performance.now() < end) {
      if (signal.aborted) break;
      if (!idle()) busyAt = performance.now();
      if (performance.now() - Math.max(busyAt, this.lastArrival) > GIVE_UP_MS) break;
      missing = missing.filter((key) => {
        const attempt = ledger.attempted.get(key);
        return attempt !== undefined && !this.arrivals.has(attempt.topic, attempt.seq);
      });
      if (missing.length === 0 && performance.now() - this.lastArrival > 1000) break;
      await sleep(200);
    }
    await this.stop();
    return this.arrivals.judge(ledger);
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      if (this.wanted) {
        try {
          await this.session();
        } catch (error) {
          // The broker is away: that is what many of these runs are about.
          this.lastError = error instanceof Error ? error.message : String(error);
        }
      }
      this.attached = false;
      if (!this.stopped) await sleep(100);
    }
  }

  private async session(): Promise<void> {
    const connection = await connect(withHeartbeat(this.url), { timeout: 5000, noDelay: true });
    connection.on('error', (error: Error) => (this.lastError = error.message));
    const closed = new Promise<'closed'>((resolve) => connection.once('close', () => resolve('closed')));
    const lost = async (): Promise<never> => {
      await closed;
      throw new Error(this.lastError ?? 'the connection was closed');
    };
    try {
      const channel = await Promise.race([connection.createChannel(), lost()]);
      channel.on('error', (error: Error) => (this.lastError = error.message));
      const gone = new Promise<'gone'>((resolve) => channel.once('close', () => resolve('gone')));
      const away = this.attach(channel, () => void connection.close().catch(() => {}));
      await Promise.race([away, lost()]);
      this.attached = true;
      if (this.wanted && !this.stopped) {
        const asked = new Promise<'asked'>((resolve) => {
          this.change = () => resolve('asked');
        });
        if ((await Promise.race([closed, gone, asked])) === 'asked') {
          // In order: every ack has been taken when the channel's closing is answered.
          await Promise.race([channel.close(), sleep(CLOSE_MS)]);
        } else if (!this.stopped) this.losses += 1;
      }
    } finally {
      await Promise.race([connection.close().catch(() => {}), sleep(CLOSE_MS)]);
    }
  }

  private async attach(channel: Channel, end: () => void): Promise<void> {
    await channel.prefetch(PREFETCH);
    for (const outlet of this.outlets) {
      let queue = outlet.name;
      if (outlet.read !== 'take') {
        // A name that the gateway's own account may declare; new each time, because a lost connection may still hold the last one.
        queue = `sluice.verify.${randomUUID()}`;
        await channel.assertQueue(queue, { exclusive: true, autoDelete: true, durable: false });
        for (const binding of outlet.read.beside) await channel.bindQueue(queue, binding.exchange, binding.routingKey, binding.arguments);
      }
      await channel.consume(queue, (message) => {
        // The queue was deleted: start over until it is back.
        if (message === null) end();
        else {
          this.take(outlet, message);
          channel.ack(message);
        }
      });
    }
  }

  private take(outlet: Outlet, message: ConsumeMessage): void {
    this.lastArrival = performance.now();
    try {
      if (outlet.kind === 'dead-letters') this.bury(message);
      else {
        for (const { topic, values, receivedAt } of readingsOf(message)) {
          this.lastReceivedAt = receivedAt;
          this.arrivals.forwarded(outlet.name, topic, values);
        }
      }
    } catch (error) {
      this.unreadable += 1;
      this.lastError = `${outlet.name}: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  private bury(message: ConsumeMessage): void {
    const headers = message.properties.headers ?? {};
    // What the broker itself moved there carries its old routing key, and no header of ours.
    const death = (headers['x-death'] as { 'routing-keys'?: string[]; reason?: string }[] | undefined)?.[0];
    const topic = typeof headers['x-sluice-topic'] === 'string' ? headers['x-sluice-topic'] : (death?.['routing-keys']?.[0] ?? '').replaceAll('.', '/');
    const code = typeof headers['x-sluice-code'] === 'string' ? headers['x-sluice-code'] : (death?.reason ?? 'unknown');
    const seq = /"seq": ?(\d{1,15})/.exec(message.content.toString('latin1'))?.[1];
    this.arrivals.buried(topic, seq === undefined ? undefined : Number(seq), code);
  }
}

function withHeartbeat(url: string): string {
  const parsed = new URL(url);
  parsed.searchParams.set('heartbeat', '5');
  return parsed.href;
}

function readingsOf(message: ConsumeMessage): readonly Arrived[] {
  const { contentEncoding, contentType } = message.properties as { contentEncoding?: string; contentType?: string };
  const body = (contentEncoding === 'gzip' ? gunzipSync(message.content) : message.content).toString('utf8');
  if (contentType === 'application/x-ndjson') {
    return body
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Arrived);
  }
  return (JSON.parse(body) as { readings: Arrived[] }).readings;
}
