import { FLAG } from './flags.ts';
import type { EpochMs } from './message.ts';
import type { TimeSpec } from './profile.ts';

/** Before this a clock has not been set, or the number is an uptime: 2000-01-01T00:00:00Z. */
const EARLIEST = 946_684_800_000;
/** 10000-01-01T00:00:00Z: RFC 3339 has four digits for the year, so nothing later can be written down. */
const BEYOND = 253_402_300_800_000;
const DAY = 86_400_000;

export interface TimeRule {
  readonly unit: TimeSpec['unit'];
  readonly zoneMs: number;
  readonly futureMs: number;
  readonly lateMs: number;
}

export interface DeviceTime {
  readonly at: EpochMs;
  /** Bits of src/domain/flags.ts. */
  readonly flags: number;
  /** The payload told a believable time, so two payloads that differ in time differ in bytes. */
  readonly usable: boolean;
}

const ZONE = /^(?:[Zz]|([+-])([01]\d|2[0-3]):?([0-5]\d)?)$/;

/** Milliseconds that a zone is ahead of UTC: `Z`, `+02:00`, `+0200`, `+02`. undefined when it is none. */
export function zoneOffset(text: string): number | undefined {
  const found = ZONE.exec(text);
  if (found === null) {
    return undefined;
  }
  const [, sign, hours, minutes] = found;
  return sign === undefined ? 0 : (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes ?? 0)) * 60_000;
}

// RFC 3339 section 5.6; ISO 8601's comma, missing seconds, missing zone and short offsets are common in the field.
const ISO = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,40}))?)?(?: ?([Zz]|[+-]\d\d(?::?\d\d)?))?$/;
const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function daysIn(year: number, month: number): number {
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return leap ? 29 : (MONTH_DAYS[month - 1] ?? 0);
}

/** NaN when it is no time. Never reads the process's time zone: every text has an offset, its own or the profile's. */
function isoTime(text: string, zoneMs: number): { at: number; zoned: boolean } {
  const found = ISO.exec(text);
  if (found === null) {
    return { at: Number.NaN, zoned: true };
  }
  const year = Number(found[1]);
  const month = Number(found[2]);
  const day = Number(found[3]);
  const hour = Number(found[4]);
  const minute = Number(found[5]);
  const second = Number(found[6] ?? 0);
  const milli = found[7] === undefined ? 0 : Number(found[7].slice(0, 3).padEnd(3, '0'));
  const offset = found[8] === undefined ? zoneMs : zoneOffset(found[8]);
  const midnight = hour === 24 && minute === 0 && second === 0 && Number(found[7] ?? 0) === 0;
  const inRange = day >= 1 && day <= daysIn(year, month) && (hour < 24 || midnight) && minute < 60 && second <= 60;
  if (!inRange || offset === undefined) {
    return { at: Number.NaN, zoned: true };
  }
  // Date.UTC takes years below 100 as 19xx; those are long before EARLIEST anyway.
  const at = Date.UTC(Math.max(year, 100), month - 1, day, hour, minute, second, milli) - offset;
  // RFC 3339 section 5.7: second 60 is a leap second, and those end a UTC day. As in POSIX it is the next day's first second.
  const leapOk = second < 60 || (at - milli) % DAY === 0;
  return { at: leapOk ? at : Number.NaN, zoned: found[8] !== undefined };
}

type CountUnit = 's' | 'ms' | 'us' | 'ns';

const DIGITS = /^-?\d{1,40}(\.\d{1,40})?$/;

const PER_MILLISECOND = { ms: 1, us: 1000, ns: 1_000_000 } as const;

function fromNumber(value: number, unit: CountUnit): number {
  // Seconds are rounded: 2150000000.002 * 1000 is 2150000000001.9998 (from 2038 on a double is that coarse).
  return unit === 's' ? Math.round(value * 1000) : Math.floor(value / PER_MILLISECOND[unit]);
}

function fromBigint(value: bigint, unit: CountUnit): number {
  return Number(unit === 's' ? value * 1000n : value / BigInt(PER_MILLISECOND[unit]));
}

/** Milliseconds from a count since 1970 or from its digits; NaN when it is neither. Nanoseconds are divided as integers. */
function countedTime(raw: unknown, unit: CountUnit): number {
  if (typeof raw === 'number') {
    return fromNumber(raw, unit);
  }
  if (typeof raw === 'bigint') {
    return fromBigint(raw, unit);
  }
  if (typeof raw !== 'string' || !DIGITS.test(raw)) {
    return Number.NaN;
  }
  const dot = raw.indexOf('.');
  if (dot === -1) {
    return raw.length < 16 ? fromNumber(Number(raw), unit) : fromBigint(BigInt(raw), unit);
  }
  return unit === 's' ? fromNumber(Number(raw), unit) : fromBigint(BigInt(raw.slice(0, dot)), unit);
}

/** Digits before the point -> unit, for times from 2001 to 2286. */
const UNIT_BY_DIGITS: Readonly<Record<number, CountUnit>> = { 10: 's', 13: 'ms', 16: 'us', 19: 'ns' };

/** A time whose unit its number of digits tells. Fewer than ten digits are an uptime or an unset clock: 0 stands for both. */
function timeByDigits(raw: unknown): number {
  const text = typeof raw === 'number' || typeof raw === 'bigint' ? String(raw) : raw;
  if (typeof text !== 'string' || !DIGITS.test(text) || text.startsWith('-')) {
    return Number.NaN;
  }
  const dot = text.indexOf('.');
  const digits = dot === -1 ? text.length : dot;
  const unit = UNIT_BY_DIGITS[digits];
  return unit === undefined ? (digits < 10 ? 0 : Number.NaN) : countedTime(raw, unit);
}

/**
 * When a reading was measured, from what stands at the profile's `time.from`; whole milliseconds, finer digits are cut (fractions of a second in a float: rounded).
 * Always answers a time: where the device's own cannot be used it is `receivedAt`, and the flags say why.
 */
export function deviceTime(raw: unknown, rule: TimeRule, receivedAt: EpochMs): DeviceTime {
  if (raw === undefined || raw === null) {
    return { at: receivedAt, flags: FLAG['no-device-time'], usable: false };
  }
  let at: number;
  let flags = 0;
  if (rule.unit === 'uptime') {
    return { at: receivedAt, flags: FLAG['clock-unset'], usable: false };
  }
  if (rule.unit === 'auto') {
    at = timeByDigits(raw);
  } else if (rule.unit === 'iso') {
    const iso = typeof raw === 'string' ? isoTime(raw, rule.zoneMs) : { at: Number.NaN, zoned: true };
    at = iso.at;
    flags = iso.zoned ? 0 : FLAG['no-zone'];
  } else {
    at = countedTime(raw, rule.unit);
  }
  // Written so that NaN fails.
  if (!(at < BEYOND)) {
    return { at: receivedAt, flags: FLAG['time-invalid'], usable: false };
  }
  if (at < EARLIEST) {
    return { at: receivedAt, flags: FLAG['clock-unset'], usable: false };
  }
  if (at > receivedAt + rule.futureMs) {
    flags |= FLAG.future;
  } else if (at < receivedAt - rule.lateMs) {
    flags |= FLAG.late;
  }
  return { at, flags, usable: true };
}
