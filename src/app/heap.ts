import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8';

const POOL_BYTES = 8192;
/** What the old generation may grow by. */
const GROWTH_BYTES = 17e6;
/** But not for less than half of it does it pay to walk over all of it, and a small one is not yet what it comes to. */
const [LEAST_PERCENT, MOST_PERCENT] = [50, 80];
/** What the young generation may hold between two of its collections. */
const YOUNG_BYTES = 8 * 2 ** 20;

/**
 * What V8 is told to do otherwise. What a message needs lives as long as the message is on its way: longer than a collection of the young
 * generation as often as not, and never long. V8 guesses wrongly from that, in three ways.
 *
 * - `no-allocation-site-pretenuring`: where most of what a place in the code makes outlives a collection, V8 makes it in the old generation
 *   from then on. So it did with what stands for a publish that waits for its confirm, and what was made there kept alive, dead or not, the whole
 *   batch that it knew of, until the old generation was collected: nine tenths of all that was in flight at a collection went that way.
 *   Without: 20.3 -> 14.6 us of CPU a message, 37,600 -> 50,500 messages a second (medians of four pairs of two rounds of row `throughput`).
 * - `heap-growing-percent`: the old generation grows by so much between two collections instead of up to four times. At full speed all of that
 *   growth is filled with what is not needed any more. How much it should be does not depend on how much is kept: V8 counts what buffers hold
 *   outside of its heap too, 8 MB of which come and go between two collections of the young generation, and with less room than that and a
 *   little more it collects the old one for nothing, time and again: growing by half of 22 MB it took 83 collections for 360,000 messages, 11.4 us
 *   of CPU each; by four fifths 16, 8.1 us, at 151 MB of resident memory instead of 146 (two rounds each of a longer row `throughput`).
 * - `semi-space-growth-factor`: the young generation doubles, up to 16 MiB (Node.js 20) or 64 (24), the more survives, and
 *   both halves of it stay in memory. It is told to stop at 8 MiB: 144 to 149 -> 125 to 130 MB of resident memory, 9.1 -> 8.8 us
 *   (medians of four pairs of two rounds, Node.js 20). While settings are read it does not grow at all: all that is read in one turn survives, and it
 *   would be at 16 MiB before anybody could tell it to stop (row `profiles`, 1,000 against 10: 1.4 times the CPU and 30 MB more, for good).
 *
 * V8 looks at all of them at each collection (Node.js 20 and 24).
 */
const PRETENURING = '--no-allocation-site-pretenuring';
const OLD = '--heap-growing-percent';
const YOUNG = '--semi-space-growth-factor';
/** Whoever says one of these has decided how large the young generation may become. */
const YOUNG_SAID = ['max-semi-space-size', 'min-semi-space-size', 'semi-space-growth-factor'];

/** What Node.js says of a collection (perf_hooks, `gc`). */
type GcEntry = PerformanceEntry & { readonly detail?: { readonly kind?: number } };

export interface TunedHeap {
  /** The start is over: the young generation may become as large as messages need it. */
  grow(): void;
  end(): void;
}

/** Tells V8 how messages live, now and after each of its collections. Whoever gives one of the flags to `node` has the last word about it. */
export function tuneHeap(given: readonly string[] = givenFlags(), set: (flag: string) => void = setFlagsFromString): TunedHeap {
  const said = new Set(given.map(nameOf));
  const [old, young] = [!said.has(nameOf(OLD)), !YOUNG_SAID.some((name) => said.has(name))];
  if (!said.has(nameOf(PRETENURING))) set(PRETENURING);
  const setOld = (heldBytes: number): void => set(`${OLD}=${growingPercent(heldBytes)}`);
  let factor = 0;
  let mayGrow = false;
  const setYoung = (): void => {
    const now = mayGrow ? growthFactor(youngBytes()) : 1;
    if (now !== factor) set(`${YOUNG}=${now}`);
    factor = now;
  };
  if (old) setOld(0);
  if (young) setYoung();
  const observer = new PerformanceObserver((list) => {
    if (young) setYoung();
    const whole = list.getEntries().some((entry) => (entry as GcEntry).detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR);
    if (old && whole) setOld(getHeapStatistics().used_heap_size);
  });
  if (old || young) observer.observe({ entryTypes: ['gc'] });
  return {
    grow: () => {
      mayGrow = true;
      if (young) setYoung();
    },
    end: () => observer.disconnect(),
  };
}

/** How many per cent of what the heap holds it may grow by: some 17 MB, and half of a large one. */
export function growingPercent(heldBytes: number): number {
  return Math.round(Math.min(MOST_PERCENT, Math.max(LEAST_PERCENT, (100 * GROWTH_BYTES) / heldBytes)));
}

/** What the young generation, if it grows, is to be multiplied by: it goes where it may go in one step, and no further. */
export function growthFactor(heldBytes: number): number {
  return Math.max(1, Math.round(YOUNG_BYTES / heldBytes));
}

/** What the young generation can hold now: half of what it takes, since its other half waits for what survives. */
function youngBytes(): number {
  const space = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
  return space === undefined ? YOUNG_BYTES : space.space_used_size + space.space_available_size;
}

/** Of the flags for V8, NODE_OPTIONS takes the first two of the young generation too. */
function givenFlags(): string[] {
  return [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/)];
}

/** What a flag is about, whatever it says of it; V8 takes underscores for hyphens. */
function nameOf(flag: string): string | undefined {
  return /^--(?:no-)?([^=]+)/.exec(flag.replaceAll('_', '-'))?.[1];
}

/**
 * Small buffers are cut out of pools of 8 KiB, as in Node.js 20.20; 24.21 takes 64 KiB. Payloads are copied so that one that
 * waits does not hold on to the chunk that the socket read, and may not hold on to as much by way of a pool.
 */
export function keepPoolSmall(): void {
  Buffer.poolSize = POOL_BYTES;
}
