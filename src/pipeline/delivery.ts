import type { Link } from '../domain/chain.ts';
import type { Outcome } from '../domain/ledger.ts';
import type { InboundMessage } from '../domain/message.ts';
import type { Delivery } from './ports.ts';

/** Who handed a delivery out. One object per channel, so deliveries stay small and monomorphic. */
export interface DeliveryOwner {
  /** Every part of a live delivery has settled; called once. `abandoned` must not be acked. */
  onSettled(delivery: PendingDelivery, outcome: Outcome): void;
  /** The last part of a delivery settled after its channel was lost; called at most once. Nothing may be acked. */
  onLate(delivery: PendingDelivery, outcome: Outcome): void;
}

// The outcome of a message is the worst that happened to one of its parts.
const RANK: Readonly<Record<Outcome, number>> = { filtered: 0, deduplicated: 1, forwarded: 2, 'dead-lettered': 3, abandoned: 4 };

/** A delivery that counts its parts down. Knows nothing of AMQP: the tag is only kept for the owner. */
export class PendingDelivery implements Delivery, Link<PendingDelivery> {
  readonly message: InboundMessage;
  /** The owner's number for this delivery; in AMQP the delivery tag. */
  readonly tag: number;
  /** How it ended; undefined before `onSettled` and for ever when it is lost first. */
  outcome: Outcome | undefined = undefined;
  readings: number | undefined = undefined;
  /** For the owner: its neighbours in a chain. */
  older: PendingDelivery | undefined = undefined;
  newer: PendingDelivery | undefined = undefined;
  /** For the owner: seen settled behind one that is not. */
  passed = false;
  private lost = false;
  private total = 0;
  private ended = 0;
  private worst: Outcome = 'filtered';
  private readonly owner: DeliveryOwner;

  constructor(message: InboundMessage, tag: number, owner: DeliveryOwner) {
    this.message = message;
    this.tag = tag;
    this.owner = owner;
  }

  get live(): boolean {
    return !this.lost;
  }

  get settled(): boolean {
    return this.outcome !== undefined;
  }

  /** Ended with an answer that the broker may hear: settled, and not as `abandoned`. */
  get ackable(): boolean {
    return this.outcome !== undefined && this.outcome !== 'abandoned';
  }

  split(parts: number, readings?: number): void {
    if (this.total !== 0) throw new Error(`delivery ${this.tag}: split(${parts}) after split(${this.total})`);
    if (!Number.isInteger(parts) || parts < 1) throw new RangeError(`delivery ${this.tag}: split(${parts}) needs a whole number of at least 1`);
    this.total = parts;
    this.readings = readings;
  }

  settlePart(outcome: Outcome): void {
    if (this.ended === this.total) {
      throw new Error(`delivery ${this.tag}: ${this.total === 0 ? 'settlePart before split' : `more parts settled than the ${this.total} of split`}`);
    }
    this.ended += 1;
    if (RANK[outcome] > RANK[this.worst]) this.worst = outcome;
    if (this.ended < this.total) return;
    if (this.lost) {
      this.owner.onLate(this, this.worst);
    } else {
      this.outcome = this.worst;
      this.owner.onSettled(this, this.worst);
    }
  }

  /** For the owner: the channel is gone. Answers whether the delivery was still owed, so that it can be counted as abandoned once. */
  lose(): boolean {
    if (this.lost) return false;
    this.lost = true;
    return this.outcome === undefined;
  }
}
