import type { EdgeState } from '../domain/edge-state.ts';
import type { Observer } from '../domain/events.ts';
import { Ledger } from '../domain/ledger.ts';
import { CrashNotes } from '../edge/crash-notes.ts';
import { DirectOutlet } from '../edge/direct-outlet.ts';
import type { Logging } from '../observe/logging.ts';
import { BooksWatch, messagesAlone } from '../pipeline/books-watch.ts';
import type { Delivery, Scheduler } from '../pipeline/ports.ts';
import { unavailability } from '../rabbit/availability.ts';
import type { Session } from '../rabbit/session.ts';
import type { Settings } from '../settings/load.ts';
import { EdgeRunning, type EdgeRunningOptions } from './edge-running.ts';

export interface DirectEdgeOptions {
  readonly settings: Settings;
  /** Of the pipeline. */
  readonly ledger: Ledger;
  readonly accept: (delivery: Delivery) => void;
  readonly beforeAcks: () => void;
  /** The publishing one: while it is away messages stay on the disk. */
  readonly session: Session;
  readonly phase: EdgeRunningOptions['phase'];
  readonly logging: Logging;
  readonly observer: Observer;
  readonly scheduler: Scheduler;
  readonly onBug: (error: unknown) => void;
  readonly booksMs: number;
}

/** The edge of a gateway that takes messages of devices itself (`edge.mode: direct`). It has books of its own, from the device to the pipeline. */
export class DirectEdge {
  private readonly options: DirectEdgeOptions;
  private readonly outlet: DirectOutlet;
  private readonly ledger = new Ledger();
  private readonly books: BooksWatch;
  private readonly forget: () => void;
  private running: EdgeRunning | undefined;

  constructor(options: DirectEdgeOptions) {
    this.options = options;
    const { settings, session, scheduler, observer, logging } = options;
    const folder = settings.edge.spool.dir;
    this.outlet = new DirectOutlet({
      ...options,
      window: settings.source.prefetch,
      crashes: CrashNotes.open({ folder, warn: (message) => logging.logger.warn(message) }),
      away: () => unavailability(session),
      defer: setImmediate,
    });
    this.forget = session.onChange(() => this.outlet.changed());
    this.books = new BooksWatch({
      ledger: this.ledger,
      holdings: () => messagesAlone(this.running?.books.held() ?? 0),
      scheduler,
      observer: (event) => observer(event.type === 'ledger-imbalance' ? { ...event, reason: `edge ${event.reason}` } : event),
      everyMs: options.booksMs,
    });
  }

  /** Messages in the pipeline: its holder in the books of the gateway. */
  get unsettled(): number {
    return this.outlet.unsettled;
  }

  /** Resolves when devices can connect: what they publish is kept from then on. Rejects where its folder or a port is not to be had. */
  async start(signal: AbortSignal): Promise<void> {
    const { outlet, ledger } = this;
    this.running = new EdgeRunning({ ...this.options, outlet, ledger });
    this.books.start();
    await this.running.listen(signal);
  }

  /** The pipeline has where to send: messages go into it from now on. */
  open(): void {
    this.outlet.start();
  }

  renew(reason: string): void {
    this.outlet.renew(reason);
  }

  async halt(deadlineMs: number): Promise<void> {
    await this.running?.halt(deadlineMs);
  }

  /** Aborts with `deadline`, and when the broker is away: what waits for it then is on the disk, and need not be waited for. */
  patience(deadline: AbortSignal): AbortSignal {
    const { session } = this.options;
    const away = new AbortController();
    const look = (): void => {
      if (unavailability(session) !== undefined) away.abort();
    };
    session.onChange(look);
    look();
    return AbortSignal.any([deadline, away.signal]);
  }

  /** Writes what the pipeline has not taken to the disk. Answers whether everything is safe. */
  async stop(): Promise<boolean> {
    this.outlet.flush();
    const safe = (await this.running?.stop(0)) ?? true;
    this.books.check();
    return safe;
  }

  /** What is open whether or not the start got far. */
  async close(): Promise<void> {
    this.forget();
    this.books.close();
    await this.running?.close();
  }

  state(): EdgeState | undefined {
    return this.running?.state();
  }
}
