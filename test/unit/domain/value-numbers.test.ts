import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Conversion, convert } from '../../../src/domain/conversion.ts';
import { deviceTime, type TimeRule } from '../../../src/domain/device-time.ts';
import { numberFromText } from '../../../src/domain/text-number.ts';
import { NOW } from '../pipeline/normalise-support.ts';

describe('numbers in texts', () => {
  it.each<[string, number | bigint | undefined]>([
    ['69.8', 69.8],
    [' -8.40 ', -8.4],
    ['+3', 3],
    ['1e3', 1000],
    ['0', 0],
    ['-0', -0],
    ['9007199254740993', 9_007_199_254_740_993n],
    ['+9007199254740993', 9_007_199_254_740_993n],
    ['', undefined],
    ['007', undefined],
    ['0x1F', undefined],
    ['.5', undefined],
    ['1.', undefined],
    ['21,5', undefined],
    ['1e999', undefined],
    ['nan', undefined],
    ['21.5 C', undefined],
    ['-----W--', undefined],
    ['1'.repeat(41), undefined],
    ['1'.repeat(65), undefined],
  ])('plain: %j', (text, value) => {
    expect(numberFromText(text, 'plain')?.value).toBe(value);
    expect(numberFromText(text, 'none')).toBeUndefined();
  });

  it.each<[string, number, string | undefined]>([
    ['21.5\u00b0C', 21.5, '\u00b0C'],
    ['21.5 C', 21.5, 'C'],
    ['21.5', 21.5, undefined],
    ['40 %', 40, '%'],
    ['-3.2e-1 m/s', -0.32, 'm/s'],
    ['5 m3', 5, 'm3'],
    ['5m\u00b2', 5, 'm\u00b2'],
    ['7kWh', 7, 'kWh'],
    ['12"', 12, '"'],
  ])('with a unit: %j', (text, value, unit) => {
    expect(numberFromText(text, 'unit')).toEqual({ value, unit });
  });

  it.each(['0x1F', '2024-01-01', '12:30', '12h30', '1 2', '10.0.0.1', 'C 21.5', '21.5 C !', '1f0a2b'])('with a unit, %j stays a text', (text) => {
    expect(numberFromText(text, 'unit')).toBeUndefined();
  });

  it('never throws, and answers a finite number or nothing', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.double().map(String), fc.bigInt().map(String)), (text) => {
        for (const mode of ['plain', 'unit'] as const) {
          const found = numberFromText(text, mode)?.value;
          expect(found === undefined || typeof found === 'bigint' || Number.isFinite(found)).toBe(true);
        }
      }),
    );
  });
});

const linear = (factor: number, offset = 0): Conversion => ({ from: 'a', to: 'b', factor, offset });
/** As UCUM's tables give them, errors in the last digits included. */
const FAHRENHEIT = linear(0.5555555555555555, -17.777777777777743);

describe('conversions', () => {
  it.each([
    [69.8, FAHRENHEIT, 21],
    [32, FAHRENHEIT, 0],
    [-40, FAHRENHEIT, -40],
    [212, FAHRENHEIT, 100],
    [21.55, linear(1, 273.15), 294.7],
    [21_500, linear(0.001), 21.5],
    [0.1, linear(3), 0.3],
    [-0, linear(2), -0],
    [5e-324, linear(0.5), 0],
    [Number.MAX_VALUE, linear(-1), -Number.MAX_VALUE],
    [Number.MAX_VALUE, linear(1, 1), Number.MAX_VALUE],
    [123_456_789.012, linear(0.001), 123_456.789012],
  ])('%d', (value, conversion, wanted) => {
    expect(convert(value, conversion)).toBe(wanted);
  });

  it.each<[bigint, Conversion, number | bigint]>([
    [9_007_199_254_740_993n, linear(1000), 9_007_199_254_740_993_000n],
    [90_071_992_547_409_930_000n, linear(0.001), 90_071_992_547_409_930n],
    [9_007_199_254_741_000n, linear(0.001), 9_007_199_254_741],
    [9_007_199_254_740_993n, linear(0.001), 9_007_199_254_740.99],
    [10_000_000_000_000_000_001n, linear(1 / 3), 3_333_333_333_333_330_000],
  ])('of exact integers: %s', (value, conversion, wanted) => {
    expect(convert(value, conversion)).toBe(wanted);
  });

  it('answer nothing instead of infinity', () => {
    expect(convert(1e308, linear(10))).toBeUndefined();
    expect(convert(10n ** 40n, linear(1e300))).toBeUndefined();
  });

  it('there and back is the value, to twelve digits', () => {
    const back = linear(1.8, 32);
    fc.assert(
      fc.property(fc.integer({ min: -1_000_000, max: 1_000_000 }), (tenths) => {
        const there = convert(tenths / 10, FAHRENHEIT) as number;
        expect(convert(there, back)).toBeCloseTo(tenths / 10, 6);
        expect(String(there).replace(/^-?\d*\.?/, '').length).toBeLessThanOrEqual(12);
      }),
    );
  });
});

describe('times by their digits', () => {
  const rule: TimeRule = { unit: 'auto', zoneMs: 0, futureMs: 300_000, lateMs: 3_600_000 };
  it.each<[unknown, number | string]>([
    [1_763_884_790, 1_763_884_790_000],
    [1_763_884_790.25, 1_763_884_790_250],
    [1_763_884_790_123, 1_763_884_790_123],
    [1_763_884_790_123_456, 1_763_884_790_123],
    [1_763_884_790_123_456_789n, 1_763_884_790_123],
    ['1763884790', 1_763_884_790_000],
    ['1763884790123', 1_763_884_790_123],
    ['1763884790123456789', 1_763_884_790_123],
    [86_400, 'clock-unset'],
    [0, 'clock-unset'],
    [17_638_847_901, 'time-invalid'],
    [-1_763_884_790, 'time-invalid'],
    [1e300, 'time-invalid'],
    ['2025-11-23T08:00:00Z', 'time-invalid'],
    [{}, 'time-invalid'],
    [true, 'time-invalid'],
    [null, 'no-device-time'],
  ])('%s', (raw, wanted) => {
    const time = deviceTime(raw, rule, NOW);
    const flags = { 'clock-unset': 8, 'time-invalid': 4, 'no-device-time': 2 };
    const refused = (flag: string): object => ({ at: NOW, flags: flags[flag as keyof typeof flags], usable: false });
    expect(time).toEqual(typeof wanted === 'number' ? { at: wanted, flags: 0, usable: true } : refused(wanted));
  });

  it('an uptime is no time, whatever its size', () => {
    for (const raw of [5, 1_763_884_790, '3T04:05:06']) expect(deviceTime(raw, { ...rule, unit: 'uptime' }, NOW)).toEqual({ at: NOW, flags: 8, usable: false });
    expect(deviceTime(undefined, { ...rule, unit: 'uptime' }, NOW).flags).toBe(2);
  });
});
