import { compressionNamed, compressionOf, decompress } from '../codec/compression.ts';
import { type CodecEnvironment, type CodecRegistry, type Decoded, detachedEnvironment } from '../codec/registry.ts';
import { excerpt } from '../domain/excerpt.ts';
import { failed, type Fault, type FaultCode, fault, type Result } from '../domain/fault.ts';
import { FLAG, flagBits, flagList } from '../domain/flags.ts';
import type { DevicePayload } from '../domain/device-payload.ts';
import { isIgnored } from '../domain/ignore.ts';
import type { InboundMessage } from '../domain/message.ts';
import { type Document, readPath } from '../domain/payload-path.ts';
import type { Limits, ProfileSpec } from '../domain/profile.ts';
import type { Reading } from '../domain/reading.ts';
import { bodyDigest, firstId, idBehind, stemOf } from '../domain/reading-id.ts';
import { CodecMemory } from './codec-memory.ts';
import { isRefused, ProfileTopics, speaks, type TopicEntry, type TopicKind } from './profile-topics.ts';
import { type Draft, ReadingBuilder } from './reading-builder.ts';
import { compileRecipes, type ReadyProfile } from './recipes.ts';

/** What a codec made of a payload, and the units that a layout gives to what was in its bytes. */
type Uplink = Pick<Decoded, 'document' | 'flags'> & { readonly units?: Readonly<Record<string, string>> | undefined };

interface Filtered {
  readonly kind: 'filtered';
  readonly reason: string;
}

/** What becomes of a message: all of its readings, or none. */
export type Normalised =
  | { readonly kind: 'readings'; readonly readings: readonly Reading[] }
  /**
   * `empty`: a body of no bytes, which is how MQTT clears a retained message (MQTT-3.3.1-10). `ignored`: the profile says
   * that there is nothing to read. `missing`: all values are such that the profile says to leave them out. Others are a codec's.
   */
  | Filtered
  | { readonly kind: 'fault'; readonly fault: Fault };

const EMPTY: Normalised = { kind: 'filtered', reason: 'empty' };
const IGNORED: Filtered = { kind: 'filtered', reason: 'ignored' };
const MISSING: Filtered = { kind: 'filtered', reason: 'missing' };

/** AMQP clients write these where nothing is encoded (pika and Celery say `utf-8`). */
const PLAIN_ENCODINGS: ReadonlySet<string> = new Set(['', 'identity', 'utf-8', 'utf8', 'us-ascii', 'ascii']);

/**
 * Makes the normaliser of a set of profiles; where several match a topic the first wins. `instance` must be different
 * for each normaliser of each gateway: ids of readings that cannot be told apart otherwise are made of it.
 * `memory` is that of the normaliser before, where this one takes its place. Throws an Error with one line for each problem of
 * the profiles.
 */
export function compileNormaliser(
  profiles: readonly ProfileSpec[],
  codecs: CodecRegistry,
  limits: Limits,
  instance: string,
  environment: CodecEnvironment = detachedEnvironment(instance),
  memory: CodecMemory = new CodecMemory(),
): Normaliser {
  return new Normaliser(compileRecipes(profiles, codecs, environment, memory), limits, instance, memory);
}

/** Bytes and topic of a message -> readings. Synchronous, without I/O, and never throws on any input. */
export class Normaliser {
  private readonly limits: Limits;
  private readonly instance: string;
  private readonly topics: ProfileTopics;
  private readonly builder: ReadingBuilder;
  private arrivals = 0;

  constructor(profiles: readonly ReadyProfile[], limits: Limits, instance: string, memory: CodecMemory) {
    this.limits = limits;
    this.instance = instance;
    this.topics = new ProfileTopics(profiles);
    this.builder = new ReadingBuilder(limits, memory.types);
  }

  normalise(message: InboundMessage): Normalised {
    const { body } = message;
    if (body.length === 0) {
      return EMPTY;
    }
    if (body.length > this.limits.messageBytes) {
      return refused('LIMIT_BYTES', `the payload has ${body.length} bytes, more than limits.messageBytes = ${this.limits.messageBytes}`);
    }
    const entry = this.topics.get(message.topic);
    if (isRefused(entry)) {
      const { fault: why } = entry.kind;
      return why === undefined ? IGNORED : { kind: 'fault', fault: why };
    }
    const { plan, decoder } = entry.kind.recipe;
    let plain = body;
    if (message.contentEncoding !== undefined || plan.encodings !== undefined) {
      const unpacked = this.unpack(entry.kind, message);
      if (!unpacked.ok) {
        return { kind: 'fault', fault: unpacked.fault };
      }
      plain = unpacked.value;
      if (plain.length === 0) {
        return EMPTY;
      }
    }
    const decoded = decoder.decode(plain, this.limits, message);
    if (!decoded.ok) {
      return { kind: 'fault', fault: decoded.fault };
    }
    const { ignored } = decoded.value;
    if (ignored !== undefined) {
      return { kind: 'filtered', reason: ignored };
    }
    const drafts = this.read(entry, message, plan.payload === undefined ? decoded.value : this.opened(plan.payload, entry, decoded.value));
    if (!Array.isArray(drafts)) {
      return drafts.kind === 'filtered' ? drafts : { kind: 'fault', fault: drafts };
    }
    this.identify(drafts, message, entry);
    return { kind: 'readings', readings: drafts };
  }

  /** The payload without its compression, where the profile allows for one. */
  private unpack({ profile, recipe }: TopicKind, { body, contentEncoding }: InboundMessage): Result<Buffer> {
    const { encodings } = recipe.plan;
    const named = contentEncoding !== undefined && !PLAIN_ENCODINGS.has(contentEncoding.toLowerCase());
    const compression = named ? compressionNamed(contentEncoding) : compressionOf(body);
    if (compression !== undefined && encodings?.includes(compression) === true) {
      return decompress(body, compression, this.limits.messageBytes);
    }
    if (named) {
      const taken = encodings === undefined ? 'plain payloads only' : `${encodings.join(', ')} and plain payloads`;
      return failed('UNSUPPORTED_ENCODING', `content encoding "${excerpt(contentEncoding)}": profile "${profile}" takes ${taken}`);
    }
    return { ok: true, value: body };
  }

  /** The uplink with what the bytes of its device say. */
  private opened(payload: DevicePayload, entry: TopicEntry, decoded: Decoded): Uplink {
    const { document } = decoded;
    const opened = payload.open(document, this.builder.deviceOf(entry, document, document));
    if (opened === undefined) {
      return decoded;
    }
    return { document: opened.document, flags: flagList(flagBits(decoded.flags) | opened.flags) ?? [], units: opened.units };
  }

  /** The readings, without ids, or why there are none. */
  private read(entry: TopicEntry, message: InboundMessage, decoded: Uplink): Draft[] | Fault | Filtered {
    const { builder, limits } = this;
    const { profile, recipe } = entry.kind;
    const { plan, places } = recipe;
    const { ignoreWhen } = plan;
    const whole = decoded.document;
    if (ignoreWhen !== undefined && isIgnored(ignoreWhen, whole, whole)) {
      return IGNORED;
    }
    const found = plan.each === undefined ? whole : readPath(plan.each, whole, whole);
    if (!Array.isArray(found) && plan.each !== undefined) {
      return fault('SCHEMA_MISMATCH', `profile "${profile}": each: there is no array at that path`);
    }
    const elements: readonly Document[] = Array.isArray(found) ? (found as readonly Document[]) : [whole];
    if (elements.length > limits.readingsPerMessage) {
      const bound = `limits.readingsPerMessage = ${limits.readingsPerMessage}`;
      return fault('LIMIT_READINGS', `the message holds ${elements.length} readings, more than ${bound}`);
    }
    builder.open(flagBits(decoded.flags) | (message.late === true ? FLAG.late : 0), places, decoded.units);
    let drafts: Draft[] | undefined;
    let ignored = 0;
    for (let i = 0; i < elements.length; i += 1) {
      const own = elements[i] as Document;
      if (ignoreWhen !== undefined && isIgnored(ignoreWhen, own, whole)) {
        ignored += 1;
        continue;
      }
      const draft = builder.build(entry, message, own, whole);
      if (draft === undefined) {
        continue;
      }
      if ('code' in draft) {
        return draft;
      }
      // Not a push to an empty array: V8 makes room for 17 at once, and most messages hold one reading.
      if (drafts === undefined) {
        drafts = [draft];
      } else {
        drafts.push(draft);
      }
    }
    if (drafts !== undefined) {
      return drafts;
    }
    if (builder.leftOut) {
      return MISSING;
    }
    return ignored > 0 ? IGNORED : fault('NO_VALUES', `profile "${profile}": all values are missing, null or excluded`);
  }

  /**
   * Ids: from the bytes where the payload carries a usable time or sequence number, so that a redelivery gives the same
   * and two payloads of one coarse second do not; else from this arrival, because an equal body may be a new value.
   */
  private identify(drafts: readonly Draft[], message: InboundMessage, entry: TopicEntry): void {
    if (this.builder.distinct) {
      const digest = bodyDigest(message.body);
      let first = '';
      for (let i = 0; i < drafts.length; i += 1) {
        const draft = drafts[i] as Draft;
        if (i === 0 || draft.device !== entry.device) {
          if (draft.device !== entry.device) speaks(entry, message.topic, draft.device);
          first = firstId(entry, digest);
        }
        draft.id = i === 0 ? first : idBehind(first, i);
      }
      return;
    }
    const { replay } = message;
    if (replay !== undefined) {
      // A replay is one arrival however often it is repeated, and the letter has a name: so the ids are stable after all.
      const replayed = replay.readingId === undefined ? replay.of : stemOf(replay.readingId);
      for (let i = 0; i < drafts.length; i += 1) {
        (drafts[i] as Draft).id = `${replayed}-${i}`;
      }
      return;
    }
    const stem = `${this.instance}-${this.arrivals.toString(36)}`;
    this.arrivals += 1;
    for (let i = 0; i < drafts.length; i += 1) {
      const draft = drafts[i] as Draft;
      draft.id = `${stem}-${i}`;
      draft.flags = flagList(flagBits(draft.flags ?? []) | FLAG['arrival-id']);
    }
  }
}

function refused(code: FaultCode, message: string): Normalised {
  return { kind: 'fault', fault: fault(code, message) };
}
