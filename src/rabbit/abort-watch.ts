/** A signal that publishes wait under. */
export interface Heard {
  /** Publishes that wait for an answer. */
  waiting: number;
}

interface Entry extends Heard {
  readonly signal: AbortSignal;
  readonly stop: () => void;
}

/**
 * One listener for all that wait under a signal. Listeners that come and go with each publish hold on to the next one when they are
 * gone, as Node keeps them, and so all that those publishes know would outlive the young generation of V8 (see Chain). The listener on
 * the latest signal stays; on earlier ones only as long as something waits.
 */
export class AbortWatch {
  private readonly onAbort: (signal: AbortSignal) => void;
  private entries: Entry[] = [];

  constructor(onAbort: (signal: AbortSignal) => void) {
    this.onAbort = onAbort;
  }

  /** Something begins to wait. */
  enter(signal: AbortSignal): Heard {
    let entry = this.entries.find((each) => each.signal === signal);
    if (entry === undefined) {
      const abort = (): void => this.onAbort(signal);
      signal.addEventListener('abort', abort);
      entry = { signal, waiting: 0, stop: () => signal.removeEventListener('abort', abort) };
      this.entries.push(entry);
      this.tidy();
    }
    entry.waiting += 1;
    return entry;
  }

  /** It has its answer. */
  leave(heard: Heard): void {
    heard.waiting -= 1;
    if (heard.waiting === 0 && this.entries.length > 1) this.tidy();
  }

  close(): void {
    for (const { stop } of this.entries.splice(0)) stop();
  }

  private tidy(): void {
    const latest = this.entries.at(-1);
    this.entries = this.entries.filter((each) => {
      const kept = each.waiting > 0 || each === latest;
      if (!kept) each.stop();
      return kept;
    });
  }
}
