import type { Ledger, Outcome } from '../../../src/domain/ledger.ts';
import type { InboundMessage } from '../../../src/domain/message.ts';
import { type DeliveryOwner, PendingDelivery } from '../../../src/pipeline/delivery.ts';
import type { Delivery, Source } from '../../../src/pipeline/ports.ts';
import type { SimBroker, SimClient, Stored } from './broker.ts';

/** The gateway's view of the simulated broker as a source. Dies with its gateway. */
export class SimSource implements Source, SimClient, DeliveryOwner {
  private readonly broker: SimBroker;
  private readonly prefetch: number;
  private readonly ledger: Ledger;
  private handler: (delivery: Delivery) => void = () => {};
  private started = false;
  private attached = (): void => {};
  private unacked: { readonly stored: Stored; readonly delivery: PendingDelivery }[] = [];
  private tag = 0;
  private pumping = false;
  private halted = false;

  /** `prefetch` is the most unacked messages. */
  constructor(broker: SimBroker, prefetch: number, ledger: Ledger) {
    this.broker = broker;
    this.prefetch = prefetch;
    this.ledger = ledger;
  }

  get unsettled(): number {
    return this.unacked.filter(({ delivery }) => !delivery.settled).length;
  }

  /** What the broker counts against the prefetch: also what was abandoned, and what is acked while traffic is stalled. */
  get unackedCount(): number {
    return this.unacked.length;
  }

  /** True after `pause` or `close`. */
  get stopped(): boolean {
    return this.halted;
  }

  start(handler: (delivery: Delivery) => void, signal: AbortSignal): Promise<void> {
    this.handler = handler;
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.pause();
        reject(new Error('stopped before the queue could be consumed'));
      };
      if (signal.aborted) {
        abort();
        return;
      }
      signal.addEventListener('abort', abort);
      this.attached = () => {
        signal.removeEventListener('abort', abort);
        resolve();
      };
      this.started = true;
      this.broker.clients.add(this);
      this.changed();
    });
  }

  pause(): void {
    this.halted = true;
    this.broker.clients.delete(this);
  }

  close(): Promise<void> {
    this.pause();
    this.lose();
    return Promise.resolve();
  }

  /** The channel is gone: everything unacked goes back, in order. */
  lose(): void {
    const back = this.unacked;
    this.unacked = [];
    for (const { delivery } of back) if (delivery.lose()) this.ledger.messageSettled('abandoned');
    this.broker.giveBack(back.map((entry) => entry.stored));
  }

  /** Takes back what is unacked and consumes again. */
  renew(): Promise<void> {
    if (!this.halted) {
      this.lose();
      this.broker.time.after(1, () => this.changed());
    }
    return Promise.resolve();
  }

  /** Consumes again, if it can: after the end of a fault, a lost channel, an ack, or for a new message. */
  changed(): void {
    const { broker } = this;
    if (this.pumping || !this.started || broker.down || broker.stalled) return;
    this.attached();
    this.pumping = true;
    while (!this.halted && this.unacked.length < this.prefetch) {
      const stored = broker.take();
      if (stored === undefined) break;
      this.deliver(stored);
    }
    this.pumping = false;
  }

  onSettled(delivery: PendingDelivery, outcome: Outcome): void {
    this.ledger.messageSettled(outcome);
    // Never acked: it stays until the channel goes, and comes again.
    if (outcome === 'abandoned') return;
    this.broker.whenFlowing(() => {
      this.unacked = this.unacked.filter((entry) => entry.delivery !== delivery);
      this.broker.time.after(0, () => this.changed());
    });
  }

  onLate(): void {
    // Its channel is gone, and the message is with the broker again: there is nothing to ack.
  }

  private deliver(stored: Stored): void {
    const redelivered = stored.deliveries > 0;
    if (redelivered) this.broker.redelivered += 1;
    const message: InboundMessage = {
      topic: stored.topic,
      routingKey: stored.topic.replaceAll('/', '.'),
      body: Buffer.from(stored.body),
      receivedAt: this.broker.time.now(),
      contentType: undefined,
      contentEncoding: undefined,
      redelivered,
      deliveryCount: stored.deliveries,
      qos: 1,
    };
    stored.deliveries += 1;
    const delivery = new PendingDelivery(message, ++this.tag, this);
    if (this.broker.mutations.ackEarly !== true) this.unacked.push({ stored, delivery });
    this.ledger.messageReceived();
    this.handler(delivery);
  }
}
