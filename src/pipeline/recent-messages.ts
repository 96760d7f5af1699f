import type { InboundMessage } from '../domain/message.ts';

/** The last messages, so that new settings can be tried on them. Bounded in number and in bytes of payload. */
export class RecentMessages {
  private readonly ring: (InboundMessage | undefined)[];
  /** Bytes of each, 0 where none is: what makes room has long left the caches of the processor, and is not asked for its own. */
  private readonly lengths: Float64Array;
  private readonly mostBytes: number;
  private next = 0;
  private held = 0;

  /** At most `messages`, of at most `bytes` together; one with more than a tenth of these is not kept. */
  constructor(messages: number, bytes: number) {
    this.ring = Array.from({ length: messages });
    this.lengths = new Float64Array(messages);
    this.mostBytes = bytes;
  }

  /** Bytes of payload that are held. */
  get bytes(): number {
    return this.held;
  }

  add(message: InboundMessage): void {
    const { length } = message.body;
    if (length > this.mostBytes / 10) return;
    this.ring[this.next] = message;
    this.held += length - (this.lengths[this.next] as number);
    this.lengths[this.next] = length;
    this.next = this.next + 1 === this.ring.length ? 0 : this.next + 1;
    // The oldest go first: they stand behind the place that is written next.
    for (let at = this.next; this.held > this.mostBytes; at = at + 1 === this.ring.length ? 0 : at + 1) this.take(at);
  }

  /** Oldest first. */
  list(): InboundMessage[] {
    return [...this.ring.slice(this.next), ...this.ring.slice(0, this.next)].filter((message) => message !== undefined);
  }

  private take(at: number): void {
    this.held -= this.lengths[at] as number;
    this.lengths[at] = 0;
    this.ring[at] = undefined;
  }
}
