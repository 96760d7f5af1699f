import type { FaultCode } from '../domain/fault.ts';

/** Wire types of Protocol Buffers (protobuf.dev, "Encoding"). Groups (3, 4) do not occur in Sparkplug and are refused. */
export const VARINT = 0;
export const FIXED64 = 1;
export const LENGTH = 2;
export const FIXED32 = 5;

/** A 64-bit varint has at most ten bytes. */
const VARINT_BYTES = 10;
const TWO_32 = 4_294_967_296;
const NOTHING: Buffer = Buffer.alloc(0);

export interface WireProblem {
  readonly code: FaultCode;
  readonly message: string;
}

/**
 * A cursor over one Protocol Buffers message. Our own and not protobufjs: that one builds a whole payload before anyone can
 * count its metrics, knows no bound on depth that a profile sets, and takes twice the time (50 metrics: 10.3 us against 4.8;
 * the whole codec with names, units and readings takes 15). What is wrong is remembered once and ends every loop: after it `next`
 * answers false and everything read is 0 or empty, so callers look at `problem` once, at the end. No exception, no
 * allocation by a declared length, and integers stay in two halves, so none is ever rounded.
 */
export class WireReader {
  problem: WireProblem | undefined;
  /** Field number and wire type of the field that `next` found. */
  field = 0;
  type = 0;
  /** Halves of the last integer read, each 0..2^32-1. */
  lo = 0;
  hi = 0;
  private body: Buffer = NOTHING;
  private at = 0;
  private end = 0;
  private fieldsLeft = 0;
  private depth = 0;
  private maxDepth = 0;

  /** Before each message. `fields`: how many metrics, properties, elements and cells it may come to. */
  open(body: Buffer, fields: number, depth: number): void {
    this.body = body;
    this.at = 0;
    this.end = body.length;
    this.problem = undefined;
    this.fieldsLeft = fields;
    this.depth = 0;
    this.maxDepth = depth;
  }

  /** Lets go of the body, which may be much larger than what is kept of it. */
  close(): void {
    this.body = NOTHING;
  }

  fail(code: FaultCode, message: string): void {
    this.problem ??= { code, message };
    this.at = this.end;
  }

  /** Accounts for `count` more parts of the message, before they are built. */
  spend(count: number): boolean {
    this.fieldsLeft -= count;
    if (this.fieldsLeft < 0) {
      this.fail('LIMIT_FIELDS', 'the payload has more metrics, properties, elements and cells than limits.fields');
      return false;
    }
    return this.problem === undefined;
  }

  /** Moves to the next field of the message at hand; false at its end. */
  next(): boolean {
    if (this.problem !== undefined || this.at >= this.end) {
      return false;
    }
    this.varint();
    this.field = this.lo >>> 3;
    this.type = this.lo & 7;
    if (this.hi !== 0 || this.field === 0) {
      this.fail('DECODE_INVALID', 'a protobuf tag has no legal field number');
    }
    return this.problem === undefined;
  }

  /** Passes over a field that nobody needs: extensions, metadata. */
  skip(): void {
    if (this.type === VARINT) {
      this.varint();
    } else if (this.type === LENGTH) {
      const length = this.length();
      this.at += length;
    } else if (this.type === FIXED64 || this.type === FIXED32) {
      this.take(this.type === FIXED64 ? 8 : 4);
    } else {
      this.fail('DECODE_INVALID', `a protobuf field has wire type ${this.type}`);
    }
  }

  /** An integer of up to 64 bits, into `lo` and `hi`. Bits beyond are cut off, as every protobuf reader does. */
  readVarint(): void {
    if (this.expect(VARINT)) {
      this.varint();
    } else {
      this.lo = 0;
      this.hi = 0;
    }
  }

  /** A uint32; of a longer varint the low half, which is what makes sign-extended negative numbers come out right. */
  readUint32(): number {
    this.readVarint();
    return this.lo;
  }

  /** A uint64 as a double: exact up to 2^53. For times and sequence numbers, never for values. */
  readCount(): number {
    this.readVarint();
    return this.hi * TWO_32 + this.lo;
  }

  readBool(): boolean {
    this.readVarint();
    return this.lo !== 0 || this.hi !== 0;
  }

  readFloat(): number {
    const from = this.expect(FIXED32) ? this.take(4) : -1;
    return from < 0 ? 0 : this.body.readFloatLE(from);
  }

  readDouble(): number {
    const from = this.expect(FIXED64) ? this.take(8) : -1;
    return from < 0 ? 0 : this.body.readDoubleLE(from);
  }

  readText(): string {
    const length = this.readLength();
    const from = this.at;
    this.at += length;
    return this.textBetween(from, this.at);
  }

  /** UTF-8 between two places. A text that is not UTF-8 is a fault: its replacement character would make two names one. */
  textBetween(from: number, to: number): string {
    const text = this.body.toString('utf8', from, to);
    if (text.includes('\ufffd') && !sameBytes(this.body, from, to, text)) {
      this.fail('INVALID_UTF8', 'a text in the payload is not UTF-8');
      return '';
    }
    return text;
  }

  /** Whether bytes are left in the message at hand: for packed numbers, which have no tags. */
  more(): boolean {
    return this.problem === undefined && this.at < this.end;
  }

  /** The next of the packed numbers. */
  plainVarint(): number {
    this.varint();
    return this.lo;
  }

  /** Length of a length-delimited field; the cursor then stands on its first byte. */
  readLength(): number {
    return this.expect(LENGTH) ? this.length() : 0;
  }

  /** Remembers where a nested message lies, to be read later, and passes over it. Its end is `position`. */
  readRange(): number {
    const length = this.readLength();
    const from = this.at;
    this.at += length;
    return from;
  }

  get position(): number {
    return this.at;
  }

  get bytes(): Buffer {
    return this.body;
  }

  /** Goes into the nested message in front of the cursor; give the answer to `leave`. */
  enter(): number {
    const length = this.readLength();
    const outer = this.end;
    if (this.problem === undefined) {
      this.end = this.at + length;
    }
    return outer;
  }

  leave(outer: number): void {
    this.at = this.problem === undefined ? this.end : outer;
    this.end = outer;
  }

  /** Reads a remembered range with `read`, one level deeper, and comes back to where the cursor was. */
  within<T>(from: number, to: number, read: () => T): T | undefined {
    this.depth += 1;
    if (this.depth > this.maxDepth) {
      this.fail('LIMIT_DEPTH', `templates and data sets are nested deeper than limits.depth = ${this.maxDepth}`);
    }
    if (this.problem !== undefined) {
      return undefined;
    }
    const { at, end } = this;
    this.at = from;
    this.end = to;
    const result = read();
    this.depth -= 1;
    this.at = at;
    this.end = end;
    return this.problem === undefined ? result : undefined;
  }

  private expect(type: number): boolean {
    if (this.type !== type) {
      this.fail('DECODE_INVALID', `field ${this.field} has wire type ${this.type} where Sparkplug has ${type}`);
    }
    return this.problem === undefined;
  }

  private take(count: number): number {
    const from = this.at;
    if (count > this.end - from) {
      this.fail('DECODE_INVALID', 'the payload ends within a field');
      return -1;
    }
    this.at += count;
    return from;
  }

  private length(): number {
    this.varint();
    if (this.hi !== 0 || this.lo > this.end - this.at) {
      this.fail('DECODE_INVALID', 'a field is longer than the message that it stands in');
      return 0;
    }
    return this.lo;
  }

  private varint(): void {
    const { body, end } = this;
    let at = this.at;
    let byte = at < end ? (body[at] as number) : 0x80;
    if (byte < 0x80) {
      this.at = at + 1;
      this.lo = byte;
      this.hi = 0;
      return;
    }
    let lo = 0;
    let hi = 0;
    for (let i = 0; i < VARINT_BYTES && at < end; i += 1) {
      byte = body[at] as number;
      at += 1;
      const bits = byte & 0x7f;
      if (i < 4) {
        lo |= bits << (7 * i);
      } else if (i === 4) {
        lo |= bits << 28;
        hi = bits >>> 4;
      } else {
        hi |= bits << (7 * i - 32);
      }
      if (byte < 0x80) {
        this.at = at;
        this.lo = lo >>> 0;
        this.hi = hi >>> 0;
        return;
      }
    }
    this.lo = 0;
    this.hi = 0;
    this.fail('DECODE_INVALID', 'a protobuf varint does not end');
  }
}

/** Whether a text that holds U+FFFD is really what the bytes say. */
function sameBytes(body: Buffer, from: number, to: number, text: string): boolean {
  return Buffer.from(text, 'utf8').equals(body.subarray(from, to));
}
