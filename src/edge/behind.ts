import { topicHash } from './topic-hash.ts';

/** Topics share this many places; two that share one only wait for one another now and then. */
const PLACES = 4096;

/**
 * Which topics have messages in the spool that are not in memory yet: a new message of theirs has to go behind those. Kept by a
 * hash of the topic, so that its size does not depend on how many there are.
 */
export class Behind {
  private readonly last = new Float64Array(PLACES);
  private readonly before: number;

  /** `nextSeq` of the spool when it was opened: what is older may be of any topic. */
  constructor(nextSeq: number) {
    this.before = nextSeq;
  }

  /** A message of the topic was spooled, and is not in memory. */
  mark(topic: string, seq: number): void {
    this.last[placeOf(topic)] = seq;
  }

  /** Whether something of the topic may be at `position` of the spool or behind it. */
  has(topic: string, position: number): boolean {
    return position < this.before || (this.last[placeOf(topic)] as number) >= position;
  }
}

function placeOf(topic: string): number {
  return topicHash(topic) & (PLACES - 1);
}
