/** A member of a chain carries its own links. It is in one chain at a time, or in none. */
export interface Link<T> {
  older: T | undefined;
  newer: T | undefined;
}

/**
 * A list in the order of arrival that lets go of any member at once and makes no garbage. For what comes and goes with each message: a
 * Map or Set that is filled and emptied again and again leaves tables behind that hold on to what they held, and to their successors
 * (V8's OrderedHashTable keeps a way to the next table for its iterators). Once such a table is in the old generation all that was
 * ever in the Map gets there too. Here links are cut, so nothing dead knows of anything that lives.
 */
export class Chain<T extends Link<T>> {
  oldest: T | undefined = undefined;
  newest: T | undefined = undefined;
  /** How many members it has. */
  size = 0;

  /** The member must be in no chain. */
  append(member: T): void {
    member.older = this.newest;
    if (this.newest === undefined) this.oldest = member;
    else this.newest.newer = member;
    this.newest = member;
    this.size += 1;
  }

  /** The member must be in this chain. */
  remove(member: T): void {
    const { older, newer } = member;
    if (older === undefined) this.oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.newest = older;
    else newer.older = older;
    member.older = undefined;
    member.newer = undefined;
    this.size -= 1;
  }

  /** Makes a member of this chain its newest. */
  renew(member: T): void {
    if (member === this.newest) return;
    this.remove(member);
    this.append(member);
  }

  /** Whether a member of this chain or of none is in it. */
  has(member: T): boolean {
    return member === this.oldest || member.older !== undefined;
  }

  /** Oldest first. Members may be removed meanwhile, the one at hand included. */
  *[Symbol.iterator](): Generator<T> {
    for (let member = this.oldest; member !== undefined; ) {
      const { newer } = member;
      yield member;
      member = newer;
    }
  }
}
