import { Chain } from '../domain/chain.ts';
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
  private readonly fresh = new Chain<Entry>();
  /** Those whose copy failed: older than the others. */
  private readonly returned = new Line();
  private cancel: (() => void) | undefined;

  constructor(options: BareLineOptions) {
    this.options = options;
  }

  add(entry: Entry): void {
    this.fresh.append(entry);
    this.watch();
  }

  /** It needs no copy any more. */
  remove(entry: Entry): void {
    if (this.fresh.has(entry)) this.fresh.remove(entry);
  }

  /** Its copy could not be written. */
  putBack(entry: Entry): void {
    this.returned.putBack(entry);
    this.watch();
  }

  /** Gives a copy to every entry that came until then, oldest first, as far as the spool takes them. */
  copyAll(until: number = Number.POSITIVE_INFINITY): void {
    for (let entry = this.returned.first(); entry !== undefined; entry = this.returned.first()) {
      // Some have one by now, or are gone.
      if (needsCopy(entry) && !this.copied(entry, until)) return;
      this.returned.shift();
    }
    for (let entry = this.fresh.oldest; entry !== undefined; entry = this.fresh.oldest) {
      if (!this.copied(entry, until)) return;
      this.remove(entry);
    }
  }

  close(): void {
    this.cancel?.();
    this.cancel = undefined;
  }

  private copied(entry: Entry, until: number): boolean {
    return entry.since <= until && this.options.copy(entry);
  }

  private watch(): void {
    if (this.cancel !== undefined) return;
    const { scheduler, afterMs } = this.options;
    this.cancel = scheduler.after(Math.max(1, afterMs / 4), () => {
      this.cancel = undefined;
      this.copyAll(scheduler.monotonic() - afterMs);
      if (this.fresh.size + this.returned.size > 0) this.watch();
    });
  }
}
