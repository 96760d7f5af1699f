/** Small encoders for tests: shortest forms, except where a seed asks for others. */

export type Plain = null | boolean | number | bigint | string | Uint8Array | readonly Plain[] | ReadonlyMap<number | bigint | string, Plain>;

function concat(first: readonly number[], rest: readonly Uint8Array[]): Buffer {
  return Buffer.concat([Buffer.from(first), ...rest]);
}

function big(n: bigint): Buffer {
  const out = Buffer.alloc(8);
  out.writeBigUInt64BE(BigInt.asUintN(64, n));
  return out;
}

function double(value: number): Buffer {
  const out = Buffer.alloc(8);
  out.writeDoubleBE(value);
  return out;
}

function head(major: number, n: number | bigint): Buffer {
  const m = major << 5;
  if (n < 24) return Buffer.from([m | Number(n)]);
  if (n < 0x100) return Buffer.from([m | 24, Number(n)]);
  if (n < 0x10000) return Buffer.from([m | 25, Number(n) >> 8, Number(n) & 0xff]);
  if (n < 0x1_0000_0000) return concat([m | 26], [big(BigInt(n)).subarray(4)]);
  return concat([m | 27], [big(BigInt(n))]);
}

/** `open`: strings, arrays and maps of indefinite length. */
export function toCbor(value: Plain, open = false): Buffer {
  if (value === null) return Buffer.from([0xf6]);
  if (typeof value === 'boolean') return Buffer.from([value ? 0xf5 : 0xf4]);
  if (typeof value === 'bigint' || (Number.isSafeInteger(value) && !Object.is(value, -0))) {
    const n = BigInt(value as number | bigint);
    const bare = n < 0n ? -1n - n : n;
    if (bare < 2n ** 64n) return head(n < 0n ? 1 : 0, bare);
    const hex = bare.toString(16);
    return concat([n < 0n ? 0xc3 : 0xc2], [toCbor(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex'))]);
  }
  if (typeof value === 'number') return concat([0xfb], [double(value)]);
  if (typeof value === 'string' || value instanceof Uint8Array) {
    const major = typeof value === 'string' ? 3 : 2;
    const bytes = Buffer.from(value as string);
    const definite = concat([], [head(major, bytes.length), bytes]);
    return open ? concat([(major << 5) | 31], [definite, Buffer.from([0xff])]) : definite;
  }
  const parts =
    value instanceof Map
      ? [...value].flatMap(([name, item]) => [toCbor(name, open), toCbor(item, open)])
      : (value as readonly Plain[]).map((item) => toCbor(item, open));
  const major = value instanceof Map ? 5 : 4;
  if (open) return concat([(major << 5) | 31], [...parts, Buffer.from([0xff])]);
  return concat([], [head(major, value instanceof Map ? value.size : parts.length), ...parts]);
}

function sized(length: number, small: number | undefined, [one, two, four]: readonly [number | undefined, number, number]): Buffer {
  if (small !== undefined) return Buffer.from([small]);
  if (one !== undefined && length < 0x100) return Buffer.from([one, length]);
  if (length < 0x10000) return Buffer.from([two, length >> 8, length & 0xff]);
  return concat([four], [big(BigInt(length)).subarray(4)]);
}

export function toMsgpack(value: Plain): Buffer {
  if (value === null) return Buffer.from([0xc0]);
  if (typeof value === 'boolean') return Buffer.from([value ? 0xc3 : 0xc2]);
  if (typeof value === 'bigint' || (Number.isSafeInteger(value) && !Object.is(value, -0))) {
    const n = BigInt(value as number | bigint);
    if (n >= -32n && n < 128n) return Buffer.from([Number(n) & 0xff]);
    if (n >= -(2n ** 31n) && n < 2n ** 31n) return concat([0xd2], [big(n).subarray(4)]);
    return concat([n < 0n ? 0xd3 : 0xcf], [big(n)]);
  }
  if (typeof value === 'number') return concat([0xcb], [double(value)]);
  if (typeof value === 'string') {
    const bytes = Buffer.from(value);
    return concat([], [sized(bytes.length, bytes.length < 32 ? 0xa0 | bytes.length : undefined, [0xd9, 0xda, 0xdb]), bytes]);
  }
  if (value instanceof Uint8Array) return concat([], [sized(value.length, undefined, [0xc4, 0xc5, 0xc6]), value]);
  if (value instanceof Map) {
    const parts = [...value].flatMap(([name, item]) => [toMsgpack(name), toMsgpack(item)]);
    return concat([], [sized(value.size, value.size < 16 ? 0x80 | value.size : undefined, [undefined, 0xde, 0xdf]), ...parts]);
  }
  const list = value as readonly Plain[];
  return concat([], [sized(list.length, list.length < 16 ? 0x90 | list.length : undefined, [undefined, 0xdc, 0xdd]), ...list.map(toMsgpack)]);
}
