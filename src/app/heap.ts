import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';

const POOL_BYTES = 8192;
/** What the old generation may grow by. */
const GROWTH_BYTES = 17e6;
/** But not for less than a quarter of it does it pay to walk over all of it, and a small one is not yet what it comes to. */
const [LEAST_PERCENT, MOST_PERCENT] = [25, 80];

/**
 * What V8 is told to do otherwise. What a message needs lives as long as the message is on its way: longer than a collection of the young
 * generation as often as not, and never long. V8 guesses wrongly from that, in two ways.
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
 *
 * V8 looks at both at each collection (Node 20 and 24).
 */
const GROWING = '--heap-growing-percent';
const FLAGS: readonly string[] = ['--no-allocation-site-pretenuring', `${GROWING}=${growingPercent(0)}`];

/** Tells V8 how messages live. Whoever gives one of the flags to `node` has the last word about it. */
export function tuneHeap(given: readonly string[] = process.execArgv, set: (flag: string) => void = setFlagsFromString): void {
  const said = new Set(given.map(nameOf));
  for (const flag of FLAGS) if (!said.has(nameOf(flag))) set(flag);
}

/** What Node.js says of a collection (perf_hooks, `gc`). */
type GcEntry = PerformanceEntry & { readonly detail?: { readonly kind?: number } };

/** How many per cent of what the heap holds it may grow by: some 17 MB, and a quarter of a large one. */
export function growingPercent(heldBytes: number): number {
  return Math.round(Math.min(MOST_PERCENT, Math.max(LEAST_PERCENT, (100 * GROWTH_BYTES) / heldBytes)));
}

/** Tells V8 after each collection of the whole heap how far it may grow until the next one, unless that was given. Answers how to end it. */
export function followHeap(given: readonly string[] = process.execArgv, set: (flag: string) => void = setFlagsFromString): () => void {
  if (given.some((flag) => nameOf(flag) === nameOf(GROWING))) return () => {};
  const observer = new PerformanceObserver((list) => {
    const whole = list.getEntries().some((entry) => (entry as GcEntry).detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR);
    if (whole) set(`${GROWING}=${growingPercent(getHeapStatistics().used_heap_size)}`);
  });
  observer.observe({ entryTypes: ['gc'] });
  return () => observer.disconnect();
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
