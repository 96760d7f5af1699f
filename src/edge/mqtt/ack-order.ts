/** A PUBLISH that waits for its acknowledgement, or for leave to go on to subscribers. */
export interface Held {
  /** Safe, or nothing to wait for: it may go once those before it have gone. */
  settled: boolean;
  /** Why it was not kept. */
  error: Error | undefined;
  next: Held | undefined;
  /** Lets aedes go on with it: PUBACK, or what comes before PUBREC. */
  release(): void;
  /** One before it, or itself, was not kept: it is never acknowledged on this connection. */
  drop(): void;
}

/**
 * Acknowledgements in the order in which the messages came (MQTT-4.6.0-2, 4.6.0-3), whatever the order in which they are kept.
 * After one that was not kept there are no more: the device sends from there on again, in order (4.6.0-1).
 */
export class AckOrder {
  private head: Held | undefined = undefined;
  private tail: Held | undefined = undefined;
  private releasing = false;
  /** Set by the first that was not kept. */
  broken = false;

  add(held: Held): void {
    if (this.tail === undefined) this.head = held;
    else this.tail.next = held;
    this.tail = held;
  }

  /** Releases what can go; the error of the first that was not kept, once. */
  advance(): Error | undefined {
    // A release may settle another one before it returns: the loop below sees it.
    if (this.releasing || this.broken) return undefined;
    this.releasing = true;
    let failed: Error | undefined;
    for (let held = this.head; held?.settled === true; held = this.head) {
      this.head = held.next;
      if (this.head === undefined) this.tail = undefined;
      if (held.error !== undefined) {
        failed = held.error;
        held.drop();
        this.abandon();
        break;
      }
      held.release();
    }
    this.releasing = false;
    return failed;
  }

  /** Nothing more is released. */
  private abandon(): void {
    this.broken = true;
    for (let held = this.head; held !== undefined; held = held.next) held.drop();
    this.head = undefined;
    this.tail = undefined;
  }
}
