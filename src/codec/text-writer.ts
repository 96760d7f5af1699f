import { EXACT_DIGITS, POWERS } from './number-text.ts';
import { needsEscape } from './quote.ts';

/** The buffer at first, and the largest that is used again, bytes. */
const [FIRST_BYTES, MOST_BYTES] = [65_536, 1_048_576];
/** Longest character in UTF-8 for each of JavaScript's: two that make four bytes are two. */
const UTF8_BYTES = 3;
/** Longest number: -1.7976931348623157e+308 has 24. */
const NUMBER_BYTES = 24;
/** Views that are made once: of a text that stands first, by its bytes. */
const VIEWS = 1024;

const [QUOTE, BACKSLASH] = [0x22, 0x5c];
/** Up to so many characters a text is written one by one. */
const SHORT = 64;

/** Below it there is one decimal of so many digits for each double. */
const LIMIT = 10 ** EXACT_DIGITS;
/** More decimals than this go to `String`; with fewer than seven it writes no exponent (ECMA-262, Number::toString). */
const MOST_DECIMALS = 6;
/** Whole numbers below it, and remainders of it, are counted in 32 bits. */
const [WORD, WORD_DIGITS] = [1_000_000_000, 9];

/**
 * JSON texts as UTF-8, one behind the other in a buffer that is used again. No strings are made on the way: what is put together from
 * pieces would be written out by V8 first, and then once more into the buffer.
 */
export class TextWriter {
  private bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  private views: (Uint8Array | undefined)[] = noViews();
  /** Where the text at hand begins, and where it goes on. */
  private from = 0;
  private at = 0;

  /** All texts that were taken are overwritten from here on. */
  begin(): void {
    this.from = 0;
    this.at = 0;
    if (this.bytes.length > MOST_BYTES) this.use(Buffer.allocUnsafeSlow(FIRST_BYTES));
  }

  /** The text since the last one was taken: a view, good until `begin`. */
  take(): Uint8Array {
    const { from, at } = this;
    this.from = at;
    if (from > 0 || at >= VIEWS) return this.bytes.subarray(from, at);
    return (this.views[at] ??= new Uint8Array(this.bytes.buffer, 0, at));
  }

  constant(bytes: Uint8Array): void {
    this.room(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** A text as it is; it must have no lone surrogates. */
  text(text: string): void {
    this.room(text.length * UTF8_BYTES);
    this.at += this.bytes.write(text, this.at);
  }

  /** As `quote` says. */
  quoted(text: string): void {
    const { length } = text;
    this.room(length * UTF8_BYTES + 2);
    const { bytes, at } = this;
    bytes[at] = QUOTE;
    if (length > SHORT || !this.plain(text)) {
      this.quotedLong(text);
      return;
    }
    bytes[at + 1 + length] = QUOTE;
    this.at = at + length + 2;
  }

  /** Writes a text behind the next byte, if it is printable ASCII without anything to escape. Answers whether it was. */
  private plain(text: string): boolean {
    const { bytes } = this;
    const from = this.at + 1;
    for (let i = 0; i < text.length; i += 1) {
      const character = text.charCodeAt(i);
      if (character < 0x20 || character > 0x7e || character === QUOTE || character === BACKSLASH) return false;
      bytes[from + i] = character;
    }
    return true;
  }

  /** What is told and written by native code: two calls cost as much as some 60 characters. */
  private quotedLong(text: string): void {
    if (needsEscape(text)) {
      this.text(JSON.stringify(text));
      return;
    }
    const end = this.at + 1 + this.bytes.write(text, this.at + 1);
    this.bytes[end] = QUOTE;
    this.at = end + 1;
  }

  /** As JSON.stringify writes it, and -0 as `-0`. Throws RangeError for NaN and infinity. */
  number(value: number): void {
    this.room(NUMBER_BYTES);
    const size = Math.abs(value);
    let digits = size;
    let decimals = 0;
    if (!(size < LIMIT)) {
      this.long(value);
      return;
    }
    while (Math.floor(digits) !== digits || digits / (POWERS[decimals] as number) !== size) {
      decimals += 1;
      digits = Math.round(size * (POWERS[decimals] as number));
      if (decimals > MOST_DECIMALS || digits >= LIMIT) {
        this.long(value);
        return;
      }
    }
    if (value < 0 || (value === 0 && Object.is(value, -0))) {
      this.bytes[this.at] = 0x2d;
      this.at += 1;
    }
    this.digits(digits, decimals);
  }

  private long(value: number): void {
    if (!Number.isFinite(value)) throw new RangeError(`${value} is not a number that JSON can hold`);
    this.text(String(value));
  }

  /** A whole number below 10^15, the last `decimals` digits of it behind a point. */
  private digits(digits: number, decimals: number): void {
    const { bytes, at } = this;
    let count = decimals + 1;
    while (count < EXACT_DIGITS && digits >= (POWERS[count] as number)) count += 1;
    const high = digits < WORD ? 0 : Math.floor(digits / WORD);
    let low = (digits - high * WORD) | 0;
    const end = at + count + (decimals === 0 ? 0 : 1);
    const point = decimals === 0 ? at - 1 : end - decimals - 1;
    let left = WORD_DIGITS;
    for (let i = end - 1; i >= at; i -= 1) {
      if (i === point) {
        bytes[i] = 0x2e;
        continue;
      }
      if (left === 0) low = high | 0;
      left -= 1;
      const rest = (low / 10) | 0;
      bytes[i] = 0x30 + low - rest * 10;
      low = rest;
    }
    this.at = end;
  }

  private room(bytes: number): void {
    if (this.at + bytes > this.bytes.length) this.grow(bytes);
  }

  /** Texts that were taken keep the buffer that they stand in. */
  private grow(bytes: number): void {
    const { from, at } = this;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.bytes.length, at - from + bytes));
    this.bytes.copy(larger, 0, from, at);
    this.use(larger);
    this.from = 0;
    this.at = at - from;
  }

  private use(bytes: Buffer<ArrayBuffer>): void {
    this.bytes = bytes;
    this.views = noViews();
  }
}

function noViews(): (Uint8Array | undefined)[] {
  return Array.from({ length: VIEWS });
}
