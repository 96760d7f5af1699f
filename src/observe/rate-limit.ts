export interface RateLimitOptions {
  /** Lines per key and window that pass. */
  readonly lines: number;
  readonly windowMs: number;
  /** Keys that are remembered at once; beyond it the oldest window is ended early. */
  readonly keys: number;
}

interface Window {
  readonly endsAt: number;
  passed: number;
  suppressed: number;
}

/** What a window left out. */
export interface Suppressed {
  readonly key: string;
  readonly count: number;
}

/** At most so many lines per key and window. Knows no clock: the caller says what time it is, on a clock that never jumps. */
export class RateLimit {
  /** Lines left out since the start. */
  suppressed = 0;
  private readonly windows = new Map<string, Window>();
  private readonly options: RateLimitOptions;

  constructor(options: RateLimitOptions) {
    this.options = options;
  }

  /** Whether the line may pass. Ask `ended` first, or what an old window of the key left out is forgotten. */
  pass(key: string, now: number): boolean {
    let window = this.windows.get(key);
    if (window === undefined || now >= window.endsAt) {
      window = { endsAt: now + this.options.windowMs, passed: 0, suppressed: 0 };
      this.windows.delete(key);
      this.windows.set(key, window);
    }
    if (window.passed < this.options.lines) {
      window.passed += 1;
      return true;
    }
    window.suppressed += 1;
    this.suppressed += 1;
    return false;
  }

  /** Ends the windows whose time is over (all of them with `Infinity`) and answers those that left something out. */
  ended(now: number): readonly Suppressed[] {
    const out: Suppressed[] = [];
    // Insertion order is order of age, so the first window that is still open ends the search.
    for (const [key, window] of this.windows) {
      if (now < window.endsAt && this.windows.size <= this.options.keys) break;
      this.windows.delete(key);
      if (window.suppressed > 0) out.push({ key, count: window.suppressed });
    }
    return out;
  }
}
