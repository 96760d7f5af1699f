import { describe, expect, it } from 'vitest';
import { fromBase64, hexLines, textOf } from '../../../src/console/bytes-view.ts';
import { parseJson, pretty } from '../../../src/console/exact-json.ts';
import { ago, bytes, clock, count, duration, measured, plural, scalar, short, visible } from '../../../src/console/format.ts';
import { sparkPath } from '../../../src/console/spark-path.ts';

describe('numbers', () => {
  it.each([
    [0, '0'],
    [0.004, '0'],
    [0.42, '0.42'],
    [4.2, '4.2'],
    [42.04, '42'],
    [999.6, '1000'],
    [8400.4, '8,400'],
    [9999.6, '10k'],
    [12_345, '12.3k'],
    [-12_345, '-12.3k'],
    [1_300_000, '1.3M'],
    [2e9, '2G'],
    [Number.NaN, '–'],
    [null, '–'],
    [undefined, '–'],
  ])('are short: %s', (value, text) => {
    expect(short(value)).toBe(text);
  });

  it('are counted with marks, and what is not known is not a zero', () => {
    expect([count(12_345_678), count(0), count(null), plural(1, 'letter'), plural(2000, 'entry', 'entries')]).toEqual([
      '12,345,678',
      '0',
      '–',
      '1 letter',
      '2,000 entries',
    ]);
  });

  it.each([
    [21.5, 'Cel', '21.5 °C'],
    [21.123456789, 'Cel', '21.1235 °C'],
    [18_446_744_073_709_551_615n, undefined, '18446744073709551615'],
    [true, undefined, 'true'],
    [-0, undefined, '-0'],
    [3, '1', '3'],
    ['on', undefined, 'on'],
    [undefined, 'V', '– V'],
  ])('of a device: %s %s', (value, unit, text) => {
    expect(measured(value, unit)).toBe(text);
  });

  it('keep all digits of an integer', () => {
    expect(scalar(9_007_199_254_740_993n)).toBe('9007199254740993');
    expect(scalar(101_353)).toBe('101353');
  });

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1500, '1.5 kB'],
    [183_000_000, '183 MB'],
    [999_999, '1 MB'],
    [undefined, '–'],
  ])('of bytes: %s', (value, text) => {
    expect(bytes(value)).toBe(text);
  });
});

describe('times', () => {
  it.each([
    [0, '0 ms'],
    [0.35, '350 µs'],
    [3.21, '3.21 ms'],
    [999.7, '1 s'],
    [1400, '1.4 s'],
    [59_960, '1 min'],
    [125_000, '2 min 5 s'],
    [11_520_000, '3 h 12 min'],
    [352_800_000, '4 d 2 h'],
    [-5, '0 ms'],
    [null, '–'],
  ])('last: %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  it.each([
    [400, 'now'],
    [-3, 'now'],
    [4999, '4 s ago'],
    [61_000, '1 min ago'],
    [7_300_000, '2 h ago'],
    [200_000_000, '2 d ago'],
    [undefined, 'never'],
  ])('ago: %s', (ms, text) => {
    expect(ago(ms)).toBe(text);
  });

  it('of another day have their date', () => {
    const at = new Date(2026, 0, 2, 3, 4, 5).getTime();
    expect(clock(at, at + 1000)).toBe('03:04:05');
    expect(clock(at, at + 86_400_000)).toBe('2026-01-02 03:04:05');
    expect(clock(undefined, at)).toBe('–');
  });
});

describe('text from outside', () => {
  it('shows what would turn the page around or hide', () => {
    expect(visible('a\u202Eb\u0000c\nd')).toBe('a\\u202eb\\u0000c\\u000ad');
    expect(visible('Halle 7 – Küche <b>')).toBe('Halle 7 – Küche <b>');
  });
});

describe('bytes', () => {
  it('are shown with offset, in two halves, and as ASCII', () => {
    const lines = hexLines(
      Uint8Array.from({ length: 18 }, (_, i) => 0x3c + i),
      4096,
    );
    expect(lines).toEqual([
      '000000  3c 3d 3e 3f 40 41 42 43  44 45 46 47 48 49 4a 4b  <=>?@ABCDEFGHIJK',
      '000010  4c 4d                                             LM',
    ]);
    expect(hexLines(new Uint8Array(40), 20)).toHaveLength(2);
    expect(hexLines(new Uint8Array(0), 20)).toEqual([]);
  });

  it('are text only where they are nothing else', () => {
    expect(textOf(fromBase64(Buffer.from('{"ü":1}\n').toString('base64')))).toBe('{"ü":1}\n');
    expect(textOf(Uint8Array.of(0xff, 0xfe))).toBeUndefined();
    expect(textOf(Uint8Array.of(0x61, 0x00))).toBeUndefined();
  });
});

describe('JSON', () => {
  it('is read as it is, and written with the digits of big integers', () => {
    expect(parseJson('{"a":[1,"x",null]}')).toEqual({ a: [1, 'x', null] });
    expect(pretty({ a: 18_446_744_073_709_551_615n, b: [1] })).toBe('{\n  "a": 18446744073709551615,\n  "b": [\n    1\n  ]\n}');
  });
});

describe('sparklines', () => {
  it('leave gaps, and draw a value that never changes in the middle', () => {
    expect(sparkPath([1, 2, null, 4], 96, 24)).toBe('M2.0 22.0L32.7 15.3M94.0 2.0');
    expect(sparkPath([5, 5], 96, 24)).toBe('M2.0 12.0L94.0 12.0');
    expect(sparkPath([null, 5], 96, 24)).toBe('');
  });
});
