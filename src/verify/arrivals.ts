import { readMark } from '../../devices/audit.ts';
import { type LedgerContent, messageKey, readLedger } from '../../devices/ledger.ts';

/** Jepsen's total-queue rule over message identities: valid only if nothing is lost and nothing unexpected. */
export interface Verdict {
  /** Messages handed to the network at least once. */
  readonly attempted: number;
  /** Of those: acknowledged by the broker, so owed downstream. */
  readonly pubacked: number;
  /** Different messages that came out in a destination queue. */
  readonly forwarded: number;
  /** Different messages that came out among the dead letters. */
  readonly deadLettered: number;
  /** By fault code. */
  readonly deadLetterCodes: Readonly<Record<string, number>>;
  /** Arrivals beyond the first of a message in one queue, and those of another copy of it in another queue. */
  readonly duplicates: number;
  /** Acknowledged and nowhere. */
  readonly lost: readonly string[];
  /** Came out and was never attempted, or carries no mark. */
  readonly unexpected: readonly string[];
  /** First arrivals, and what their copy brought to other queues, that came behind a later one of their topic in the same queue. */
  readonly outOfOrder: readonly string[];
  /** Came out with other values than were sent. */
  readonly changed: readonly string[];
  /** Attempted, never acknowledged, and not arrived: allowed either way. */
  readonly indeterminate: number;
}

const DEAD = 1;
/** A bit for each destination queue behind that one; numbers have 31 to give. */
const MOST_QUEUES = 29;

interface TopicBook {
  /** By sequence number: DEAD, and the bits of the destination queues it came out of. */
  readonly seen: number[];
  /** By sequence number: when the gateway received the copy that came out first, which tells its copies apart. */
  readonly receivedAt: number[];
  /** Highest sequence number of a first arrival, by queue. */
  readonly last: Map<string, number>;
  readonly main: boolean;
}

/** What came out so far. Takes a number per message, so that an hour of load fits into memory. */
export class Arrivals {
  /** Arrivals of messages with a mark, duplicates and dead letters included. */
  total = 0;
  /** Different messages of topics that `main` says are of the main fleet. */
  unique = 0;
  duplicates = 0;
  private readonly ours: (topic: string) => boolean;
  private readonly main: (topic: string) => boolean;
  private readonly topics = new Map<string, TopicBook>();
  private readonly bits = new Map<string, number>();
  private readonly codes = new Map<string, number>();
  private readonly strangers: string[] = [];
  private readonly changed: string[] = [];
  private readonly outOfOrder: string[] = [];

  /** `ours`: whether a topic belongs to this run; others are ignored, where the broker has other users too. */
  constructor(ours: (topic: string) => boolean = () => true, main: (topic: string) => boolean = () => true) {
    this.ours = ours;
    this.main = main;
  }

  /**
   * A reading in a destination queue. `receivedAt`: of the reading. One message may go to several queues, each in order; a second copy
   * of it may come to another queue than the first, because it is late by then, say: that is a duplicate, and has no place in the order.
   */
  forwarded(queue: string, topic: string, values: Readonly<Record<string, unknown>>, receivedAt = 0): void {
    // Status messages carry no mark and are not in the ledger.
    if (!this.ours(topic) || topic.endsWith('/status')) return;
    const mark = readMark(topic, values);
    if (mark === undefined) {
      this.strangers.push(`${topic} without a mark`);
      return;
    }
    if (!mark.intact) this.changed.push(messageKey(topic, mark.seq));
    const book = this.bookOf(topic);
    if (!this.take(book, mark.seq, this.bitOf(queue))) return;
    book.receivedAt[mark.seq] ??= receivedAt;
    if (book.receivedAt[mark.seq] !== receivedAt) {
      this.duplicates += 1;
      return;
    }
    const before = book.last.get(queue) ?? -1;
    if (mark.seq < before) this.outOfOrder.push(`${messageKey(topic, mark.seq)} after ${before}`);
    else book.last.set(queue, mark.seq);
  }

  /** A dead letter. `seq` undefined: its body does not say. */
  buried(topic: string, seq: number | undefined, code: string): void {
    if (!this.ours(topic) || topic.endsWith('/status')) return;
    this.codes.set(code, (this.codes.get(code) ?? 0) + 1);
    if (seq === undefined) this.strangers.push(`${topic} among the dead letters, without a sequence number`);
    else this.take(this.bookOf(topic), seq, DEAD);
  }

  has(topic: string, seq: number): boolean {
    return (this.topics.get(topic)?.seen[seq] ?? 0) !== 0;
  }

  /** Keys of what is owed and has not come. */
  missing(ledger: LedgerContent): string[] {
    return [...ledger.pubacked].filter((key) => !this.hasKey(ledger, key));
  }

  judge(ledger: LedgerContent): Verdict {
    const unexpected = [...this.strangers];
    let forwarded = 0;
    let deadLettered = 0;
    for (const [topic, { seen }] of this.topics) {
      seen.forEach((how, seq) => {
        if ((how & ~DEAD) !== 0) forwarded += 1;
        if ((how & DEAD) !== 0) deadLettered += 1;
        if (how !== 0 && !ledger.attempted.has(messageKey(topic, seq))) unexpected.push(messageKey(topic, seq));
      });
    }
    let indeterminate = 0;
    for (const key of ledger.attempted.keys()) if (!ledger.pubacked.has(key) && !this.hasKey(ledger, key)) indeterminate += 1;
    return {
      attempted: ledger.attempted.size,
      pubacked: ledger.pubacked.size,
      forwarded,
      deadLettered,
      deadLetterCodes: Object.fromEntries(this.codes),
      duplicates: this.duplicates,
      lost: this.missing(ledger),
      unexpected,
      outOfOrder: this.outOfOrder,
      changed: this.changed,
      indeterminate,
    };
  }

  private hasKey(ledger: LedgerContent, key: string): boolean {
    const attempt = ledger.attempted.get(key);
    return attempt !== undefined && this.has(attempt.topic, attempt.seq);
  }

  private bookOf(topic: string): TopicBook {
    let book = this.topics.get(topic);
    if (book === undefined) {
      book = { seen: [], receivedAt: [], last: new Map(), main: this.main(topic) };
      this.topics.set(topic, book);
    }
    return book;
  }

  private bitOf(queue: string): number {
    let bit = this.bits.get(queue);
    if (bit === undefined) {
      bit = 2 << Math.min(this.bits.size, MOST_QUEUES - 1);
      this.bits.set(queue, bit);
    }
    return bit;
  }

  /** Whether it is the first arrival of this message there. */
  private take({ seen, main }: TopicBook, seq: number, bit: number): boolean {
    const before = seen[seq] ?? 0;
    seen[seq] = before | bit;
    this.total += 1;
    if (before === 0 && main) this.unique += 1;
    if ((before & bit) !== 0) this.duplicates += 1;
    return (before & bit) === 0;
  }
}

/** Several ledgers as one; their messages must differ. */
export function readLedgers(files: readonly string[]): LedgerContent {
  const all = files.map(readLedger);
  const [first] = all;
  if (first !== undefined && all.length === 1) return first;
  return {
    attempted: new Map(all.flatMap(({ attempted }) => [...attempted])),
    pubacked: new Set(all.flatMap(({ pubacked }) => [...pubacked])),
    truncated: all.some(({ truncated }) => truncated),
  };
}
