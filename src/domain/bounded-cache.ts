/** Of each cache that holds nothing yet: of those of profiles and rules there are thousands. */
const NOTHING = new Map<string, never>();

/**
 * A cache with a bound, in two generations: when the young one is full it becomes the old one, and the old one is
 * forgotten. What is in use moves back on its next hit, so a flood of new keys cannot empty it as a plain clear would,
 * and a hit costs no reordering as it does with least-recently-used.
 */
export class BoundedCache<V> {
  private readonly limit: number;
  private readonly maxKeyLength: number;
  private young: Map<string, V> = NOTHING;
  private old: Map<string, V> = NOTHING;

  /** Holds at most `entries` values; keys longer than `maxKeyLength` are not kept, so that bytes are bounded too. */
  constructor(entries: number, maxKeyLength: number) {
    this.limit = Math.max(1, Math.floor(entries / 2));
    this.maxKeyLength = maxKeyLength;
  }

  get size(): number {
    return this.young.size + this.old.size;
  }

  get(key: string): V | undefined {
    const found = this.young.get(key);
    if (found !== undefined || this.old.size === 0) {
      return found;
    }
    const older = this.old.get(key);
    if (older !== undefined) {
      this.old.delete(key);
      this.set(key, older);
    }
    return older;
  }

  /** The value of the key; one that is missing is made of it. */
  getOrMake(key: string, make: (key: string) => V): V {
    let value = this.get(key);
    if (value === undefined) {
      value = make(key);
      this.set(key, value);
    }
    return value;
  }

  set(key: string, value: V): void {
    if (key.length > this.maxKeyLength) {
      return;
    }
    if (this.young.size >= this.limit) {
      this.old = this.young;
      this.young = NOTHING;
    }
    if (this.young === NOTHING) this.young = new Map();
    this.young.set(key, value);
  }
}
