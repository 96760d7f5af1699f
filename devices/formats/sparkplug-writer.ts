/** A small Protocol Buffers writer and Sparkplug B's value types, written from the specification (Sparkplug 3.0, section 6.4) alone. */

export const TYPES = {
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

export type TypeName = keyof typeof TYPES;
export type Scalar = number | bigint | boolean | string;

export interface DataSet {
  readonly columns: readonly string[];
  readonly types: readonly TypeName[];
  readonly rows: readonly (readonly (Scalar | null)[])[];
}

/** A template instance names its definition; a definition has no `ref`. */
export interface Template {
  readonly ref?: string;
  readonly metrics: readonly Metric[];
}

export type MetricValue = Scalar | null | Buffer | readonly Scalar[] | DataSet | Template;

export interface Metric {
  readonly name?: string;
  readonly alias?: number | bigint;
  readonly time?: number;
  readonly type?: TypeName;
  /** Whether the data type goes into the message; births say it, data should not. Default: yes. */
  readonly telltype?: boolean;
  readonly historical?: boolean;
  readonly unit?: string;
  readonly quality?: number;
  readonly value: MetricValue;
}

export interface Payload {
  readonly time?: number;
  readonly seq?: number;
  readonly metrics: readonly Metric[];
}

function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest === 0n ? low : low + 128);
  } while (rest !== 0n);
  return Buffer.from(bytes);
}

function int(field: number, value: number | bigint): Buffer {
  return Buffer.concat([varint(field * 8), varint(value)]);
}

function block(field: number, content: Buffer | string): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return Buffer.concat([varint(field * 8 + 2), varint(bytes.length), bytes]);
}

function float(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([varint(field * 8 + 5), bytes]);
}

function double(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([varint(field * 8 + 1), bytes]);
}

const SMALL_INTEGERS: readonly TypeName[] = ['Int8', 'Int16', 'Int32', 'UInt8', 'UInt16', 'UInt32'];
const LARGE_INTEGERS: readonly TypeName[] = ['Int64', 'UInt64', 'DateTime'];

/** The oneof of basic values, which begins at another field number in each message. Signed numbers go as two's complement. */
function basic(first: number, type: TypeName, value: Scalar): Buffer {
  if (SMALL_INTEGERS.includes(type)) return int(first, Number(value) >>> 0);
  if (LARGE_INTEGERS.includes(type)) return int(first + 1, BigInt(value));
  if (type === 'Float') return float(first + 2, Number(value));
  if (type === 'Double') return double(first + 3, Number(value));
  if (type === 'Boolean') return int(first + 4, value === true ? 1 : 0);
  return block(first + 5, String(value));
}

const ELEMENT: Readonly<Partial<Record<TypeName, [number, (bytes: Buffer, value: number | bigint, at: number) => void]>>> = {
  Int8Array: [1, (bytes, value, at) => bytes.writeInt8(Number(value), at)],
  Int16Array: [2, (bytes, value, at) => bytes.writeInt16LE(Number(value), at)],
  Int32Array: [4, (bytes, value, at) => bytes.writeInt32LE(Number(value), at)],
  Int64Array: [8, (bytes, value, at) => bytes.writeBigInt64LE(BigInt(value), at)],
  UInt8Array: [1, (bytes, value, at) => bytes.writeUInt8(Number(value), at)],
  UInt16Array: [2, (bytes, value, at) => bytes.writeUInt16LE(Number(value), at)],
  UInt32Array: [4, (bytes, value, at) => bytes.writeUInt32LE(Number(value), at)],
  UInt64Array: [8, (bytes, value, at) => bytes.writeBigUInt64LE(BigInt(value), at)],
  FloatArray: [4, (bytes, value, at) => bytes.writeFloatLE(Number(value), at)],
  DoubleArray: [8, (bytes, value, at) => bytes.writeDoubleLE(Number(value), at)],
  DateTimeArray: [8, (bytes, value, at) => bytes.writeBigUInt64LE(BigInt(value), at)],
};

function packed(type: TypeName, values: readonly Scalar[]): Buffer {
  if (type === 'StringArray') {
    return Buffer.from(values.map((text) => `${String(text)}\0`).join(''));
  }
  if (type === 'BooleanArray') {
    const bytes = Buffer.alloc(4 + Math.ceil(values.length / 8));
    bytes.writeUInt32LE(values.length);
    for (const [i, value] of values.entries()) {
      const at = 4 + Math.floor(i / 8);
      bytes[at] = (bytes[at] as number) | (value === true ? 128 >> (i % 8) : 0);
    }
    return bytes;
  }
  const element = ELEMENT[type];
  if (element === undefined) throw new TypeError(`${type} is no array type`);
  const [size, write] = element;
  const bytes = Buffer.alloc(size * values.length);
  for (const [i, value] of values.entries()) write(bytes, value as number | bigint, i * size);
  return bytes;
}

function dataSet({ columns, types, rows }: DataSet): Buffer {
  const cells = (row: readonly (Scalar | null)[]): Buffer =>
    Buffer.concat(row.map((cell, i) => block(1, cell === null ? Buffer.alloc(0) : basic(1, types[i] as TypeName, cell))));
  return Buffer.concat([
    int(1, columns.length),
    ...columns.map((column) => block(2, column)),
    ...types.map((type) => int(3, TYPES[type])),
    ...rows.map((row) => block(4, cells(row))),
  ]);
}

function template({ ref, metrics }: Template): Buffer {
  const head = ref === undefined ? [] : [block(4, ref)];
  return Buffer.concat([...metrics.map((member) => block(2, metric(member))), ...head, int(5, ref === undefined ? 1 : 0)]);
}

function valueOf(type: TypeName, value: Exclude<MetricValue, null>): Buffer {
  if (Buffer.isBuffer(value)) return block(16, value);
  if (Array.isArray(value)) return block(16, packed(type, value as readonly Scalar[]));
  if (typeof value !== 'object') return basic(10, type, value);
  return 'columns' in value ? block(17, dataSet(value)) : block(18, template(value as Template));
}

function properties(unit: string | undefined, quality: number | undefined): Buffer[] {
  const keys: Buffer[] = [];
  const values: Buffer[] = [];
  if (unit !== undefined) {
    keys.push(block(1, 'engUnit'));
    values.push(block(2, Buffer.concat([int(1, TYPES.String), block(8, unit)])));
  }
  if (quality !== undefined) {
    keys.push(block(1, 'Quality'));
    values.push(block(2, Buffer.concat([int(1, TYPES.Int32), int(3, quality)])));
  }
  return keys.length === 0 ? [] : [block(9, Buffer.concat([...keys, ...values]))];
}

function metric(entry: Metric): Buffer {
  const { name, alias, time, type = 'Double', telltype = true, historical, unit, quality, value } = entry;
  return Buffer.concat([
    ...(name === undefined ? [] : [block(1, name)]),
    ...(alias === undefined ? [] : [int(2, alias)]),
    ...(time === undefined ? [] : [int(3, time)]),
    ...(telltype ? [int(4, TYPES[type])] : []),
    ...(historical === true ? [int(5, 1)] : []),
    ...(value === null ? [int(7, 1)] : []),
    ...properties(unit, quality),
    ...(value === null ? [] : [valueOf(type, value)]),
  ]);
}

/** The bytes of a Sparkplug B payload. */
export function encodePayload({ time, seq, metrics }: Payload): Buffer {
  return Buffer.concat([
    ...(time === undefined ? [] : [int(1, time)]),
    ...metrics.map((entry) => block(2, metric(entry))),
    ...(seq === undefined ? [] : [int(3, seq)]),
  ]);
}
