import type { Distribution } from '../domain/distribution.ts';
import type { EpochMs } from '../domain/message.ts';

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

/** Batches that are remembered: where more are confirmed within the window, it is shorter. */
const KEPT = 1024;
/** What percentiles are over. */
export const WINDOW_MS = 5000;

/** How long the last batches took from the receipt of their oldest reading to their confirm. */
export class BatchLatencies {
  /** Bytes of all batches since the start. */
  bytes = 0;
  // Three columns of a ring: written for each batch, read once a second.
  private readonly at: Float64Array = new Float64Array(KEPT);
  private readonly ms: Float64Array = new Float64Array(KEPT);
  private readonly items: Float64Array = new Float64Array(KEPT);
  private count = 0;

  add(at: EpochMs, ms: number, items: number, bytes: number): void {
    const i = this.count % KEPT;
    this.at[i] = at;
    this.ms[i] = ms;
    this.items[i] = items;
    this.count += 1;
    this.bytes += bytes;
  }

  /** Over the items of the last seconds' batches, each with the latency of its batch; null where there was none. */
  percentiles(now: EpochMs): Percentiles | null {
    const recent: { ms: number; items: number }[] = [];
    let total = 0;
    for (let i = 0; i < Math.min(this.count, KEPT); i += 1) {
      const age = now - (this.at[i] as number);
      if (age > WINDOW_MS || age < -WINDOW_MS) continue;
      const items = this.items[i] as number;
      recent.push({ ms: this.ms[i] as number, items });
      total += items;
    }
    if (total === 0) return null;
    recent.sort((a, b) => a.ms - b.ms);
    const at = (share: number): number => {
      let left = total * share;
      for (const { ms, items } of recent) {
        left -= items;
        if (left <= 0) return ms;
      }
      return recent.at(-1)?.ms ?? 0;
    };
    return { p50: at(0.5), p99: at(0.99) };
  }
}

/** The counts of several distributions with the same bounds, added up. */
export function countsOf(distributions: Iterable<Distribution>): { readonly bounds: readonly number[]; readonly counts: readonly number[] } {
  let bounds: readonly number[] = [];
  const counts: number[] = [];
  for (const distribution of distributions) {
    bounds = distribution.bounds;
    for (const [i, n] of distribution.counts.entries()) counts[i] = (counts[i] ?? 0) + n;
  }
  return { bounds, counts };
}

/** Percentiles of counts below bounds, as if values lay evenly between two bounds; above the last one they count as it. */
export function percentilesOf(bounds: readonly number[], counts: readonly number[]): Percentiles | null {
  const total = counts.reduce((sum, n) => sum + n, 0);
  if (total === 0) return null;
  const at = (share: number): number => {
    let left = total * share;
    for (const [i, n] of counts.entries()) {
      const low = bounds[i - 1] ?? 0;
      const high = bounds[i] ?? low;
      if (left <= n) return Math.round(low + ((high - low) * left) / Math.max(1, n));
      left -= n;
    }
    return bounds.at(-1) ?? 0;
  };
  return { p50: at(0.5), p99: at(0.99) };
}
