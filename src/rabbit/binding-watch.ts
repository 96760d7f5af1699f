import type { Observer } from '../domain/events.ts';
import type { Scheduler } from '../pipeline/ports.ts';
import type { BindingSpec } from './topology.ts';

/** A binding as the management API shows it; that of the default exchange left out. */
export interface SeenBinding {
  readonly source: string;
  readonly routingKey: string;
}

export interface BindingWatchOptions {
  /** The ingest queue. */
  readonly queue: string;
  /** What the gateway itself has bound. Empty where queue and bindings are somebody else's: then any one binding will do. */
  readonly wanted: readonly BindingSpec[];
  /** What the queue is bound to now, or in words why nobody can tell. Absent without a management API. Never rejects. */
  readonly look?: (() => Promise<readonly SeenBinding[] | string>) | undefined;
  /** Binds again what is wanted; absent where that is not ours to do. Answers why it could not, or undefined. Never rejects. */
  readonly bind?: (() => Promise<string | undefined>) | undefined;
  /** Whether there is a connection to consume by. Without one the source says what is wrong, and declares everything when it is back. */
  readonly connected: () => boolean;
  readonly scheduler: Scheduler;
  readonly observer: Observer;
  readonly everyMs: number;
}

/** Longest pause between two looks at a management API that does not answer. */
const LONGEST_MS = 60_000;

/**
 * Sees to it that devices' messages reach the ingest queue. A broker confirms them to the devices also while the queue is
 * not bound, and drops them; AMQP has no question that would tell (`queue.bind` answers the same whether it was there or not),
 * so only the management API can. Binding again needs no question: it is done at each turn, which bounds the loss to one turn
 * also where nobody can tell.
 */
export class BindingWatch {
  private readonly options: BindingWatchOptions;
  private why: string | undefined;
  /** When the bindings were last known to be there. */
  private goodAt = 0;
  /** When they were bound again after that; undefined while they are not known to have been gone. */
  private mendedAt: number | undefined;
  private nextLookAt = 0;
  private pauseMs: number;
  private state: 'full' | 'mending' | 'blind' | undefined;
  private closed = true;
  private cancel: () => void = () => {};

  constructor(options: BindingWatchOptions) {
    this.options = options;
    this.pauseMs = options.everyMs;
  }

  /** What is not bound, for a person; undefined as it should be. */
  get reason(): string | undefined {
    return this.why;
  }

  /** To be called right after the bindings were declared. */
  start(): void {
    if (this.options.look === undefined && this.options.bind === undefined) return;
    this.closed = false;
    this.goodAt = this.options.scheduler.monotonic();
    this.next(0);
  }

  close(): void {
    this.closed = true;
    this.cancel();
  }

  private next(ms: number): void {
    if (this.closed) return;
    this.cancel = this.options.scheduler.after(ms, () => void this.turn().then(() => this.next(this.options.everyMs)));
  }

  private async turn(): Promise<void> {
    const { connected, look, scheduler } = this.options;
    if (!connected()) {
      // What is declared with the next connection is bound from then on.
      if (this.why === undefined) this.goodAt = scheduler.monotonic();
      return;
    }
    const asked = look !== undefined && scheduler.monotonic() >= this.nextLookAt;
    const lookedAt = scheduler.monotonic();
    const seen = asked ? await look() : undefined;
    // Lost meanwhile: a broker that is on its way down or up may say anything.
    if (this.closed || !connected()) return;
    if (asked) this.pace(typeof seen === 'string', lookedAt);
    const known = typeof seen === 'object';
    const lacking = known ? this.lacking(seen) : undefined;
    if (lacking !== undefined) this.missing(lacking);
    else if (known) this.good(lookedAt);
    const trouble = await this.options.bind?.();
    if (this.closed) return;
    if (this.options.bind !== undefined && trouble === undefined) {
      if (lacking !== undefined) this.mendedAt = scheduler.monotonic();
      // Nobody can be asked, but they are there now.
      else if (!known) this.good(scheduler.monotonic());
    }
    this.tell(typeof seen === 'string' ? seen : asked || look === undefined ? undefined : 'waits', trouble);
  }

  private pace(failed: boolean, at: number): void {
    this.pauseMs = failed ? Math.min(2 * this.pauseMs, LONGEST_MS) : this.options.everyMs;
    this.nextLookAt = failed ? at + this.pauseMs : 0;
  }

  /** In words, or undefined when nothing is. */
  private lacking(seen: readonly SeenBinding[]): string | undefined {
    const { wanted } = this.options;
    if (wanted.length === 0) return seen.length === 0 ? 'any exchange' : undefined;
    const gone = wanted.filter(({ source, routingKey }) => !seen.some((one) => one.source === source && one.routingKey === routingKey));
    return gone.length === 0 ? undefined : gone.map(({ source, routingKey }) => `exchange '${source}' with key '${routingKey}'`).join(', ');
  }

  private missing(lacking: string): void {
    const { queue, bind, observer, scheduler } = this.options;
    if (this.why !== undefined) return;
    const atMostMs = Math.ceil(scheduler.monotonic() - this.goodAt);
    const then = bind === undefined ? 'Bind it; the gateway may not (source.declare)' : 'The gateway tries to bind it again; find out who unbinds it';
    this.why = `queue '${queue}' was not bound to ${lacking} (for at most ${(atMostMs / 1000).toFixed(1)} s): the broker confirms such messages to devices and drops them. ${then}`;
    observer({ type: 'binding-missing', queue, missing: lacking, atMostMs, reason: this.why });
  }

  /** They were there at `at`. */
  private good(at: number): void {
    const { queue, observer } = this.options;
    if (this.why !== undefined) observer({ type: 'binding-restored', queue, atMostMs: Math.ceil((this.mendedAt ?? at) - this.goodAt) });
    this.why = undefined;
    this.mendedAt = undefined;
    this.goodAt = at;
  }

  /** Once for each change. */
  private tell(blindness: string | undefined, trouble: string | undefined): void {
    // Between two looks nothing new is known.
    if (blindness === 'waits' && trouble === undefined) return;
    const { queue, look, observer } = this.options;
    const reason = trouble === undefined ? blindness : `the queue cannot be bound again: ${trouble}`;
    const state = reason !== undefined ? 'blind' : look === undefined ? 'mending' : 'full';
    if (state === this.state) return;
    this.state = state;
    observer({ type: 'bindings-watched', queue, state, reason });
  }
}
