import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Channel, type ConsumeMessage, connect } from 'amqplib';

/** Where readings or dead letters come out. */
export interface Outlet {
  /** Name for reports: of the queue. */
  readonly name: string;
  readonly kind: 'readings' | 'dead-letters';
  /**
   * `take`: the queue itself is read, and emptied. `beside`: a queue of our own, exclusive to the reader's connection and
   * gone with it, gets copies over these bindings; nothing is taken from anybody.
   */
  readonly read: 'take' | { readonly beside: readonly OutletBinding[] };
}

export interface OutletBinding {
  readonly exchange: string;
  readonly routingKey: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

const PREFETCH = 200;
const CLOSE_MS = 2000;

/** Reads one outlet through restarts of brokers. Each has a connection of its own: a queue whose node is away keeps nobody from the others. */
export class OutletReader {
  /** Connections that were lost. With a queue beside the real one each may have cost evidence. */
  losses = 0;
  attached = false;
  lastError: string | undefined;
  private readonly urls: readonly string[];
  private readonly outlet: Outlet;
  private readonly take: (message: ConsumeMessage) => void;
  private wanted = false;
  private stopped = false;
  private turn = 0;
  private running: Promise<void> = Promise.resolve();
  private change: () => void = () => {};

  /** `urls`: nodes of one cluster, one after the other. */
  constructor(urls: readonly string[], outlet: Outlet, take: (message: ConsumeMessage) => void) {
    this.urls = urls;
    this.outlet = outlet;
    this.take = take;
  }

  start(): void {
    this.wanted = true;
    this.running = this.run();
  }

  /** Stops reading; what it has read is acked when this resolves. */
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

  private async run(): Promise<void> {
    while (!this.stopped) {
      if (this.wanted) {
        try {
          await this.session(this.urls[this.turn % this.urls.length] ?? '');
        } catch (error) {
          // The broker is away: that is what many of these runs are about.
          this.lastError = `${this.outlet.name}: ${error instanceof Error ? error.message : String(error)}`;
        }
        this.turn += 1;
      }
      this.attached = false;
      if (!this.stopped) await sleep(100);
    }
  }

  private async session(url: string): Promise<void> {
    const connection = await connect(withHeartbeat(url), { timeout: 5000, noDelay: true });
    let reason = 'the connection was closed';
    connection.on('error', (error: Error) => (reason = error.message));
    const closed = new Promise<'closed'>((resolve) => connection.once('close', () => resolve('closed')));
    const lost = async (): Promise<never> => {
      await closed;
      throw new Error(reason);
    };
    try {
      const channel = await Promise.race([connection.createChannel(), lost()]);
      channel.on('error', (error: Error) => (this.lastError = `${this.outlet.name}: ${error.message}`));
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
    let queue = this.outlet.name;
    if (this.outlet.read !== 'take') {
      // A name that the gateway's own account may declare; new each time, because a lost connection may still hold the last one.
      queue = `sluice.verify.${randomUUID()}`;
      await channel.assertQueue(queue, { exclusive: true, autoDelete: true, durable: false });
      for (const binding of this.outlet.read.beside) await channel.bindQueue(queue, binding.exchange, binding.routingKey, binding.arguments);
    }
    await channel.consume(queue, (message) => {
      // The queue was deleted, or its node is away: start over until it is back.
      if (message === null) end();
      else {
        this.take(message);
        channel.ack(message);
      }
    });
  }
}

function withHeartbeat(url: string): string {
  const parsed = new URL(url);
  parsed.searchParams.set('heartbeat', '5');
  return parsed.href;
}
