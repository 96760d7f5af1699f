import { excerpt } from '../domain/excerpt.ts';
import { failed, type Result } from '../domain/fault.ts';
import type { Document } from '../domain/payload-path.ts';
import type { Flag } from '../domain/reading.ts';
import type { Decoded } from './registry.ts';
import type { Gathered } from './sparkplug-metrics.ts';
import { MAX_NODE_WEIGHT } from './sparkplug-store.ts';
import type { SparkplugTopic } from './sparkplug-topic.ts';

export function ignored(reason: string): Result<Decoded> {
  return { ok: true, value: { document: null, flags: [], ignored: reason } };
}

export function readings(documents: readonly Document[], flags: readonly Flag[] = []): Result<Decoded> {
  return { ok: true, value: { document: documents, flags } };
}

export function withGap(flags: readonly Flag[], missing: boolean): readonly Flag[] {
  return missing && !flags.includes('gap') ? [...flags, 'gap'] : flags;
}

/** Data without a value: no fault where it says so itself (nulls, commands' echoes), a fault where it could not be read. */
export function nothing({ unknown, unfit }: Gathered, topic: SparkplugTopic): Result<Decoded> {
  if (unknown > 0) {
    return failed('SPARKPLUG_UNKNOWN_ALIAS', `${topic.type} of ${excerpt(topic.deviceKey)}: its birth defines none of its ${unknown} aliases`);
  }
  return unfit > 0 ? failed('DECODE_INVALID', `none of the ${unfit} metrics is what its data type says`) : ignored('no-values');
}

export function tooMuch(topic: SparkplugTopic): Result<Decoded> {
  return failed('LIMIT_FIELDS', `the births of ${excerpt(topic.nodeKey)} define more than a node may have (${MAX_NODE_WEIGHT} bytes in memory)`);
}
