import { encodeReading } from '../codec/reading.ts';
import type { Reading, Value } from '../domain/reading.ts';

/** Longest reading in wire format that is kept (in bytes) or shown (in characters) whole. */
export const WHOLE_TEXT = 4096;
/** Of a longer one: so many values, texts cut to so many characters. */
const VALUES = 16;
const CHARACTERS = 80;

/** A long reading in wire format, with its first values and no tags: at most about 6 kB beside id, device and topic. */
export function shortReading(reading: Reading): string {
  const values: Record<string, Value> = Object.create(null) as Record<string, Value>;
  let n = 0;
  for (const name in reading.values) {
    if (n === VALUES) break;
    if (name.length > CHARACTERS) continue;
    const value = reading.values[name] as Value;
    values[name] = typeof value === 'string' ? value.slice(0, CHARACTERS) : value;
    n += 1;
  }
  return encodeReading({ ...reading, values, units: undefined, tags: undefined });
}
