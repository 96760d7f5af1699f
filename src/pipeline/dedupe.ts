import { type KeyHash, KeyHasher } from '../domain/key-hash.ts';
import type { EpochMs } from '../domain/message.ts';
import { KeyTable } from './key-table.ts';

export interface DedupeOptions {
  /** Most keys remembered; 0 turns deduplication off. At least half of them are kept, or 15 of 32 where devices with very many of them make room. */
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
/** So large a part it gives up at once: to find what it has means to look at everything. */
const EVICTED_PART = 16;
/** Places for the numbers of commits: 128 kB, and of 2000 that are waited for at a time one in eight falls into a place that was taken since. */
const PLACES = 16_384;

/**
 * Remembers what the broker has confirmed, so that a redelivery or a device's re-send is not forwarded twice.
 *
 * Commit-safe: a key enters only after the confirm, and is asked for twice, on arrival and again just before its
 * batch is sent. Two copies of one reading wait in the same lane (same id, same route, same destination): in one batch, which goes
 * out without the second and settles both, or in two, so that the second finds the first either confirmed, and ends as
 * deduplicated, or failed, and takes its place. Only where they go different ways, because one is late and a route asks for
 * that, may both be under way, and both be forwarded.
 * Nothing is ever forgotten because a copy of it failed, which is how peers' dedupe loses data.
 *
 * Two generations instead of a list by age: the older one is dropped whole when the younger is full or half a window
 * old. So that a chatty device cannot push the keys of all others out, a generation that is full too early first forgets
 * the oldest keys of the device that has most, a sixteenth of what there is room for at once, while that has an eighth or more.
 */
export class Dedupe {
  private readonly options: DedupeOptions;
  private readonly hasher = new KeyHasher();
  private young = new KeyTable();
  private old = new KeyTable();
  /** Commits since the start, */
  private commits = 0;
  /** and which of them was the last one of a key with this hash. */
  private readonly lastCommits = new Float64Array(PLACES);
  private turnedAt = 0;
  private evicted = 0;

  constructor(options: DedupeOptions) {
    this.options = options;
  }

  /** What stands for this text in the calls below, for this object; undefined where deduplication is off. */
  key(text: string): KeyHash | undefined {
    return this.options.entries > 0 ? this.hasher.hash(text, this.commits) : undefined;
  }

  has(device: string, key: KeyHash): boolean {
    const { young, old } = this;
    if (!young.mayHave(key) && !old.mayHave(key)) return false;
    const owner = this.hasher.word(device);
    return young.has(owner, key) || old.has(owner, key);
  }

  /** The same for a key that was not there when it was made. Mostly there was no commit since that could be its: then the tables, which are far away, are not asked. */
  hasNow(device: string, key: KeyHash): boolean {
    return (this.lastCommits[key.a & (PLACES - 1)] as number) > key.count && this.has(device, key);
  }

  commit(device: string, key: KeyHash, now: EpochMs): void {
    const { entries, windowMs } = this.options;
    this.commits += 1;
    this.lastCommits[key.a & (PLACES - 1)] = this.commits;
    const elapsed = now - this.turnedAt;
    if (elapsed >= windowMs / 2 || elapsed < 0) {
      // A window without traffic leaves both generations too old.
      if (elapsed >= windowMs) this.young.clear();
      this.turn(now);
    } else if (this.young.size >= entries / 2) {
      const evicted = this.young.evictHeaviest(Math.ceil(entries / 2 / HEAVY_PART), Math.ceil(entries / 2 / EVICTED_PART));
      this.evicted += evicted === 0 ? this.old.size : evicted;
      if (evicted === 0) this.turn(now);
    }
    this.young.add(this.hasher.word(device), key);
  }

  stats(): DedupeStats {
    return { entries: this.size, evictedEarly: this.evicted };
  }

  get size(): number {
    return this.young.size + this.old.size;
  }

  private turn(now: EpochMs): void {
    const { young, old } = this;
    old.clear();
    this.old = young;
    this.young = old;
    this.turnedAt = now;
  }
}
