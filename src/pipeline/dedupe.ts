import type { EpochMs } from '../domain/message.ts';

export interface DedupeOptions {
  /** Most keys remembered; 0 turns deduplication off. Between half and all of them are kept. */
  readonly entries: number;
  /** How long a key is remembered at least half of, milliseconds. */
  readonly windowMs: number;
}

/**
 * Remembers what the broker has confirmed, so that a redelivery or a device's re-send is not forwarded twice.
 *
 * Commit-safe: a key enters only after the confirm, and is asked for twice, on arrival and again just before its
 * batch is sent. Two copies of one reading always wait in the same lane (same id, same route, same destination),
 * so the second finds the first either confirmed, and ends as deduplicated, or failed, and takes its place.
 * Nothing is ever forgotten because a copy of it failed, which is how peers' dedupe loses data.
 *
 * Two generations of a Set instead of a list by age: the older one is dropped whole when the younger is full or
 * half a window old.
 */
export class Dedupe {
  private readonly options: DedupeOptions;
  private young: Set<string> = new Set();
  private old: Set<string> = new Set();
  private turnedAt = 0;

  constructor(options: DedupeOptions) {
    this.options = options;
  }

  has(key: string): boolean {
    return this.young.has(key) || this.old.has(key);
  }

  commit(key: string, now: EpochMs): void {
    const { entries, windowMs } = this.options;
    if (entries <= 0) return;
    if (this.young.size >= entries / 2 || now - this.turnedAt >= windowMs / 2 || now < this.turnedAt) {
      // A window without traffic leaves both generations too old.
      this.old = now - this.turnedAt >= windowMs ? new Set() : this.young;
      this.young = new Set();
      this.turnedAt = now;
    }
    this.young.add(key);
  }

  get size(): number {
    return this.young.size + this.old.size;
  }
}
