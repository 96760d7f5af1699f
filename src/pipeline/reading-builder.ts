import { emptyBag } from '../domain/bag.ts';
import { deviceTime } from '../domain/device-time.ts';
import { type Fault, fault } from '../domain/fault.ts';
import { FLAG, flagBit, flagList } from '../domain/flags.ts';
import { escapeKey, MAX_NAME, type Places, ValueCollector } from '../domain/flatten.ts';
import type { EpochMs, InboundMessage } from '../domain/message.ts';
import { type Document, readPath } from '../domain/payload-path.ts';
import type { Limits } from '../domain/profile.ts';
import type { Reading, Value } from '../domain/reading.ts';
import type { FieldsPart, ValuesPlan } from '../domain/values-plan.ts';
import { readSource, type TopicEntry } from './profile-topics.ts';
import { tagsOf } from './reading-tags.ts';
import type { TypeWatch } from './type-watch.ts';

/** A reading under construction: its id comes last. */
export type Draft = { -readonly [K in keyof Reading]: Reading[K] };

/** Makes the readings of one message after another; what it remembers belongs to the message at hand. */
export class ReadingBuilder {
  /** The message carries a time or a sequence number, so its bytes tell it from every other. */
  distinct = false;
  /** A reading had values, and the profile says to leave all of them out. */
  leftOut = false;
  private readonly limits: Limits;
  private readonly collector: ValueCollector = new ValueCollector();
  /** For units and tags that stand in objects of their own. */
  private readonly side: ValueCollector = new ValueCollector();
  private sideOpen = false;
  private readonly sidePlaces: Places = [];
  private readonly types: TypeWatch;
  /** Units of name/value pairs. */
  private pairUnits: Record<string, Value> | undefined;
  private messageFlags = 0;
  private layoutUnits: Readonly<Record<string, string>> | undefined;

  constructor(limits: Limits, types: TypeWatch) {
    this.limits = limits;
    this.types = types;
  }

  /**
   * Before each message; `flags` are what the codec says of all its readings, `places` what the last one of the profile looked
   * like, `units` are of values by their names before `rename`.
   */
  open(flags: number, places: Places, units?: Readonly<Record<string, string>>): void {
    this.collector.open(this.limits.fields, this.limits.messageBytes, places);
    this.sideOpen = false;
    this.distinct = false;
    this.leftOut = false;
    this.messageFlags = flags;
    this.layoutUnits = units;
  }

  /** What names the device of a reading. */
  deviceOf(entry: TopicEntry, own: Document, whole: Document): string | undefined {
    const { named, recipe } = entry.kind;
    const { device, deviceElse } = recipe.plan;
    const found = named ? entry.device : nameText(readSource(device, entry, own, whole));
    return found ?? (deviceElse === undefined ? undefined : nameText(readSource(deviceElse, entry, own, whole)));
  }

  /** One reading; undefined where all its values are null or missing. */
  build(entry: TopicEntry, message: InboundMessage, own: Document, whole: Document): Draft | Fault | undefined {
    const { collector } = this;
    const { profile, recipe } = entry.kind;
    const { plan } = recipe;
    collector.next();
    const mismatch = this.gather(plan.values, entry, own, whole);
    if (mismatch !== undefined) {
      return fault('SCHEMA_MISMATCH', `profile "${profile}": a bare ${mismatch} where an object is due (\`scalar\` would give it a name)`);
    }
    if (collector.problem !== undefined) {
      return fault(collector.problem.code, `profile "${profile}": ${collector.problem.message}`);
    }
    if (collector.count === 0) {
      return undefined;
    }
    const device = this.deviceOf(entry, own, whole);
    if (device === undefined) {
      return fault('DEVICE_MISSING', `profile "${profile}": the payload does not name the device`);
    }
    const given = plan.tagsFrom === undefined ? undefined : this.object(readPath(plan.tagsFrom, own, whole));
    const tags = tagsOf(entry, given, own, whole);
    if (typeof tags === 'string') {
      return fault('SCHEMA_MISMATCH', `profile "${profile}": ${tags}`);
    }
    let flags = this.messageFlags;
    if (plan.deviceCheck !== undefined && differs(readSource(plan.deviceCheck, entry, own, whole), device)) {
      flags |= FLAG['device-mismatch'];
    }
    const { receivedAt } = message;
    let measuredAt: EpochMs = receivedAt;
    if (plan.time === undefined) {
      flags |= FLAG['no-device-time'];
    } else {
      const time = deviceTime(readSource(plan.time.from, entry, own, whole), plan.time.rule, receivedAt);
      measuredAt = time.at;
      flags |= time.flags;
      // Where the codec says that equal bytes may tell of another measurement, a time does not make them distinct.
      this.distinct ||= time.usable && (this.messageFlags & FLAG['arrival-id']) === 0;
    }
    if (!this.distinct && plan.sequence !== undefined) {
      this.distinct = nameText(readSource(plan.sequence, entry, own, whole)) !== undefined;
    }
    if (plan.flagsFrom !== undefined) {
      flags |= namedFlags(readPath(plan.flagsFrom, own, whole));
    }
    if (collector.repeated && plan.values.kind === 'pairs') {
      flags |= FLAG['duplicate-key'];
    }
    let values: Reading['values'] = collector.values;
    let units: Readonly<Record<string, string>> | undefined;
    const shaper = plan.shapers === undefined ? undefined : plan.shapers.of(device);
    if (shaper === undefined) {
      units = plan.units.of(values);
    } else {
      const stated = plan.unitsFrom === undefined ? (this.pairUnits ?? this.layoutUnits) : this.object(readPath(plan.unitsFrom, own, whole));
      const shaped = shaper.shape(values, { stated, own, whole, units: recipe.units });
      if (shaped.count === 0) {
        this.leftOut = true;
        return undefined;
      }
      values = shaped.values;
      units = shaped.units;
      flags |= shaped.flags;
    }
    if (plan.watchTypes && this.types.changed(profile, device, values)) {
      flags |= FLAG['type-changed'];
    }
    return { id: '', device, profile, topic: message.topic, measuredAt, receivedAt, values, units, tags, flags: flagList(flags) };
  }

  /** Gathers the values of one element. Answers the type of a scalar that nothing gives a name to. */
  private gather(plan: ValuesPlan, entry: TopicEntry, own: Document, whole: Document): string | undefined {
    const { collector } = this;
    const { scalar } = entry.kind;
    if (plan.kind === 'table') {
      if (scalar !== undefined && typeof own !== 'object') {
        collector.add(scalar, own);
        return undefined;
      }
      for (const { name, source } of entry.kind.entries) {
        const node = readSource(source, entry, own, whole);
        if (node !== undefined) {
          collector.add(name, node);
        }
      }
      return collector.count === 0 && typeof own !== 'object' ? typeof own : undefined;
    }
    if (plan.kind !== 'fields') {
      return this.gatherOther(plan, entry, own, whole);
    }
    const node = typeof own === 'object' ? readPath(plan.path, own, whole) : own;
    if (node === undefined || node === null) {
      return undefined;
    }
    if (typeof node === 'object') {
      collector.flatten('', node, plan.exclude);
    } else if (scalar === undefined) {
      return typeof node;
    } else {
      collector.add(scalar, node);
    }
    return undefined;
  }

  /** Values at several paths, or as name/value pairs. */
  private gatherOther(plan: OtherValues, entry: TopicEntry, own: Document, whole: Document): string | undefined {
    const { collector } = this;
    if (typeof own !== 'object') {
      if (entry.kind.scalar === undefined) {
        return typeof own;
      }
      collector.add(entry.kind.scalar, own);
    } else if (plan.kind === 'merged') {
      for (let i = 0; i < plan.parts.length; i += 1) {
        const { path, exclude, name, prefix } = plan.parts[i] as FieldsPart;
        if (i > 0) {
          collector.renameRepeated(prefix);
        }
        const node = readPath(path, own, whole);
        if (typeof node === 'object' && node !== null) {
          collector.flatten('', node, exclude);
        } else if (node !== undefined) {
          collector.add(name, node);
        }
      }
    } else {
      this.gatherPairs(plan, entry, own, whole);
    }
    return undefined;
  }

  private gatherPairs(plan: Extract<ValuesPlan, { kind: 'pairs' }>, entry: TopicEntry, own: Document, whole: Document): void {
    const list = readPath(plan.each, own, whole);
    const units = emptyBag<string>();
    this.pairUnits = plan.unit === undefined ? undefined : units;
    this.collector.flagRepeated();
    for (const item of Array.isArray(list) ? (list as readonly Document[]) : []) {
      const text = nameText(readSource(plan.name, entry, item, whole));
      const value = readSource(plan.value, entry, item, whole);
      if (text === undefined || value === undefined) {
        continue;
      }
      const name = escapeKey(text);
      this.collector.add(name, value);
      const unit = plan.unit === undefined ? undefined : readSource(plan.unit, entry, item, whole);
      if (typeof unit === 'string') {
        units[name] = unit;
      }
    }
  }

  /** What an object of the payload says, by flattened name. */
  private object(found: Document | undefined): Readonly<Record<string, Value>> | undefined {
    if (typeof found !== 'object' || found === null) {
      return undefined;
    }
    if (!this.sideOpen) {
      this.side.open(this.limits.fields, this.limits.messageBytes, this.sidePlaces);
      this.sideOpen = true;
    }
    this.side.next();
    this.side.flatten('', found, undefined);
    return this.side.values;
  }
}

type OtherValues = Extract<ValuesPlan, { kind: 'merged' | 'pairs' }>;

/** The bits of a list of flags, or of one flag. */
function namedFlags(found: Document | undefined): number {
  if (!Array.isArray(found)) {
    return flagBit(found);
  }
  let bits = 0;
  for (const name of found as readonly Document[]) {
    bits |= flagBit(name);
  }
  return bits;
}

/** Text that may name a device or number a message: a number, or a string that is neither empty nor too long. */
function nameText(found: Document | undefined): string | undefined {
  const text = typeof found === 'number' || typeof found === 'bigint' ? String(found) : found;
  return typeof text === 'string' && text !== '' && text.length <= MAX_NAME ? text : undefined;
}

/** Whether the second place names a device, and another one. */
function differs(other: Document | undefined, device: string): boolean {
  if (other === undefined || other === null) {
    return false;
  }
  return typeof other === 'object' || String(other) !== device;
}
