import type { Waiter } from './hold-pool.ts';

/** Fine enough that a client of 50 messages per second gets one each time. */
const TICK_MS = 20;

/** Those who were faster than their rate; each has another try at every tick. */
export class Throttle {
  private waiting = new Set<Waiter>();
  private timer: NodeJS.Timeout | undefined = undefined;

  add(waiter: Waiter): void {
    this.waiting.add(waiter);
    this.timer ??= setTimeout(() => this.tick(), TICK_MS);
  }

  delete(waiter: Waiter): void {
    this.waiting.delete(waiter);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.waiting.clear();
  }

  private tick(): void {
    this.timer = undefined;
    const due = this.waiting;
    this.waiting = new Set();
    for (const waiter of due) waiter.resume();
  }
}
