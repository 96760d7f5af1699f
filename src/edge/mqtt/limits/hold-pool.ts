import type { Counters } from '../counters.ts';

/** Who waits for room; called when it is its turn, and puts itself at the end again where that was not enough. */
export interface Waiter {
  resume(): void;
}

/** Packets up to this size count as held from their first byte; larger ones need a place among `assembling` too. */
const LARGE = 16 * 1024;
/** What a packet counts among those that are not whole yet. */
export function largeOf(bytes: number): number {
  return bytes > LARGE ? bytes : 0;
}

/** Messages that one waiter may bring in before the next has its turn. */
const TURN = 32;

/**
 * What all clients together may have here: packets on their way in and messages that wait for the keeper. Who finds no room
 * waits in line and is called in order of arrival; while somebody waits nobody overtakes.
 */
export class HoldPool {
  private readonly waiting = new Set<Waiter>();
  private readonly maxMessages: number;
  private readonly maxBytes: number;
  private readonly counters: Counters;
  /** Of large packets that are not whole yet: at most half, so that senders who stall do not keep the small ones out. */
  private assembling = 0;
  private turn = 0;
  /** Somebody found room since the last wake. */
  private served = false;
  private serving: Waiter | undefined;
  private wakes = false;

  constructor(maxMessages: number, maxBytes: number, counters: Counters) {
    this.maxMessages = maxMessages;
    this.maxBytes = maxBytes;
    this.counters = counters;
  }

  /** Takes room for one message, or puts the waiter in line. */
  reserve(bytes: number, waiter: Waiter): boolean {
    const { counters } = this;
    const overtakes = this.waiting.size > 0 && this.serving !== waiter;
    const full = counters.heldMessagesNow >= this.maxMessages || counters.heldBytesNow + bytes > this.maxBytes;
    const large = largeOf(bytes);
    const stalled = large > 0 && this.assembling + large > this.maxBytes / 2;
    if (overtakes || full || stalled || (this.serving === waiter && this.turn === 0)) {
      if (!this.waiting.has(waiter)) counters.pausedForRoom++;
      this.waiting.add(waiter);
      // Those before it may wait for more than it needs.
      if (overtakes && !full && !stalled) this.wakeSoon();
      return false;
    }
    this.served = true;
    if (this.serving === waiter) this.turn--;
    this.take(bytes);
    this.assembling += large;
    return true;
  }

  /** For what cannot wait, like a will: counted, never refused. */
  take(bytes: number): void {
    this.counters.heldMessagesNow++;
    this.counters.heldBytesNow += bytes;
  }

  /** Large packets are whole, or will not be. */
  assembled(large: number): void {
    this.assembling -= large;
    if (this.waiting.size > 0) this.wakeSoon();
  }

  release(messages: number, bytes: number): void {
    this.counters.heldMessagesNow -= messages;
    this.counters.heldBytesNow -= bytes;
    if (this.waiting.size > 0) this.wakeSoon();
  }

  leave(waiter: Waiter): void {
    // The one that left may have been the only one that kept others from overtaking.
    if (this.waiting.delete(waiter) && this.waiting.size > 0) this.wakeSoon();
  }

  private wakeSoon(): void {
    // A little room is no reason to wake anybody: each wake reads a socket.
    const { heldMessagesNow, heldBytesNow } = this.counters;
    if (this.wakes || heldMessagesNow > this.maxMessages * 0.9 || heldBytesNow > this.maxBytes * 0.9) return;
    this.wakes = true;
    setImmediate(() => this.wake());
  }

  private wake(): void {
    this.wakes = false;
    this.served = false;
    for (let left = this.waiting.size; left > 0 && this.counters.heldMessagesNow < this.maxMessages; left--) {
      const [first] = this.waiting;
      if (first === undefined) return;
      this.waiting.delete(first);
      this.serving = first;
      this.turn = TURN;
      first.resume();
      this.serving = undefined;
    }
    // Those who found none are woken by who leaves some.
    if (this.waiting.size > 0 && this.served) this.wakeSoon();
  }
}
