import type { History, HistoryPoint, LiveEvent } from './api.ts';
import { gatewayVerdict } from './gateway-verdict.ts';
import { ApiError, get, readStream } from './net.ts';
import { MOST_POINTS, Pulse, remember } from './pulse.ts';
import type { Verdict } from './verdict.ts';

/** A connection without an event for this long is taken to be dead; there is one each second. */
const IDLE_MS = 5000;
const RETRY_MS = [300, 700, 1000, 2000] as const;
/** A tab that nobody looks at lets go of its connection: a browser has six for one host. */
const HIDDEN_MS = 15_000;

/** The gateway's state as it says it each second. */
export class Live extends Pulse<LiveEvent> {
  points: HistoryPoint[] = [];
  private connection: AbortController | undefined;

  constructor() {
    super('sluice:live');
  }

  verdict(): Verdict {
    return gatewayVerdict(this.freshness, performance.now(), this.last);
  }

  start(): void {
    this.startTicking();
    let hidden: ReturnType<typeof setTimeout> | undefined;
    document.addEventListener('visibilitychange', () => {
      clearTimeout(hidden);
      if (document.hidden) hidden = setTimeout(() => this.disconnect(), HIDDEN_MS);
      else if (this.connection === undefined) this.connect();
    });
    this.connect();
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
          const news = data as LiveEvent;
          this.take(news, () => this.keep(news));
        };
        await readStream('api/live', { event, idleMs: IDLE_MS, open: () => void this.loadHistory(signal) }, signal);
      } catch (error) {
        if (signal.aborted) return;
        // It is there and says no: asking faster does not change its mind.
        const patient = error instanceof ApiError && error.status !== 0;
        this.failed(error, patient ? error.status : undefined);
        await new Promise((resolve) => setTimeout(resolve, patient ? 5000 : (RETRY_MS[attempt] ?? 2000)));
      }
      if (signal.aborted) return;
    }
  }

  private keep({ at, rates, latencyMs: { gateway } }: LiveEvent): void {
    const { received, forwarded, deadLettered, filtered } = rates;
    remember(this.points, { at, received, forwarded, deadLettered, filtered, gatewayP50: gateway?.p50 ?? null, gatewayP99: gateway?.p99 ?? null });
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
