import { describe, expect, it } from 'vitest';
import { msgpackCodec } from '../../../src/codec/msgpack.ts';
import { bench } from './decoding.ts';

const { decode, flags, result } = bench('msgpack');

describe('numbers', () => {
  it.each<[string, unknown]>([
    ['00', 0],
    ['7f', 127],
    ['e0', -32],
    ['ff', -1],
    ['cc ff', 255],
    ['cd ffff', 65_535],
    ['ce ffffffff', 4_294_967_295],
    ['cf 001fffffffffffff', Number.MAX_SAFE_INTEGER],
    ['cf 0020000000000000', 2n ** 53n],
    ['cf 8000000000000000', 2n ** 63n],
    ['cf ffffffffffffffff', 2n ** 64n - 1n],
    ['d0 80', -128],
    ['d1 8000', -32_768],
    ['d2 80000000', -2_147_483_648],
    ['d2 7fffffff', 2_147_483_647],
    ['d3 ffffffffffffffff', -1],
    ['d3 ffe0000000000001', Number.MIN_SAFE_INTEGER],
    ['d3 ffe0000000000000', -(2n ** 53n)],
    ['d3 8000000000000000', -(2n ** 63n)],
    ['d3 7fffffffffffffff', 2n ** 63n - 1n],
    ['ca 41ac0000', 21.5],
    ['cb 8000000000000000', -0],
    ['cb 4035800000000000', 21.5],
  ])('%s', (hex, value) => {
    expect(decode(hex)).toBe(value);
    expect(decode(`92 ${hex} 81 a1 61 ${hex}`)).toEqual([value, { a: value }]);
  });

  it.each(['c0', 'ca 7fc00000', 'ca ff800000', 'cb 7ff0000000000000', 'cb 7ff8000000000000'])('%s is missing', (hex) => {
    expect(decode(hex)).toBeNull();
    expect(decode(`92 ${hex} 01`)).toEqual([null, 1]);
  });
});

describe('texts, bytes, containers', () => {
  it.each<[string, unknown]>([
    ['a0', ''],
    ['a2 c3bc', 'ü'],
    [`d9 20 ${'61'.repeat(32)}`, 'a'.repeat(32)],
    ['da 0001 61', 'a'],
    ['db 00000001 61', 'a'],
    ['c2', false],
    ['c3', true],
    ['c4 02 00ff', '00ff'],
    ['c5 0002 00ff', '00ff'],
    ['c6 00000002 00ff', '00ff'],
    ['dc 0002 01 02', [1, 2]],
    ['dd 00000002 01 02', [1, 2]],
    ['de 0001 a1 61 01', { a: 1 }],
    ['df 00000001 a1 61 01', { a: 1 }],
    ['84 01 01 ff 02 cf ffffffffffffffff 03 d9 01 61 04', { '1': 1, '-1': 2, '18446744073709551615': 3, a: 4 }],
  ])('%s', (hex, value) => expect(decode(hex)).toEqual(value));

  it.each<[string, string]>([
    ['base64', 'AP8='],
    ['base64url', 'AP8'],
  ])('bytes as %s', (bytes, text) => expect(bench('msgpack', { bytes }).decode('c4 02 00ff')).toBe(text));

  it('bytes are refused where the profile says so', () => expect(bench('msgpack', { bytes: 'refuse' }).decode('c4 02 00ff')).toBe('DECODE_INVALID'));

  it.each(['a1 ff', 'a2 c328', 'a3 eda080', `d9 20 ${'61'.repeat(31)}c3`, '81 a1 ff 01'])('%s is not UTF-8', (hex) => expect(decode(hex)).toBe('INVALID_UTF8'));

  it('a name that comes twice is flagged, `__proto__` is a name', () => {
    expect(decode('82 a1 61 01 a1 61 02')).toEqual({ a: 2 });
    expect(flags('82 a1 61 01 a1 61 02')).toEqual(['duplicate-key']);
    expect(flags('82 01 01 a1 31 02')).toEqual(['duplicate-key']);
    const found = decode('81 a9 5f5f70726f746f5f5f 81 a1 78 01') as object;
    expect(Object.keys(found)).toEqual(['__proto__']);
    expect('x' in found).toBe(false);
    expect(flags('81 a9 5f5f70726f746f5f5f 81 a1 78 01')).toEqual([]);
  });
});

describe('timestamps', () => {
  it.each([
    ['d6 ff 00000000', '1970-01-01T00:00:00Z'],
    ['d6 ff 6922bd00', '2025-11-23T07:51:28Z'],
    ['d7 ff ee6b27fc 7fffffff', '2038-01-19T03:14:07.999999999Z'],
    ['d7 ff 1dcd6500 6922bd00', '2025-11-23T07:51:28.125Z'],
    ['d7 ff 00000004 80000000', '2038-01-19T03:14:08.000000001Z'],
    ['d7 ff 00000003 ffffffff', '2514-05-30T01:53:03Z'],
    ['c7 0c ff 00000000 ffffffffffffffff', '1969-12-31T23:59:59Z'],
    ['c7 0c ff 3b9ac9ff 0000003afff4417f', '9999-12-31T23:59:59.999999999Z'],
    ['c8 0004 ff 00000001', '1970-01-01T00:00:01Z'],
  ])('%s is %s', (hex, text) => expect(decode(hex)).toBe(text));

  it.each([
    ['d7 ff ee6b2800 00000000', 'DECODE_INVALID'],
    ['c7 0c ff 3b9aca00 0000000000000000', 'DECODE_INVALID'],
    ['c7 0c ff 00000000 0000003afff44180', 'NUMBER_OUT_OF_RANGE'],
    ['c7 0c ff 00000000 8000000000000000', 'NUMBER_OUT_OF_RANGE'],
    ['d5 ff 0000', 'DECODE_INVALID'],
    ['c7 00 ff', 'DECODE_INVALID'],
  ])('%s is refused: %s', (hex, code) => expect(decode(hex)).toBe(code));
});

describe('what is refused', () => {
  it.each([
    ['the byte that is never used', 'c1'],
    ['other extensions', 'd4 01 10'],
    ['other extensions of any length', 'c7 03 07 707172'],
    ['a truncated number', 'cd 01'],
    ['a truncated text', 'a5 61'],
    ['a truncated array', '92 01'],
    ['a map without its last value', '81 a1 61'],
    ['a truncated extension', 'd7 ff 00'],
    ['bytes behind the item', '01 02'],
    ['a byte string as a name', '81 c4 01 61 01'],
    ['null as a name', '81 c0 01'],
    ['a float as a name', '81 ca 41ac0000 01'],
    ['an array as a name', '81 90 01'],
    ['an array longer than the payload', 'dd ffffffff 01'],
    ['a map longer than the payload', 'df 7fffffff 01'],
    ['a text longer than the payload', 'db ffffffff 61'],
    ['bytes longer than the payload', 'c6 ffffffff 61'],
  ])('%s', (_name, hex) => expect(decode(hex)).toBe('DECODE_INVALID'));

  it('says what and where', () => {
    const found = result('92 01 c1');
    expect(found.ok ? '' : found.fault.message).toBe('not MessagePack: byte 0xc1 is never used (at byte 3)');
  });
});

describe('bounds', () => {
  it.each([
    ['arrays', '91'],
    ['maps', '81a161'],
  ])('depth of %s', (_name, opener) => {
    expect(decode(`${opener.repeat(32)}01`)).toBeTypeOf('object');
    expect(decode(`${opener.repeat(33)}01`)).toBe('LIMIT_DEPTH');
    expect(decode(`${opener.repeat(100_000)}01`, { depth: 1_000_000_000 })).toBe('LIMIT_DEPTH');
  });

  it('fields', () => {
    expect(decode(`dc 03e8 ${'00'.repeat(1000)}`, { fields: 1000 })).toHaveLength(1000);
    expect(decode(`dc 03e8 ${'00'.repeat(1000)}`, { fields: 999 })).toBe('LIMIT_FIELDS');
    expect(decode(`de 0002 01 02 03 04`, { fields: 1 })).toBe('LIMIT_FIELDS');
  });
});

describe('options', () => {
  it('are checked', () => {
    expect(msgpackCodec.checkOptions({ bytes: 'refuse' })).toEqual([]);
    expect(msgpackCodec.checkOptions({ bytes: 'text' })).toHaveLength(1);
  });
});
