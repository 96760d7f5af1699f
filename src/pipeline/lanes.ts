import { setMaxListeners } from 'node:events';
import { Lane, type LaneContext, laneKey } from './lane.ts';
import type { Batch, LaneStatus } from './ports.ts';

/** Lanes of one state of the settings. */
interface Generation {
  readonly lanes: Map<string, Lane>;
  /** Ends them: what they hold comes again. */
  readonly abort: AbortController;
  readonly signal: AbortSignal;
}

export interface LanesOptions extends Omit<LaneContext, 'onIdle' | 'onRefused'> {
  /** No lane holds anything any more. */
  readonly onEmpty: () => void;
  /** Makes everything unsettled come again; resolves when nothing of it is live any more. Never rejects. */
  readonly takeBack: () => Promise<void>;
}

/**
 * The lanes by their keys. When the settings change, what was decided under the old ones goes out before anything of the new
 * ones does: another rule may send to where the old ones sent, and would overtake. Mostly that takes as long as a confirm.
 * Where something old does not get through, all that is unsettled is taken back, to be decided by the settings of today.
 */
export class Lanes {
  private readonly options: LanesOptions;
  /** Oldest first; the first one alone sends, and the last one takes what is new. Never empty. */
  private readonly generations: Generation[];
  private takingBack = false;

  constructor(options: LanesOptions) {
    this.options = options;
    this.generations = [this.generation()];
  }

  /** Items that wait or are under way. */
  get size(): number {
    let items = 0;
    for (const lane of this.all()) items += lane.size;
    return items;
  }

  /** Adds these items to those of their routes. */
  countOwed(routes: Map<string, number>): void {
    for (const lane of this.all()) routes.set(lane.route, (routes.get(lane.route) ?? 0) + lane.size);
  }

  status(): LaneStatus[] {
    return [...this.all()].map((lane) => lane.status());
  }

  /** Where a reading of this key would wait now. */
  get(key: string): Lane | undefined {
    return this.newest.lanes.get(key);
  }

  push(batch: Batch): void {
    const { lanes, signal } = this.newest;
    const key = laneKey(batch.destination, batch.items[0]?.reading.topic ?? '');
    let lane = lanes.get(key);
    if (lane === undefined) {
      lane = new Lane(key, batch.destination, {
        ...this.options,
        signal,
        onIdle: () => {
          lanes.delete(key);
          this.advance();
        },
        onRefused: () => void this.refused(),
      });
      lanes.set(key, lane);
      if (this.generations.length === 1) lane.release();
    }
    lane.push(batch);
  }

  /** What comes from here on waits until everything before it has settled. */
  fence(): void {
    this.generations.push(this.generation());
    this.advance();
  }

  private get newest(): Generation {
    return this.generations.at(-1) as Generation;
  }

  private *all(): Generator<Lane> {
    for (const { lanes } of this.generations) yield* lanes.values();
  }

  private generation(): Generation {
    const abort = new AbortController();
    const signal = AbortSignal.any([this.options.signal, abort.signal]);
    // Every lane that waits listens: their number is bounded by the prefetch, not by ten.
    setMaxListeners(0, signal);
    return { lanes: new Map(), abort, signal };
  }

  private advance(): void {
    while (this.generations.length > 1 && this.generations[0]?.lanes.size === 0) {
      this.generations.shift();
      for (const lane of this.generations[0]?.lanes.values() ?? []) lane.release();
    }
    if (this.generations.length === 1 && this.newest.lanes.size === 0) this.options.onEmpty();
  }

  private async refused(): Promise<void> {
    if (this.takingBack || this.generations.length === 1) return;
    this.takingBack = true;
    const old = this.generations.slice(0, -1);
    await this.options.takeBack();
    this.takingBack = false;
    // Only now: while anything of it is live, what is newer must not go out.
    for (const { abort } of old) abort.abort();
  }
}
