import type { Scalar } from './api.ts';

const THOUSANDS = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** `12,345`; what is not known is a dash. */
export function count(value: number | null | undefined): string {
  return value === null || value === undefined || !Number.isFinite(value) ? '–' : THOUSANDS.format(value);
}

/** Three digits that matter: `0`, `0.42`, `4.2`, `42`, `4.20k`, `1.3M`. For rates and axes. */
export function short(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size < 0.005) return '0';
  for (const [unit, letter] of [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e4, 'k'],
  ] as const) {
    if (size >= unit * 0.99995) return `${trim(value / (letter === 'k' ? 1000 : unit))}${letter}`;
  }
  return size >= 1000 ? THOUSANDS.format(value) : trim(value);
}

function trim(value: number): string {
  const size = Math.abs(value);
  return String(Number(value.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2)));
}

/** Of milliseconds: `350 µs`, `3.2 ms`, `1.4 s`, `2 min 5 s`, `3 h 12 min`, `4 d 2 h`. */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return '–';
  const size = Math.max(0, ms);
  if (size === 0) return '0 ms';
  if (size < 1) return `${Math.round(size * 1000)} µs`;
  if (size < 999.5) return `${trim(size)} ms`;
  if (size < 59_950) return `${Number((size / 1000).toFixed(size < 9950 ? 1 : 0))} s`;
  const seconds = Math.round(size / 1000);
  return seconds < 3600 ? two(seconds, 60, 'min', 1, 's') : seconds < 86_400 ? two(seconds, 3600, 'h', 60, 'min') : two(seconds, 86_400, 'd', 3600, 'h');
}

function two(seconds: number, big: number, bigName: string, small: number, smallName: string): string {
  const rest = Math.floor((seconds % big) / small);
  return `${Math.floor(seconds / big)} ${bigName}${rest === 0 ? '' : ` ${rest} ${smallName}`}`;
}

/** How long ago, in words that do not flicker: `now`, `4 s ago`, `31 min ago`. */
export function ago(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return 'never';
  if (ms < 1000) return 'now';
  for (const [unit, name] of [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
  ] as const)
    if (ms >= unit) return `${Math.floor(ms / unit)} ${name} ago`;
  return `${Math.floor(ms / 1000)} s ago`;
}

export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  if (value < 1000) return `${Math.round(value)} B`;
  for (const [unit, name] of [
    [1e9, 'GB'],
    [1e6, 'MB'],
  ] as const)
    if (value >= unit * 0.9995) return `${trim(value / unit)} ${name}`;
  return `${trim(value / 1000)} kB`;
}

/** A value of a reading. Integers keep all their digits; a double is shown with at most six that matter. */
export function scalar(value: Scalar | null | undefined): string {
  if (value === null || value === undefined) return '–';
  if (typeof value !== 'number') return String(value);
  if (Number.isInteger(value)) return Object.is(value, -0) ? '-0' : String(value);
  return String(Number(value.toPrecision(6)));
}

/** UCUM codes that people write otherwise. */
const UNITS: Readonly<Record<string, string>> = { Cel: '°C', '[degF]': '°F', deg: '°', Ohm: 'Ω', um: 'µm', ug: 'µg', '1': '' };

export function unit(code: string | undefined): string {
  return code === undefined ? '' : (UNITS[code] ?? code);
}

/** `21.5 °C`. */
export function measured(value: Scalar | null | undefined, code: string | undefined): string {
  const name = unit(code);
  return name === '' ? scalar(value) : `${scalar(value)} ${name}`;
}

/** Time of day where it is today, else with its date; local time. */
export function clock(at: number | null | undefined, now: number): string {
  if (at === null || at === undefined || !Number.isFinite(at)) return '–';
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return date.toDateString() === new Date(now).toDateString() ? time : `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`;
}

/** `1 letter`, `2 letters`. */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** Control characters and marks that turn text around become visible: what a device calls itself must not play with the page. */
export function visible(text: string): string {
  return text.replace(
    // oxlint-disable-next-line no-control-regex
    /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}
