import type { SealReason } from '../domain/events.ts';
import type { EpochMs } from '../domain/message.ts';
import type { Batch, Destination, Item } from './ports.ts';

interface OpenBatch {
  readonly destination: Destination;
  items: Item[];
  bytes: number;
  readonly dueAt: number;
}

export interface BatcherOptions {
  /** A new id, unique in time and space. */
  readonly nextId: () => string;
  /** Takes each sealed batch, at once and in order. */
  readonly emit: (batch: Batch) => void;
  /** Version of the settings that open batches were filled under. */
  readonly config: () => string;
}

/**
 * Groups items by destination (exchange, routing key, headers, properties) before filling, so that a batch never
 * mixes what must not share an AMQP message. Passive: time is passed in, nothing is awaited.
 *
 * A batch is sealed by count, by bytes (decided before adding: a batch never exceeds the limit, but a first item
 * always fits), or by age, counted from its first item on the monotonic clock, so that neither a trickle nor a
 * clock jump can keep it open.
 */
export class Batcher {
  private readonly options: BatcherOptions;
  /** By age limit, then by destination; batches of one age limit become due in the order in which they were opened. */
  private readonly open: Map<number, Map<string, OpenBatch>> = new Map();
  private count = 0;

  constructor(options: BatcherOptions) {
    this.options = options;
  }

  /** Items in open batches. */
  get size(): number {
    return this.count;
  }

  /** Adds the items in open batches that are owed to somebody to those of their routes. */
  countOwed(routes: Map<string, number>): void {
    for (const byAge of this.open.values()) {
      for (const { destination, items } of byAge.values()) {
        if (destination.action.delivery === 'best-effort') continue;
        routes.set(destination.route, (routes.get(destination.route) ?? 0) + items.length);
      }
    }
  }

  /** `monotonic` in milliseconds; `now` stamps the sealed batch. Answers true if a new batch was opened: the next due time may have moved. */
  add(destination: Destination, item: Item, monotonic: number, now: EpochMs): boolean {
    const { count, bytes, ageMs } = destination.action.batch;
    let byAge = this.open.get(ageMs);
    if (byAge === undefined) {
      byAge = new Map();
      this.open.set(ageMs, byAge);
    }
    let batch = byAge.get(destination.key);
    if (batch !== undefined && batch.bytes + item.bytes > bytes) {
      this.seal(byAge, batch, 'bytes', now);
      batch = undefined;
    }
    let opened = false;
    if (batch === undefined) {
      batch = { destination, items: [], bytes: 0, dueAt: monotonic + ageMs };
      byAge.set(destination.key, batch);
      opened = true;
    }
    batch.items.push(item);
    batch.bytes += item.bytes;
    this.count += 1;
    if (batch.items.length >= count) this.seal(byAge, batch, 'count', now);
    else if (batch.bytes >= bytes) this.seal(byAge, batch, 'bytes', now);
    else return opened;
    return false;
  }

  /** Seals what is due. */
  due(monotonic: number, now: EpochMs): void {
    for (const byAge of this.open.values()) {
      for (const batch of byAge.values()) {
        if (batch.dueAt > monotonic) break;
        this.seal(byAge, batch, 'age', now);
      }
    }
  }

  /** Seals everything: the gateway drains, or its settings change. */
  flush(now: EpochMs): void {
    for (const byAge of this.open.values()) {
      for (const batch of byAge.values()) this.seal(byAge, batch, 'drain', now);
    }
  }

  /** When the next open batch becomes due, on the monotonic clock. */
  nextDueAt(): number | undefined {
    let next: number | undefined;
    for (const byAge of this.open.values()) {
      for (const batch of byAge.values()) {
        if (next === undefined || batch.dueAt < next) next = batch.dueAt;
        break;
      }
    }
    return next;
  }

  private seal(byAge: Map<string, OpenBatch>, batch: OpenBatch, by: SealReason, now: EpochMs): void {
    byAge.delete(batch.destination.key);
    this.count -= batch.items.length;
    this.options.emit({
      id: this.options.nextId(),
      destination: batch.destination,
      encoding: batch.destination.action.encoding,
      items: batch.items,
      bytes: batch.bytes,
      sealedBy: by,
      sealedAt: now,
      config: this.options.config(),
    });
  }
}
