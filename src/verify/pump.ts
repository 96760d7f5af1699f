import type { Socket } from 'node:net';
import type { Effect } from './toxics.ts';

/** Bytes that a pump holds before it stops reading: back-pressure reaches the sender as it would without the proxy. */
const MOST_HELD = 65_536;
/** Largest piece under a bandwidth limit: a tenth of a second's worth, at least one byte. */
const PIECES_PER_SECOND = 10;

interface Held {
  /** Undefined: the end of the stream. */
  readonly data: Buffer | undefined;
  /** On the monotonic clock, milliseconds. */
  readonly due: number;
}

/** One direction of one connection: reads from a socket and writes to another, with what the toxics do in between. */
export class Pump {
  private readonly from: Socket;
  private readonly to: Socket;
  private readonly random: () => number;
  private readonly onEnd: (reset: boolean) => void;
  private effect: Effect;
  private queue: Held[] = [];
  private held = 0;
  private lastDue = 0;
  private running = false;
  private over = false;
  /** Bytes passed on since the limit was set. */
  private sinceLimit = 0;
  private wake: () => void = () => {};

  constructor(from: Socket, to: Socket, effect: Effect, random: () => number, onEnd: (reset: boolean) => void) {
    this.from = from;
    this.to = to;
    this.effect = effect;
    this.random = random;
    this.onEnd = onEnd;
    from.on('data', (chunk: Buffer) => this.take(chunk));
    from.on('end', () => this.hold(undefined));
    to.on('drain', () => this.roomAgain());
  }

  /** Other toxics from now on; what is held already keeps its time. */
  change(effect: Effect): void {
    if (effect.limit?.bytes !== this.effect.limit?.bytes) this.sinceLimit = 0;
    this.effect = effect;
    this.wake();
    this.go();
  }

  /** FIN this way; what still comes is thrown away. */
  finish(): void {
    this.queue = [];
    this.held = 0;
    this.over = true;
    this.to.end();
    this.from.resume();
  }

  /** Both sockets are gone. */
  stop(): void {
    this.over = true;
    this.queue = [];
    this.wake();
  }

  private take(chunk: Buffer): void {
    if (this.over || this.effect.drops) return;
    if (this.to.destroyed) {
      // As a host does where nobody has the connection any more.
      this.onEnd(true);
      return;
    }
    if (this.effect.none && this.queue.length === 0 && !this.running) {
      if (!this.to.write(chunk)) this.from.pause();
      return;
    }
    this.hold(chunk);
  }

  private hold(data: Buffer | undefined): void {
    if (this.over) return;
    const { latencyMs, jitterMs } = this.effect;
    const late = Math.max(0, latencyMs + (2 * this.random() - 1) * jitterMs);
    // Not before what came earlier: TCP keeps the order.
    this.lastDue = Math.max(this.lastDue, performance.now() + late);
    this.queue.push({ data, due: this.lastDue });
    this.held += data?.length ?? 0;
    if (this.held > MOST_HELD) this.from.pause();
    this.go();
  }

  private roomAgain(): void {
    this.wake();
    if (this.held <= MOST_HELD) this.from.resume();
  }

  private go(): void {
    if (this.running) return;
    this.running = true;
    void this.run().finally(() => {
      this.running = false;
    });
  }

  private async run(): Promise<void> {
    for (let head = this.queue[0]; head !== undefined && !this.over; head = this.queue[0]) {
      const early = head.due - performance.now();
      if (this.effect.stalls) await this.pause(undefined);
      else if (early > 0) await this.pause(early);
      else if (this.to.writableNeedDrain) await this.pause(undefined);
      else if (head.data === undefined) {
        this.queue.shift();
        await this.end();
      } else await this.pass(head.data, head.due);
    }
  }

  /** Passes on the first piece of the head. */
  private async pass(data: Buffer, due: number): Promise<void> {
    const { slice, bytesPerSecond, limit } = this.effect;
    let size = data.length;
    if (slice !== undefined) size = Math.min(size, slice.least + Math.floor(this.random() * (slice.most - slice.least + 1)));
    if (bytesPerSecond !== undefined) size = Math.min(size, Math.max(1, Math.floor(bytesPerSecond / PIECES_PER_SECOND)));
    if (limit !== undefined) size = Math.min(size, Math.max(0, limit.bytes - this.sinceLimit));
    this.sinceLimit += size;
    this.held -= size;
    if (size === data.length) this.queue.shift();
    else this.queue[0] = { data: data.subarray(size), due };
    if (size > 0) this.to.write(data.subarray(0, size));
    if (limit !== undefined && this.sinceLimit >= limit.bytes) {
      this.onEnd(limit.reset);
      return;
    }
    if (this.held <= MOST_HELD && !this.to.writableNeedDrain) this.from.resume();
    const wait = (bytesPerSecond === undefined ? 0 : (size * 1000) / bytesPerSecond) + (slice?.delayMs ?? 0);
    if (wait > 0) await this.pause(wait);
  }

  private async end(): Promise<void> {
    if (this.effect.slowCloseMs > 0) await this.pause(this.effect.slowCloseMs);
    if (!this.over) this.to.end();
  }

  /** Until so much time has passed, or something changes. */
  private async pause(ms: number | undefined): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = () => {};
  }
}
