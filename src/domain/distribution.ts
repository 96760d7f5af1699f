/**
 * How often a value was at most each of some bounds: a histogram in plain numbers. An observation costs a few nanoseconds
 * where a labelled prom-client `observe` costs 320 ns, so it may be made for every reading.
 */
export class Distribution {
  /** Upper bounds, rising. */
  readonly bounds: readonly number[];
  /** Values above the bound before and at most this one; the last is for those above all bounds. Not cumulative. */
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    const { bounds } = this;
    let at = 0;
    while (at < bounds.length && value > (bounds[at] as number)) at += 1;
    this.counts[at] = (this.counts[at] as number) + 1;
    this.sum += value;
  }

  /** Both together; `other` has the same bounds. */
  plus(other: Distribution): Distribution {
    const both = new Distribution(this.bounds);
    for (let at = 0; at < both.counts.length; at += 1) both.counts[at] = (this.counts[at] as number) + (other.counts[at] as number);
    both.sum = this.sum + other.sum;
    return both;
  }
}
