import type { KeyHash } from '../domain/key-hash.ts';

/** Words of a record: three of the hash of the key, its owner, the next record of the bucket. */
const WORDS = 5;
const OWNER = 3;
const NEXT = 4;
const NONE = -1;
const FIRST_RECORDS = 1024;

/**
 * Keys by owner, as hashes in one block of memory: 33 bytes each, of 50,000, and nothing for the garbage collector to walk. To add one
 * writes behind the last one and to its bucket; a lookup of one that is not there mostly touches one byte. Owners are numbers of 32 bits that
 * stand for a name: two names with one number are one owner. Two keys of one owner are taken for one with a chance of one in 2^96 (see
 * `KeyHasher`): among a million keys, less than one in 10^17.
 */
export class KeyTable {
  /** In the order in which they came. */
  private records = new Int32Array(FIRST_RECORDS * WORDS);
  /** Newest record by hash; a power of two of them, at least as many as records. */
  private buckets = new Int32Array(FIRST_RECORDS).fill(NONE);
  /** For each bucket one of eight bits for each record that came into it: most keys that are not there are told from this, which is small, alone. */
  private marks = new Uint8Array(FIRST_RECORDS);
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** False where nobody has the key. */
  mayHave({ a, b }: KeyHash): boolean {
    return ((this.marks[a & (this.buckets.length - 1)] as number) & markOf(b)) !== 0;
  }

  has(owner: number, key: KeyHash): boolean {
    if (!this.mayHave(key)) return false;
    const { a, b, c } = key;
    const { records, buckets } = this;
    for (let record = buckets[a & (buckets.length - 1)] as number; record !== NONE; ) {
      const at = record * WORDS;
      if (records[at] === a && records[at + 1] === b && records[at + 2] === c && records[at + OWNER] === owner) return true;
      record = records[at + NEXT] as number;
    }
    return false;
  }

  /** Adds a key as the newest of its owner, unless it is there. */
  add(owner: number, key: KeyHash): void {
    if (this.has(owner, key)) return;
    if (this.count * WORDS === this.records.length) this.grow();
    const { records, count } = this;
    const at = count * WORDS;
    records[at] = key.a;
    records[at + 1] = key.b;
    records[at + 2] = key.c;
    records[at + OWNER] = owner;
    this.link(count);
    this.count = count + 1;
  }

  /**
   * Forgets the oldest `most` keys, or all, of the owner that has most. Answers how many these were: 0 where nobody has `least`. Walks over all
   * keys, 1 ms for 50,000: so it is for now and then.
   */
  evictHeaviest(least: number, most: number): number {
    const owner = this.heaviest(Math.max(1, least));
    if (owner === undefined) return 0;
    const { records, count } = this;
    let kept = 0;
    for (let record = 0; record < count; record += 1) {
      const at = record * WORDS;
      if (records[at + OWNER] === owner && record - kept < most) continue;
      for (let i = 0; i < NEXT; i += 1) records[kept * WORDS + i] = records[at + i] as number;
      kept += 1;
    }
    this.count = kept;
    this.linkAll();
    return count - kept;
  }

  /** Forgets everything and keeps its memory. */
  clear(): void {
    this.buckets.fill(NONE);
    this.marks.fill(0);
    this.count = 0;
  }

  /**
   * Who has most keys, and `least` or more. There can be `count / least` such owners: with a counter for each of them, those whose counters
   * are left in the end are all that come into question (Misra and Gries: "Finding repeated elements", 1982).
   */
  private heaviest(least: number): number | undefined {
    const { records, count } = this;
    const room = Math.floor(count / least);
    const owners = new Int32Array(room);
    const counters = new Int32Array(room);
    for (let at = OWNER; at < count * WORDS; at += WORDS) {
      const owner = records[at] as number;
      let place = NONE;
      for (let i = 0; i < room; i += 1) {
        if (counters[i] === 0) place = i;
        else if (owners[i] === owner) {
          place = i;
          break;
        }
      }
      if (place === NONE) {
        for (let i = 0; i < room; i += 1) counters[i] = (counters[i] as number) - 1;
      } else {
        owners[place] = owner;
        counters[place] = (counters[place] as number) + 1;
      }
    }
    let found: number | undefined;
    let keys = least;
    for (let i = 0; i < room; i += 1) {
      const counted = counters[i] === 0 ? 0 : this.countOf(owners[i] as number);
      if (counted < keys) continue;
      found = owners[i];
      keys = counted + 1;
    }
    return found;
  }

  private countOf(owner: number): number {
    let counted = 0;
    for (let at = OWNER; at < this.count * WORDS; at += WORDS) if (this.records[at] === owner) counted += 1;
    return counted;
  }

  private link(record: number): void {
    const { records, buckets, marks } = this;
    const at = record * WORDS;
    const bucket = (records[at] as number) & (buckets.length - 1);
    records[at + NEXT] = buckets[bucket] as number;
    buckets[bucket] = record;
    marks[bucket] = (marks[bucket] as number) | markOf(records[at + 1] as number);
  }

  private linkAll(): void {
    this.buckets.fill(NONE);
    this.marks.fill(0);
    for (let record = 0; record < this.count; record += 1) this.link(record);
  }

  private grow(): void {
    const records = new Int32Array(this.records.length * 2);
    records.set(this.records);
    this.records = records;
    this.buckets = new Int32Array(this.buckets.length * 2);
    this.marks = new Uint8Array(this.buckets.length);
    this.linkAll();
  }
}

/** Not of the word that chooses the bucket. */
function markOf(b: number): number {
  return 1 << (b & 7);
}
