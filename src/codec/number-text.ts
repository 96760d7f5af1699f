import { excerpt } from '../domain/excerpt.ts';
import { failed } from '../domain/fault.ts';

/** With up to 15 digits the digits are an exact double, and so is 10^22: their quotient is rounded once, as it must be (Clinger 1990). */
export const EXACT_DIGITS = 15;
export const POWERS: readonly number[] = Array.from({ length: EXACT_DIGITS + 1 }, (_, i) => 10 ** i);

/** Longer integers are refused: no consumer's decimal type holds them (IEEE 754 decimal128 has 34 digits), and they are no measurement. */
export const MAX_INTEGER_DIGITS = 40;
export const OUT_OF_RANGE_RULE = `numbers must fit a double, integers ${MAX_INTEGER_DIGITS} digits`;

export type Decimal = '.' | ',';

/** RFC 8259 section 6, and the same with a decimal comma. No plus, no bare point, no leading zero, no hexadecimal. */
const NUMBER: Readonly<Record<Decimal, RegExp>> = {
  '.': /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/,
  ',': /^-?(?:0|[1-9]\d*)(?:,\d+)?(?:[eE][-+]?\d+)?$/,
};
const INTEGER = /^-?\d+$/;

/**
 * The number that `text` is as a whole, integers beyond 2^53 as bigint; undefined where it is none, `range` where a
 * double cannot hold it or an integer has more than 40 digits. With a decimal comma a point is no part of a number:
 * it could as well divide thousands.
 */
export function numberOf(text: string, decimal: Decimal): number | bigint | 'range' | undefined {
  if (!NUMBER[decimal].test(text)) {
    return undefined;
  }
  const value = Number(decimal === ',' ? text.replace(',', '.') : text);
  if (Number.isSafeInteger(value) || !INTEGER.test(text)) {
    return Number.isFinite(value) ? value : 'range';
  }
  const digits = text.startsWith('-') ? text.length - 1 : text.length;
  return digits > MAX_INTEGER_DIGITS ? 'range' : BigInt(text);
}

/** The fault for `range`. */
export function outOfRange(text: string, where = ''): ReturnType<typeof failed> {
  return failed('NUMBER_OUT_OF_RANGE', `${where}${excerpt(text, 48)} is out of range: ${OUT_OF_RANGE_RULE}`);
}
