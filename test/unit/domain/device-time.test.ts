import * as fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { deviceTime, type TimeRule, zoneOffset } from '../../../src/domain/device-time.ts';
import { flagList } from '../../../src/domain/flags.ts';

const NOW = Date.UTC(2025, 10, 23, 8);
const HOUR = 3_600_000;

function rule(unit: TimeRule['unit'], zone = 'Z'): TimeRule {
  return { unit, zoneMs: zoneOffset(zone) as number, futureMs: 100 * 365 * 24 * HOUR, lateMs: 100 * 365 * 24 * HOUR };
}

function read(raw: unknown, unit: TimeRule['unit'], zone?: string): string {
  const { at, flags } = deviceTime(raw, rule(unit, zone), NOW);
  return [at === NOW ? 'now' : new Date(at).toISOString(), ...(flagList(flags) ?? [])].join(' ');
}

describe('ISO texts', () => {
  it.each([
    ['2023-01-02T03:04:05Z', '2023-01-02T03:04:05.000Z'],
    ['2023-01-02T03:04:05.678Z', '2023-01-02T03:04:05.678Z'],
    ['2023-01-02T03:04:05.678999999Z', '2023-01-02T03:04:05.678Z'],
    ['2023-01-02T03:04:05,5Z', '2023-01-02T03:04:05.500Z'],
    ['2023-01-02t03:04:05z', '2023-01-02T03:04:05.000Z'],
    ['2023-01-02 03:04:05+02:00', '2023-01-02T01:04:05.000Z'],
    ['2023-01-02T03:04:05-0530', '2023-01-02T08:34:05.000Z'],
    ['2023-01-02T03:04+02', '2023-01-02T01:04:00.000Z'],
    ['2023-01-02 03:04:05 Z', '2023-01-02T03:04:05.000Z'],
    ['2021-03-18T22:00:00', '2021-03-18T22:00:00.000Z no-zone'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    // ISO 8601: midnight at the end of the day. RFC 3339 section 5.7: a leap second ends a UTC day.
    ['2023-12-31T24:00:00Z', '2024-01-01T00:00:00.000Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
    ['2016-12-31T23:59:60.5Z', '2017-01-01T00:00:00.500Z'],
    ['2017-01-01T00:59:60+01:00', '2017-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59Z', '9999-12-31T23:59:59.000Z future'],
  ])('%s is %s', (raw, expected) => {
    expect(read(raw, 'iso')).toBe(expected);
  });

  it.each([
    '2023-13-01T00:00:00Z',
    '2023-00-01T00:00:00Z',
    '2023-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2023-04-31T00:00:00Z',
    '2023-01-00T00:00:00Z',
    '2023-01-01T24:00:01Z',
    '2023-01-01T24:00:00.001Z',
    '2023-01-01T25:00:00Z',
    '2023-01-01T00:60:00Z',
    '2023-01-01T00:00:61Z',
    '2023-01-01T12:34:60Z',
    '2023-01-01T00:00:00+24:00',
    '2023-01-01T00:00:00+01:60',
    '24/12/2023',
    '2023-01-01',
    '+275761-01-01T00:00:00Z',
    '275761-01-01T00:00:00Z',
    '@0.087052s',
    'Sun Nov 23 2025',
    '1690000000',
    ' 2023-01-01T00:00:00Z',
    '2023-01-01T00:00:00Z\n',
    '',
    1_690_000_000,
    true,
    {},
    [],
  ])('%j cannot be read', (raw) => {
    expect(read(raw, 'iso')).toBe('now time-invalid');
  });

  it('takes the zone of the profile, and there is no summer time in an offset', () => {
    expect(read('2025-03-30T02:30:00', 'iso', '+01:00')).toBe('2025-03-30T01:30:00.000Z no-zone');
    expect(read('2025-10-26T02:30:00', 'iso', '-08:00')).toBe('2025-10-26T10:30:00.000Z no-zone');
  });

  describe('whatever the zone of the process', () => {
    const before = process.env['TZ'];
    afterEach(() => {
      if (before === undefined) {
        delete process.env['TZ'];
      } else {
        process.env['TZ'] = before;
      }
    });

    it.each(['America/New_York', 'Asia/Kolkata', 'Pacific/Apia'])('%s', (zone) => {
      process.env['TZ'] = zone;
      expect(read('2021-03-18T22:00:00', 'iso')).toBe('2021-03-18T22:00:00.000Z no-zone');
    });
  });
});

describe('counts since 1970', () => {
  const AT = '2023-07-22T04:26:40.123Z';
  it.each([
    [1_690_000_000, 's', '2023-07-22T04:26:40.000Z'],
    [1_690_000_000.123, 's', AT],
    ['1690000000.123', 's', AT],
    [2_150_000_000.002, 's', '2038-02-17T06:13:20.002Z'],
    ['1690000000', 's', '2023-07-22T04:26:40.000Z'],
    [1_690_000_000_123, 'ms', AT],
    [1_690_000_000_123.9, 'ms', AT],
    [1_690_000_000_123_456, 'us', AT],
    ['1690000000123456', 'us', AT],
    [1_690_000_000_123_456_789n, 'ns', AT],
    ['1690000000123456789', 'ns', AT],
    ['1690000000123999999', 'ns', AT],
    // The profile says seconds and the device sends milliseconds: year 55523, which no RFC 3339 text can hold.
    [1_690_000_000_123, 's', 'now time-invalid'],
    [1e300, 'ms', 'now time-invalid'],
    [10n ** 39n, 'ns', 'now time-invalid'],
    ['9'.repeat(40), 's', 'now time-invalid'],
    ['9'.repeat(41), 's', 'now time-invalid'],
    ['1.69e9', 's', 'now time-invalid'],
    ['+1690000000', 's', 'now time-invalid'],
    [' 1690000000', 's', 'now time-invalid'],
    ['', 'ms', 'now time-invalid'],
    ['0x10', 'ms', 'now time-invalid'],
    [true, 's', 'now time-invalid'],
    [0, 's', 'now clock-unset'],
    [-5, 's', 'now clock-unset'],
    [-(10n ** 30n), 'ns', 'now clock-unset'],
    [12_345, 's', 'now clock-unset'],
    [946_684_799_999, 'ms', 'now clock-unset'],
    [946_684_800_000, 'ms', '2000-01-01T00:00:00.000Z'],
    [undefined, 'ms', 'now no-device-time'],
    [null, 'ms', 'now no-device-time'],
  ] as const)('%s in %s is %s', (raw, unit, expected) => {
    expect(read(raw, unit)).toBe(expected);
  });
});

describe('the tolerance', () => {
  const tight: TimeRule = { unit: 'ms', zoneMs: 0, futureMs: 1000, lateMs: 2000 };
  it.each([
    [1000, undefined],
    [1001, ['future']],
    [-2000, undefined],
    [-2001, ['late']],
  ])('%d ms off: %s', (off, flags) => {
    const time = deviceTime(NOW + off, tight, NOW);
    expect(flagList(time.flags)).toEqual(flags);
    expect(time).toMatchObject({ at: NOW + off, usable: true });
  });
});

it('never throws, and always answers a time that can be written down', () => {
  fc.assert(
    fc.property(fc.anything({ withBigInt: true }), fc.constantFrom<TimeRule['unit'][]>('iso', 's', 'ms', 'us', 'ns'), (raw, unit) => {
      const { at } = deviceTime(raw, rule(unit), NOW);
      expect(Number.isInteger(at)).toBe(true);
      expect(new Date(at).toISOString()).toMatch(/^\d{4}-/);
    }),
    { numRuns: 1000 },
  );
});

describe('zoneOffset', () => {
  it.each([
    ['Z', 0],
    ['+02:00', 2 * HOUR],
    ['-03:30', -3.5 * HOUR],
    ['+0100', HOUR],
    ['Europe/Berlin', undefined],
    ['+2:00', undefined],
    ['', undefined],
  ])('%s', (text, expected) => {
    expect(zoneOffset(text)).toBe(expected);
  });
});
