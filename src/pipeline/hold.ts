import type { Observer } from '../domain/events.ts';
import type { Fault } from '../domain/fault.ts';
import type { Scheduler } from './ports.ts';

/** What is held, as it is told. */
export interface HeldPlace {
  readonly route: string;
  readonly destination: string;
}

/** Whether something does not get through, since when, and why last; tells of its beginning, of each failure, and of its end. */
export class Hold {
  /** Why the last attempt failed; undefined where nothing is held. */
  fault: Fault | undefined;
  /** Of what is held: how often it was tried. */
  attempts = 0;
  private since = 0;
  private readonly observer: Observer;
  private readonly scheduler: Scheduler;

  constructor({ observer, scheduler }: { readonly observer: Observer; readonly scheduler: Scheduler }) {
    this.observer = observer;
    this.scheduler = scheduler;
  }

  /** Milliseconds that it has lasted; undefined where nothing is held. */
  get ms(): number | undefined {
    return this.fault === undefined ? undefined : this.scheduler.monotonic() - this.since;
  }

  /** An attempt has failed. */
  fail({ route, destination }: HeldPlace, fault: Fault, attempt: number, retryMs: number): void {
    const { code, message } = fault;
    if (this.fault === undefined) {
      this.since = this.scheduler.monotonic();
      this.observer({ type: 'lane-held', route, destination, code, message });
    }
    this.fault = fault;
    this.attempts = attempt;
    this.observer({ type: 'publish-failed', route, destination, code, message, attempt, retryMs });
  }

  /** It got through, or there is nothing to get through any more. */
  end({ route, destination }: HeldPlace, attempts: number): void {
    const heldMs = this.ms;
    if (heldMs === undefined) return;
    this.fault = undefined;
    this.observer({ type: 'lane-resumed', route, destination, heldMs, attempts });
  }
}
