/**
 * Every message of the load carries, as text somewhere in its payload, who sent it, its number there (from 0) and when it was due
 * (microseconds since 1970): `~00012.00000034.1732694400000000~`. It survives being taken apart and put together again, so that what
 * comes out at the far end can be counted one by one, and timed.
 */
const CLIENT_DIGITS = 5;
const NUMBER_DIGITS = 8;
const TIME_DIGITS = 16;
const MARK = 0x7e;
const NUMBER_AT = 1 + CLIENT_DIGITS + 1;
const TIME_AT = NUMBER_AT + NUMBER_DIGITS + 1;
export const STAMP_BYTES: number = TIME_AT + TIME_DIGITS + 1;

export interface Stamp {
  readonly client: number;
  readonly number: number;
  /** Milliseconds since 1970, with fractions. */
  readonly dueAt: number;
}

export function stampText(client: number): string {
  const digits = (value: number, width: number): string => String(value).padStart(width, '0');
  return `~${digits(client, CLIENT_DIGITS)}.${digits(0, NUMBER_DIGITS)}.${digits(0, TIME_DIGITS)}~`;
}

/** Into a stamp that begins at `at`. */
export function patchStamp(bytes: Buffer, at: number, number: number, dueAt: number): void {
  writeDigits(bytes, at + NUMBER_AT, NUMBER_DIGITS, number);
  writeDigits(bytes, at + TIME_AT, TIME_DIGITS, Math.round(dueAt * 1000));
}

/** Calls back with each stamp in the bytes; answers how many there are. */
export function readStamps(bytes: Buffer, found: (stamp: Stamp) => void): number {
  let count = 0;
  for (let at = bytes.indexOf(MARK); at !== -1 && at + STAMP_BYTES <= bytes.length; at = bytes.indexOf(MARK, at + 1)) {
    if (bytes[at + STAMP_BYTES - 1] !== MARK) continue;
    found({
      client: readDigits(bytes, at + 1, CLIENT_DIGITS),
      number: readDigits(bytes, at + NUMBER_AT, NUMBER_DIGITS),
      dueAt: readDigits(bytes, at + TIME_AT, TIME_DIGITS) / 1000,
    });
    count += 1;
    at += STAMP_BYTES - 1;
  }
  return count;
}

/** The upper and the lower half of a long number apart: both fit into 32 bits, whose division is quick. */
function writeDigits(bytes: Buffer, at: number, width: number, value: number): void {
  if (width > NUMBER_DIGITS) {
    const upper = Math.floor(value / 1e8);
    writeDigits(bytes, at, width - 8, upper);
    writeDigits(bytes, at + width - 8, 8, value - upper * 1e8);
    return;
  }
  let left = value | 0;
  for (let i = at + width - 1; i >= at; i -= 1) {
    const rest = (left / 10) | 0;
    bytes[i] = 48 + left - rest * 10;
    left = rest;
  }
}

function readDigits(bytes: Buffer, at: number, width: number): number {
  let value = 0;
  for (let i = at; i < at + width; i += 1) value = value * 10 + (bytes[i] as number) - 48;
  return value;
}
