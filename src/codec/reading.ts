import { BoundedCache } from '../domain/bounded-cache.ts';
import type { Reading, Value } from '../domain/reading.ts';

/** What JSON.stringify escapes: control characters, quote, backslash; surrogates, because lone ones must not get out. */
const NEEDS_ESCAPE = /[^ !#-[\]-\ud7ff\ue000-\uffff]/;

/**
 * A JSON string literal, as JSON.stringify writes it: a lone surrogate becomes a `\udXXX` escape, so the
 * output is always valid UTF-8 (ECMA-262, QuoteJSONString). Half the time of JSON.stringify for plain text.
 */
export function quote(text: string): string {
  return NEEDS_ESCAPE.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** Names that are kept ready, and their length: very long ones are hostile. */
const [NAMES, NAME_LENGTH] = [4096, 64];
const names = new BoundedCache<string>(NAMES, NAME_LENGTH);
const members = new BoundedCache<string>(NAMES, NAME_LENGTH);

/** `quote` for names that come again and again (value names, units, profiles). Bounded. */
function quoteName(name: string): string {
  let quoted = names.get(name);
  if (quoted === undefined) {
    quoted = quote(name);
    names.set(name, quoted);
  }
  return quoted;
}

/** `,"name":` from the same kind of memory: fewer pieces of text for the collector. */
function memberName(name: string): string {
  let member = members.get(name);
  if (member === undefined) {
    member = [',', quote(name), ':'].join('');
    members.set(name, member);
  }
  return member;
}

function encodeNumber(value: number): string {
  if (value === 0) {
    return Object.is(value, -0) ? '-0' : '0';
  }
  if (!Number.isFinite(value)) {
    throw new RangeError(`${value} is not a number that JSON can hold`);
  }
  return String(value);
}

/** What readings of one topic have in common, mostly: it has one device. */
interface Whence {
  readonly device: string;
  readonly profile: string;
  readonly text: string;
}

/** Topics whose part of the text is kept ready, at least half of them; about 0.3 kB each. */
const whences = new BoundedCache<Whence>(32_768, 512);

/** The text from `device` to `measuredAt`. */
function whenceOf({ device, profile, topic }: Reading): string {
  const known = whences.get(topic);
  if (known !== undefined && known.device === device && known.profile === profile) {
    return known.text;
  }
  // `join` gives one flat string; a sum would be put together anew within each text that it is part of.
  const text = ['"device":', quote(device), ',"profile":', quoteName(profile), ',"topic":', quote(topic), ',"measuredAt":'].join('');
  whences.set(topic, { device, profile, text });
  return text;
}

let lastTime = 0;
let lastTimeText = '0';

/** `encodeNumber` for times of receipt: many readings are received in one millisecond. */
function encodeTime(time: number): string {
  if (!Object.is(time, lastTime)) {
    lastTimeText = encodeNumber(time);
    lastTime = time;
  }
  return lastTimeText;
}

function encodeValue(value: Value): string {
  if (typeof value === 'number') {
    return encodeNumber(value);
  }
  if (typeof value === 'string') {
    return quote(value);
  }
  return String(value);
}

function encodeTexts(record: Readonly<Record<string, string>>): string {
  let out = '';
  for (const name in record) {
    out += `${out === '' ? '{' : ','}${quoteName(name)}:${quoteName(record[name] as string)}`;
  }
  return out === '' ? '{}' : `${out}}`;
}

/**
 * The JSON text of one reading, wire format version 1 (docs/wire-format.md): fixed key order, no white space,
 * absent parts left out, big integers as their exact digits, -0 as `-0`.
 *
 * `values`, `units` and `tags` must be prototype-less or plain objects without inherited enumerable names.
 * Throws RangeError for NaN and infinity: a codec that lets one through has a bug, and writing null would hide it.
 */
export function encodeReading(reading: Reading): string {
  const { values, units, tags, flags } = reading;
  let out = `{"id":${quote(reading.id)},${whenceOf(reading)}${encodeNumber(reading.measuredAt)},"receivedAt":${encodeTime(reading.receivedAt)},"values":{`;
  let first = true;
  for (const name in values) {
    out += (first ? memberName(name).slice(1) : memberName(name)) + encodeValue(values[name] as Value);
    first = false;
  }
  out += '}';
  if (units !== undefined) {
    out += `,"units":${encodeTexts(units)}`;
  }
  if (tags !== undefined) {
    out += `,"tags":${encodeTexts(tags)}`;
  }
  if (flags !== undefined && flags.length > 0) {
    out += `,"flags":["${flags.join('","')}"]`;
  }
  return `${out}}`;
}
