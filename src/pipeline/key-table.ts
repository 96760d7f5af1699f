import type { KeyHash } from '../domain/key-hash.ts';

/** Words of a record: three of the hash of the key, its owner, the next record of the bucket, the next of the owner. */
const WORDS = 6;
const OWNER = 3;
const NEXT = 4;
const NEWER = 5;
const NONE = -1;
const FIRST_RECORDS = 1024;

/** Words of an owner: records of its oldest and its newest key, and how many it has. */
const OWNER_WORDS = 3;
const OLDEST = 0;
const NEWEST = 1;
const COUNT = 2;

/**
 * Keys by owner, as hashes in one block of memory: 58 bytes each, of 800,000, where Sets of texts take 82, and nothing for the garbage
 * collector to walk. A lookup of one that is not there mostly touches one byte. Two keys of one owner are taken for one with a chance of one
 * in 2^96 (see `KeyHasher`): among a million keys, less than one in 10^17. Remembers in which order the keys of an owner came.
 */
export class KeyTable {
  private records = new Int32Array(FIRST_RECORDS * WORDS);
  /** First record by hash; a power of two of them, at least as many as records. */
  private buckets = new Int32Array(FIRST_RECORDS).fill(NONE);
  /** For each bucket one of eight bits for each record that came into it: most keys that are not there are told from this, which is small, alone. */
  private marks = new Uint8Array(FIRST_RECORDS);
  /** Numbers of those whose keys they are, from 0. */
  private owners: Map<string, number> = new Map();
  private ownerWords = new Int32Array(FIRST_RECORDS * OWNER_WORDS);
  /** Records that have been used since the last `clear`; behind them all are free. */
  private used = 0;
  /** First of the records that are free again, linked by `NEXT`. */
  private free = NONE;
  private count = 0;
  /** Has most keys, or had until others of its keys went. */
  private heaviest: number | undefined;

  get size(): number {
    return this.count;
  }

  has(owner: string, key: KeyHash): boolean {
    if (!this.marked(key)) return false;
    const found = this.owners.get(owner);
    return found !== undefined && this.find(found, key);
  }

  /** Adds a key as the newest of its owner, unless it is there. */
  add(owner: string, key: KeyHash): void {
    let number = this.owners.get(owner);
    if (number === undefined) {
      number = this.enter(owner);
    } else if (this.marked(key) && this.find(number, key)) {
      return;
    }
    const record = this.take();
    const { records, buckets } = this;
    const at = record * WORDS;
    const bucket = key.a & (buckets.length - 1);
    records[at] = key.a;
    records[at + 1] = key.b;
    records[at + 2] = key.c;
    records[at + OWNER] = number;
    records[at + NEXT] = buckets[bucket] as number;
    records[at + NEWER] = NONE;
    buckets[bucket] = record;
    this.mark(bucket, key.b);
    const { ownerWords } = this;
    const mine = number * OWNER_WORDS;
    if (ownerWords[mine + COUNT] === 0) ownerWords[mine + OLDEST] = record;
    else records[(ownerWords[mine + NEWEST] as number) * WORDS + NEWER] = record;
    ownerWords[mine + NEWEST] = record;
    ownerWords[mine + COUNT] = this.countOf(number) + 1;
    this.count += 1;
    if (this.heaviest === undefined || this.countOf(number) > this.countOf(this.heaviest)) this.heaviest = number;
  }

  /** Forgets the oldest key of the owner that has most. False where none has `least` of them. */
  evictHeaviest(least: number): boolean {
    const { ownerWords, records } = this;
    // One that others have overtaken without a word since: looked for again, and not found more often than a table is full.
    if (this.heaviest === undefined || this.countOf(this.heaviest) < least) this.heaviest = this.mostOf();
    const { heaviest } = this;
    if (heaviest === undefined || this.countOf(heaviest) < Math.max(1, least)) return false;
    const mine = heaviest * OWNER_WORDS;
    const record = ownerWords[mine + OLDEST] as number;
    ownerWords[mine + OLDEST] = records[record * WORDS + NEWER] as number;
    ownerWords[mine + COUNT] = this.countOf(heaviest) - 1;
    this.unlink(record);
    this.count -= 1;
    return true;
  }

  /** Forgets everything and keeps its memory. */
  clear(): void {
    this.buckets.fill(NONE);
    this.marks.fill(0);
    this.owners = new Map();
    this.used = 0;
    this.free = NONE;
    this.count = 0;
    this.heaviest = undefined;
  }

  private enter(owner: string): number {
    const number = this.owners.size;
    if (number * OWNER_WORDS === this.ownerWords.length) {
      const words = new Int32Array(this.ownerWords.length * 2);
      words.set(this.ownerWords);
      this.ownerWords = words;
    }
    // Numbers are given anew after `clear`.
    this.ownerWords[number * OWNER_WORDS + COUNT] = 0;
    this.owners.set(owner, number);
    return number;
  }

  private countOf(owner: number): number {
    return this.ownerWords[owner * OWNER_WORDS + COUNT] as number;
  }

  /** Who has most keys. */
  private mostOf(): number | undefined {
    let most: number | undefined;
    for (let owner = 0; owner < this.owners.size; owner += 1) if (most === undefined || this.countOf(owner) > this.countOf(most)) most = owner;
    return most;
  }

  /** False where the key is not there, whoever owns it. */
  private marked({ a, b }: KeyHash): boolean {
    return ((this.marks[a & (this.buckets.length - 1)] as number) & markOf(b)) !== 0;
  }

  private mark(bucket: number, b: number): void {
    this.marks[bucket] = (this.marks[bucket] as number) | markOf(b);
  }

  private find(number: number, { a, b, c }: KeyHash): boolean {
    const { records, buckets } = this;
    for (let record = buckets[a & (buckets.length - 1)] as number; record !== NONE; ) {
      const at = record * WORDS;
      if (records[at] === a && records[at + 1] === b && records[at + 2] === c && records[at + OWNER] === number) return true;
      record = records[at + NEXT] as number;
    }
    return false;
  }

  /** A record to write to. */
  private take(): number {
    const { free } = this;
    if (free !== NONE) {
      this.free = this.records[free * WORDS + NEXT] as number;
      return free;
    }
    if (this.used * WORDS === this.records.length) this.grow();
    this.used += 1;
    return this.used - 1;
  }

  /** Only called when every record is in use. */
  private grow(): void {
    const records = new Int32Array(this.records.length * 2);
    records.set(this.records);
    const buckets = new Int32Array(this.buckets.length * 2).fill(NONE);
    this.marks = new Uint8Array(buckets.length);
    for (let record = 0; record < this.used; record += 1) {
      const bucket = (records[record * WORDS] as number) & (buckets.length - 1);
      records[record * WORDS + NEXT] = buckets[bucket] as number;
      buckets[bucket] = record;
      this.mark(bucket, records[record * WORDS + 1] as number);
    }
    this.records = records;
    this.buckets = buckets;
  }

  /** Takes a record out of its bucket and gives it free. */
  private unlink(record: number): void {
    const { records, buckets } = this;
    const at = record * WORDS;
    const next = records[at + NEXT] as number;
    const bucket = (records[at] as number) & (buckets.length - 1);
    let before = buckets[bucket] as number;
    if (before === record) {
      buckets[bucket] = next;
    } else {
      while (records[before * WORDS + NEXT] !== record) before = records[before * WORDS + NEXT] as number;
      records[before * WORDS + NEXT] = next;
    }
    records[at + NEXT] = this.free;
    this.free = record;
  }
}

/** Not of the word that chooses the bucket. */
function markOf(b: number): number {
  return 1 << (b & 7);
}
