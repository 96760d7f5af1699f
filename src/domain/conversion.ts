/** From one unit to another: `factor` x value + `offset`. Settings derive both from the names of the units. */
export interface Conversion {
  readonly from: string;
  readonly to: string;
  readonly factor: number;
  readonly offset: number;
}

/** Significant digits that are kept: a double has 15 to 17, and an offset near the value takes some of them. */
const DIGITS = 15;
const DIGITS_WITH_OFFSET = 12;

/**
 * The value in the other unit, rounded where the arithmetic of doubles ends (69.8 degrees Fahrenheit are 21 degrees
 * Celsius, not 20.999999999999996). A bigint stays exact where factor or its inverse is a whole number and nothing is
 * left over; else it becomes a double. undefined where the result is too large for one.
 */
export function convert(value: number | bigint, { factor, offset }: Conversion): number | bigint | undefined {
  if (typeof value === 'bigint') {
    const exact = offset === 0 ? scale(value, factor) : undefined;
    if (exact !== undefined) {
      return exact >= -MAX_EXACT && exact <= MAX_EXACT ? Number(exact) : exact;
    }
  }
  const scaled = Number(value) * factor;
  const sum = offset === 0 ? scaled : scaled + offset;
  if (!Number.isFinite(sum)) {
    return undefined;
  }
  if (sum === 0) {
    return sum;
  }
  if (offset === 0) {
    return rounded(sum);
  }
  const largest = Math.floor(Math.log10(Math.max(Math.abs(scaled), Math.abs(offset))));
  const decimals = DIGITS_WITH_OFFSET - 1 - largest;
  return decimals > 0 && decimals <= 100 ? Number(sum.toFixed(decimals)) : rounded(sum);
}

/** The largest doubles have no neighbour to be rounded up to. */
function rounded(value: number): number {
  const short = Number(value.toPrecision(DIGITS));
  return Number.isFinite(short) ? short : value;
}

const MAX_EXACT = BigInt(Number.MAX_SAFE_INTEGER);

function scale(value: bigint, factor: number): bigint | undefined {
  if (Number.isSafeInteger(factor)) {
    return value * BigInt(factor);
  }
  const inverse = Math.round(1 / factor);
  // 1 / 0.001 is 1000 to the last bit; a factor that only comes near a whole number is not one.
  if (!Number.isSafeInteger(inverse) || inverse === 0 || Math.abs(1 / inverse - factor) > Math.abs(factor) * Number.EPSILON) {
    return undefined;
  }
  const divisor = BigInt(inverse);
  return value % divisor === 0n ? value / divisor : undefined;
}
