import { Content } from '../codec/content.ts';
import { Chain, type Link } from '../domain/chain.ts';
import type { SealReason } from '../domain/events.ts';
import type { EpochMs } from '../domain/message.ts';
import type { Batch, Destination, Item, Scheduler } from './ports.ts';

export type Clock = Pick<Scheduler, 'now' | 'monotonic'>;

/** Where readings of one destination gather; it stays when its batch has gone, for the next one. */
interface Place extends Link<Place> {
  destination: Destination;
  /** Undefined where no batch is open. */
  items: Item[] | undefined;
  content: Content;
  /** What the next batch will come to, more or less: what the last one did. */
  room: number;
  bytes: number;
  dueAt: number;
}

/** Room for a batch that is larger than the last one: an eighth. */
const SLACK = 8;
const NOTHING = new Content('json', 0);

/**
 * How long readings without an age limit gather at most while a batch before them is under way, milliseconds: where that one is held, they
 * must be in the lane too, where the time begins after which a route gives up.
 */
const BUSY_MS = 1000;

/** From so many places on, about 0.2 kB each, the empty ones are looked for and let go. */
const MANY_PLACES = 10_000;

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
 *
 * Where the age is 0 a reading waits for none that has not come yet: what one turn of the event loop brought leaves at its end, or, while a batch
 * before it is under way, as soon as that has settled. So batches are as large as the load and the way to the broker make them.
 */
export class Batcher {
  private readonly options: BatcherOptions;
  /**
   * By key of the destination. They stay, because batches come and go every few milliseconds (see Chain), and one that is taken out of a
   * Map and put into it again is a new one.
   */
  private readonly places = new Map<string, Place>();
  /** Open batches by age limit: those of one limit become due in the order in which they were opened. */
  private readonly queues = new Map<number, Chain<Place>>();
  /** Opened in this turn, without an age limit. */
  private fresh: Place[] = [];
  private sweepAt = MANY_PLACES;
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
    for (const queue of this.queues.values()) {
      for (const { destination, items = [] } of queue) {
        if (destination.action.delivery === 'best-effort') continue;
        routes.set(destination.route, (routes.get(destination.route) ?? 0) + items.length);
      }
    }
  }

  /** `text`: of the item, with as many bytes as that says; it is copied. Asks the clock only where a batch is opened or sealed. Answers true if a new one was opened: the next due time may have moved. */
  add(destination: Destination, item: Item, text: Uint8Array, clock: Clock): boolean {
    const { count, bytes, ageMs } = destination.action.batch;
    const place = this.placeOf(destination);
    if (place.items !== undefined && place.bytes + item.bytes > bytes) this.seal(place, 'bytes', clock.now());
    const opened = place.items === undefined;
    const items = place.items ?? this.open(place, destination, item.bytes, clock.monotonic() + (ageMs || BUSY_MS));
    place.content.append(text);
    items.push(item);
    place.bytes += item.bytes;
    this.count += 1;
    if (items.length >= count) this.seal(place, 'count', clock.now());
    else if (place.bytes >= bytes) this.seal(place, 'bytes', clock.now());
    else {
      if (opened && ageMs === 0) this.fresh.push(place);
      return opened;
    }
    return false;
  }

  /** The turn is over: seals what was opened in it and has no age limit, save where a batch of its destination (its key) is under way. */
  endTurn(busy: (key: string) => boolean, now: EpochMs): void {
    const { fresh } = this;
    this.fresh = [];
    for (const place of fresh) if (!busy(place.destination.key)) this.sealAgeless(place, now);
  }

  /** Nothing is under way to this destination any more: seals what has gathered for it without an age limit. */
  freed(key: string, now: EpochMs): void {
    const place = this.count === 0 ? undefined : this.places.get(key);
    if (place !== undefined) this.sealAgeless(place, now);
  }

  /** Seals what is due; `monotonic` in milliseconds, `now` stamps the batches. */
  due(monotonic: number, now: EpochMs): void {
    for (const queue of this.queues.values()) {
      for (let place = queue.oldest; place !== undefined && place.dueAt <= monotonic; place = queue.oldest) this.seal(place, 'age', now);
    }
  }

  /** Seals what becomes due soonest, until open batches hold at most so many items. */
  relieve(most: number, now: EpochMs): void {
    for (let place = this.soonest(); place !== undefined && this.count > most; place = this.soonest()) this.seal(place, 'prefetch', now);
  }

  /** Seals everything: the gateway drains, or its settings change. */
  flush(now: EpochMs): void {
    for (const queue of this.queues.values()) {
      for (const place of queue) this.seal(place, 'drain', now);
    }
    this.places.clear();
    this.queues.clear();
    this.fresh = [];
    this.sweepAt = MANY_PLACES;
  }

  /** When the next open batch becomes due, on the monotonic clock. */
  nextDueAt(): number | undefined {
    return this.soonest()?.dueAt;
  }

  private soonest(): Place | undefined {
    let soonest: Place | undefined;
    for (const { oldest } of this.queues.values()) {
      if (oldest !== undefined && (soonest === undefined || oldest.dueAt < soonest.dueAt)) soonest = oldest;
    }
    return soonest;
  }

  private placeOf(destination: Destination): Place {
    const { key } = destination;
    let place = this.places.get(key);
    if (place === undefined) {
      if (this.places.size >= this.sweepAt) this.sweep();
      place = { destination, items: undefined, content: NOTHING, room: 0, bytes: 0, dueAt: 0, older: undefined, newer: undefined };
      this.places.set(key, place);
    }
    return place;
  }

  private sweep(): void {
    for (const [key, { items }] of this.places) if (items === undefined) this.places.delete(key);
    this.sweepAt = Math.max(MANY_PLACES, 2 * this.places.size);
  }

  private queueOf({ action }: Destination): Chain<Place> {
    const { ageMs } = action.batch;
    let queue = this.queues.get(ageMs);
    if (queue === undefined) {
      queue = new Chain();
      this.queues.set(ageMs, queue);
    }
    return queue;
  }

  private open(place: Place, destination: Destination, least: number, dueAt: number): Item[] {
    const items: Item[] = [];
    place.content = new Content(destination.action.encoding, Math.max(place.room, least));
    place.destination = destination;
    place.items = items;
    place.bytes = 0;
    place.dueAt = dueAt;
    this.queueOf(destination).append(place);
    return items;
  }

  private sealAgeless(place: Place, now: EpochMs): void {
    if (place.items !== undefined && place.destination.action.batch.ageMs === 0) this.seal(place, 'age', now);
  }

  private seal(place: Place, by: SealReason, now: EpochMs): void {
    const { destination, bytes, items = [] } = place;
    const content = place.content.bytes();
    this.queueOf(destination).remove(place);
    place.items = undefined;
    place.content = NOTHING;
    place.room = content.length + Math.floor(content.length / SLACK);
    this.count -= items.length;
    this.options.emit({
      id: this.options.nextId(),
      destination,
      encoding: destination.action.encoding,
      items,
      content,
      bytes,
      sealedBy: by,
      sealedAt: now,
      config: this.options.config(),
    });
  }
}
