import type { CodecOptions } from './registry.ts';

/** `checkOptions` of a codec without options. */
export function noOptions(options: CodecOptions): string[] {
  return Object.keys(options).map((name) => `${name}: this codec has no options`);
}
