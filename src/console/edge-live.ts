import type { EdgeView } from './api-edge.ts';
import { edgeVerdict } from './edge-verdict.ts';
import { ApiError, get, repeat } from './net.ts';
import { Pulse, remember } from './pulse.ts';
import type { Verdict } from './verdict.ts';

/** Between an answer and the next question. */
const ASK_MS = 1000;

/** One second of an edge. Rates are per second; null where they are not known. */
export interface EdgePoint {
  /** Milliseconds since 1970, by the browser. */
  readonly at: number;
  readonly published: number | null;
  readonly forwarded: number | null;
  /** Messages in the spool. */
  readonly kept: number;
}

/** The state of an edge, asked for each second. The page alone remembers what was. */
export class EdgeLive extends Pulse<EdgeView> {
  readonly points: EdgePoint[] = [];
  /** On the clock that does not jump. */
  private heardAt = 0;

  constructor() {
    super('sluice:edge');
  }

  verdict(): Verdict {
    return edgeVerdict(this.freshness, performance.now(), this.last);
  }

  start(): void {
    this.startTicking();
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) this.freshness.rest();
    });
    repeat(ASK_MS, new AbortController().signal, async (signal) => await this.ask(signal));
  }

  private async ask(signal: AbortSignal): Promise<void> {
    try {
      const state = await get<EdgeView>('edge', signal);
      this.take(state, (at) => this.keep(state, at));
    } catch (error) {
      this.failed(error, error instanceof ApiError && error.status !== 0 ? error.status : undefined);
    }
  }

  private keep(state: EdgeView, now: number): void {
    const { last } = this;
    const seconds = (now - this.heardAt) / 1000;
    this.heardAt = now;
    remember(this.points, {
      at: Date.now(),
      published: rate(last && sum(last.publishes), sum(state.publishes), seconds),
      forwarded: rate(last?.ledger.forwarded, state.ledger.forwarded, seconds),
      kept: state.spool.messages,
    });
  }
}

export function sum(counts: readonly number[]): number {
  return counts.reduce((total, n) => total + n, 0);
}

/** Null for the first point, and where the counter is that of another process. */
function rate(before: number | undefined, after: number, seconds: number): number | null {
  return before === undefined || after < before || seconds <= 0 ? null : (after - before) / seconds;
}
