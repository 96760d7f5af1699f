import { BoundedCache } from '../domain/bounded-cache.ts';
import type { Reading, Value } from '../domain/reading.ts';
import { knownTopic } from '../domain/topic-memory.ts';
import { quote } from './quote.ts';
import { TextWriter } from './text-writer.ts';

/** Names that are kept ready, and their length: very long ones are hostile. */
const [NAMES, NAME_LENGTH] = [4096, 64];
const names = new BoundedCache<string>(NAMES, NAME_LENGTH);

/** `quote` for names that come again and again (value names, units, profiles). Bounded. */
function quoteName(name: string): string {
  return names.getOrMake(name, quote);
}

/** Not a part of the pool of small buffers, which it would keep alive. */
function ownBytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text));
}

/** One flat string; a sum would be put together anew within each text that it is part of. */
function flat(...parts: readonly string[]): string {
  return parts.join('');
}

/** What texts of readings of one kind of device have in common. */
export interface Likeness extends Pick<Reading, 'profile' | 'units' | 'tags' | 'flags'> {
  /** Between device and topic. */
  readonly middle: Uint8Array;
  /** Behind the values. */
  readonly tail: Uint8Array;
}

/** Those that topics share, and characters of what stands in one that is kept. */
const [LIKENESSES, TEXT_LENGTH] = [4096, 512];
const likenesses = new BoundedCache<Likeness>(LIKENESSES, TEXT_LENGTH);
/** What stands in them: kinds of devices have one tail under many profiles. */
const texts = new BoundedCache<Uint8Array>(LIKENESSES, TEXT_LENGTH);

/** That of the last reading of the topic, mostly: it has one device, which says the same again and again. Changes no text. */
function likenessOf(reading: Reading): Likeness {
  const { profile, units, tags, flags } = reading;
  const known = keptLikeness(reading);
  if (known !== undefined) return known;
  const middle = flat(',"profile":', quoteName(profile), ',"topic":');
  const tail = encodeTail(units, tags, flags);
  const text = middle + tail;
  let likeness = likenesses.get(text);
  if (likeness === undefined || likeness.units !== units || likeness.tags !== tags || likeness.flags !== flags) {
    likeness = { profile, units, tags, flags, middle: texts.getOrMake(middle, ownBytes), tail: texts.getOrMake(tail, ownBytes) };
    likenesses.set(text, likeness);
  }
  if (text.length <= TEXT_LENGTH) knownTopic(reading.topic).likeness = likeness;
  return likeness;
}

/** What the text of this reading shares with others, once it has been written; undefined where that is too long, or another was written under its topic since. */
export function keptLikeness({ topic, profile, units, tags, flags }: Reading): Likeness | undefined {
  const kept = knownTopic(topic).likeness as Likeness | undefined;
  // Readings share what they have in common (`SharedTexts`, `flagList`): so the same record says the same.
  const same = kept !== undefined && kept.units === units && kept.tags === tags && kept.flags === flags && kept.profile === profile;
  return same ? kept : undefined;
}

/** Members that are kept, about 0.3 kB each, and characters of their names. Beyond them all are forgotten: some device has new names each time. */
const [MEMBERS, MEMBER_CHARACTERS] = [16_384, 1_048_576];

/** The name of a value behind those that came before it in a record. */
interface Member {
  readonly name: string;
  /** `,"name":`, and without the comma for the first of a record. */
  readonly text: Uint8Array;
  /** What came behind it last; mostly nothing else does. */
  next: Member | undefined;
  /** All that came behind it, where there are several. */
  others: Map<string, Member> | undefined;
}

const NOTHING = new Uint8Array(0);

/** A tree of the names that values had, in their order: devices of one kind have the same, and to compare a name costs less than to write it. */
class Members {
  first: Member = member('', NOTHING);
  private count = 0;
  private characters = 0;

  /** Where the name behind `at` is not the one that came there last. */
  step(at: Member, name: string): Member {
    let step = at.others?.get(name);
    if (step === undefined) {
      if (this.count >= MEMBERS || this.characters + name.length > MEMBER_CHARACTERS) this.forget();
      step = member(name, ownBytes(flat(at.text.length === 0 ? '' : ',', quote(name), ':')));
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
    this.first = member('', NOTHING);
    this.count = 0;
    this.characters = 0;
  }
}

function member(name: string, text: Uint8Array): Member {
  return { name, text, next: undefined, others: undefined };
}

const members = new Members();

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

const ID = ownBytes('{"id":');
const DEVICE = ownBytes(',"device":');
const MEASURED_AT = ownBytes(',"measuredAt":');
const RECEIVED_AT = ownBytes(',"receivedAt":');
const VALUES = ownBytes(',"values":{');
const [QUOTE, COMMA] = [0x22, 0x2c];
const TIME_DIGITS = 13;

/**
 * Writes readings as JSON text, wire format version 1 (docs/wire-format.md): fixed key order, no white space,
 * absent parts left out, big integers as their exact digits, -0 as `-0`.
 *
 * `values`, `units` and `tags` must be prototype-less or plain objects without inherited enumerable names; `units`, `tags` and
 * `flags` must not change once they have been encoded.
 */
export class ReadingWriter {
  private readonly writer = new TextWriter();

  /** Forgets what was written: the texts are overwritten by the next ones. */
  begin(): void {
    this.writer.begin();
  }

  /**
   * Answers its text in UTF-8, good until `begin`.
   * Throws RangeError for NaN and infinity: a codec that lets one through has a bug, and writing null would hide it.
   */
  write(reading: Reading): Uint8Array {
    const { writer } = this;
    const { values } = reading;
    const likeness = likenessOf(reading);
    writer.constant(ID);
    writer.quoted(reading.id);
    writer.constant(DEVICE);
    writer.quoted(reading.device);
    writer.constant(likeness.middle);
    writer.quoted(reading.topic);
    writer.constant(MEASURED_AT);
    writer.number(reading.measuredAt);
    writer.constant(RECEIVED_AT);
    writer.number(reading.receivedAt);
    writer.constant(VALUES);
    let at = members.first;
    for (const name in values) {
      const { next } = at;
      at = next !== undefined && next.name === name ? next : members.step(at, name);
      writer.constant(at.text);
      writeValue(writer, values[name] as Value);
    }
    writer.constant(likeness.tail);
    return writer.take();
  }
}

function writeValue(writer: TextWriter, value: Value): void {
  if (typeof value === 'number') writer.number(value);
  else if (typeof value === 'string') writer.quoted(value);
  else writer.text(String(value));
}

const single = new ReadingWriter();

/** The JSON text of one reading, as `ReadingWriter` writes it. Throws as that does. */
export function encodeReading(reading: Reading): string {
  single.begin();
  return textOf(single.write(reading));
}

/** What `ReadingWriter` wrote, as a string. */
export function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString();
}

/** What the text of a reading is put together from, beside what it shares with others. */
export interface ReadingParts extends Pick<Reading, 'id' | 'device' | 'topic' | 'measuredAt' | 'receivedAt'> {
  readonly likeness: Likeness;
  /** From the first name to the last value. */
  readonly values: string;
}

/** The text that `valuesAt` took apart. */
export function joinReading({ id, device, topic, measuredAt, receivedAt, likeness, values }: ReadingParts): string {
  const [middle, tail] = [textOf(likeness.middle), textOf(likeness.tail)];
  const times = `,"measuredAt":${numberText(measuredAt)},"receivedAt":${numberText(receivedAt)}`;
  return flat('{"id":', quote(id), ',"device":', quote(device), middle, quote(topic), times, ',"values":{', values, tail);
}

function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Where its id begins in the text of a reading. */
export const ID_AT = ID.length + 1;

/**
 * Where the values begin in the text of a reading; they end before the tail. -1 where id, device or topic are not written as they are, letter by
 * letter: then it is not looked for.
 */
export function valuesAt(text: Uint8Array, { id, device, topic }: Reading, { middle }: Likeness): number {
  const at = ID_AT + id.length + DEVICE.length + device.length + middle.length + topic.length + 5;
  // Where something takes more bytes than it has letters this is within a text, which has no quote without a backslash, or at the end of one.
  if (text[at] !== COMMA || text[at + 1] !== QUOTE || text[at + 2] !== MEASURED_AT[2]) return -1;
  const received = behindNumber(text, at + MEASURED_AT.length);
  return behindNumber(text, received + RECEIVED_AT.length) + VALUES.length;
}

/** The comma behind a number. */
function behindNumber(text: Uint8Array, from: number): number {
  // The times of this century have as many digits; in a shorter number's place no digit stands there.
  if (text[from + TIME_DIGITS] === COMMA && isDigit(text[from + TIME_DIGITS - 1] as number)) return from + TIME_DIGITS;
  let at = from;
  while (at < text.length && text[at] !== COMMA) at += 1;
  return at;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}
