const GROWTH = Math.log(1.05);

/** Durations in milliseconds in buckets that are 5 % wide: constant memory for any number of messages. */
export class Histogram {
  private readonly buckets: number[] = [];
  count = 0;
  max = 0;

  record(ms: number): void {
    const value = Math.max(0, ms);
    const index = Math.floor(Math.log1p(value) / GROWTH);
    this.buckets[index] = (this.buckets[index] ?? 0) + 1;
    this.count += 1;
    this.max = Math.max(this.max, value);
  }

  /** Upper edge of the bucket that holds the quantile (0..1), never above the maximum; 0 when nothing was recorded. */
  quantile(q: number): number {
    let left = Math.max(1, Math.ceil(q * this.count));
    for (let index = 0; index < this.buckets.length; index += 1) {
      left -= this.buckets[index] ?? 0;
      if (left <= 0) {
        return Math.min(this.max, Math.expm1((index + 1) * GROWTH));
      }
    }
    return this.max;
  }

  summary(): { p50: number; p99: number; max: number } {
    const tidy = (ms: number): number => Math.round(ms * 10) / 10;
    return { p50: tidy(this.quantile(0.5)), p99: tidy(this.quantile(0.99)), max: tidy(this.max) };
  }
}
