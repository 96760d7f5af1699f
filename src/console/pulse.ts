import { timed } from './dom.ts';
import { Freshness } from './freshness.ts';
import type { Verdict } from './verdict.ts';

const TICK_MS = 500;

/** Points of the plots: ten minutes, one a second. */
export const MOST_POINTS = 600;

/** Adds a point; the oldest gives way. */
export function remember<Point>(points: Point[], point: Point): void {
  points.push(point);
  if (points.length > MOST_POINTS) points.splice(0, points.length - MOST_POINTS);
}

/** News of the process that the page is of, for all who show it, and whether it is news still. */
export abstract class Pulse<T> {
  readonly freshness = new Freshness();
  last: T | undefined;
  private readonly name: string;
  private readonly listeners = new Set<(news: T) => void>();
  private readonly ticks = new Set<() => void>();

  /** `name`: of the measure in the browser's timeline. */
  constructor(name: string) {
    this.name = name;
  }

  /** What the page says at its top, as of now. */
  abstract verdict(): Verdict;

  onEvent(listener: (news: T) => void, signal: AbortSignal): void {
    this.listeners.add(listener);
    signal.addEventListener('abort', () => this.listeners.delete(listener));
    if (this.last !== undefined) listener(this.last);
  }

  /** Twice a second, whether or not there is news, and at each change. */
  onTick(listener: () => void): void {
    this.ticks.add(listener);
  }

  protected startTicking(): void {
    setInterval(() => this.tick(), TICK_MS);
  }

  protected tick(): void {
    for (const each of this.ticks) each();
  }

  /** News has come. `note` runs before anybody is told. */
  protected take(news: T, note: (at: number) => void): void {
    const at = performance.now();
    const before = this.freshness.reach(at);
    this.freshness.heard(at);
    note(at);
    this.last = news;
    timed(this.name, () => {
      for (const each of this.listeners) each(news);
    });
    if (before !== 'live') this.tick();
  }

  protected failed(error: unknown, status: number | undefined): void {
    this.freshness.ended(error instanceof Error ? error.message : String(error), status);
    this.tick();
  }
}
