import { setFlagsFromString } from 'node:v8';

const POOL_BYTES = 8192;

/**
 * What V8 is told to do otherwise. What a message needs lives as long as the message is on its way: longer than a collection of the young
 * generation as often as not, and never long. V8 guesses wrongly from that, in two ways.
 *
 * - `no-allocation-site-pretenuring`: where most of what a place in the code makes outlives a collection, V8 makes it in the old generation
 *   from then on. So it did with what stands for a publish that waits for its confirm, and what was made there kept alive, dead or not, the whole
 *   batch that it knew of, until the old generation was collected: nine tenths of all that was in flight at a collection went that way.
 *   Without: 20.3 -> 14.6 us of CPU a message, 37,600 -> 50,500 messages a second (medians of four pairs of two rounds of row `throughput`).
 * - `heap-growing-percent`: the old generation grows by half between two collections instead of up to four times. At full speed all of that
 *   growth is filled with what is not needed any more: resident memory 145-151 MB instead of 157-162, at the same CPU a message (the same pairs).
 *
 * V8 looks at both at each collection (Node 20 and 24).
 */
const FLAGS: readonly string[] = ['--no-allocation-site-pretenuring', '--heap-growing-percent=50'];

/** Tells V8 how messages live. Whoever gives one of the flags to `node` has the last word about it. */
export function tuneHeap(given: readonly string[] = process.execArgv, set: (flag: string) => void = setFlagsFromString): void {
  const said = new Set(given.map(nameOf));
  for (const flag of FLAGS) if (!said.has(nameOf(flag))) set(flag);
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
