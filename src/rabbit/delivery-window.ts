import { Chain } from '../domain/chain.ts';
import type { Observer } from '../domain/events.ts';
import type { Ledger, Outcome } from '../domain/ledger.ts';
import type { InboundMessage } from '../domain/message.ts';
import { type DeliveryOwner, PendingDelivery } from '../pipeline/delivery.ts';
import { onceATurn } from '../pipeline/once-a-turn.ts';

export interface DeliveryWindowOptions {
  readonly epoch: number;
  /** Sends basic.ack. The only way out for an ack; may throw when the channel is gone. */
  readonly ack: (tag: number, allUpTo: boolean) => void;
  readonly ledger: Ledger;
  readonly observer: Observer;
  /** Called before acks are sent: what the messages led to must be safe by then. Must not throw. */
  readonly beforeAcks?: (() => void) | undefined;
  /** What can be acked is looked for once per turn of the event loop, or as soon as so many have settled. */
  readonly flushAt: number;
  /** Settled deliveries behind an unsettled one that wait for it at most; from here on each gets an ack of its own. */
  readonly holdAt: number;
  /** They wait for it at least so long and at most twice as long, milliseconds. */
  readonly holdMs: number;
  /** Called after acks were handed to the channel. */
  readonly onAcked?: (() => void) | undefined;
  /** Runs a function once later in this turn; `setImmediate`, save in tests. */
  readonly defer: (fn: () => void) => void;
  /** Runs a function once after so many milliseconds; answers how to prevent that. */
  readonly after: (ms: number, fn: () => void) => () => void;
}

/**
 * The deliveries of one channel that are not acked yet, and their acks.
 *
 * Delivery tags count per channel from 1 and mean nothing on another one (AMQP 0-9-1, 1.1: "channel-local"), so a
 * window is made with its channel and dies with it. Settled deliveries at its front are acked together with one
 * `multiple` ack. Those behind an unsettled one wait a moment for it: where the messages of several destinations take
 * turns, all but the first of each round stand there, and an ack of its own for each costs the gateway a third of its
 * time and the broker more than that. Then they are acked singly, so that one held destination does not withhold the
 * acks of all others.
 */
export class DeliveryWindow implements DeliveryOwner {
  private readonly options: DeliveryWindowOptions;
  /** Not acked yet, in the order of tags. */
  private readonly open = new Chain<PendingDelivery>();
  /** Settled and not acked. */
  private waiting = 0;
  /** Settled since the last flush. */
  private due = 0;
  private stopWaiting: (() => void) | undefined;
  private owed = 0;
  private total = 0;
  private answered = 0;
  private late = 0;
  private readonly flushLater: () => void;
  private lost = false;

  constructor(options: DeliveryWindowOptions) {
    this.options = options;
    this.flushLater = onceATurn(options.defer, () => this.flush());
  }

  /** Deliveries handed out and neither settled nor lost. */
  get unsettled(): number {
    return this.owed;
  }

  /** Deliveries handed out since the channel was opened. */
  get received(): number {
    return this.total;
  }

  /** Those of them that the broker may forget: settled while the channel lived, and not as `abandoned`. */
  get settledCount(): number {
    return this.answered;
  }

  /** A message has arrived under this tag. Tags come in rising order. */
  receive(tag: number, message: InboundMessage): PendingDelivery {
    const delivery = new PendingDelivery(message, tag, this);
    this.open.append(delivery);
    this.owed += 1;
    this.total += 1;
    this.options.ledger.messageReceived(message.body.length);
    return delivery;
  }

  onSettled(_delivery: PendingDelivery, outcome: Outcome): void {
    this.owed -= 1;
    this.options.ledger.messageSettled(outcome);
    // Stays in `open`, so that no `multiple` ack can run over it: the broker gives it out again.
    if (outcome === 'abandoned') return;
    this.answered += 1;
    this.waiting += 1;
    this.due += 1;
    if (this.due >= this.options.flushAt) this.flush();
    else this.flushLater();
  }

  onLate(): void {
    // Counted already when the channel was lost; only the ack that is not sent is worth telling.
    this.late += 1;
    this.flushLater();
  }

  /** Sends the acks that are due. */
  flush(): void {
    this.due = 0;
    if (this.late > 0) {
      this.options.observer({ type: 'stale-ack', epoch: this.options.epoch, count: this.late });
      this.late = 0;
    }
    if (this.waiting >= this.options.holdAt) this.flushAll();
    else if (this.open.oldest?.ackable === true) this.send([]);
    this.watch();
  }

  /** Sends an ack for all that has settled, whatever it stands behind. */
  flushAll(): void {
    this.send(this.settled(() => true));
  }

  /** The channel is gone: what is unsettled counts as abandoned, late parts are ignored. */
  lose(): void {
    if (this.lost) return;
    this.lost = true;
    for (const delivery of this.open) {
      this.open.remove(delivery);
      if (!delivery.lose()) continue;
      this.owed -= 1;
      this.options.ledger.messageSettled('abandoned');
    }
    this.forget();
  }

  /** Those that may be acked and are picked, in order. */
  private settled(pick: (delivery: PendingDelivery) => boolean): PendingDelivery[] {
    return [...this.open].filter((delivery) => delivery.ackable && pick(delivery));
  }

  /** Acks the settled front with one frame, then these singly, as far as the front has not taken them along. */
  private send(alone: readonly PendingDelivery[]): void {
    if (this.lost || this.waiting === 0) return;
    this.options.beforeAcks?.();
    try {
      this.ackFront();
      for (const delivery of alone) {
        if (!this.open.has(delivery)) continue;
        this.open.remove(delivery);
        this.waiting -= 1;
        this.options.ack(delivery.tag, false);
      }
      this.options.onAcked?.();
    } catch {
      // The channel is closed and its `close` event is under way: the broker gives everything out again.
    }
    if (this.waiting === 0) this.forget();
  }

  private forget(): void {
    this.waiting = 0;
    this.stopWaiting?.();
    this.stopWaiting = undefined;
  }

  /** While something waits, each `holdMs` what did so the last time goes out. */
  private watch(): void {
    if (this.waiting === 0 || this.lost || this.stopWaiting !== undefined) return;
    this.stopWaiting = this.options.after(this.options.holdMs, () => {
      this.stopWaiting = undefined;
      const old = this.settled((delivery) => {
        const { passed } = delivery;
        delivery.passed = true;
        return passed;
      });
      if (old.length > 0) this.send(old);
      this.watch();
    });
  }

  private ackFront(): void {
    let last = 0;
    let count = 0;
    for (let delivery = this.open.oldest; delivery?.ackable === true; delivery = this.open.oldest) {
      last = delivery.tag;
      count += 1;
      this.open.remove(delivery);
    }
    this.waiting -= count;
    if (count > 0) this.options.ack(last, count > 1);
  }
}
