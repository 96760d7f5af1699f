import { readdirSync } from 'node:fs';
import { type IntervalHistogram, monitorEventLoopDelay, performance } from 'node:perf_hooks';

/** What the process says about itself, in base units. */
export interface RuntimeStats {
  readonly cpuUserSeconds: number;
  readonly cpuSystemSeconds: number;
  /** Seconds since 1970. */
  readonly startTimeSeconds: number;
  readonly residentBytes: number;
  readonly heapTotalBytes: number;
  readonly heapUsedBytes: number;
  readonly externalBytes: number;
  /** undefined where /proc is not there. */
  readonly openFds: number | undefined;
  /** Time that the event loop was not waiting since the process started. */
  readonly loopBusySeconds: number;
  /** Delays of the event loop in the current window; 0 before `start`. */
  readonly loopDelay: { readonly mean: number; readonly p99: number; readonly max: number };
}

const WINDOW_MS = 60_000;
const RESOLUTION_MS = 20;
const NS = 1e9;

function openFds(): number | undefined {
  try {
    // Less the one that the listing itself has open.
    return readdirSync('/proc/self/fd').length - 1;
  } catch {
    return undefined;
  }
}

/**
 * The few process numbers that somebody looks at, under the names that common dashboards know.
 *
 * Not prom-client's own default metrics: those hold a garbage-collection observer and a delay monitor that cannot be
 * stopped, and walk over every active handle and timer at each scrape.
 */
export class RuntimeMonitor {
  private histogram: IntervalHistogram | undefined;
  private windowStart = 0;

  start(): void {
    if (this.histogram !== undefined) return;
    this.histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.histogram.enable();
    this.windowStart = performance.now();
  }

  close(): void {
    this.histogram?.disable();
    this.histogram = undefined;
  }

  /** Reads everything; begins a new delay window when the current one is older than 60 s, so that two scrapers see the same peaks. */
  read(): RuntimeStats {
    const cpu = process.cpuUsage();
    const memory = process.memoryUsage();
    return {
      cpuUserSeconds: cpu.user / 1e6,
      cpuSystemSeconds: cpu.system / 1e6,
      startTimeSeconds: performance.timeOrigin / 1000,
      residentBytes: memory.rss,
      heapTotalBytes: memory.heapTotal,
      heapUsedBytes: memory.heapUsed,
      externalBytes: memory.external,
      openFds: openFds(),
      loopBusySeconds: performance.eventLoopUtilization().active / 1000,
      loopDelay: this.loopDelay(),
    };
  }

  /** The part of `read` that costs next to nothing. */
  loopDelay(): RuntimeStats['loopDelay'] {
    const histogram = this.histogram;
    if (histogram === undefined || histogram.count === 0) return { mean: 0, p99: 0, max: 0 };
    // The monitor measures how far apart its ticks are: what is beyond the resolution is the delay.
    const beyond = (ns: number): number => Math.max(0, ns / NS - RESOLUTION_MS / 1000);
    const delay = { mean: beyond(histogram.mean), p99: beyond(histogram.percentile(99)), max: beyond(histogram.max) };
    const now = performance.now();
    if (now - this.windowStart > WINDOW_MS) {
      histogram.reset();
      this.windowStart = now;
    }
    return delay;
  }
}
