import { parse } from 'lossless-json';

/** JSON read by somebody else than the gateway, integers beyond 2^53 as bigint. */
export function exactJson(text: string): unknown {
  return parse(text, undefined, (digits) => (/^-?\d+$/.test(digits) && !Number.isSafeInteger(Number(digits)) ? BigInt(digits) : Number(digits)));
}
