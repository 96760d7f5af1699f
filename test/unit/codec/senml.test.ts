import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { senmlCborCodec } from '../../../src/codec/senml-cbor.ts';
import { senmlJsonCodec } from '../../../src/codec/senml-json.ts';
import { type Plain, toCbor } from './binary-encoders.ts';
import { bench, RECEIVED_AT } from './decoding.ts';
import { isCheap } from '../../support/cpu.ts';

interface Vector {
  readonly name: string;
  readonly pack: unknown;
  readonly readings?: unknown;
  readonly flags?: readonly string[];
  /** Part of the fault's message. */
  readonly refused?: string;
}

const vectors = JSON.parse(readFileSync(new URL('../../vectors/senml/packs.json', import.meta.url), 'utf8')) as Vector[];
const json = bench('senml-json');
const cbor = bench('senml-cbor');

// RFC 8428 section 6, table 4.
const LABELS: Readonly<Record<string, number>> = { bver: -1, bn: -2, bt: -3, bu: -4, bv: -5, bs: -6, n: 0, u: 1, v: 2, vs: 3, vb: 4, s: 5, t: 6, ut: 7, vd: 8 };

function plain(value: unknown): Plain {
  if (Array.isArray(value)) return value.map(plain);
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value).map(([name, item]) => [name, plain(item)])) : (value as Plain);
}

/** The pack of a vector in CBOR, data values as byte strings. */
function packInCbor(pack: unknown): Buffer {
  const record = (fields: unknown): Plain =>
    typeof fields !== 'object' || fields === null || Array.isArray(fields)
      ? plain(fields)
      : new Map(
          Object.entries(fields).map(([label, value]) => [
            Object.hasOwn(LABELS, label) ? (LABELS[label] as number) : label,
            label === 'vd' ? Buffer.from(value as string, 'base64url') : plain(value),
          ]),
        );
  return toCbor(Array.isArray(pack) ? pack.map(record) : record(pack));
}

describe.each([
  ['JSON', json, (pack: unknown) => Buffer.from(JSON.stringify(pack))],
  ['CBOR', cbor, packInCbor],
] as const)('vectors in %s', (_form, { result }, encode) => {
  it.each(vectors)('$name', ({ pack, readings, flags, refused }) => {
    const found = result(encode(pack));
    const said = found.ok ? found.value : { code: found.fault.code, message: found.fault.message };
    const refusal = { code: 'DECODE_INVALID', message: expect.stringContaining(refused ?? '') as string };
    expect(said).toEqual(refused === undefined ? { document: readings, flags: flags ?? [] } : refusal);
  });
});

describe('numbers', () => {
  const text = (pack: string): unknown => json.decode(Buffer.from(pack));

  it('are exact: integers of 20 digits, also with a base value', () => {
    expect(text('[{"n":"d:a","v":18446744073709551615}]')).toMatchObject([{ values: { value: 18_446_744_073_709_551_615n } }]);
    expect(text('[{"bn":"d:","bv":9007199254740993,"n":"a","v":2},{"n":"b","v":-3}]')).toMatchObject([
      { values: { a: 9_007_199_254_740_995n, b: 9_007_199_254_740_990 } },
    ]);
    expect(text('[{"bn":"d:","bs":18446744073709551615,"n":"a","v":-0}]')).toMatchObject([{ values: { a: -0 }, sums: { a: 18_446_744_073_709_551_615n } }]);
    expect(cbor.decode('81 a2 00 63 643a61 02 1b ffffffffffffffff')).toMatchObject([{ values: { value: 18_446_744_073_709_551_615n } }]);
    expect(cbor.decode('81 a2 00 63 643a61 02 c2 49 010000000000000000')).toMatchObject([{ values: { value: 2n ** 64n } }]);
  });

  it('may be decimal fractions in CBOR (section 6)', () => {
    expect(cbor.decode('81 a3 00 63 643a61 02 c4 82 21 19 6ab3 06 c4 82 20 1b 000000041b6d0a08')).toEqual([
      { device: 'd:a', time: 1_764_000_000.8, values: { value: 273.15 }, units: {} },
    ]);
  });

  it.each([
    ['[{"bn":"d:","bv":1e308,"n":"a","v":1e308}]'],
    ['[{"bn":"d:","bs":-1e308,"n":"a","s":-1e308}]'],
    ['[{"bn":"d:","bt":1e308,"n":"a","v":1,"t":1e308}]'],
    ['[{"n":"d:a","v":1,"t":-1e308}]'],
    [`[{"bn":"d:","bv":${'9'.repeat(40)},"n":"a","v":1}]`],
    ['[{"n":"d:a","v":1e400}]'],
  ])('%s is out of range, never infinite', (pack) => expect(text(pack)).toBe('NUMBER_OUT_OF_RANGE'));

  it.each(['f97e00', 'fa7f800000', 'fbfff0000000000000', 'f6', 'f7'])('%s (NaN and its like) is no value', (hex) => {
    expect(cbor.decode(`81 a2 00 63 643a61 02 ${hex}`)).toBe('DECODE_INVALID');
    expect(cbor.decode(`81 a3 00 63 643a61 02 01 06 ${hex}`)).toBe('DECODE_INVALID');
  });
});

describe('data values', () => {
  const pack = Buffer.from('[{"n":"d:a","vd":"AP_-"}]');

  it.each([
    ['base64url', 'AP_-'],
    ['base64', 'AP/+'],
    ['hex', '00fffe'],
  ])('as %s', (bytes, text) => {
    expect(bench('senml-json', { bytes }).decode(pack)).toMatchObject([{ values: { value: text } }]);
    expect(bench('senml-cbor', { bytes }).decode('81 a2 00 63 643a61 08 43 00fffe')).toMatchObject([{ values: { value: text } }]);
    expect(bench('senml-cbor', { bytes }).decode('81 a2 00 63 643a61 08 5f 41 00 42 fffe ff')).toMatchObject([{ values: { value: text } }]);
  });

  it('are refused where the profile says so', () => {
    expect(bench('senml-json', { bytes: 'refuse' }).decode(pack)).toBe('DECODE_INVALID');
    expect(bench('senml-cbor', { bytes: 'refuse' }).decode('81 a2 00 63 643a61 08 43 00fffe')).toBe('DECODE_INVALID');
  });

  it.each(['AP/+', 'AP_-=', 'A', 'AP_-A', 'AP _', 'AP_-\\n'])('"%s" is no base64url', (text) => {
    expect(json.decode(Buffer.from(`[{"n":"d:a","vd":"${text}"}]`))).toBe('DECODE_INVALID');
  });

  it('bytes are no text and text is no bytes in CBOR', () => {
    expect(cbor.decode('81 a2 00 63 643a61 08 63 000102')).toBe('DECODE_INVALID');
    expect(cbor.decode('81 a2 00 63 643a61 03 43 000102')).toBe('DECODE_INVALID');
    expect(cbor.decode('81 a2 00 43 643a61 02 01')).toBe('DECODE_INVALID');
  });
});

describe('CBOR labels', () => {
  it('are integers: texts that look like JSON labels are unknown fields', () => {
    expect(cbor.decode('81 a3 00 63 643a61 02 01 61 6e 63 643a62')).toEqual([{ device: 'd:a', values: { value: 1 }, units: {} }]);
    expect(cbor.decode('81 a2 61 6e 63 643a61 61 76 01')).toBe('DECODE_INVALID');
  });

  it('unknown integers are passed over', () => {
    expect(cbor.decode('81 a4 00 63 643a61 02 01 18 63 81 01 26 01')).toEqual([{ device: 'd:a', values: { value: 1 }, units: {} }]);
  });
});

describe('bounds and flags', () => {
  it('what the JSON or CBOR below refuses is refused', () => {
    expect(json.decode(Buffer.from('[{"n":"d:a","v":NaN}]'))).toBe('DECODE_INVALID');
    expect(json.decode(Buffer.from([0x5b, 0xff, 0x5d]))).toBe('INVALID_UTF8');
    expect(cbor.decode('81 a2 00 63 643a61')).toBe('DECODE_INVALID');
    expect(json.decode(Buffer.from('['.repeat(100)))).toBe('LIMIT_DEPTH');
    expect(cbor.decode('81'.repeat(100))).toBe('LIMIT_DEPTH');
    expect(json.decode(Buffer.from('[{"n":"d:a","v":1}]'), { fields: 2 })).toBe('LIMIT_FIELDS');
  });

  it('a label that comes twice is flagged', () => {
    expect(json.flags(Buffer.from('[{"n":"d:a","v":1,"v":2}]'))).toEqual(['duplicate-key']);
    expect(json.flags(Buffer.from('[{"n":"d:a","v":1,"v":2,"t":-1}]'))).toEqual(['duplicate-key', 'arrival-id']);
    expect(cbor.flags('81 a3 00 63 643a61 02 01 02 02')).toEqual(['duplicate-key']);
  });

  it('long names and units do not multiply', () => {
    const long = 'a'.repeat(600);
    expect(json.decode(Buffer.from(JSON.stringify([{ bn: long, n: long, v: 1 }])))).toBe('DECODE_INVALID');
    expect(json.decode(Buffer.from(JSON.stringify([{ bn: `${long}${long}`, n: 'x', v: 1 }])))).toBe('DECODE_INVALID');
    expect(json.decode(Buffer.from(JSON.stringify([{ bn: 'd:', n: 'x', v: 1, bu: `${long}${long}` }])))).toBe('DECODE_INVALID');
  });

  it('a pack of 2500 records of equal name is read in linear time', () => {
    const pack = Buffer.from(JSON.stringify(Array.from({ length: 2500 }, (_, i) => ({ n: `d${i % 2}:a`, v: i }))));
    expect(isCheap(() => expect(json.decode(pack)).toHaveLength(2500))).toBe(true);
  });

  it('no name changes a prototype', () => {
    const found = json.decode(Buffer.from('[{"bn":"d:","n":"__proto__","v":1},{"n":"toString","v":2},{"n":"constructor","vs":"x"}]')) as { values: object }[];
    expect(found).toHaveLength(1);
    expect(Object.entries(found[0]?.values ?? {})).toEqual([
      ['__proto__', 1],
      ['toString', 2],
      ['constructor', 'x'],
    ]);
  });
});

describe('options', () => {
  it('are checked', () => {
    expect(senmlJsonCodec.checkOptions({ bytes: 'hex' })).toEqual([]);
    expect(senmlCborCodec.checkOptions({ data: 'hex' })).toEqual(['data: there is no such option; this codec has `bytes`']);
  });
});

it('receive time is that of the test bench', () => expect(new Date(RECEIVED_AT).toISOString()).toBe('2025-11-23T08:00:00.000Z'));
