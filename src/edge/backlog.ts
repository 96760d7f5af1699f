import type { KeptMessage } from '../domain/kept-message.ts';
import type { Scheduler } from '../pipeline/ports.ts';
import type { SpoolPort } from './ports.ts';

/** One read: large enough for the disk, small enough for memory. */
const CHUNK_BYTES = 131_072;

export interface BacklogOptions {
  readonly spool: SpoolPort;
  readonly scheduler: Scheduler;
  /** Most messages a second; 0 for no bound. */
  readonly perSecond: number;
  /** Whether there is use for more. */
  readonly wanted: () => boolean;
  /** Takes one message; false where it was there already. */
  readonly take: (seq: number, message: KeptMessage) => boolean;
  /** Nothing that was appended is still being written. */
  readonly quiet: () => boolean;
  /** Called after messages were taken, and when `position` has moved. */
  readonly after: () => void;
}

/** Reads the spool from its oldest message on, at a bounded rate, as long as there is use for it. */
export class Backlog {
  /** Everything in the spool below this place is in memory, or settled. */
  position: number;
  private readonly options: BacklogOptions;
  private reading = false;
  private closed = false;
  private tokens: number;
  private countedAt: number;
  private cancel: (() => void) | undefined;

  constructor(options: BacklogOptions) {
    this.options = options;
    this.position = options.spool.frontier;
    this.tokens = options.perSecond / 10;
    this.countedAt = options.scheduler.monotonic();
  }

  /** Starts to read where there is something, and somebody wants it. Never throws. */
  load(): void {
    const { spool, wanted } = this.options;
    if (this.reading || this.closed || this.position >= spool.nextSeq || !wanted() || !this.allowed()) return;
    this.reading = true;
    // A rejection is a bug of ours and ends the process: it is not caught.
    void this.readOn();
  }

  close(): void {
    this.closed = true;
    this.cancel?.();
  }

  private async readOn(): Promise<void> {
    const { spool, take, quiet, after } = this.options;
    const messages = await spool.read(CHUNK_BYTES);
    this.reading = false;
    // What cannot be read is there all the same: nothing of its topics may overtake it.
    if (this.closed || messages === undefined) return;
    for (const { seq, message } of messages) {
      if (take(seq, message)) this.tokens -= 1;
      this.position = seq + 1;
    }
    // Nothing is left on the disk, and nothing on its way there: what could not be written has left a gap.
    if (messages.length === 0) {
      if (!quiet()) return;
      this.position = spool.nextSeq;
    }
    after();
  }

  /** A bucket of a tenth of a second; a read may overdraw it. */
  private allowed(): boolean {
    const { perSecond, scheduler } = this.options;
    if (perSecond === 0) return true;
    const now = scheduler.monotonic();
    this.tokens = Math.min(perSecond / 10, this.tokens + ((now - this.countedAt) / 1000) * perSecond);
    this.countedAt = now;
    if (this.tokens > 0) return true;
    this.cancel ??= scheduler.after(Math.max(1, Math.ceil((-this.tokens / perSecond) * 1000)), () => {
      this.cancel = undefined;
      this.load();
    });
    return false;
  }
}
