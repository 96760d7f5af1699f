/** The middle of the numbers; of an even count the mean of the two in the middle. NaN of none. */
export function median(numbers: readonly number[]): number {
  if (numbers.length === 0) return Number.NaN;
  const sorted = numbers.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[half] as number) : ((sorted[half - 1] as number) + (sorted[half] as number)) / 2;
}

/** Of numbers in ascending order: the least that `q` (0 to 1) of them do not exceed. NaN of none. */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  if (sorted.length === 0) return Number.NaN;
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] as number;
}

/** What is printed of the rounds of one number. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly greatest: number;
}

/** Numbers that are not known (NaN) are left out. */
export function spread(numbers: readonly number[]): Spread {
  const known = numbers.filter((number) => !Number.isNaN(number));
  if (known.length === 0) return { median: Number.NaN, least: Number.NaN, greatest: Number.NaN };
  return { median: median(known), least: Math.min(...known), greatest: Math.max(...known) };
}
