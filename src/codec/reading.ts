import { BoundedCache } from '../domain/bounded-cache.ts';
import type { Reading, Value } from '../domain/reading.ts';
import { knownTopic } from '../domain/topic-memory.ts';

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

/** `quote` for names that come again and again (value names, units, profiles). Bounded. */
function quoteName(name: string): string {
  let quoted = names.get(name);
  if (quoted === undefined) {
    quoted = quote(name);
    names.set(name, quoted);
  }
  return quoted;
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

/** What stands behind the values. */
interface Tail extends Pick<Reading, 'units' | 'tags' | 'flags'> {
  readonly text: string;
}

/** Tails that topics share, and characters of one that is kept. */
const [TAILS, TAIL_LENGTH] = [4096, 512];
const tails = new BoundedCache<Tail>(TAILS, TAIL_LENGTH);
const NO_TAIL: Tail = { units: undefined, tags: undefined, flags: undefined, text: '}}' };

/** What readings of one topic have in common, mostly: it has one device, which says the same again and again. Changes no text. */
class Likeness {
  readonly device: string;
  readonly profile: string;
  /** From the end of the id to `measuredAt`. */
  readonly head: string;
  private tail = NO_TAIL;

  constructor({ device, profile, topic }: Reading) {
    this.device = device;
    this.profile = profile;
    this.head = flat(',"device":', quote(device), ',"profile":', quoteName(profile), ',"topic":', quote(topic), ',"measuredAt":');
  }

  /** The text behind the values. Readings share what they have in common (`SharedTexts`, `flagList`): so the same record says the same. */
  tailOf({ units, tags, flags }: Reading): string {
    const { tail } = this;
    if (units === tail.units && tags === tail.tags && flags === tail.flags) return tail.text;
    const text = encodeTail(units, tags, flags);
    if (text.length > TAIL_LENGTH) return text;
    let known = tails.get(text);
    if (known === undefined || known.units !== units || known.tags !== tags || known.flags !== flags) {
      known = { units, tags, flags, text };
      tails.set(text, known);
    }
    this.tail = known;
    return known.text;
  }
}

function likenessOf(reading: Reading): Likeness {
  const known = knownTopic(reading.topic);
  const kept = known.likeness as Likeness | undefined;
  if (kept !== undefined && kept.device === reading.device && kept.profile === reading.profile) return kept;
  const likeness = new Likeness(reading);
  known.likeness = likeness;
  return likeness;
}

/** Members that are kept, about 0.2 kB each, and characters of their names. Beyond them all are forgotten: some device has new names each time. */
const [MEMBERS, MEMBER_CHARACTERS] = [16_384, 1_048_576];

/** The name of a value behind those that came before it in a record. */
interface Member {
  readonly name: string;
  /** `,"name":`, and without the comma for the first of a record. */
  readonly text: string;
  /** What came behind it last; mostly nothing else does. */
  next: Member | undefined;
  /** All that came behind it, where there are several. */
  others: Map<string, Member> | undefined;
}

/** A tree of the names that values had, in their order: devices of one kind have the same, and to compare a name costs less than to write it. */
class Members {
  first: Member = member('', '');
  private count = 0;
  private characters = 0;

  /** Where the name behind `at` is not the one that came there last. */
  step(at: Member, name: string): Member {
    let step = at.others?.get(name);
    if (step === undefined) {
      if (this.count >= MEMBERS || this.characters + name.length > MEMBER_CHARACTERS) this.forget();
      step = member(name, flat(at.text === '' ? '' : ',', quote(name), ':'));
      this.count += 1;
      this.characters += name.length;
      if (at.next !== undefined) at.others ??= new Map([[at.next.name, at.next]]);
      at.others?.set(name, step);
    }
    at.next = step;
    return step;
  }

  /** The record at hand goes on in the old tree. */
  private forget(): void {
    this.first = member('', '');
    this.count = 0;
    this.characters = 0;
  }
}

function member(name: string, text: string): Member {
  return { name, text, next: undefined, others: undefined };
}

const members = new Members();

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
  let out = `{"id":${quote(reading.id)}${likeness.head}${encodeTime(reading.measuredAt)},"receivedAt":${encodeTime(reading.receivedAt)},"values":{`;
  let at = members.first;
  for (const name in values) {
    const { next } = at;
    at = next !== undefined && next.name === name ? next : members.step(at, name);
    out += at.text + encodeValue(values[name] as Value);
  }
  return out + likeness.tailOf(reading);
}
