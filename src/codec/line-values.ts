import { excerpt } from '../domain/excerpt.ts';
import type { Value } from '../domain/reading.ts';

type Bounds = readonly [least: bigint, most: bigint];

const INT64: Bounds = [-(2n ** 63n), 2n ** 63n - 1n];
const UINT64: Bounds = [0n, 2n ** 64n - 1n];
const INTEGER = /^(-?)0*(\d+)$/;
/** Wider than JSON's: `1.`, `.5` and `007` are floats too. */
const FLOAT = /^-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/;
/** A number begins with a minus, a point or a digit. */
const STARTS_NUMBER = /^[-.\d]/;
const BOOLEANS: ReadonlyMap<string, boolean> = new Map(
  [true, false].flatMap((value) => {
    const word = String(value);
    const first = word.charAt(0);
    const spellings = [first, first.toUpperCase(), word, first.toUpperCase() + word.slice(1), word.toUpperCase()];
    return spellings.map((spelling) => [spelling, value] as const);
  }),
);

/** What a text is, or what is wrong with it: `range` (it does not fit its type), or else words for a person. */
export type Parsed<V> = { readonly value: V } | { readonly problem: string };

/** An integer within bounds; undefined outside. Longer digits are not even looked at: the work of BigInt is not linear. */
function whole(minus: string, digits: string, [least, most]: Bounds): bigint | undefined {
  if (digits.length > 20) {
    return undefined;
  }
  const value = BigInt(minus + digits);
  return value >= least && value <= most ? value : undefined;
}

function integer(text: string, unsigned: boolean): Parsed<number | bigint> {
  const [, minus, digits = ''] = INTEGER.exec(text) ?? [];
  if (minus === undefined || (minus === '-' && unsigned)) {
    return { problem: `"${excerpt(text, 40)}" is not ${unsigned ? 'an unsigned' : 'an'} integer` };
  }
  // Up to 15 digits a double is exact and fast.
  if (digits.length <= 15) {
    return { value: minus === '-' ? 0 - Number(digits) : Number(digits) };
  }
  const value = whole(minus, digits, unsigned ? UINT64 : INT64);
  if (value === undefined) {
    return { problem: 'range' };
  }
  const double = Number(value);
  return { value: Number.isSafeInteger(double) ? double : value };
}

/** A field value that is no text in quotes: a boolean, a float, `1i` or `1u`. Integers beyond 2^53 are bigint. */
export function parseValue(text: string): Parsed<Value> {
  const known = BOOLEANS.get(text);
  if (known !== undefined) {
    return { value: known };
  }
  if (!STARTS_NUMBER.test(text)) {
    return { problem: `"${excerpt(text, 40)}" is neither a number, a boolean nor a text in quotes` };
  }
  if (text.endsWith('i') || text.endsWith('u')) {
    return integer(text.slice(0, -1), text.endsWith('u'));
  }
  if (!FLOAT.test(text)) {
    return { problem: `"${excerpt(text, 40)}" is not a number` };
  }
  const value = Number(text);
  return Number.isFinite(value) ? { value } : { problem: 'range' };
}

/** A timestamp in nanoseconds, counted in units of so many; undefined where the text is none. */
export function parseTime(text: string, unit: bigint): Parsed<bigint> | undefined {
  const [, minus, digits = ''] = INTEGER.exec(text) ?? [];
  if (minus === undefined) {
    return undefined;
  }
  const value = (whole(minus, digits, INT64) ?? 2n ** 64n) * unit;
  return value >= INT64[0] && value <= INT64[1] ? { value } : { problem: 'range' };
}
