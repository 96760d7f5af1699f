import type { Document } from '../domain/payload-path.ts';
import { KIND, type RawValue, unsigned } from './sparkplug-payload.ts';

/** Data types (Sparkplug 3.0, section 6.4). */
export const TYPE = {
  Unknown: 0,
  Int8: 1,
  Int16: 2,
  Int32: 3,
  Int64: 4,
  UInt8: 5,
  UInt16: 6,
  UInt32: 7,
  UInt64: 8,
  Float: 9,
  Double: 10,
  Boolean: 11,
  String: 12,
  DateTime: 13,
  Text: 14,
  UUID: 15,
  DataSet: 16,
  Bytes: 17,
  File: 18,
  Template: 19,
  Int8Array: 22,
  Int16Array: 23,
  Int32Array: 24,
  Int64Array: 25,
  UInt8Array: 26,
  UInt16Array: 27,
  UInt32Array: 28,
  UInt64Array: 29,
  FloatArray: 30,
  DoubleArray: 31,
  BooleanArray: 32,
  StringArray: 33,
  DateTimeArray: 34,
} as const;

const FULL = 0xffff_ffff;

/** A signed integer of two halves: a number where that is exact, else a bigint. */
function signed64(lo: number, hi: number): number | bigint {
  const high = hi | 0;
  if (high >= -0x20_0000 && high <= 0x1f_ffff && !(high === -0x20_0000 && lo === 0)) {
    return high * 4_294_967_296 + lo;
  }
  return BigInt.asIntN(64, (BigInt(hi) << 32n) | BigInt(lo));
}

/**
 * A signed integer of up to 32 bits. Section 6.4 puts it into a uint32 as two's complement and does not say of how
 * many bits: both -10 as 0xF6 and as 0xFFFFFFF6 are sent for an Int8, some use the 64-bit field. What fits neither is no
 * Int8: undefined, not cut to size.
 */
function signedSmall(raw: RawValue, bits: number): number | undefined {
  const { lo, hi } = raw;
  const half = 2 ** (bits - 1);
  if (hi === 0 && lo < half) {
    return lo;
  }
  if (hi === 0 && lo < 2 * half) {
    return lo - 2 * half;
  }
  const negative = lo - 4_294_967_296;
  const extended = hi === FULL || (hi === 0 && raw.kind === KIND.int);
  return extended && negative >= -half ? negative : undefined;
}

function unsignedSmall(raw: RawValue, bits: number): number | undefined {
  return raw.hi === 0 && raw.lo < 2 ** bits ? raw.lo : undefined;
}

/** In a uint32 field the top bit of an Int64 could be a sign or not, so such a number is not taken. */
function signedLarge(raw: RawValue): number | bigint | undefined {
  if (raw.kind === KIND.int) {
    return raw.lo <= 0x7fff_ffff ? raw.lo : undefined;
  }
  return signed64(raw.lo, raw.hi);
}

function integer(type: number, raw: RawValue): number | bigint | undefined {
  switch (type) {
    case TYPE.Int8:
      return signedSmall(raw, 8);
    case TYPE.Int16:
      return signedSmall(raw, 16);
    case TYPE.Int32:
      return signedSmall(raw, 32);
    case TYPE.Int64:
      return signedLarge(raw);
    case TYPE.UInt8:
      return unsignedSmall(raw, 8);
    case TYPE.UInt16:
      return unsignedSmall(raw, 16);
    case TYPE.UInt32:
      return unsignedSmall(raw, 32);
    case TYPE.UInt64:
    case TYPE.DateTime:
      return unsigned(raw.lo, raw.hi);
    case TYPE.Float:
    case TYPE.Double:
      // Some send 21 as an integer for a Double; as an integer it is exact or it is not taken.
      return raw.hi === 0 ? raw.lo : undefined;
    default:
      return undefined;
  }
}

/**
 * The value of a basic type. `null`: there is none (NaN, infinity, an empty oneof). undefined: field and type do not
 * belong together, or the number does not fit the type; such a value is left out, never guessed.
 * Without a type (0) a field that can only be meant in one way is taken as it is, an integer is not: its sign is unknown.
 */
export function basicValue(type: number, raw: RawValue): Document | undefined {
  switch (raw.kind) {
    case KIND.none:
      return null;
    case KIND.int:
    case KIND.long:
      return integer(type, raw);
    case KIND.float:
    case KIND.double:
      if (type !== TYPE.Float && type !== TYPE.Double && type !== TYPE.Unknown) {
        return undefined;
      }
      return Number.isFinite(raw.number) ? raw.number : null;
    case KIND.boolean:
      return type === TYPE.Boolean || type === TYPE.Unknown ? raw.number === 1 : undefined;
    case KIND.text:
      return type === TYPE.String || type === TYPE.Text || type === TYPE.UUID || type === TYPE.Unknown ? raw.text : undefined;
    case KIND.bytes:
    case KIND.dataSet:
    case KIND.template:
    case KIND.other:
    default:
      return undefined;
  }
}

/** Bytes of one element of a packed array; 0 where elements are not of one size. */
const ELEMENT_BYTES: Readonly<Record<number, number>> = {
  [TYPE.Int8Array]: 1,
  [TYPE.Int16Array]: 2,
  [TYPE.Int32Array]: 4,
  [TYPE.Int64Array]: 8,
  [TYPE.UInt8Array]: 1,
  [TYPE.UInt16Array]: 2,
  [TYPE.UInt32Array]: 4,
  [TYPE.UInt64Array]: 8,
  [TYPE.FloatArray]: 4,
  [TYPE.DoubleArray]: 8,
  [TYPE.DateTimeArray]: 8,
};

export function isArrayType(type: number): boolean {
  return type >= TYPE.Int8Array && type <= TYPE.DateTimeArray;
}

/** How many elements an array between two places has, before any is built; undefined where the bytes are no such array. */
export function arrayLength(type: number, body: Buffer, from: number, to: number): number | undefined {
  const bytes = to - from;
  if (type === TYPE.BooleanArray) {
    const count = bytes >= 4 ? body.readUInt32LE(from) : -1;
    return count >= 0 && bytes - 4 === Math.ceil(count / 8) ? count : undefined;
  }
  if (type === TYPE.StringArray) {
    let count = 0;
    for (let at = from; at < to; at += 1) {
      count += body[at] === 0 ? 1 : 0;
    }
    return bytes === 0 || body[to - 1] === 0 ? count : undefined;
  }
  const size = ELEMENT_BYTES[type];
  return size !== undefined && bytes % size === 0 ? bytes / size : undefined;
}

/**
 * A packed array (section 6.4, array types): little-endian elements. The specification's examples for floats show big-endian
 * bytes against its own text; the text holds. Not for string arrays.
 */
export function arrayElement(type: number, body: Buffer, from: number, i: number): Document {
  switch (type) {
    case TYPE.Int8Array:
      return body.readInt8(from + i);
    case TYPE.Int16Array:
      return body.readInt16LE(from + 2 * i);
    case TYPE.Int32Array:
      return body.readInt32LE(from + 4 * i);
    case TYPE.Int64Array:
      return signed64(body.readUInt32LE(from + 8 * i), body.readUInt32LE(from + 8 * i + 4));
    case TYPE.UInt8Array:
      return body.readUInt8(from + i);
    case TYPE.UInt16Array:
      return body.readUInt16LE(from + 2 * i);
    case TYPE.UInt32Array:
      return body.readUInt32LE(from + 4 * i);
    case TYPE.FloatArray:
      return finite(body.readFloatLE(from + 4 * i));
    case TYPE.DoubleArray:
      return finite(body.readDoubleLE(from + 8 * i));
    case TYPE.BooleanArray:
      // The first value is the highest bit: the specification's example packs f,f,t,t,f,t,f,f as 0x34.
      return ((body[from + 4 + (i >> 3)] as number) & (0x80 >> (i & 7))) !== 0;
    default:
      return unsigned(body.readUInt32LE(from + 8 * i), body.readUInt32LE(from + 8 * i + 4));
  }
}

/** NaN and infinity are missing values. */
function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
