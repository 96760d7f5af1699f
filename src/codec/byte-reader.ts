import { isUtf8 } from 'node:buffer';
import { emptyBag } from '../domain/bag.ts';
import { type Fault, type FaultCode, fault, type Result } from '../domain/fault.ts';
import type { Document } from '../domain/payload-path.ts';
import type { Limits } from '../domain/profile.ts';
import type { Flag } from '../domain/reading.ts';
import { ByteString, type BytesAs } from './byte-strings.ts';
import { MAX_INTEGER_DIGITS, OUT_OF_RANGE_RULE } from './number-text.ts';
import type { Decoded } from './registry.ts';
import { MEMO_BYTES, shortAscii } from './text-memo.ts';

/** Deeper than this is refused whatever the settings say: the readers are recursive. */
const DEEPEST = 512;
const NO_BYTES = Buffer.alloc(0);
const NO_FLAGS: readonly Flag[] = [];
const DUPLICATE: readonly Flag[] = ['duplicate-key'];
/** Thrown to leave the recursion; what is wrong stands in the reader. One object, because a stack trace costs more than the payload. */
const REFUSED = new Error('the payload is refused');

/** A DataView costs 50 ns and saves 10 on each float: worth it for lists of them. */
const VIEW_FROM = 4;

/** Integers beyond 2^53 as bigint, others as numbers. */
export function exact(value: bigint): number | bigint {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

/**
 * What the readers of binary formats share. The bounds are checked while reading: nothing is allocated by a declared
 * length, every count is held against the bytes that are left, and depth and fields against the limits before an item
 * is built. `item` is the format's own.
 */
export abstract class ByteReader {
  protected body: Buffer = NO_BYTES;
  protected at = 0;
  private end = 0;
  protected bytesAs: BytesAs = 'hex';
  private readonly format: string;
  /** The byte before a double in this format. */
  private readonly doubleByte: number;
  private maxDepth = 0;
  private maxFields = 0;
  private floats = 0;
  private view: DataView | undefined;
  private depth = 0;
  private fields = 0;
  private duplicate = false;
  private fault: Fault | undefined;

  constructor(format: string, doubleByte: number) {
    this.format = format;
    this.doubleByte = doubleByte;
  }

  /** Reads one item; bytes behind it are refused. Never throws on any bytes. */
  read(body: Buffer, limits: Limits, bytesAs: BytesAs): Result<Decoded> {
    this.body = body;
    this.at = 0;
    this.end = body.length;
    this.bytesAs = bytesAs;
    this.maxDepth = Math.min(limits.depth, DEEPEST);
    this.maxFields = limits.fields;
    this.depth = 0;
    this.fields = 0;
    this.duplicate = false;
    this.floats = 0;
    try {
      const document = this.item();
      if (this.at !== body.length) {
        this.bad(`${body.length - this.at} more bytes follow the item`);
      }
      return { ok: true, value: { document, flags: this.duplicate ? DUPLICATE : NO_FLAGS } };
    } catch (error) {
      if (error !== REFUSED) {
        throw error;
      }
      return { ok: false, fault: this.fault as Fault };
    } finally {
      this.body = NO_BYTES;
      this.view = undefined;
    }
  }

  protected abstract item(): Document;
  /** A name in a map: text, or an integer as its decimal digits. */
  protected abstract key(): string;

  protected refuse(code: FaultCode, message: string): never {
    this.fault = fault(code, message);
    throw REFUSED;
  }

  protected bad(problem: string): never {
    this.refuse('DECODE_INVALID', `not ${this.format}: ${problem} (at byte ${this.at})`);
  }

  /** Passes over `length` bytes and answers where they begin. */
  protected take(length: number): number {
    const start = this.at;
    if (length > this.end - start) {
      this.bad(`${length} bytes are due and ${this.end - start} are left`);
    }
    this.at = start + length;
    return start;
  }

  protected enter(): void {
    this.depth += 1;
    if (this.depth > this.maxDepth) {
      this.refuse('LIMIT_DEPTH', `the payload is nested deeper than limits.depth = ${this.maxDepth}`);
    }
  }

  protected leave(): void {
    this.depth -= 1;
  }

  protected count(fields: number): void {
    this.fields += fields;
    if (this.fields > this.maxFields) {
      this.refuse('LIMIT_FIELDS', `the payload has more than limits.fields = ${this.maxFields} fields`);
    }
  }

  /** Into a container of `items` items (a member of a map is two), each of at least one byte; an empty one is a field too. */
  private open(items: number, fields: number): void {
    if (items > this.end - this.at) {
      this.bad(`${items} items are declared and ${this.end - this.at} bytes are left`);
    }
    this.enter();
    this.count(fields === 0 ? 1 : fields);
  }

  protected array(length: number): Document {
    this.open(length, length);
    const list: Document[] = length < VIEW_FROM ? [] : this.doubles(length);
    for (let i = list.length; i < length; i += 1) {
      list.push(this.item());
    }
    this.depth -= 1;
    return list;
  }

  /** The doubles that a list of `most` items begins with: waveforms have thousands, and `item` would cost more than reading them. */
  private doubles(most: number): Document[] {
    const { body, end, doubleByte } = this;
    const list: Document[] = [];
    let { at } = this;
    while (list.length < most && body[at] === doubleByte && at + 9 <= end) {
      this.view ??= this.wholeView();
      const value = this.view.getFloat64(at + 1);
      list.push(value - value === 0 ? value : null);
      at += 9;
    }
    this.at = at;
    return list;
  }

  private wholeView(): DataView {
    return new DataView(this.body.buffer, this.body.byteOffset, this.body.length);
  }

  protected map(length: number): Document {
    this.open(length * 2, length);
    const record = emptyBag<Document>();
    for (let i = 0; i < length; i += 1) {
      const name = this.key();
      record[name] = this.item();
    }
    this.depth -= 1;
    this.named(record, length);
    return record;
  }

  /** Flags the payload where a record has fewer names than were read: one came twice. */
  protected named(record: Readonly<Record<string, Document>>, names: number): void {
    if (!this.duplicate && Object.keys(record).length !== names) {
      this.duplicate = true;
    }
  }

  protected text(length: number): string {
    const start = this.take(length);
    const { body } = this;
    if (length <= MEMO_BYTES) {
      const short = shortAscii(body, start, length);
      if (short !== undefined) {
        return short;
      }
    }
    if (!isUtf8(body.subarray(start, this.at))) {
      this.refuse('INVALID_UTF8', `a text in the payload is not UTF-8 (at byte ${start})`);
    }
    return body.toString('utf8', start, this.at);
  }

  protected bytes(bytes: Buffer): Document {
    if (this.bytesAs === 'keep') {
      return new ByteString(bytes) as unknown as Document;
    }
    if (this.bytesAs === 'refuse') {
      this.refuse('DECODE_INVALID', 'the payload holds a byte string, and codecOptions.bytes is `refuse`');
    }
    return bytes.toString(this.bytesAs);
  }

  protected uint32(): number {
    const at = this.take(4);
    const { body } = this;
    return (body[at] as number) * 0x1000000 + (((body[at + 1] as number) << 16) | ((body[at + 2] as number) << 8) | (body[at + 3] as number));
  }

  protected uint16(): number {
    const at = this.take(2);
    return ((this.body[at] as number) << 8) | (this.body[at + 1] as number);
  }

  protected uint8(): number {
    const { at } = this;
    if (at >= this.end) {
      this.bad('it ends too early');
    }
    this.at = at + 1;
    return this.body[at] as number;
  }

  protected uint64(): number | bigint {
    const high = this.uint32();
    const low = this.uint32();
    // 2^53 = 2^21 * 2^32.
    return high < 0x200000 ? high * 0x100000000 + low : (BigInt(high) << 32n) | BigInt(low);
  }

  /** NaN and infinity are no measurement: missing. */
  protected float(): number | null {
    const at = this.take(4);
    const { view } = this;
    const value = view === undefined ? this.firstFloat(at) : view.getFloat32(at);
    return value - value === 0 ? value : null;
  }

  protected double(): number | null {
    const at = this.take(8);
    const { view } = this;
    const value = view === undefined ? this.firstDouble(at) : view.getFloat64(at);
    return value - value === 0 ? value : null;
  }

  private firstFloat(at: number): number {
    this.countFloat();
    return this.body.readFloatBE(at);
  }

  private firstDouble(at: number): number {
    this.countFloat();
    return this.body.readDoubleBE(at);
  }

  private countFloat(): void {
    this.floats += 1;
    if (this.floats === VIEW_FROM) {
      this.view = this.wholeView();
    }
  }

  /** The same bound as for JSON: nobody's decimal type holds more, and a device could make numbers that take seconds to print. */
  protected bounded(value: bigint): number | bigint {
    const digits = value < 0n ? String(value).length - 1 : String(value).length;
    return digits > MAX_INTEGER_DIGITS ? this.tooLarge() : exact(value);
  }

  protected tooLarge(): never {
    this.refuse('NUMBER_OUT_OF_RANGE', `a number is out of range: ${OUT_OF_RANGE_RULE}`);
  }
}
