import { setMaxListeners } from 'node:events';
import { Lane, type LaneContext, laneKey } from './lane.ts';
import type { Batch, LaneStatus } from './ports.ts';

/** Idle lanes are kept for the next batch, as long as there are no more than these; about 0.7 kB each. See Chain for why. */
const KEPT_LANES = 4096;

/** Lanes of one state of the settings. */
interface Generation {
  readonly lanes: Map<string, Lane>;
  /** Those of them that hold something. */
  busy: number;
  /** Ends them: what they hold comes again. */
  readonly abort: AbortController;
  readonly signal: AbortSignal;
}

export interface LanesOptions extends Omit<LaneContext, 'onIdle' | 'onRefused'> {
  /** The lane of this key holds nothing any more. */
  readonly onFree: (key: string) => void;
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
    for (const lane of this.busy()) items += lane.size;
    return items;
  }

  /** Adds these items to those of their routes. */
  countOwed(routes: Map<string, number>): void {
    for (const lane of this.busy()) routes.set(lane.route, (routes.get(lane.route) ?? 0) + lane.size);
  }

  status(): LaneStatus[] {
    return [...this.busy()].map((lane) => lane.status());
  }

  /** Where a reading of this key would wait now. */
  get(key: string): Lane | undefined {
    return this.newest.lanes.get(key);
  }

  push(batch: Batch): void {
    const generation = this.newest;
    const lane = this.laneOf(generation, batch);
    if (lane.idle) generation.busy += 1;
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

  private *busy(): Generator<Lane> {
    for (const { lanes } of this.generations) for (const lane of lanes.values()) if (!lane.idle) yield lane;
  }

  private laneOf(generation: Generation, { destination, items }: Batch): Lane {
    const { lanes, signal } = generation;
    const key = laneKey(destination, items[0]?.delivery.message.topic ?? '');
    let lane = lanes.get(key);
    if (lane === undefined) {
      lane = new Lane(key, destination, {
        ...this.options,
        signal,
        onIdle: () => {
          generation.busy -= 1;
          if (lanes.size > KEPT_LANES) lanes.delete(key);
          this.advance();
          this.options.onFree(key);
        },
        onRefused: () => void this.refused(),
      });
      lanes.set(key, lane);
      if (this.generations.length === 1) lane.release();
    }
    return lane;
  }

  private generation(): Generation {
    const abort = new AbortController();
    const signal = AbortSignal.any([this.options.signal, abort.signal]);
    // Every lane that waits listens: their number is bounded by the prefetch, not by ten.
    setMaxListeners(0, signal);
    return { lanes: new Map(), busy: 0, abort, signal };
  }

  private advance(): void {
    while (this.generations.length > 1 && this.generations[0]?.busy === 0) {
      this.generations.shift();
      for (const lane of this.generations[0]?.lanes.values() ?? []) lane.release();
    }
    if (this.generations.length === 1 && this.newest.busy === 0) this.options.onEmpty();
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
