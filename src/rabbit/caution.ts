import type { Observer } from '../domain/events.ts';
import type { Scheduler } from '../pipeline/ports.ts';
import type { Connection } from './connection.ts';
import type { DeliveryWindow } from './delivery-window.ts';
import { PoisonWatch, type PoisonWatchOptions, type Relief } from './poison-watch.ts';
import type { Session } from './session.ts';

/** AMQP reply code of a connection whose process in the broker crashed (AMQP 0-9-1, 1.4.2: internal-error). */
const INTERNAL_ERROR = 541;

export interface CautionOptions extends PoisonWatchOptions {
  readonly session: Session;
  readonly queue: string;
  readonly scheduler: Scheduler;
  readonly observer: Observer;
}

/** Carries out what the `PoisonWatch` says: the prefetch, quick reconnects, the alarm, and the way back. */
export class Caution {
  private readonly options: CautionOptions;
  private readonly watch: PoisonWatch;
  private why: string | undefined;
  private since = 0;
  private attachedAt: number | undefined;
  private window: DeliveryWindow | undefined;
  /** The last delivery had never been delivered before. */
  private fresh = false;
  private quietSince = 0;
  private replacing = false;
  private replace: () => void = () => {};
  private cancelQuiet: () => void = () => {};

  constructor(options: CautionOptions) {
    this.options = options;
    this.watch = new PoisonWatch(options);
  }

  /** Why messages are taken one at a time; undefined as a rule. For a person. */
  get reason(): string | undefined {
    return this.why;
  }

  get prefetch(): number {
    return this.watch.prefetch;
  }

  /** Nothing but consuming matters now. */
  get hurried(): boolean {
    return this.watch.hurried;
  }

  /** A consumer is about to begin. `replace` is called at most once, when one with the full prefetch should take its place. */
  attaching(replace: () => void): void {
    this.replacing = false;
    this.replace = replace;
    this.window = undefined;
    this.attachedAt = this.now();
    this.quietSince = this.attachedAt;
    this.awaitQuiet();
  }

  /** What the consumer receives and settles is counted there. */
  opened(window: DeliveryWindow): DeliveryWindow {
    this.window = window;
    return window;
  }

  received(redelivered: boolean): void {
    this.fresh = !redelivered;
    // Nobody asks otherwise, and a consumer does not become careful while it lives.
    if (this.watch.careful) this.quietSince = this.now();
  }

  /** Acks were sent. One message at a time: then it was the last one that was received. */
  acked(): void {
    this.relieve(this.watch.progressed(this.fresh, this.now()));
  }

  /** The consumer is gone, or never came to be. Answers whether it ended only to be replaced. */
  ended(reason: string, connection: Connection): boolean {
    const { attachedAt, window } = this;
    // Without an attempt to consume, the connection was lost to something else.
    if (attachedAt === undefined) return false;
    this.attachedAt = undefined;
    this.cancelQuiet();
    const { session, queue, deliveryLimit, observer } = this.options;
    const lost = connection.lost || connection.trouble !== undefined;
    const cause = connection.troubleCode === INTERNAL_ERROR ? 'error' : lost ? 'lost' : 'ours';
    const end = { livedMs: this.now() - attachedAt, cause, received: window?.received ?? 0, settled: window?.settledCount ?? 0 } as const;
    if (this.watch.ended(end, this.now())) {
      this.since = this.now();
      this.why = explain(this.watch.deaths, deliveryLimit, reason);
      observer({ type: 'poison-suspected', queue, deaths: this.watch.deaths, reason: this.why });
    }
    session.hurried = this.watch.hurried;
    return this.replacing && !lost;
  }

  private awaitQuiet(): void {
    this.cancelQuiet();
    if (!this.watch.careful) return;
    this.cancelQuiet = this.options.scheduler.after(this.watch.quietMs, () => {
      const quiet = this.now() - this.quietSince >= this.watch.quietMs;
      // A held message that came back before would come back behind others; until it settles, one at a time it stays.
      if (!quiet || ((this.window?.unsettled ?? 0) > 0 && !this.fresh)) this.awaitQuiet();
      else this.relieve(this.watch.calm(this.now()));
    });
  }

  private relieve(how: Relief | undefined): void {
    if (how === undefined) return;
    const { session, queue, observer } = this.options;
    this.cancelQuiet();
    this.why = undefined;
    session.hurried = false;
    observer({ type: 'poison-cleared', queue, how, suspectedMs: Math.round(this.now() - this.since) });
    this.replacing = true;
    this.replace();
  }

  private now(): number {
    return this.options.scheduler.monotonic();
  }
}

function explain(deaths: number, deliveryLimit: number, reason: string): string {
  const what = `the broker closes the connection at each delivery (${deaths} times in a row, last: ${reason}): a topic longer than 255 bytes?`;
  const then =
    deliveryLimit > 0
      ? `One message at a time, until the broker has moved it to the dead letters (after ${deliveryLimit} deliveries)`
      : 'The queue has no delivery limit, so the broker never moves the message: take it out by hand';
  return `${what} ${then}. See "A message that kills the connection" in docs/operations.md`;
}
