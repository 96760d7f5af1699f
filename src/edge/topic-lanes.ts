import type { Entry } from './entry.ts';

/** Lanes from which on empty ones are not kept; about 0.2 kB each. */
const KEPT_LANES = 4096;

/** The entries of one topic, oldest first. */
interface Lane {
  readonly topic: string;
  readonly entries: Entry[];
  /** Everything before it is sent or gone. */
  cursor: number;
  sent: number;
  /** Stands in the queue of lanes that may send. */
  ready: boolean;
  /** Failures of its head since its last success. */
  attempts: number;
  /** A failure is being waited out. */
  resting: boolean;
}

/**
 * What is in memory, by topic: one topic's messages go out in their order, at most `perTopic` of them at once, and topics take turns.
 * An empty lane stays for the next message of its topic, as long as there are not too many (see Chain for why).
 */
export class TopicLanes {
  private readonly perTopic: number;
  private readonly lanes = new Map<string, Lane>();
  private ready: Lane[] = [];
  private head = 0;
  private held = 0;
  private heldBytes = 0;
  private underWay = 0;
  private failing = 0;

  constructor(perTopic: number) {
    this.perTopic = perTopic;
  }

  /** Entries that are not gone. */
  get size(): number {
    return this.held;
  }

  /** Bytes of their payloads. */
  get bytes(): number {
    return this.heldBytes;
  }

  /** Entries sent and not answered. */
  get sent(): number {
    return this.underWay;
  }

  /** Topics whose head was not taken and goes again. */
  get failed(): number {
    return this.failing;
  }

  /** Entries of the topic. */
  depth(topic: string): number {
    return this.lanes.get(topic)?.entries.length ?? 0;
  }

  push(entry: Entry): void {
    const { topic } = entry.message;
    let lane = this.lanes.get(topic);
    if (lane === undefined) {
      lane = { topic, entries: [], cursor: 0, sent: 0, ready: false, attempts: 0, resting: false };
      this.lanes.set(topic, lane);
    }
    lane.entries.push(entry);
    this.held += 1;
    this.heldBytes += entry.message.payload.length;
    this.enrol(lane);
  }

  /** The entries of the topic, oldest first; some may be gone. */
  of(topic: string): readonly Entry[] {
    return this.lanes.get(topic)?.entries ?? [];
  }

  /** The next entry to send, marked as sent; undefined where every topic waits for an answer or a rest. */
  next(): Entry | undefined {
    while (this.head < this.ready.length) {
      const lane = this.ready[this.head] as Lane;
      this.head += 1;
      if (this.head > 1024 && this.head * 2 > this.ready.length) {
        this.ready = this.ready.slice(this.head);
        this.head = 0;
      }
      lane.ready = false;
      const entry = this.unsent(lane);
      if (entry === undefined || lane.resting || lane.sent >= this.perTopic) continue;
      entry.sent = true;
      lane.sent += 1;
      this.underWay += 1;
      this.enrol(lane);
      return entry;
    }
    return undefined;
  }

  /** The outlet has it, or it is given up: its place is free. */
  remove(entry: Entry): void {
    if (entry.gone) return;
    entry.gone = true;
    this.held -= 1;
    this.heldBytes -= entry.message.payload.length;
    const lane = this.lanes.get(entry.message.topic);
    if (lane === undefined) return;
    if (entry.sent) this.answered(lane);
    if (lane.attempts > 0) this.failing -= 1;
    lane.attempts = 0;
    while (lane.entries[0]?.gone === true) {
      lane.entries.shift();
      if (lane.cursor > 0) lane.cursor -= 1;
    }
    if (lane.entries.length > 0) this.enrol(lane);
    else if (this.lanes.size > KEPT_LANES) this.lanes.delete(lane.topic);
  }

  /** It was not taken and goes again, before what is behind it. Answers how often its topic has failed in a row. */
  fail(entry: Entry): number {
    const lane = this.lanes.get(entry.message.topic);
    if (lane === undefined || !entry.sent) return 0;
    entry.sent = false;
    this.answered(lane);
    lane.cursor = Math.min(lane.cursor, lane.entries.indexOf(entry));
    if (lane.attempts === 0) this.failing += 1;
    lane.attempts += 1;
    return lane.attempts;
  }

  /** Nothing of the topic is sent until `wake`. */
  rest(topic: string): void {
    const lane = this.lanes.get(topic);
    if (lane !== undefined) lane.resting = true;
  }

  wake(topic: string): void {
    const lane = this.lanes.get(topic);
    if (lane === undefined) return;
    lane.resting = false;
    this.enrol(lane);
  }

  private answered(lane: Lane): void {
    lane.sent -= 1;
    this.underWay -= 1;
  }

  private unsent(lane: Lane): Entry | undefined {
    const { entries } = lane;
    while (lane.cursor < entries.length) {
      const entry = entries[lane.cursor] as Entry;
      if (!entry.sent && !entry.gone) return entry;
      lane.cursor += 1;
    }
    return undefined;
  }

  private enrol(lane: Lane): void {
    if (lane.ready || lane.resting || lane.sent >= this.perTopic || this.unsent(lane) === undefined) return;
    lane.ready = true;
    this.ready.push(lane);
  }
}
