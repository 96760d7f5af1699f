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
  let quoted = names.get(name);
  if (quoted === undefined) {
    quoted = quote(name);
    names.set(name, quoted);
  }
  return quoted;
}

/** Not a part of the pool of small buffers, which it would keep alive. */
function ownBytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text));
}

/** One flat string; a sum would be put together anew within each text that it is part of. */
function flat(...parts: readonly string[]): string {
  return parts.join('');
}

/** What stands behind the values. */
interface Tail extends Pick<Reading, 'units' | 'tags' | 'flags'> {
  readonly text: Uint8Array;
}

/** Tails that topics share, and characters of one that is kept. */
const [TAILS, TAIL_LENGTH] = [4096, 512];
const tails = new BoundedCache<Tail>(TAILS, TAIL_LENGTH);
const NO_TAIL: Tail = { units: undefined, tags: undefined, flags: undefined, text: ownBytes('}}') };

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
  tailOf({ units, tags, flags }: Reading): Uint8Array {
    const { tail } = this;
    if (units === tail.units && tags === tail.tags && flags === tail.flags) return tail.text;
    const text = encodeTail(units, tags, flags);
    if (text.length > TAIL_LENGTH) return Buffer.from(text);
    let known = tails.get(text);
    if (known === undefined || known.units !== units || known.tags !== tags || known.flags !== flags) {
      known = { units, tags, flags, text: ownBytes(text) };
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

const [ID, RECEIVED_AT, VALUES] = ['{"id":', ',"receivedAt":', ',"values":{'].map(ownBytes) as [Uint8Array, Uint8Array, Uint8Array];

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
    writer.text(likeness.head);
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
    writer.constant(likeness.tailOf(reading));
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
