import { emptyBag } from '../domain/bag.ts';
import type { Document } from '../domain/payload-path.ts';

/** Longer integers are refused: no consumer's decimal type holds them (IEEE 754 decimal128 has 34 digits), and they are no measurement. */
export const MAX_INTEGER_DIGITS = 40;

const INTEGER = /^-?\d+$/;
const NUMBER_END = /[^-+.eE0-9]/g;

/**
 * Reads JSON text that `JSON.parse` has already accepted, and keeps integers beyond 2^53 as bigint. Because the text
 * is known to be good, there is one judge of JSON's syntax and this reader need not be another. Recursive: the caller
 * has bounded the depth.
 */
export class ExactJsonReader {
  private readonly text: string;
  private at = 0;
  /** An object named a key twice. */
  duplicate = false;
  /** The first number that neither a double nor 40 digits can hold. */
  outOfRange: string | undefined;

  constructor(text: string) {
    this.text = text;
  }

  read(): Document {
    this.space();
    switch (this.text.charCodeAt(this.at)) {
      case 0x7b:
        return this.object();
      case 0x5b:
        return this.array();
      case 0x22:
        return this.string();
      case 0x74:
        this.at += 4;
        return true;
      case 0x66:
        this.at += 5;
        return false;
      case 0x6e:
        this.at += 4;
        return null;
      default:
        return this.number();
    }
  }

  private space(): void {
    while (this.text.charCodeAt(this.at) <= 0x20) {
      this.at += 1;
    }
  }

  private object(): Document {
    const record = emptyBag<Document>();
    this.at += 1;
    this.space();
    while (this.text.charCodeAt(this.at) !== 0x7d) {
      const name = this.string();
      this.space();
      this.at += 1;
      if (name in record) {
        this.duplicate = true;
      }
      record[name] = this.read();
      this.separator();
    }
    this.at += 1;
    return record;
  }

  private array(): Document {
    const list: Document[] = [];
    this.at += 1;
    this.space();
    while (this.text.charCodeAt(this.at) !== 0x5d) {
      list.push(this.read());
      this.separator();
    }
    this.at += 1;
    return list;
  }

  private separator(): void {
    this.space();
    if (this.text.charCodeAt(this.at) === 0x2c) {
      this.at += 1;
      this.space();
    }
  }

  private string(): string {
    const start = this.at;
    let escaped = false;
    let i = start + 1;
    for (let c = this.text.charCodeAt(i); c !== 0x22; c = this.text.charCodeAt(i)) {
      escaped ||= c === 0x5c;
      i += c === 0x5c ? 2 : 1;
    }
    this.at = i + 1;
    return escaped ? (JSON.parse(this.text.slice(start, this.at)) as string) : this.text.slice(start + 1, i);
  }

  private number(): number | bigint {
    const start = this.at;
    NUMBER_END.lastIndex = start;
    const end = NUMBER_END.exec(this.text);
    this.at = end === null ? this.text.length : end.index;
    const text = this.text.slice(start, this.at);
    const value = Number(text);
    if (Number.isSafeInteger(value) || !INTEGER.test(text)) {
      if (!Number.isFinite(value)) {
        this.outOfRange ??= text;
      }
      return value;
    }
    const digits = text.startsWith('-') ? text.length - 1 : text.length;
    if (digits > MAX_INTEGER_DIGITS) {
      this.outOfRange ??= text;
      return 0;
    }
    return BigInt(text);
  }
}
