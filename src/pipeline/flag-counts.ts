import { FLAG } from '../domain/flags.ts';
import type { Flag } from '../domain/reading.ts';

// How often each flag was set, as the set of those that ever were and a count for each of its bits, from the lowest: most devices
// have none or one.

export function countOf(bits: number, counts: readonly number[], flag: Flag): number {
  const bit = FLAG[flag];
  return (bits & bit) === 0 ? 0 : (counts[placeOf(bits, bit)] as number);
}

/** One more; answers the list of counts to keep, which is another one where the flag is new. The caller adds its bit to the set. */
export function counted(bits: number, counts: readonly number[], flag: Flag): readonly number[] {
  const bit = FLAG[flag];
  const at = placeOf(bits, bit);
  if ((bits & bit) === 0) return counts.toSpliced(at, 0, 1);
  (counts as number[])[at] = (counts[at] as number) + 1;
  return counts;
}

function placeOf(bits: number, bit: number): number {
  return ones(bits & (bit - 1));
}

/** How many bits are set. */
function ones(bits: number): number {
  let n = bits - ((bits >>> 1) & 0x5555_5555);
  n = (n & 0x3333_3333) + ((n >>> 2) & 0x3333_3333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}
