import { BoundedCache } from '../domain/bounded-cache.ts';
import type { Reading, Value } from '../domain/reading.ts';
import { TOPICS_KEPT } from '../domain/topic.ts';

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
const firstMembers = new BoundedCache<string>(NAMES, NAME_LENGTH);

/** `quote` for names that come again and again (value names, units, profiles). Bounded. */
function quoteName(name: string): string {
  let quoted = names.get(name);
  if (quoted === undefined) {
    quoted = quote(name);
    names.set(name, quoted);
  }
  return quoted;
}

/** `,"name":`, and without the comma for the first of an object, from the same kind of memory. */
function memberName(name: string, first: boolean): string {
  const kept = first ? firstMembers : members;
  let member = kept.get(name);
  if (member === undefined) {
    member = flat(first ? '' : ',', quote(name), ':');
    kept.set(name, member);
  }
  return member;
}

/** One flat string; a sum would be put together anew within each text that it is part of. */
function flat(...parts: readonly string[]): string {
  return parts.join('');
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

/** Values whose names are kept for each topic, and characters of what else is. */
const [KEPT_NAMES, KEPT_TAIL] = [16, 512];

/** What readings of one topic have in common, mostly: it has one device, which says the same again and again. Changes no text. */
class Likeness {
  readonly device: string;
  readonly profile: string;
  /** From the end of the id to `measuredAt`. */
  readonly head: string;
  /** Names of the values of the last reading, in order, and what they become; for the first few of them. */
  readonly names: string[];
  readonly members: string[];
  private units: Reading['units'];
  private tags: Reading['tags'];
  private flags: Reading['flags'];
  private tail = NO_TAIL;

  constructor({ device, profile, topic, values }: Reading) {
    // Not filled one by one: V8 makes room for 17 then, and every topic has two of these.
    this.names = Object.keys(values).slice(0, KEPT_NAMES);
    this.members = this.names.map((name, at) => memberName(name, at === 0));
    this.device = device;
    this.profile = profile;
    this.head = flat(',"device":', quote(device), ',"profile":', quoteName(profile), ',"topic":', quote(topic), ',"measuredAt":');
  }

  /** The text behind the values. Readings share what they have in common (`SharedTexts`, `flagList`): so the same record says the same. */
  tailOf({ units, tags, flags }: Reading): string {
    if (units === this.units && tags === this.tags && flags === this.flags) return this.tail;
    const tail = encodeTail(units, tags, flags);
    if (tail.length <= KEPT_TAIL) {
      this.units = units;
      this.tags = tags;
      this.flags = flags;
      this.tail = tail;
    }
    return tail;
  }
}

const NO_TAIL = '}}';

/** About 0.7 kB each. */
const likenesses = new BoundedCache<Likeness>(TOPICS_KEPT, 512);

function likenessOf(reading: Reading): Likeness {
  let likeness = likenesses.get(reading.topic);
  if (likeness === undefined || likeness.device !== reading.device || likeness.profile !== reading.profile) {
    likeness = new Likeness(reading);
    likenesses.set(reading.topic, likeness);
  }
  return likeness;
}

/** Milliseconds of 1,000 s: what stands before them changes seldom. */
const THOUSAND_SECONDS = 1_000_000;
const THREE_DIGITS: readonly string[] = Array.from({ length: 1000 }, (_, i) => String(i).padStart(3, '0'));
let lastThousands = 0;
let lastDigits = '0';

/** `encodeNumber` for times of today, which are close to one another: 30 ns instead of 155. */
function encodeTime(time: number): string {
  if (time < THOUSAND_SECONDS || !Number.isSafeInteger(time)) return encodeNumber(time);
  const thousands = Math.floor(time / THOUSAND_SECONDS);
  if (thousands !== lastThousands) {
    lastThousands = thousands;
    lastDigits = String(thousands);
  }
  const rest = time - thousands * THOUSAND_SECONDS;
  const seconds = Math.floor(rest / 1000);
  return lastDigits + (THREE_DIGITS[seconds] as string) + (THREE_DIGITS[rest - seconds * 1000] as string);
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

function encodeTail(units: Reading['units'], tags: Reading['tags'], flags: Reading['flags']): string {
  const parts = ['}'];
  if (units !== undefined) {
    parts.push(',"units":', encodeTexts(units));
  }
  if (tags !== undefined) {
    parts.push(',"tags":', encodeTexts(tags));
  }
  if (flags !== undefined && flags.length > 0) {
    parts.push(',"flags":["', flags.join('","'), '"]');
  }
  return flat(...parts, '}');
}

/**
 * The JSON text of one reading, wire format version 1 (docs/wire-format.md): fixed key order, no white space,
 * absent parts left out, big integers as their exact digits, -0 as `-0`.
 *
 * `values`, `units` and `tags` must be prototype-less or plain objects without inherited enumerable names; `units`, `tags` and
 * `flags` must not change once they have been encoded.
 * Throws RangeError for NaN and infinity: a codec that lets one through has a bug, and writing null would hide it.
 */
export function encodeReading(reading: Reading): string {
  const { values } = reading;
  const likeness = likenessOf(reading);
  const { names, members } = likeness;
  let out = `{"id":${quote(reading.id)}${likeness.head}${encodeTime(reading.measuredAt)},"receivedAt":${encodeTime(reading.receivedAt)},"values":{`;
  let at = 0;
  for (const name in values) {
    if (names[at] !== name) {
      const member = memberName(name, at === 0);
      if (at >= KEPT_NAMES) {
        out += member + encodeValue(values[name] as Value);
        continue;
      }
      names[at] = name;
      members[at] = member;
    }
    out += (members[at] as string) + encodeValue(values[name] as Value);
    at += 1;
  }
  return out + likeness.tailOf(reading);
}
