import { isUtf8 } from 'node:buffer';
import { excerpt } from '../domain/excerpt.ts';
import type { FaultCode } from '../domain/fault.ts';
import type { Document } from '../domain/payload-path.ts';
import { EXACT_DIGITS, MAX_INTEGER_DIGITS, OUT_OF_RANGE_RULE, POWERS } from './number-text.ts';
import { hashed, MEMO_BYTES, memoised } from './text-memo.ts';

const NOTHING = Buffer.alloc(0);

/** Words, numbers and strings of JSON (RFC 8259) from bytes; `JsonReader` puts them together. */
export abstract class JsonScalars {
  /** Why there is no document. The first one stays. */
  problem: { readonly code: FaultCode; readonly message: string } | undefined;
  protected body: Buffer = NOTHING;
  protected at = 0;
  private checkedUtf8 = false;
  private outOfRange: string | undefined;

  protected begin(body: Buffer, start: number): void {
    this.problem = undefined;
    this.body = body;
    this.at = start;
    this.checkedUtf8 = false;
    this.outOfRange = undefined;
  }

  /** Behind the last value; lets go of the bytes. */
  protected finish(): void {
    if (this.problem === undefined) {
      this.space();
      if (this.at < this.body.length) {
        this.unexpected();
      } else if (this.outOfRange !== undefined) {
        this.refuse('NUMBER_OUT_OF_RANGE', `${excerpt(this.outOfRange, 48)} is out of range: ${OUT_OF_RANGE_RULE}`);
      }
    }
    this.body = NOTHING;
  }

  /** The next byte that is no white space; it is not taken. */
  protected next(): number {
    const c = this.body[this.at] as number;
    if (c <= 0x20) {
      this.space();
      return this.body[this.at] as number;
    }
    return c;
  }

  protected space(): void {
    const { body } = this;
    let i = this.at;
    for (let c = body[i]; c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09; c = body[i]) {
      i += 1;
    }
    this.at = i;
  }

  protected word<T extends boolean | null>(text: string, value: T): T | null {
    for (let i = 1; i < text.length; i += 1) {
      if (this.body[this.at + i] !== text.charCodeAt(i)) {
        this.at += i;
        this.unexpected();
        return null;
      }
    }
    this.at += text.length;
    return value;
  }

  protected number(first: number): Document {
    const { body } = this;
    const start = this.at;
    let i = start;
    let c = first;
    if (c === 0x2d) {
      i += 1;
      c = body[i] as number;
    }
    const whole = i;
    let value = 0;
    if (c === 0x30) {
      i += 1;
      c = body[i] as number;
    } else {
      while (c >= 0x30 && c <= 0x39) {
        value = value * 10 + (c - 0x30);
        i += 1;
        c = body[i] as number;
      }
    }
    let digits = i - whole;
    let decimals = 0;
    if (c === 0x2e && digits > 0) {
      const point = i + 1;
      i = point;
      for (c = body[i] as number; c >= 0x30 && c <= 0x39; c = body[i] as number) {
        value = value * 10 + (c - 0x30);
        i += 1;
      }
      decimals = i - point;
      digits = decimals === 0 ? 0 : digits + decimals;
    }
    this.at = i;
    if (digits === 0) {
      return this.unexpected();
    }
    if (c === 0x65 || c === 0x45) {
      return this.exponent(start);
    }
    if (digits > EXACT_DIGITS) {
      return this.long(start, decimals === 0);
    }
    if (decimals > 0) {
      value /= POWERS[decimals] as number;
    }
    return first === 0x2d ? -value : value;
  }

  private exponent(start: number): Document {
    const { body } = this;
    let i = this.at + 1;
    if (body[i] === 0x2b || body[i] === 0x2d) {
      i += 1;
    }
    const from = i;
    while ((body[i] as number) >= 0x30 && (body[i] as number) <= 0x39) {
      i += 1;
    }
    this.at = i;
    return i === from ? this.unexpected() : this.long(start, false);
  }

  /** A number whose syntax is good, exactly. */
  private long(start: number, integer: boolean): Document {
    const text = this.body.toString('latin1', start, this.at);
    const value = Number(text);
    const digits = text.startsWith('-') ? text.length - 1 : text.length;
    if (!Number.isFinite(value) || (integer && digits > MAX_INTEGER_DIGITS)) {
      this.outOfRange ??= text;
      return 0;
    }
    return integer && !Number.isSafeInteger(value) ? BigInt(text) : value;
  }

  protected string(): string {
    const { body } = this;
    const start = this.at + 1;
    let i = start;
    let hash = 0;
    let bits = 0;
    let c = body[i] as number;
    while (c !== 0x22) {
      // Also false beyond the end.
      if (!(c >= 0x20) || c === 0x5c) {
        return this.escaped(start, i);
      }
      hash = hashed(hash, c);
      bits |= c;
      i += 1;
      c = body[i] as number;
    }
    this.at = i + 1;
    if (bits >= 0x80) {
      return this.isUtf8() ? body.toString('utf8', start, i) : '';
    }
    const length = i - start;
    return length <= MEMO_BYTES ? memoised(body, start, length, hash) : body.toString('latin1', start, i);
  }

  /** A string with an escape in it, which JSON.parse knows how to read, or one that is none. */
  private escaped(start: number, from: number): string {
    const { body } = this;
    let i = from;
    for (let c = body[i] as number; c !== 0x22; c = body[i] as number) {
      if (!(c >= 0x20)) {
        this.at = i;
        this.unexpected();
        return '';
      }
      i += c === 0x5c ? 2 : 1;
    }
    if (!this.isUtf8()) {
      return '';
    }
    this.at = i + 1;
    try {
      return JSON.parse(body.toString('utf8', start - 1, i + 1)) as string;
    } catch {
      this.refuse('DECODE_INVALID', `not JSON: a wrong escape in the string at byte ${start - 1}`);
      return '';
    }
  }

  private isUtf8(): boolean {
    if (!this.checkedUtf8) {
      this.checkedUtf8 = isUtf8(this.body);
      if (!this.checkedUtf8) {
        this.refuse('INVALID_UTF8', 'the payload is not UTF-8');
      }
    }
    return this.checkedUtf8;
  }

  protected unexpected(): null {
    const { body, at } = this;
    if (this.problem !== undefined || !this.isUtf8()) {
      return null;
    }
    const c = body[at];
    const what = c === undefined ? 'end' : c > 0x20 && c < 0x7f ? `"${String.fromCharCode(c)}"` : `byte 0x${c.toString(16).padStart(2, '0')}`;
    this.refuse('DECODE_INVALID', `not JSON: unexpected ${what} at byte ${at}`);
    return null;
  }

  protected refuse(code: FaultCode, message: string): void {
    this.problem ??= { code, message };
  }
}
