import type { EpochMs } from '../domain/message.ts';

export interface DedupeOptions {
  /** Most keys remembered; 0 turns deduplication off. Between half and all of them are kept. */
  readonly entries: number;
  /** How long a key is remembered at least half of, milliseconds. */
  readonly windowMs: number;
}

export interface DedupeStats {
  /** Keys remembered now. */
  readonly entries: number;
  /** Keys forgotten since the start for want of room, before half of the window had passed. */
  readonly evictedEarly: number;
}

/** From this part of a generation on a device is heavy, and makes room for others: at most so many devices can be. */
const HEAVY_PART = 8;

/**
 * Remembers what the broker has confirmed, so that a redelivery or a device's re-send is not forwarded twice.
 *
 * Commit-safe: a key enters only after the confirm, and is asked for twice, on arrival and again just before its
 * batch is sent. Two copies of one reading wait in the same lane (same id, same route, same destination), so the second finds
 * the first either confirmed, and ends as deduplicated, or failed, and takes its place. Only where they go different ways,
 * because one is late and a route asks for that, may both be under way, and both be forwarded.
 * Nothing is ever forgotten because a copy of it failed, which is how peers' dedupe loses data.
 *
 * Two generations instead of a list by age: the older one is dropped whole when the younger is full or half a window
 * old. So that a chatty device cannot push the keys of all others out, a generation that is full too early first forgets
 * the oldest keys of the device that has most, while that is an eighth or more of it.
 */
export class Dedupe {
  private readonly options: DedupeOptions;
  private young = new Generation();
  private old = new Generation();
  private turnedAt = 0;
  private evicted = 0;

  constructor(options: DedupeOptions) {
    this.options = options;
  }

  has(device: string, key: string): boolean {
    return this.young.has(device, key) || this.old.has(device, key);
  }

  commit(device: string, key: string, now: EpochMs): void {
    const { entries, windowMs } = this.options;
    if (entries <= 0) return;
    const elapsed = now - this.turnedAt;
    if (elapsed >= windowMs / 2 || elapsed < 0) {
      // A window without traffic leaves both generations too old.
      this.turn(elapsed >= windowMs ? new Generation() : this.young, now);
    } else if (this.young.size >= entries / 2) {
      if (this.young.evictHeavy(Math.ceil(entries / 2 / HEAVY_PART))) {
        this.evicted += 1;
      } else {
        this.evicted += this.old.size;
        this.turn(this.young, now);
      }
    }
    this.young.add(device, key);
  }

  stats(): DedupeStats {
    return { entries: this.size, evictedEarly: this.evicted };
  }

  get size(): number {
    return this.young.size + this.old.size;
  }

  private turn(old: Generation, now: EpochMs): void {
    this.old = old;
    this.young = new Generation();
    this.turnedAt = now;
  }
}

/** Keys by device; the Set of a device keeps the order in which they came. */
class Generation {
  private readonly devices: Map<string, Set<string>> = new Map();
  private count = 0;
  /** Has most keys, or had until others of its keys went. */
  private heaviest: Set<string> = new Set();

  get size(): number {
    return this.count;
  }

  has(device: string, key: string): boolean {
    return this.devices.get(device)?.has(key) === true;
  }

  add(device: string, key: string): void {
    let keys = this.devices.get(device);
    if (keys === undefined) {
      keys = new Set();
      this.devices.set(device, keys);
    }
    const before = keys.size;
    keys.add(key);
    this.count += keys.size - before;
    if (keys.size > this.heaviest.size) this.heaviest = keys;
  }

  /** Forgets the oldest key of the heaviest device. False where none has `least` keys. */
  evictHeavy(least: number): boolean {
    // One that others have overtaken without a word since: looked for again, and not found more often than a generation turns.
    if (this.heaviest.size < least) for (const keys of this.devices.values()) if (keys.size > this.heaviest.size) this.heaviest = keys;
    const [oldest] = this.heaviest;
    if (this.heaviest.size < least || oldest === undefined) return false;
    this.heaviest.delete(oldest);
    this.count -= 1;
    return true;
  }
}
