import { emptyBag } from '../domain/bag.ts';
import { deviceTime } from '../domain/device-time.ts';
import { type Fault, fault } from '../domain/fault.ts';
import { FLAG, flagList } from '../domain/flags.ts';
import { MAX_NAME, ValueCollector } from '../domain/flatten.ts';
import type { EpochMs, InboundMessage } from '../domain/message.ts';
import { type CompiledSource, type Document, readPath, renderTemplate } from '../domain/payload-path.ts';
import type { Limits } from '../domain/profile.ts';
import type { ProfilePlan, ValuesPlan } from '../domain/profile-plan.ts';
import type { Reading } from '../domain/reading.ts';
import type { TopicEntry } from './profile-topics.ts';

/** A reading under construction: its id comes last. */
export type Draft = { -readonly [K in keyof Reading]: Reading[K] };

/** Makes the readings of one message after another; what it remembers belongs to the message at hand. */
export class ReadingBuilder {
  /** The message carries a time or a sequence number, so its bytes tell it from every other. */
  distinct = false;
  private readonly limits: Limits;
  private readonly collector: ValueCollector = new ValueCollector();
  private messageFlags = 0;

  constructor(limits: Limits) {
    this.limits = limits;
  }

  /** Before each message; `flags` are what the codec says of all its readings. */
  open(flags: number): void {
    this.collector.open(this.limits.fields, this.limits.messageBytes);
    this.distinct = false;
    this.messageFlags = flags;
  }

  /** One reading; undefined where all its values are null or missing. */
  build(plan: ProfilePlan, entry: TopicEntry, message: InboundMessage, own: Document, whole: Document): Draft | Fault | undefined {
    const { collector } = this;
    collector.next();
    const mismatch = this.gather(plan.values, plan.scalar, entry, own, whole);
    if (mismatch !== undefined) {
      return fault('SCHEMA_MISMATCH', `profile "${plan.name}": a bare ${mismatch} where an object is due (\`scalar\` would give it a name)`);
    }
    if (collector.problem !== undefined) {
      return fault(collector.problem.code, `profile "${plan.name}": ${collector.problem.message}`);
    }
    if (collector.count === 0) {
      return undefined;
    }
    const device = entry.device ?? nameText(readSource(plan.device, entry, own, whole));
    if (device === undefined) {
      return fault('DEVICE_MISSING', `profile "${plan.name}": the payload does not name the device`);
    }
    const tags = entry.payloadTags.length === 0 ? entry.tags : collectTags(entry, own, whole);
    if (typeof tags === 'string') {
      return fault('SCHEMA_MISMATCH', `profile "${plan.name}": ${tags}`);
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
      this.distinct ||= time.usable;
    }
    if (!this.distinct && plan.sequence !== undefined) {
      this.distinct = nameText(readSource(plan.sequence, entry, own, whole)) !== undefined;
    }
    const { values } = collector;
    const units = plan.units.of(values);
    return { id: '', device, profile: plan.name, topic: message.topic, measuredAt, receivedAt, values, units, tags, flags: flagList(flags) };
  }

  /** Gathers the values of one element. Answers the type of a scalar that nothing gives a name to. */
  private gather(plan: ValuesPlan, scalar: string | undefined, entry: TopicEntry, own: Document, whole: Document): string | undefined {
    const { collector } = this;
    if (plan.kind === 'table') {
      if (scalar !== undefined && typeof own !== 'object') {
        collector.add(scalar, own, undefined);
        return undefined;
      }
      for (const { name, source } of plan.entries) {
        const node = readSource(source, entry, own, whole);
        if (node !== undefined) {
          collector.add(name, node, undefined);
        }
      }
      return collector.count === 0 && typeof own !== 'object' ? typeof own : undefined;
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
      collector.add(scalar, node, undefined);
    }
    return undefined;
  }
}

function readSource(source: CompiledSource, entry: TopicEntry, own: Document, whole: Document): Document | undefined {
  return source.kind === 'path' ? readPath(source, own, whole) : renderTemplate(source, entry.captures);
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

/** The tags of topic and payload, or a sentence about the one that cannot be a tag. */
function collectTags(entry: TopicEntry, own: Document, whole: Document): Record<string, string> | string | undefined {
  const tags = emptyBag<string>();
  let tagged = false;
  for (const name in entry.tags) {
    tags[name] = entry.tags[name] as string;
    tagged = true;
  }
  for (const { name, source } of entry.payloadTags) {
    const found = readSource(source, entry, own, whole);
    if (found === undefined || found === null) {
      continue;
    }
    if (typeof found === 'object') {
      return `tag "${name}" is an object or array`;
    }
    const text = String(found);
    if (text.length > MAX_NAME) {
      return `tag "${name}" is longer than ${MAX_NAME} characters`;
    }
    tags[name] = text;
    tagged = true;
  }
  return tagged ? tags : undefined;
}
