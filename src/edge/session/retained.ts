import { levelsOf, matches } from '../topic-filter.ts';
import { MOST_MESSAGE_BYTES } from './bounds.ts';
import type { Changes, Core } from './core.ts';
import type { PublishedPacket, Qos } from './packets.ts';
import type { Retained } from './store.ts';

/** The last retained message of each topic. */
export class RetainedMessages {
  private readonly core: Core;

  constructor(core: Core) {
    this.core = core;
  }

  /** An empty payload takes it away (MQTT-3.3.1-10). So does one that has no room: the one before it would be outdated. */
  keep(changes: Changes, { topic, payload, qos }: { readonly topic: string; readonly payload: Buffer | string; readonly qos: Qos }): void {
    const { store } = this.core;
    if (payload.length > 0 && this.hasRoom(topic, payload.length)) changes.add(['keep', topic, qos], payload);
    else if (store.retained.has(topic)) changes.add(['drop', topic]);
  }

  /** What matches each of the filters. Looks at all of them where a filter has wildcards: their number is bounded. */
  *matching(filters: Iterable<string>): Generator<PublishedPacket & { readonly cmd: 'publish' }> {
    const { retained } = this.core.store;
    for (const filter of filters) {
      if (/[+#]/.test(filter)) {
        const levels = levelsOf(filter);
        for (const message of retained.values()) if (matches(levels, message.topic)) yield packetOf(message);
      } else {
        const message = retained.get(filter);
        if (message !== undefined) yield packetOf(message);
      }
    }
  }

  private hasRoom(topic: string, length: number): boolean {
    const { store, bounds, losses } = this.core;
    const before = store.retained.get(topic);
    const bytes = store.retainedBytes - (before?.bytes ?? 0) + topic.length + length;
    if (length > MOST_MESSAGE_BYTES) losses.count('too-large');
    else if ((before === undefined && store.retained.size >= bounds.retained) || bytes > bounds.retainedBytes) losses.count('retained-full');
    else return true;
    return false;
  }
}

function packetOf({ topic, payload, qos }: Retained): PublishedPacket & { readonly cmd: 'publish' } {
  return { cmd: 'publish', topic, payload, qos, retain: true };
}
