import { gunzipSync } from 'node:zlib';
import { connect } from 'amqplib';
import { setTimeout as sleep } from 'node:timers/promises';
import { readMark } from '../../devices/audit.ts';
import { type LedgerContent, messageKey } from '../../devices/ledger.ts';

interface Arrived {
  readonly topic: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/** Jepsen's total-queue rule over message identities: valid only if nothing is lost and nothing unexpected. */
export interface Verdict {
  readonly attempted: number;
  readonly pubacked: number;
  readonly arrived: number;
  readonly lost: string[];
  readonly unexpected: string[];
  readonly outOfOrder: string[];
  readonly changed: string[];
  readonly duplicates: number;
  /** Attempted, never acknowledged, and not arrived: allowed either way. */
  readonly indeterminate: number;
}

/** Reads the destination queues to the end, through broker restarts, and holds them against what the devices know. */
export class Auditor {
  private readonly url: string;
  private readonly queues: readonly string[];
  /** In the order of arrival, by queue. */
  private readonly arrivals: Map<string, Arrived[]> = new Map();
  private stopped = false;
  private running: Promise<void> = Promise.resolve();
  private lastArrival = 0;

  constructor(url: string, queues: readonly string[]) {
    this.url = url;
    this.queues = queues;
  }

  get count(): number {
    let sum = 0;
    for (const list of this.arrivals.values()) sum += list.length;
    return sum;
  }

  start(): void {
    this.running = this.run();
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      try {
        await this.session();
      } catch {
        // The broker is away: that is what many of these tests are about.
      }
      if (!this.stopped) await sleep(200);
    }
  }

  private async session(): Promise<void> {
    const connection = await connect(`${this.url}?heartbeat=5`, { timeout: 5000, noDelay: true });
    connection.on('error', () => {});
    const closed = new Promise<void>((resolve) => connection.once('close', () => resolve()));
    const channel = await connection.createChannel();
    channel.on('error', () => {});
    await channel.prefetch(200);
    for (const queue of this.queues) {
      await channel.consume(queue, (message) => {
        // The queue was deleted: start over until it is back.
        if (message === null) {
          void connection.close().catch(() => {});
          return;
        }
        const { contentEncoding, contentType } = message.properties as { contentEncoding?: string; contentType?: string };
        const body = (contentEncoding === 'gzip' ? gunzipSync(message.content) : message.content).toString('utf8');
        const readings =
          contentType === 'application/x-ndjson'
            ? body
                .trim()
                .split('\n')
                .map((line) => JSON.parse(line) as Arrived)
            : (JSON.parse(body) as { readings: Arrived[] }).readings;
        const list = this.arrivals.get(queue) ?? [];
        this.arrivals.set(queue, list);
        for (const { topic, values } of readings) list.push({ topic, values });
        this.lastArrival = performance.now();
        channel.ack(message);
      });
    }
    const stop = async (): Promise<void> => {
      while (!this.stopped) await sleep(50);
      await Promise.race([connection.close(), sleep(1000)]);
    };
    await Promise.race([closed, stop()]);
  }

  /** Waits until everything acknowledged is there (or `deadlineMs` has passed) and nothing more comes for a second. */
  async settle(ledger: LedgerContent, deadlineMs: number): Promise<Verdict> {
    const end = performance.now() + deadlineMs;
    for (;;) {
      const verdict = this.judge(ledger);
      const quiet = performance.now() - this.lastArrival > 1000;
      if ((verdict.lost.length === 0 && quiet) || performance.now() > end) {
        this.stopped = true;
        await this.running;
        return this.judge(ledger);
      }
      await sleep(300);
    }
  }

  private judge(ledger: LedgerContent): Verdict {
    const seen = new Set<string>();
    const unexpected: string[] = [];
    const changed: string[] = [];
    const outOfOrder: string[] = [];
    let arrived = 0;
    for (const list of this.arrivals.values()) {
      const last = new Map<string, number>();
      for (const { topic, values } of list) {
        const mark = readMark(topic, values);
        // Status messages carry no mark and are not in the ledger.
        if (mark === undefined) {
          if (!topic.endsWith('/status')) unexpected.push(`${topic} without a mark`);
          continue;
        }
        arrived += 1;
        const key = messageKey(topic, mark.seq);
        if (!mark.intact) changed.push(key);
        if (!ledger.attempted.has(key)) unexpected.push(key);
        if (seen.has(key)) continue;
        seen.add(key);
        const before = last.get(topic) ?? -1;
        if (mark.seq < before) outOfOrder.push(`${key} after ${before}`);
        else last.set(topic, mark.seq);
      }
    }
    const lost = [...ledger.pubacked].filter((key) => !seen.has(key));
    const indeterminate = [...ledger.attempted.keys()].filter((key) => !ledger.pubacked.has(key) && !seen.has(key)).length;
    return {
      attempted: ledger.attempted.size,
      pubacked: ledger.pubacked.size,
      arrived,
      lost,
      unexpected,
      outOfOrder,
      changed,
      duplicates: arrived - seen.size,
      indeterminate,
    };
  }
}
