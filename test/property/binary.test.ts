import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Limits } from '../../src/domain/profile.ts';
import { type Plain, toCbor, toMsgpack } from '../unit/codec/binary-encoders.ts';
import { bench } from '../unit/codec/decoding.ts';
import { isCheap } from '../support/cpu.ts';

const CODECS = ['cbor', 'msgpack', 'senml-json', 'senml-cbor'] as const;
const BENCHES = CODECS.map((name) => ({ name, ...bench(name) }));
const SAFE_DEPTH: Partial<Limits> = { depth: 64 };

/** The document that a plain value must become. */
function expected(value: Plain): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(expected);
  if (value instanceof Map) {
    const record = Object.create(null) as Record<string, unknown>;
    for (const [name, item] of value as ReadonlyMap<number | bigint | string, Plain>) record[String(name)] = expected(item);
    return record;
  }
  return value;
}

function plain(integer: fc.Arbitrary<bigint>): fc.Arbitrary<Plain> {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.constantFrom('__proto__', 'toString', 'constructor', '', 'temperature', 'a'.repeat(300)),
  );
  const leaf: fc.Arbitrary<Plain> = fc.oneof(fc.constantFrom(null, true, false), fc.double(), fc.integer(), integer, text, fc.uint8Array({ maxLength: 300 }));
  const name = fc.oneof(text, fc.integer());
  return fc.letrec<{ value: Plain }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 5, depthSize: 'small' },
      leaf,
      fc.array(tie('value'), { maxLength: 20 }),
      // Equal names would collide: one Map entry for each name as it is written.
      fc.uniqueArray(fc.tuple(name, tie('value')), { maxLength: 20, selector: ([name]) => String(name) }).map((entries): Plain => new Map(entries)),
    ),
  })).value;
}

const int64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  fc.constantFrom(2n ** 53n, -(2n ** 53n), 2n ** 63n, 2n ** 64n - 1n, -(2n ** 63n)),
);
const int40 = fc.oneof(int64, fc.bigInt({ min: -(10n ** 40n) + 1n, max: 10n ** 40n - 1n }), fc.constantFrom(2n ** 64n, -(2n ** 64n), -(2n ** 64n) - 1n));

describe('round trips', () => {
  const [cbor, msgpack] = BENCHES;

  it('CBOR, lengths known or not', () => {
    fc.assert(
      fc.property(plain(int40), fc.boolean(), (value, open) => {
        expect(cbor?.result(toCbor(value, open), SAFE_DEPTH)).toEqual({ ok: true, value: { document: expected(value), flags: [] } });
      }),
      { numRuns: 1000 },
    );
  });

  it('MessagePack', () => {
    fc.assert(
      fc.property(plain(int64), (value) => {
        expect(msgpack?.result(toMsgpack(value), SAFE_DEPTH)).toEqual({ ok: true, value: { document: expected(value), flags: [] } });
      }),
      { numRuns: 1000 },
    );
  });
});

/** Codes that decoding may answer with. Another one, or a throw, is a bug. */
const CODES = ['DECODE_INVALID', 'INVALID_UTF8', 'LIMIT_DEPTH', 'LIMIT_FIELDS', 'NUMBER_OUT_OF_RANGE'];

/** Counts the places of a document; says where it holds what no document may hold. */
function inspect(value: unknown, path: string, seen: { count: number; wrong: string[] }): void {
  seen.count += 1;
  if (typeof value === 'object' && value !== null) {
    const prototype = Object.getPrototypeOf(value) as object | null;
    if (!Array.isArray(value) && prototype !== null && prototype !== Object.prototype && Object.getPrototypeOf(prototype) !== null)
      seen.wrong.push(`${path} is no record`);
    for (const [name, item] of Object.entries(value)) inspect(item, `${path}.${name}`, seen);
  } else if (typeof value === 'number' ? !Number.isFinite(value) : value !== null && !['string', 'boolean', 'bigint'].includes(typeof value)) {
    seen.wrong.push(`${path} is ${String(value)}`);
  }
}

/** What does not hold for these bytes: an answer within the limits, one of a few, the same every time. */
function wrong(body: Uint8Array, limits: Partial<Limits> = {}): string[] {
  return BENCHES.flatMap(({ name, result }) => {
    const found = result(body, limits);
    const seen = { count: 0, wrong: isDeepStrictEqual(result(body, limits), found) ? [] : [`${name}: not the same answer twice`] };
    if (found.ok) {
      inspect(found.value.document, name, seen);
      // Each SenML record becomes at most a reading of three tables with an entry each, and device and time.
      const most = 1 + (limits.fields ?? 10_000) * (name.startsWith('senml') ? 9 : 1);
      return seen.count <= most ? seen.wrong : [...seen.wrong, `${name}: ${seen.count} places from ${limits.fields} fields`];
    }
    const { code, message } = found.fault;
    return CODES.includes(code) && message.length < 300 ? seen.wrong : [...seen.wrong, `${name}: ${code} ${message}`];
  });
}

describe('any bytes', () => {
  it('are answered: random ones', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (body) => {
        expect(wrong(body)).toEqual([]);
      }),
      { numRuns: 3000 },
    );
  });

  it('are answered: random ones made of the bytes that open things', () => {
    const opener = fc.constantFrom(
      0x5f,
      0x7f,
      0x9f,
      0xbf,
      0xff,
      0x81,
      0xa1,
      0xc0,
      0xc1,
      0xc2,
      0xc4,
      0x42,
      0x61,
      0x00,
      0x01,
      0xd8,
      0xd9,
      0xdc,
      0xdf,
      0xc7,
      0xfb,
      0xf9,
      0x1b,
    );
    fc.assert(
      fc.property(
        fc.array(opener, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 40 }),
        (body, depth, fields) => {
          expect(wrong(Uint8Array.from(body), { depth, fields })).toEqual([]);
        },
      ),
      { numRuns: 3000 },
    );
  });

  const record = fc.record(
    {
      bn: fc.constantFrom('d:', 'urn:dev:ow:28ff:', '/3/0/', 1),
      bt: fc.double(),
      bu: fc.string({ maxLength: 5 }),
      bv: fc.double(),
      bver: fc.constantFrom(10, 11),
      n: fc.constantFrom('a', 'b', '__proto__', '6/0', '', ' '),
      t: fc.double(),
      v: fc.oneof(fc.double(), fc.integer()),
      vs: fc.string(),
      s: fc.double(),
    },
    { requiredKeys: ['n', 'v'] },
  );

  it('are answered: mutations of good documents', () => {
    const good = fc.oneof(
      plain(int40).map((value) => toCbor(value)),
      plain(int40).map((value) => toCbor(value, true)),
      plain(int64).map(toMsgpack),
      fc.array(record, { maxLength: 8 }).map((pack) => Buffer.from(JSON.stringify(pack))),
      fc
        .array(record, { maxLength: 8 })
        .map((pack) =>
          toCbor(
            pack.map((fields) => new Map(Object.entries(fields).map(([label, value]): [number | string, Plain] => [SENML_LABELS[label] ?? label, value]))),
          ),
        ),
    );
    const change = fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }), how: fc.constantFrom('set', 'insert', 'cut', 'end') });
    fc.assert(
      fc.property(good, fc.array(change, { maxLength: 4 }), (body, changes) => {
        let bytes = [...body];
        for (const { at, byte, how } of changes) {
          const i = bytes.length === 0 ? 0 : at % bytes.length;
          if (how === 'set') bytes[i] = byte;
          else if (how === 'insert') bytes.splice(i, 0, byte);
          else if (how === 'cut') bytes.splice(i, 1);
          else bytes = bytes.slice(0, i + 1);
        }
        expect(wrong(Uint8Array.from(bytes.length > 0 ? bytes : [0]))).toEqual([]);
      }),
      { numRuns: 3000 },
    );
  });

  const SENML_LABELS: Readonly<Record<string, number>> = { bver: -1, bn: -2, bt: -3, bu: -4, bv: -5, n: 0, v: 2, vs: 3, s: 5, t: 6 };
});

describe('a megabyte of anything', () => {
  // A megabyte of good text takes about 1 ms; the bound is for a machine that does other things too.
  const repeated = (hex: string): Buffer => Buffer.alloc(1_000_000, Buffer.from(hex, 'hex'));

  it.each([
    ['open and empty arrays in CBOR', '9f80'],
    ['open arrays in CBOR', '9f'],
    ['open maps in CBOR', 'bf6161'],
    ['tags', 'c1'],
    ['chunks of text', '7f6161'],
    ['chunks of bytes', '5f4100'],
    ['big integers', 'c24100'],
    ['arrays of one in MessagePack', '91'],
    ['maps of one in MessagePack', '81a161'],
    ['text', '61'],
    ['zeros', '00'],
    ['breaks', 'ff'],
    ['JSON brackets', '5b'],
  ])('ends in time: %s', (_name, hex) => {
    const body = repeated(hex.replaceAll(' ', ''));
    for (const { name, result } of BENCHES) {
      expect({ name, cheap: isCheap(() => result(body, { depth: 512, fields: 100_000 })) }).toEqual({ name, cheap: true });
    }
  });

  it.each([
    ['one text in 500 000 chunks', Buffer.concat([Buffer.from([0x7f]), Buffer.alloc(1_000_000, Buffer.from('6161', 'hex')), Buffer.from([0xff])])],
    ['one byte string in 500 000 chunks', Buffer.concat([Buffer.from([0x5f]), Buffer.alloc(1_000_000, Buffer.from('4161', 'hex')), Buffer.from([0xff])])],
    ['one big integer in 500 000 chunks', Buffer.concat([Buffer.from([0xc2, 0x5f]), Buffer.alloc(1_000_000, Buffer.from('4100', 'hex')), Buffer.from([0xff])])],
  ])('is read in time: %s', (_name, body) => {
    expect(isCheap(() => expect(BENCHES[0]?.result(body).ok).toBe(true))).toBe(true);
  });
});
