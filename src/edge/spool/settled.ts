/**
 * Which numbers are settled: all below the frontier, and runs above it. Settling in order costs no more than a comparison; runs
 * are as many as there are holes in what was handed out.
 */
export class Settled {
  frontier: number;
  /** Numbers that are settled above the frontier. */
  above = 0;
  /** Runs above the frontier, ascending, apart from each other: from `starts[i]` to before `ends[i]`. Those before `head` are done with. */
  private starts: number[] = [];
  private ends: number[] = [];
  private head = 0;

  constructor(frontier: number) {
    this.frontier = frontier;
  }

  get runs(): number {
    return this.starts.length - this.head;
  }

  has(number: number): boolean {
    if (number < this.frontier) return true;
    const at = this.find(number);
    return at < this.starts.length && (this.starts[at] as number) <= number;
  }

  /** From `from` to before `to`; answers how many of them were not settled before. */
  add(from: number, to: number): number {
    const before = this.frontier + this.above;
    let start = Math.max(from, this.frontier);
    if (start >= to) return 0;
    let end = to;
    const first = this.touching(start);
    let last = first;
    while (last < this.starts.length && (this.starts[last] as number) <= end) {
      start = Math.min(start, this.starts[last] as number);
      end = Math.max(end, this.ends[last] as number);
      this.above -= (this.ends[last] as number) - (this.starts[last] as number);
      last += 1;
    }
    if (start <= this.frontier) {
      this.frontier = end;
      this.head = last;
      this.tidy();
    } else {
      this.above += end - start;
      if (first === this.starts.length) {
        this.starts.push(start);
        this.ends.push(end);
      } else {
        this.starts.splice(first, last - first, start);
        this.ends.splice(first, last - first, end);
      }
    }
    return this.frontier + this.above - before;
  }

  /** The first run that ends behind the number. */
  private find(number: number): number {
    let low = this.head;
    let high = this.starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.ends[middle] as number) <= number) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The first run that ends at the number or behind it. */
  private touching(number: number): number {
    const at = this.find(number);
    return at > this.head && this.ends[at - 1] === number ? at - 1 : at;
  }

  private tidy(): void {
    if (this.head < 1_024 && this.head < this.starts.length) return;
    this.starts.splice(0, this.head);
    this.ends.splice(0, this.head);
    this.head = 0;
  }
}
