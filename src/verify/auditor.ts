import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import type { ConsumeMessage } from 'amqplib';
import type { LedgerContent } from '../../devices/ledger.ts';
import { Arrivals, type Verdict } from './arrivals.ts';
import { type Outlet, OutletReader } from './outlet-reader.ts';

interface Arrived {
  readonly topic: string;
  readonly receivedAt?: number;
  readonly values: Readonly<Record<string, unknown>>;
}

const GIVE_UP_MS = 20_000;

/** Reads where readings and dead letters come out, through broker restarts, and holds them against what the devices know. */
export class Auditor {
  readonly arrivals: Arrivals;
  /** Messages that are no batch of readings we can read. */
  unreadable = 0;
  private readonly readers: readonly OutletReader[];
  /** Of the reading that came out last: when the gateway says that it got it, milliseconds since 1970. */
  lastReceivedAt: number | undefined;
  private lastUnreadable: string | undefined;
  private lastArrival = 0;

  /** `urls`: nodes of one cluster. */
  constructor(urls: readonly string[], outlets: readonly Outlet[], arrivals = new Arrivals()) {
    this.arrivals = arrivals;
    this.readers = outlets.map((outlet) => new OutletReader(urls, outlet, (message) => this.take(outlet, message)));
  }

  /** Connections that were lost. With queues beside the real ones each may have cost evidence. */
  get losses(): number {
    return this.readers.reduce((sum, reader) => sum + reader.losses, 0);
  }

  get lastError(): string | undefined {
    return this.lastUnreadable ?? this.readers.find(({ lastError }) => lastError !== undefined)?.lastError;
  }

  /** Resolves when it reads for the first time, or throws why not after `deadlineMs`. */
  async start(deadlineMs = 30_000): Promise<void> {
    for (const reader of this.readers) reader.start();
    const end = performance.now() + deadlineMs;
    for (const reader of this.readers) {
      while (!reader.attached) {
        if (performance.now() > end) throw new Error(`the audit cannot read: ${reader.lastError ?? 'no answer'}`);
        await sleep(20);
      }
    }
  }

  /** Stops reading; what it has read is acked when this resolves. A slow consumer, or none. */
  async pause(): Promise<void> {
    await Promise.all(this.readers.map(async (reader) => await reader.pause()));
  }

  resume(): void {
    for (const reader of this.readers) reader.resume();
  }

  async stop(): Promise<void> {
    await Promise.all(this.readers.map(async (reader) => await reader.stop()));
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

  private take(outlet: Outlet, message: ConsumeMessage): void {
    this.lastArrival = performance.now();
    try {
      if (outlet.kind === 'dead-letters') this.bury(message);
      else {
        for (const { topic, values, receivedAt } of readingsOf(message)) {
          this.lastReceivedAt = receivedAt;
          this.arrivals.forwarded(outlet.name, topic, values, receivedAt);
        }
      }
    } catch (error) {
      this.unreadable += 1;
      this.lastUnreadable = `${outlet.name}: ${error instanceof Error ? error.message : String(error)}`;
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
