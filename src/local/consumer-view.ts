/** Of the simulated readings one in this time is shown. */
const SAMPLE_MS = 2000;

/** Lines of the example consumer, thinned out: what somebody published by hand is always shown. */
export class ConsumerView {
  /** What the names of simulated devices begin with. */
  static readonly PREFIX = 'sim-';
  private readonly print: (line: string) => void;
  private readonly now: () => number;
  private shownAt: number | undefined;

  /** `now`: milliseconds on a clock that never jumps. */
  constructor(print: (line: string) => void, now: () => number) {
    this.print = print;
    this.now = now;
  }

  /** One reading as `sluice consume` prints it: time, device as `site/name`, profile, values. */
  line(text: string): void {
    const simulated = /^\S+ [^/\s]+\/sim-/.test(text);
    if (simulated) {
      const now = this.now();
      if (this.shownAt !== undefined && now - this.shownAt < SAMPLE_MS) return;
      this.shownAt = now;
    }
    this.print(`consumer: ${text}`);
  }
}
