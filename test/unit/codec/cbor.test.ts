import { describe, expect, it } from 'vitest';
import { cborCodec } from '../../../src/codec/cbor.ts';
import { bench } from './decoding.ts';
import { isCheap } from '../../support/cpu.ts';

const { decode, flags, result } = bench('cbor');

describe('numbers', () => {
  it.each<[string, unknown]>([
    ['00', 0],
    ['17', 23],
    ['1817', 23],
    ['1bffffffffffffffff', 18_446_744_073_709_551_615n],
    ['1b001fffffffffffff', Number.MAX_SAFE_INTEGER],
    ['1b0020000000000000', 2n ** 53n],
    ['1b8000000000000000', 2n ** 63n],
    ['3b001ffffffffffffe', Number.MIN_SAFE_INTEGER],
    ['3b001fffffffffffff', -(2n ** 53n)],
    ['3bffffffffffffffff', -(2n ** 64n)],
    ['c2 49 010000000000000000', 2n ** 64n],
    ['c3 49 010000000000000000', -(2n ** 64n) - 1n],
    ['c2 4c 000000000000000000000005', 5],
    ['c2 40', 0],
    ['c3 40', -1],
    ['c2 5f 42 0100 47 00000000000000 ff', 2n ** 64n],
    ['c4 82 21 19 6ab3', 273.15],
    ['c4 82 02 03', 300],
    ['c4 82 38 63 1a 075bcd15', 123_456_789e-100],
    ['c4 82 21 c2 49 010000000000000000', Number('18446744073709551616e-2')],
    ['c1 1a 6922bd00', 0x6922bd00],
    ['c1 fb 41d452d9ec200000', 1_363_896_240.5],
    ['f90001', 2 ** -24],
    ['f97bff', 65_504],
    ['f98000', -0],
    ['f9c400', -4],
    ['fa41ac0000', 21.5],
    ['fa80000000', -0],
    ['fb4035800000000000', 21.5],
  ])('%s', (hex, value) => {
    expect(decode(hex)).toBe(value);
    expect(decode(`82 ${hex} a1 61 61 ${hex}`)).toEqual([value, { a: value }]);
  });

  it.each(['f97c00', 'f9fc00', 'f97e00', 'fa7f800000', 'fa7fc00000', 'fbfff0000000000000', 'fb7ff8000000000000', 'f7', 'f6'])(
    '%s (NaN, infinity, undefined, null) is missing',
    (hex) => {
      expect(decode(hex)).toBeNull();
      expect(decode(`83 ${hex} 01 ${hex}`)).toEqual([null, 1, null]);
    },
  );

  it('a long list of floats reads as its first ones do', () => {
    const list = [21.5, -0.25, 1e300, 5e-324, 0.1, 1 / 3, Number.NaN, 7.5];
    const body = Buffer.alloc(1 + list.length * 9 + 2);
    body[0] = 0x80 + list.length + 1;
    for (const [i, value] of list.entries()) {
      body[1 + i * 9] = 0xfb;
      body.writeDoubleBE(value, 2 + i * 9);
    }
    body.set([0x18, 0x2a], 1 + list.length * 9);
    expect(decode(body)).toEqual([...list.map((value) => (Number.isNaN(value) ? null : value)), 42]);
    // A body that is part of a larger buffer: the view must count from its own first byte.
    expect(decode(Buffer.concat([Buffer.from([1, 2, 3]), body]).subarray(3))).toEqual(decode(body));
  });

  it.each([
    'c2 52 01 0000000000000000000000000000000000',
    'c3 52 ff 0000000000000000000000000000000000',
    'c4 82 1901f4 01',
    'c4 82 18 28 0a',
    'c4 82 1901f4 c2 49 010000000000000000',
  ])('%s is out of range', (hex) => expect(decode(hex)).toBe('NUMBER_OUT_OF_RANGE'));

  it('integers have up to 40 digits', () => {
    const tag2 = (n: bigint): string => `c2 51 ${n.toString(16).padStart(34, '0')}`;
    expect(decode(tag2(10n ** 40n - 1n))).toBe(10n ** 40n - 1n);
    expect(decode(tag2(10n ** 40n))).toBe('NUMBER_OUT_OF_RANGE');
  });
});

describe('texts', () => {
  it.each<[string, string]>([
    ['60', ''],
    ['62c3bc', 'ü'],
    ['64f0908591', '\u{10151}'],
    ['7f 65 7374726561 64 6d696e67 ff', 'streaming'],
    ['7fff', ''],
    ['7f 60 60 ff', ''],
    [`78 20 ${'61'.repeat(32)}`, 'a'.repeat(32)],
    ['c0 74 323032352d31312d32335430383a30303a30305a', '2025-11-23T08:00:00Z'],
    ['d820 67 687474703a2f2f', 'http://'],
    ['d9d9f7 6161', 'a'],
  ])('%s is "%s"', (hex, text) => expect(decode(hex)).toBe(text));

  it.each(['62c328', '61ff', '63eda080', '62c080', '7f 61c3 61bc ff', `78 20 ${'61'.repeat(31)}ff`, 'a1 61ff 01'])('%s is not UTF-8', (hex) =>
    expect(decode(hex)).toBe('INVALID_UTF8'),
  );

  it('are told apart where they collide in the memo of short texts', () => {
    // Enough different names to come to every slot many times over.
    for (let i = 0; i < 5000; i += 1) {
      const text = `n${i}`;
      expect(decode(Buffer.concat([Buffer.from([0x60 + text.length]), Buffer.from(text)]))).toBe(text);
    }
  });
});

describe('byte strings', () => {
  it.each<[string, unknown, string]>([
    ['hex', 'hex', '00fffe'],
    ['base64', 'base64', 'AP/+'],
    ['base64url', 'base64url', 'AP_-'],
    ['hex by default', undefined, '00fffe'],
  ])('become %s', (_name, bytes, text) => {
    const { decode } = bench('cbor', bytes === undefined ? {} : { bytes });
    expect(decode('43 00fffe')).toBe(text);
    expect(decode('5f 41 00 42 fffe ff')).toBe(text);
    expect(decode('a1 61 64 43 00fffe')).toEqual({ d: text });
  });

  it('follow the sender where it says what they become in JSON (RFC 8949 section 3.4.5.2)', () => {
    expect(decode('83 d5 43 00fffe d6 82 43 00fffe 01 43 00fffe')).toEqual(['AP_-', ['AP/+', 1], '00fffe']);
    expect(decode('82 d7 43 00fffe d818 43 00fffe')).toEqual(['00fffe', '00fffe']);
  });

  it('are refused where the profile says so, whatever the sender says', () => {
    const { decode } = bench('cbor', { bytes: 'refuse' });
    expect(decode('43 00fffe')).toBe('DECODE_INVALID');
    expect(decode('d7 43 00fffe')).toBe('DECODE_INVALID');
    expect(decode('c2 43 00fffe')).toBe(0xfffe);
  });
});

describe('maps and arrays', () => {
  it.each<[string, unknown]>([
    ['80', []],
    ['9fff', []],
    ['a0', {}],
    ['bfff', {}],
    ['83 01 82 02 03 9f 04 05 ff', [1, [2, 3], [4, 5]]],
    ['bf 61 61 01 61 62 9f 02 03 ff ff', { a: 1, b: [2, 3] }],
    ['a3 01 02 20 03 1bffffffffffffffff 04', { '1': 2, '-1': 3, '18446744073709551615': 4 }],
    ['bf 7f 61 61 61 62 ff 01 ff', { ab: 1 }],
  ])('%s', (hex, value) => expect(decode(hex)).toEqual(value));

  it('a name that comes twice is flagged, the last value wins', () => {
    expect(decode('a2 61 61 01 61 61 02')).toEqual({ a: 2 });
    expect(flags('a2 61 61 01 61 61 02')).toEqual(['duplicate-key']);
    expect(flags('81 bf 61 61 01 61 61 02 ff')).toEqual(['duplicate-key']);
    // An integer and a text with its digits end under one name.
    expect(flags('a2 01 01 61 31 02')).toEqual(['duplicate-key']);
    expect(flags('a2 61 61 01 61 62 a1 61 61 02')).toEqual([]);
  });

  it('`__proto__` and `toString` are names like any other', () => {
    const found = decode('a2 69 5f5f70726f746f5f5f a1 61 78 01 68 746f537472696e67 02') as Record<string, unknown>;
    expect(Object.keys(found)).toEqual(['__proto__', 'toString']);
    expect(Object.entries(found)[0]?.[1]).toEqual({ x: 1 });
    expect('x' in found).toBe(false);
    expect(flags('a2 69 5f5f70726f746f5f5f a1 61 78 01 68 746f537472696e67 02')).toEqual([]);
  });
});

describe('what is refused', () => {
  it.each([
    ['a break alone', 'ff'],
    ['a break in an array of known length', '82 01 ff'],
    ['a break where a value is due', 'bf 61 61 ff'],
    ['an indefinite array without end', '9f 01'],
    ['an indefinite map without end', 'bf 61 61 01'],
    ['an indefinite text without end', '7f 61 61'],
    ['an indefinite byte string without end', '5f 41 00'],
    ['a chunk of another type', '5f 61 61 ff'],
    ['a chunk of indefinite length', '7f 7f 61 61 ff ff'],
    ['a reserved length', '1c'],
    ['an indefinite integer', '1f'],
    ['an indefinite tag', 'df 00 ff'],
    ['a truncated integer', '1a 0102'],
    ['a truncated float', 'fb 4035'],
    ['a truncated text', '65 6162'],
    ['a tag without content', 'c1'],
    ['bytes behind the item', '01 02'],
    ['an unassigned simple value', 'e0'],
    ['an unassigned simple value of two bytes', 'f8ff'],
    ['a simple value in the wrong form', 'f814'],
    ['an unknown tag', 'd8 40 41 00'],
    ['tag 0 on a number', 'c0 01'],
    ['tag 1 on a text', 'c1 61 31'],
    ['tag 1 on a truth value', 'c1 f5'],
    ['tag 2 on a number', 'c2 01'],
    ['tag 4 on one number', 'c4 81 01'],
    ['tag 4 with an exponent that no double holds', 'c4 82 1bffffffffffffff00 01'],
    ['tag 4 with a text', 'c4 82 01 61 31'],
    ['tag 24 on a text', 'd8 18 61 61'],
    ['a byte string as a name', 'a1 41 61 01'],
    ['a float as a name', 'a1 f93c00 01'],
    ['a tag as a name', 'a1 c2 41 01 01'],
    ['a truth value as a name', 'a1 f5 01'],
  ])('%s', (_name, hex) => expect(decode(hex)).toBe('DECODE_INVALID'));

  it.each([
    '9b ffffffffffffffff',
    '9a ffffffff',
    'bb 7fffffffffffffff',
    'ba ffffffff 01 02',
    '5b 00000fffffffffff 00',
    '7b ffffffffffffffff 61',
    '7f 7a ffffffff 61 ff',
    'c2 5a 7fffffff 01',
  ])('%s, a length that the payload cannot hold, is refused at once and nothing is allocated for it', (hex) => {
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 100; i += 1) expect(decode(hex)).toBe('DECODE_INVALID');
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
  });

  it('says what and where', () => {
    const found = result('82 01 1c');
    expect(found.ok ? '' : found.fault.message).toBe('not CBOR: additional information 28 is reserved (at byte 3)');
  });
});

describe('bounds', () => {
  const nested = (depth: number, opener: string, end: string): string => `${opener.repeat(depth)}01${end.repeat(depth)}`;

  it.each([
    ['arrays', '81', ''],
    ['indefinite arrays', '9f', 'ff'],
    ['maps', 'a16161', ''],
    ['tags', 'd9d9f7', ''],
  ])('depth of %s', (_name, opener, end) => {
    expect(decode(nested(32, opener, end))).not.toBe('LIMIT_DEPTH');
    expect(decode(nested(33, opener, end))).toBe('LIMIT_DEPTH');
    expect(decode(nested(100_000, opener, end), { depth: 1_000_000_000 })).toBe('LIMIT_DEPTH');
  });

  it.each([
    ['elements', `99 03e8 ${'00'.repeat(1000)}`],
    ['elements of an indefinite array', `9f ${'00'.repeat(1000)} ff`],
    ['members', `b9 03e8 ${Array.from({ length: 1000 }, (_, i) => `19${i.toString(16).padStart(4, '0')}00`).join('')}`],
    ['members of an indefinite map', `bf ${Array.from({ length: 1000 }, (_, i) => `19${i.toString(16).padStart(4, '0')}00`).join('')} ff`],
    ['empty arrays', `99 01f4 ${'80'.repeat(500)}`],
  ])('fields: %s', (_name, hex) => {
    expect(decode(hex, { fields: 1000 })).toBeTypeOf('object');
    expect(decode(hex, { fields: 999 })).toBe('LIMIT_FIELDS');
  });

  it('is not linear in what is declared: a million short items end at the limit', () => {
    expect(isCheap(() => expect(decode(Buffer.concat([Buffer.from('9f', 'hex'), Buffer.alloc(1_000_000, 0x80)]))).toBe('LIMIT_FIELDS'))).toBe(true);
  });
});

describe('options', () => {
  it('are checked', () => {
    expect(cborCodec.checkOptions({})).toEqual([]);
    expect(cborCodec.checkOptions({ bytes: 'base64' })).toEqual([]);
    expect(cborCodec.checkOptions({ bytes: 'keep' })).toEqual(['bytes: must be one of hex, base64, base64url, refuse']);
    expect(cborCodec.checkOptions({ bytes: 1, byte: 'hex' })).toHaveLength(2);
  });
});
