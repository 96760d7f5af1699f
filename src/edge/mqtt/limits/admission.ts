import type { Socket } from 'node:net';
import type { Counters } from '../counters.ts';
import type { Limits } from '../options.ts';
import type { ListenerEvent } from '../ports.ts';

const TICK_MS = 20;

interface Queued {
  readonly socket: Socket;
  readonly enter: (socket: Socket) => void;
}

/**
 * How many connections there are, and how many come in per second. After a power cut a whole fleet connects at once: those beyond the
 * rate wait for their turn, which they notice less than a refusal.
 */
export class Admission {
  private readonly limits: Limits;
  private readonly counters: Counters;
  private readonly emit: (event: ListenerEvent) => void;
  private readonly queue = new Set<Queued>();
  private timer: NodeJS.Timeout | undefined = undefined;
  private tokens: number;
  private filledAt = performance.now();

  constructor(limits: Limits, counters: Counters, emit: (event: ListenerEvent) => void) {
    this.limits = limits;
    this.counters = counters;
    this.emit = emit;
    this.tokens = limits.connectionsPerSecond;
  }

  arrive(socket: Socket, enter: (socket: Socket) => void): void {
    socket.on('error', nothing);
    const { maxConnections, maxQueuedConnections } = this.limits;
    if (this.counters.connectionsNow >= maxConnections) {
      this.refuse(socket, 'connections', `there are ${maxConnections} connections, as many as may be`);
      return;
    }
    if (this.queue.size >= maxQueuedConnections && !this.hasToken()) {
      this.refuse(socket, 'connection-rate', `${maxQueuedConnections} connections wait for their turn already`);
      return;
    }
    this.counters.connectionsNow++;
    socket.once('close', this.gone);
    if (this.queue.size === 0 && this.hasToken()) this.enter(socket, enter);
    else this.wait(socket, enter);
  }

  /** Nobody who waits comes in any more. */
  stop(): void {
    clearTimeout(this.timer);
    for (const { socket } of this.queue) socket.destroy();
    this.queue.clear();
    this.counters.queuedNow = 0;
  }

  private readonly gone = (): void => {
    this.counters.connectionsNow--;
  };

  private enter(socket: Socket, enter: (socket: Socket) => void): void {
    this.tokens--;
    this.counters.accepted++;
    enter(socket);
  }

  private wait(socket: Socket, enter: (socket: Socket) => void): void {
    this.queue.add({ socket, enter });
    this.counters.queuedNow = this.queue.size;
    this.timer ??= setTimeout(() => this.tick(), TICK_MS);
  }

  private tick(): void {
    this.timer = undefined;
    for (const queued of this.queue) {
      // Who went away meanwhile costs no place in the rate.
      if (!queued.socket.destroyed) {
        if (!this.hasToken()) break;
        this.enter(queued.socket, queued.enter);
      }
      this.queue.delete(queued);
    }
    this.counters.queuedNow = this.queue.size;
    if (this.queue.size > 0) this.timer = setTimeout(() => this.tick(), TICK_MS);
  }

  private refuse(socket: Socket, reason: 'connections' | 'connection-rate', detail: string): void {
    this.counters.refused[reason]++;
    this.emit({ kind: 'refused', reason, clientId: '', address: socket.remoteAddress ?? '', detail });
    socket.destroy();
  }

  private hasToken(): boolean {
    const { connectionsPerSecond } = this.limits;
    if (connectionsPerSecond === 0) return true;
    const now = performance.now();
    this.tokens = Math.min(connectionsPerSecond, this.tokens + ((now - this.filledAt) * connectionsPerSecond) / 1000);
    this.filledAt = now;
    return this.tokens >= 1;
  }
}

function nothing(): void {}
