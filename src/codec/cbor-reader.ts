import { emptyBag } from '../domain/bag.ts';
import type { Result } from '../domain/fault.ts';
import type { Document } from '../domain/payload-path.ts';
import type { Limits } from '../domain/profile.ts';
import { ByteReader } from './byte-reader.ts';
import type { BytesAs } from './byte-strings.ts';
import { half } from './half-float.ts';
import type { Decoded } from './registry.ts';

/** Major types, RFC 8949 section 3.1. */
const UNSIGNED = 0;
const NEGATIVE = 1;
const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;
const MAP = 5;
const TAG = 6;

const INDEFINITE = 31;
const BREAK = 0xff;
/** 10^40 needs 133 bits. */
const BIGNUM_BYTES = 17;

class CborReader extends ByteReader {
  protected item(): Document {
    const initial = this.uint8();
    const info = initial & 0x1f;
    switch (initial >> 5) {
      case UNSIGNED:
        return info < 24 ? info : this.argument(info);
      case NEGATIVE:
        return this.negative(info);
      case BYTES:
        return this.bytes(this.rawBytes(info));
      case TEXT:
        return info === INDEFINITE ? this.chunkedText() : this.text(this.length(info));
      case ARRAY:
        return info === INDEFINITE ? this.openArray() : this.array(this.length(info));
      case MAP:
        return info === INDEFINITE ? this.openMap() : this.map(this.length(info));
      case TAG:
        return this.tagged(this.argument(info));
      default:
        return this.simple(info);
    }
  }

  protected key(): string {
    const initial = this.uint8();
    const info = initial & 0x1f;
    switch (initial >> 5) {
      case TEXT:
        return info === INDEFINITE ? this.chunkedText() : this.text(this.length(info));
      case UNSIGNED:
        return String(this.argument(info));
      case NEGATIVE:
        return String(this.negative(info));
      default:
        return this.bad('a name in a map is neither text nor an integer');
    }
  }

  /** The number that follows an initial byte, RFC 8949 section 3. */
  private argument(info: number): number | bigint {
    if (info < 24) {
      return info;
    }
    switch (info) {
      case 24:
        return this.uint8();
      case 25:
        return this.uint16();
      case 26:
        return this.uint32();
      case 27:
        return this.uint64();
      default:
        return this.bad(info === INDEFINITE ? 'a break, or a type that has no indefinite length' : `additional information ${info} is reserved`);
    }
  }

  private negative(info: number): number | bigint {
    const n = this.argument(info);
    // -1 - (2^53 - 1) is no safe integer.
    return typeof n === 'number' && n < Number.MAX_SAFE_INTEGER ? -1 - n : -1n - BigInt(n);
  }

  /** A declared length or count. One of 2^53 or more cannot be met: it is taken as the largest number. */
  private length(info: number): number {
    const n = this.argument(info);
    return typeof n === 'number' ? n : Number.MAX_SAFE_INTEGER;
  }

  private rawBytes(info: number): Buffer {
    if (info !== INDEFINITE) {
      const start = this.take(this.length(info));
      return this.body.subarray(start, this.at);
    }
    const chunks: Buffer[] = [];
    while (!this.ended()) {
      const start = this.take(this.chunk(BYTES));
      chunks.push(this.body.subarray(start, this.at));
    }
    return Buffer.concat(chunks);
  }

  /** Each chunk is valid UTF-8 by itself: RFC 8949 section 3.2.3. */
  private chunkedText(): string {
    let text = '';
    while (!this.ended()) {
      text += this.text(this.chunk(TEXT));
    }
    return text;
  }

  /** Length of the next chunk of an indefinite-length string: a string of the same type, and of definite length, which `length` sees to. */
  private chunk(major: number): number {
    const initial = this.uint8();
    if (initial >> 5 !== major) {
      this.bad('a chunk of an indefinite-length string is no string of its type');
    }
    return this.length(initial & 0x1f);
  }

  private ended(): boolean {
    if (this.body[this.at] !== BREAK) {
      return false;
    }
    this.at += 1;
    return true;
  }

  private openArray(): Document {
    this.enter();
    this.count(1);
    const list: Document[] = [];
    while (!this.ended()) {
      if (list.length > 0) {
        this.count(1);
      }
      list.push(this.item());
    }
    this.leave();
    return list;
  }

  private openMap(): Document {
    this.enter();
    this.count(1);
    const record = emptyBag<Document>();
    let names = 0;
    while (!this.ended()) {
      if (names > 0) {
        this.count(1);
      }
      names += 1;
      const name = this.key();
      record[name] = this.item();
    }
    this.leave();
    this.named(record, names);
    return record;
  }

  /** Tags say how to read their content; one that is not known here may change its meaning, so it is refused. */
  private tagged(tag: number | bigint): Document {
    this.enter();
    const value = this.content(tag);
    this.leave();
    return value;
  }

  private content(tag: number | bigint): Document {
    switch (tag) {
      case 0:
        return this.expect(this.major() === TEXT, 'tag 0 (date and time) is not on a text');
      case 1:
        return this.expect(this.major() <= NEGATIVE || this.isFloat(), 'tag 1 (seconds since 1970) is not on a number');
      case 2:
      case 3:
        return this.bignum(tag);
      case 4:
        return this.decimalFraction();
      // What the sender wishes byte strings to become in JSON: section 3.4.5.2.
      case 21:
        return this.hinted('base64url');
      case 22:
        return this.hinted('base64');
      case 23:
        return this.hinted('hex');
      // CBOR inside a byte string, section 3.4.5.1: left as it is.
      case 24:
        return this.expect(this.major() === BYTES, 'tag 24 (embedded CBOR) is not on a byte string');
      // Texts of a certain form: URI, base64url, base64, MIME. Section 3.4.5.3.
      case 32:
      case 33:
      case 34:
      case 36:
        return this.expect(this.major() === TEXT, `tag ${tag} is not on a text`);
      // "This is CBOR", section 3.4.6.
      case 55_799:
        return this.item();
      default:
        return this.bad(`tag ${tag} is not known`);
    }
  }

  private expect(good: boolean, problem: string): Document {
    return good ? this.item() : this.bad(problem);
  }

  private major(): number {
    return (this.body[this.at] ?? BREAK) >> 5;
  }

  private isFloat(): boolean {
    const initial = this.body[this.at];
    return initial === 0xf9 || initial === 0xfa || initial === 0xfb;
  }

  private hinted(bytesAs: BytesAs): Document {
    const before = this.bytesAs;
    if (before !== 'refuse' && before !== 'keep') {
      this.bytesAs = bytesAs;
    }
    const value = this.item();
    this.bytesAs = before;
    return value;
  }

  /** Section 3.4.3. */
  private bignum(tag: number): number | bigint {
    if (this.major() !== BYTES) {
      this.bad(`tag ${tag} (big integer) is not on a byte string`);
    }
    const bytes = this.rawBytes(this.uint8() & 0x1f);
    let first = 0;
    while (bytes[first] === 0) {
      first += 1;
    }
    if (bytes.length - first > BIGNUM_BYTES) {
      this.tooLarge();
    }
    const n = BigInt(`0x0${bytes.toString('hex', first)}`);
    return this.bounded(tag === 2 ? n : -1n - n);
  }

  /** Section 3.4.4: [exponent, mantissa]. Integers are exact, the rest is the nearest double, as in JSON. */
  private decimalFraction(): number | bigint {
    const pair = this.major() === ARRAY ? this.item() : undefined;
    const [exponent, mantissa] = Array.isArray(pair) && pair.length === 2 ? (pair as readonly Document[]) : [];
    if (!Number.isSafeInteger(exponent) || !(typeof mantissa === 'bigint' || Number.isSafeInteger(mantissa))) {
      this.bad('tag 4 (decimal fraction) is not on two integers');
    }
    const power = exponent as number;
    if (power >= 0 && power <= 40) {
      return this.bounded(BigInt(mantissa as number | bigint) * 10n ** BigInt(power));
    }
    const value = Number(`${mantissa as number | bigint}e${power}`);
    return Number.isFinite(value) ? value : this.tooLarge();
  }

  /** Section 3.3. */
  private simple(info: number): Document {
    switch (info) {
      case 20:
        return false;
      case 21:
        return true;
      // null; and undefined, which is a missing value too.
      case 22:
      case 23:
        return null;
      case 24:
        return this.bad(`simple value ${this.uint8()} has no meaning`);
      case 25:
        return half(this.uint16());
      case 26:
        return this.float();
      case 27:
        return this.double();
      default:
        return this.bad(info < 20 ? `simple value ${info} has no meaning` : 'a break or a reserved value where an item is due');
    }
  }
}

const reader = new CborReader('CBOR', 0xfb);

/** Reads one CBOR item: see `cborCodec`. Never throws on any bytes. */
export function decodeCbor(body: Buffer, limits: Limits, bytesAs: BytesAs): Result<Decoded> {
  return reader.read(body, limits, bytesAs);
}
