import type { Limits } from '../domain/profile.ts';

/** Deeper than this is refused whatever the settings say: the readers behind the scan are recursive. */
const DEEPEST = 512;
/** 2^53 has 16 digits: an integer with fewer is exact as a double. */
const EXACT_DIGITS = 16;
/** A double reaches 1.8e308, so up to 200 digits before the point and an exponent of two digits cannot overflow. */
const SAFE_DIGITS = 200;

export interface JsonScan {
  readonly exceeded: 'depth' | 'fields' | undefined;
  /** Names in objects, repeated ones included. */
  readonly keys: number;
  /** All bytes are below 0x80. */
  readonly ascii: boolean;
  /** Some number may not survive as a double: a long integer, or one that could be infinite. */
  readonly exact: boolean;
}

function over(exceeded: 'depth' | 'fields'): JsonScan {
  return { exceeded, keys: 0, ascii: false, exact: false };
}

/**
 * One walk over the bytes, before anything is parsed: how deep, how many fields, and whether the numbers need care.
 * It does not judge the syntax (JSON.parse does); on malformed text its counts mean nothing, but it ends all the same.
 * Stops at the first bound that is passed, so five million brackets cost as much as thirty-three.
 */
export function scanJson(body: Uint8Array, start: number, limits: Limits): JsonScan {
  const end = body.length;
  const maxDepth = Math.min(limits.depth, DEEPEST);
  let depth = 0;
  let keys = 0;
  // Members and elements: one for each comma and one for each container.
  let fields = 0;
  let bits = 0;
  let exact = false;
  let i = start;
  while (i < end) {
    const c = body[i] as number;
    i += 1;
    bits |= c;
    if (c === 0x22) {
      while (i < end) {
        const d = body[i] as number;
        i += 1;
        bits |= d;
        if (d === 0x22) {
          break;
        }
        if (d === 0x5c) {
          bits |= body[i] as number;
          i += 1;
        }
      }
    } else if (c <= 0x39) {
      if (c >= 0x30) {
        const first = i - 1;
        i = digitsEnd(body, i);
        const whole = i - first;
        const next = body[i];
        if (next === 0x2e || next === 0x65 || next === 0x45) {
          i = next === 0x2e ? digitsEnd(body, i + 1) : i;
          const exponent = exponentDigits(body, i);
          exact ||= whole > SAFE_DIGITS || exponent >= 3;
        } else {
          exact ||= whole >= EXACT_DIGITS;
        }
      } else if (c === 0x2c) {
        fields += 1;
        if (fields > limits.fields) {
          return over('fields');
        }
      }
    } else if (c === 0x3a) {
      keys += 1;
    } else if (c === 0x7b || c === 0x5b) {
      depth += 1;
      fields += 1;
      if (depth > maxDepth) {
        return over('depth');
      }
      if (fields > limits.fields) {
        return over('fields');
      }
    } else if (c === 0x7d || c === 0x5d) {
      depth -= 1;
    }
  }
  return { exceeded: undefined, keys, ascii: bits < 0x80, exact };
}

function digitsEnd(body: Uint8Array, from: number): number {
  let i = from;
  while (i < body.length && (body[i] as number) >= 0x30 && (body[i] as number) <= 0x39) {
    i += 1;
  }
  return i;
}

/** How many digits the exponent at `at` has; 0 where there is none. The main walk passes over them once more, which is harmless. */
function exponentDigits(body: Uint8Array, at: number): number {
  if (body[at] !== 0x65 && body[at] !== 0x45) {
    return 0;
  }
  const sign = body[at + 1] === 0x2b || body[at + 1] === 0x2d ? 1 : 0;
  return digitsEnd(body, at + 1 + sign) - at - 1 - sign;
}
