import { isUtf8 } from 'node:buffer';
import { emptyBag } from '../domain/bag.ts';
import { excerpt } from '../domain/excerpt.ts';
import type { FaultCode } from '../domain/fault.ts';
import type { Document } from '../domain/payload-path.ts';
import type { Limits } from '../domain/profile.ts';
import { MAX_INTEGER_DIGITS, OUT_OF_RANGE_RULE } from './number-text.ts';
import { hashed, MEMO_BYTES, memoised } from './text-memo.ts';

/** Deeper than this is refused whatever the settings say: the reader is recursive. */
const DEEPEST = 512;
/** With up to 15 digits the digits are an exact double, and so is 10^22: their quotient is rounded once, as it must be (Clinger 1990). */
const EXACT_DIGITS = 15;
const POWERS: readonly number[] = Array.from({ length: EXACT_DIGITS + 1 }, (_, i) => 10 ** i);
const NOTHING = Buffer.alloc(0);

/**
 * Strict JSON (RFC 8259) from bytes to data in one walk. Not JSON.parse, because that rounds long integers, hides repeated
 * names, and builds everything before anybody can count; and with the walks that make up for it takes twice as long.
 * What it accepts is what JSON.parse accepts, which property tests and JSONTestSuite hold it to.
 */
export class JsonReader {
  /** Why there is no document. The first one stays. */
  problem: { readonly code: FaultCode; readonly message: string } | undefined;
  /** An object named a key twice: the last one won. */
  duplicate = false;
  private body: Buffer = NOTHING;
  private at = 0;
  private depthLeft = 0;
  private fieldsLeft = 0;
  private limits: Pick<Limits, 'depth' | 'fields'> = { depth: 0, fields: 0 };
  private checkedUtf8 = false;
  private outOfRange: string | undefined;

  /** The text that begins at `start`; meaningless where there is a `problem`. Linear in the bytes, and ends at the first bound that is passed. */
  read(body: Buffer, start: number, limits: Pick<Limits, 'depth' | 'fields'>): Document {
    this.problem = undefined;
    this.duplicate = false;
    this.body = body;
    this.at = start;
    this.depthLeft = Math.min(limits.depth, DEEPEST);
    this.fieldsLeft = limits.fields;
    this.limits = limits;
    this.checkedUtf8 = false;
    this.outOfRange = undefined;
    const document = this.value();
    if (this.problem === undefined) {
      this.space();
      if (this.at < body.length) {
        this.unexpected();
      } else if (this.outOfRange !== undefined) {
        this.refuse('NUMBER_OUT_OF_RANGE', `${excerpt(this.outOfRange, 48)} is out of range: ${OUT_OF_RANGE_RULE}`);
      }
    }
    this.body = NOTHING;
    return document;
  }

  /** Answers null where there is a problem: callers look at `problem` before they go on. */
  private value(): Document {
    const { body } = this;
    let c = body[this.at] as number;
    if (c <= 0x20) {
      this.space();
      c = body[this.at] as number;
    }
    switch (c) {
      case 0x22:
        return this.string();
      case 0x7b:
        return this.object();
      case 0x5b:
        return this.array();
      case 0x74:
        return this.word('true', true);
      case 0x66:
        return this.word('false', false);
      case 0x6e:
        return this.word('null', null);
      default:
        return this.number(c);
    }
  }

  /** The next byte that is no white space; it is not taken. */
  private next(): number {
    const c = this.body[this.at] as number;
    if (c <= 0x20) {
      this.space();
      return this.body[this.at] as number;
    }
    return c;
  }

  private space(): void {
    const { body } = this;
    let i = this.at;
    for (let c = body[i]; c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09; c = body[i]) {
      i += 1;
    }
    this.at = i;
  }

  private word<T extends boolean | null>(text: string, value: T): T | null {
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

  private object(): Document {
    const record = emptyBag<Document>();
    if (!this.enter()) {
      return null;
    }
    let c = this.next();
    if (c === 0x7d) {
      return this.leave(record);
    }
    for (;;) {
      if (c !== 0x22) {
        return this.unexpected();
      }
      const name = this.string();
      if (this.next() !== 0x3a || this.problem !== undefined) {
        return this.unexpected();
      }
      this.at += 1;
      const value = this.value();
      if (this.problem !== undefined) {
        return null;
      }
      if (name in record) {
        this.duplicate = true;
      }
      record[name] = value;
      c = this.next();
      if (c === 0x7d) {
        return this.leave(record);
      }
      if (c !== 0x2c || !this.another()) {
        return this.unexpected();
      }
      c = this.next();
    }
  }

  private array(): Document {
    const list: Document[] = [];
    if (!this.enter()) {
      return null;
    }
    if (this.next() === 0x5d) {
      return this.leave(list);
    }
    for (;;) {
      const value = this.value();
      if (this.problem !== undefined) {
        return null;
      }
      list.push(value);
      const c = this.next();
      if (c === 0x5d) {
        return this.leave(list);
      }
      if (c !== 0x2c || !this.another()) {
        return this.unexpected();
      }
    }
  }

  /** Past the opening bracket, which counts as a field. */
  private enter(): boolean {
    this.depthLeft -= 1;
    if (this.depthLeft < 0) {
      this.refuse('LIMIT_DEPTH', `the payload is nested deeper than limits.depth = ${this.limits.depth}`);
      return false;
    }
    return this.another();
  }

  private leave<T extends Document>(container: T): T {
    this.depthLeft += 1;
    this.at += 1;
    return container;
  }

  /** Past a comma, each of which counts as a field. */
  private another(): boolean {
    this.at += 1;
    this.fieldsLeft -= 1;
    if (this.fieldsLeft < 0) {
      this.refuse('LIMIT_FIELDS', `the payload has more than limits.fields = ${this.limits.fields} fields`);
    }
    return this.fieldsLeft >= 0;
  }

  private number(first: number): Document {
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

  private string(): string {
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

  private unexpected(): null {
    const { body, at } = this;
    if (this.problem !== undefined || !this.isUtf8()) {
      return null;
    }
    const c = body[at];
    const what = c === undefined ? 'end' : c > 0x20 && c < 0x7f ? `"${String.fromCharCode(c)}"` : `byte 0x${c.toString(16).padStart(2, '0')}`;
    this.refuse('DECODE_INVALID', `not JSON: unexpected ${what} at byte ${at}`);
    return null;
  }

  private refuse(code: FaultCode, message: string): void {
    this.problem ??= { code, message };
  }
}
