import type { Scheduler } from '../../../src/pipeline/ports.ts';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly fn: () => void;
  cancelled: boolean;
}

/** mulberry32: small, seeded, good enough to choose faults. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Time that moves only when told to: hours of history run in milliseconds, and the same seed gives the same history. */
export class VirtualTime implements Scheduler {
  private time = 0;
  private order = 0;
  private timers: Timer[] = [];
  readonly random: () => number;

  constructor(random: () => number) {
    this.random = random;
  }

  now(): number {
    return 1_700_000_000_000 + Math.floor(this.time);
  }

  monotonic(): number {
    return this.time;
  }

  after(ms: number, fn: () => void): () => void {
    const timer: Timer = { at: this.time + Math.max(0, ms), order: this.order++, fn, cancelled: false };
    let at = this.timers.length;
    while (at > 0 && (this.timers[at - 1] as Timer).at > timer.at) at -= 1;
    this.timers.splice(at, 0, timer);
    return () => {
      timer.cancelled = true;
    };
  }

  /** Runs everything that is due up to `until`, letting promises settle between timers. */
  async runUntil(until: number): Promise<void> {
    await settle();
    for (;;) {
      const next = this.timers[0];
      if (next === undefined || next.at > until) break;
      this.timers.shift();
      if (next.cancelled) continue;
      this.time = next.at;
      next.fn();
      await settle();
    }
    this.time = until;
  }
}

/** Lets every promise chain that is ready run to its next real wait: the check phase comes after all microtasks. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
