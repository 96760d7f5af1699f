import type { Scheduler } from '../pipeline/ports.ts';
import { type Entry, needsCopy } from './entry.ts';
import { Line } from './line.ts';

export interface BareLineOptions {
  readonly scheduler: Scheduler;
  /** Longest time that an entry stays without a copy. */
  readonly afterMs: number;
  /** Writes a copy; false where the spool does not take it now. */
  readonly copy: (entry: Entry) => boolean;
}

/** Entries in memory that have no copy in the spool: they get one when their confirm takes long, or all at once. */
export class BareLine {
  private readonly options: BareLineOptions;
  private readonly line = new Line();
  private cancel: (() => void) | undefined;

  constructor(options: BareLineOptions) {
    this.options = options;
  }

  add(entry: Entry): void {
    this.line.push(entry);
    this.watch();
  }

  /** Its copy could not be written. */
  putBack(entry: Entry): void {
    this.line.putBack(entry);
    this.watch();
  }

  /** Gives a copy to every entry that came until then, oldest first, as far as the spool takes them. */
  copyAll(until: number = Number.POSITIVE_INFINITY): void {
    for (let entry = this.line.first(); entry !== undefined; entry = this.line.first()) {
      // Some have one by now, or are gone.
      if (needsCopy(entry) && (entry.since > until || !this.options.copy(entry))) return;
      this.line.shift();
    }
  }

  close(): void {
    this.cancel?.();
    this.cancel = undefined;
  }

  private watch(): void {
    if (this.cancel !== undefined) return;
    const { scheduler, afterMs } = this.options;
    this.cancel = scheduler.after(Math.max(1, afterMs / 4), () => {
      this.cancel = undefined;
      this.copyAll(scheduler.monotonic() - afterMs);
      if (this.line.size > 0) this.watch();
    });
  }
}
