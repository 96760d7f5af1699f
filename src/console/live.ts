import type { History, HistoryPoint, LiveEvent } from './api.ts';
import { timed } from './dom.ts';
import { Freshness } from './freshness.ts';
import { ApiError, get, readStream } from './net.ts';

/** Points of the plots: ten minutes, as the gateway keeps them. */
const MOST_POINTS = 600;
/** A connection without an event for this long is taken to be dead; there is one each second. */
const IDLE_MS = 5000;
const RETRY_MS = [300, 700, 1000, 2000] as const;
/** A tab that nobody looks at lets go of its connection: a browser has six for one host. */
const HIDDEN_MS = 15_000;
const TICK_MS = 500;

/** The gateway's state as it says it each second, for all views. */
export class Live {
  readonly freshness = new Freshness();
  last: LiveEvent | undefined;
  points: HistoryPoint[] = [];
  private readonly listeners = new Set<(event: LiveEvent) => void>();
  private readonly ticks = new Set<() => void>();
  private connection: AbortController | undefined;

  start(): void {
    setInterval(() => this.tick(), TICK_MS);
    let hidden: ReturnType<typeof setTimeout> | undefined;
    document.addEventListener('visibilitychange', () => {
      clearTimeout(hidden);
      if (document.hidden) hidden = setTimeout(() => this.disconnect(), HIDDEN_MS);
      else if (this.connection === undefined) this.connect();
    });
    this.connect();
  }

  onEvent(listener: (event: LiveEvent) => void, signal: AbortSignal): void {
    this.listeners.add(listener);
    signal.addEventListener('abort', () => this.listeners.delete(listener));
    if (this.last !== undefined) listener(this.last);
  }

  /** Twice a second, whether or not there is news, and at each change. */
  onTick(listener: () => void): void {
    this.ticks.add(listener);
  }

  private tick(): void {
    for (const each of this.ticks) each();
  }

  private disconnect(): void {
    this.connection?.abort();
    this.connection = undefined;
    this.freshness.rest();
  }

  private connect(): void {
    this.connection = new AbortController();
    void this.run(this.connection.signal);
  }

  private async run(signal: AbortSignal): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const event = (name: string, data: unknown): void => {
          if (name !== 'live') return;
          attempt = 0;
          this.take(data as LiveEvent);
        };
        await readStream('api/live', { event, idleMs: IDLE_MS, open: () => void this.loadHistory(signal) }, signal);
      } catch (error) {
        if (signal.aborted) return;
        // It is there and says no: asking faster does not change its mind.
        const patient = error instanceof ApiError && error.status !== 0;
        this.freshness.ended(error instanceof Error ? error.message : String(error), patient ? error.status : undefined);
        this.tick();
        await new Promise((resolve) => setTimeout(resolve, patient ? 5000 : (RETRY_MS[attempt] ?? 2000)));
      }
      if (signal.aborted) return;
    }
  }

  private take(event: LiveEvent): void {
    const before = this.freshness.reach(performance.now());
    this.freshness.heard(performance.now());
    this.last = event;
    const { received, forwarded, deadLettered, filtered } = event.rates;
    const { gateway } = event.latencyMs;
    this.points.push({ at: event.at, received, forwarded, deadLettered, filtered, gatewayP50: gateway?.p50 ?? null, gatewayP99: gateway?.p99 ?? null });
    if (this.points.length > MOST_POINTS) this.points.splice(0, this.points.length - MOST_POINTS);
    timed('sluice:live', () => {
      for (const each of this.listeners) each(event);
    });
    if (before !== 'live') this.tick();
  }

  /** What was before the page was opened, or while it was away. */
  private async loadHistory(signal: AbortSignal): Promise<void> {
    try {
      const { points } = await get<History>('api/history', signal);
      const last = points.at(-1)?.at ?? 0;
      this.points = [...points, ...this.points.filter(({ at }) => at > last)].slice(-MOST_POINTS);
    } catch {
      // The plots begin with what comes.
    }
  }
}
