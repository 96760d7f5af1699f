import { Chain, type Link } from '../domain/chain.ts';
import { type Fault, fault } from '../domain/fault.ts';
import type { KeptMessage } from '../domain/kept-message.ts';
import type { Ledger, Outcome } from '../domain/ledger.ts';
import { type InboundMessage, routingKeyFromTopic, topicFromRoutingKey } from '../domain/message.ts';
import { AvailabilityListeners } from '../pipeline/availability-listeners.ts';
import { type DeliveryOwner, PendingDelivery } from '../pipeline/delivery.ts';
import { onceATurn } from '../pipeline/once-a-turn.ts';
import type { Outlet } from '../pipeline/outlet.ts';
import type { Delivery } from '../pipeline/ports.ts';
import type { CrashNotes } from './crash-notes.ts';

export interface DirectOutletOptions {
  /** Most messages in the pipeline without an answer. */
  readonly window: number;
  /** The books of the pipeline. */
  readonly ledger: Ledger;
  /** Takes a message into the pipeline. A throw is a bug of ours, and is told to `onBug`. */
  readonly accept: (delivery: Delivery) => void;
  /** Called before messages count as forwarded: what they led to must be safe by then. Must not throw. */
  readonly beforeAcks: () => void;
  /** Why the pipeline cannot publish now; undefined when it can. `changed` tells of changes. */
  readonly away: () => Fault | undefined;
  readonly onBug: (error: unknown) => void;
  readonly crashes: Pick<CrashNotes, 'countOf' | 'note' | 'forget'>;
  /** Runs a function once later in this turn of the event loop; `setImmediate`, save in tests. */
  readonly defer: (fn: () => void) => void;
}

/** Answers go out once a turn, or as soon as this many wait. */
const FLUSH_AT = 256;
const CLOSED = fault('NOT_CONNECTED', 'the pipeline is not open yet');

type Done = (fault: Fault | undefined) => void;

/** With whom to tell; undefined once that is done. */
class DirectDelivery extends PendingDelivery implements Link<DirectDelivery> {
  declare older: DirectDelivery | undefined;
  declare newer: DirectDelivery | undefined;
  done: Done | undefined;

  constructor(message: InboundMessage, tag: number, owner: DirectOutlet, done: Done) {
    super(message, tag, owner);
    this.done = done;
  }
}

/**
 * Hands messages of devices to the pipeline of this process, as a queue of RabbitMQ would: many at once, in order, each answered when
 * its last part has been confirmed, filtered or buried. The pipeline keeps the order of a topic by itself and never refuses a
 * message, so nothing can be overtaken; what it gives up when it stops goes back to whoever sent it.
 */
export class DirectOutlet implements Outlet, DeliveryOwner {
  readonly window: number;
  readonly perTopic: number;
  private readonly options: DirectOutletOptions;
  private readonly listeners = new AvailabilityListeners(() => this.unavailable !== undefined, true);
  /** Handed out and not answered, oldest first. */
  private readonly open = new Chain<DirectDelivery>();
  private settled: DirectDelivery[] = [];
  private readonly flushLater: () => void;
  private owed = 0;
  private count = 0;
  private trouble: Fault | undefined = CLOSED;

  constructor(options: DirectOutletOptions) {
    this.options = options;
    this.flushLater = onceATurn(options.defer, () => this.flush());
    this.window = options.window;
    this.perTopic = options.window;
  }

  /** Messages in the pipeline that are not settled: its side of the books. */
  get unsettled(): number {
    return this.owed;
  }

  get unavailable(): Fault | undefined {
    return this.trouble ?? this.options.away();
  }

  onChange(listener: () => void): () => void {
    return this.listeners.add(listener);
  }

  /** The destinations of the pipeline are declared: it takes messages from now on. */
  start(): void {
    this.trouble = undefined;
    this.changed();
  }

  /** `away` may answer something else. */
  changed(): void {
    this.listeners.tell();
  }

  send(message: KeptMessage, late: boolean, done: Done): void {
    const { ledger, accept, onBug, crashes } = this.options;
    this.count += 1;
    const arrived = inbound(message, late);
    const before = crashes.countOf(arrived);
    const delivery = new DirectDelivery(before === 0 ? arrived : { ...arrived, crashes: before }, this.count, this, done);
    this.open.append(delivery);
    this.owed += 1;
    ledger.messageReceived(message.payload.length);
    try {
      accept(delivery);
    } catch (error) {
      // Neither answered nor settled: it is on the disk or with its device, and comes again when the process does.
      this.trouble = fault('NOT_CONNECTED', 'the pipeline has failed');
      crashes.note(arrived);
      onBug(error);
    }
  }

  /** Everything that is not settled goes back, in order, and comes again before what is newer. */
  renew(reason: string): void {
    this.flush();
    const before = this.trouble;
    // Nothing new may come between what goes back.
    this.trouble = fault('NOT_CONNECTED', reason);
    this.changed();
    const back: (Done | undefined)[] = [];
    for (const delivery of this.open) {
      const done = this.close(delivery);
      if (!delivery.lose()) continue;
      this.settle('abandoned');
      back.push(done);
    }
    for (const done of back) done?.(this.trouble);
    this.trouble = before;
    this.changed();
  }

  onSettled(delivery: DirectDelivery, outcome: Outcome): void {
    this.settle(outcome);
    if (outcome === 'abandoned') {
      this.close(delivery)?.(fault('NOT_CONNECTED', 'the pipeline gave it back'));
      return;
    }
    this.settled.push(delivery);
    if (this.settled.length >= FLUSH_AT) this.flush();
    else this.flushLater();
  }

  onLate(): void {
    // Counted when it went back.
  }

  /** Answers what is due. */
  flush(): void {
    if (this.settled.length === 0) return;
    const { settled } = this;
    this.settled = [];
    this.options.beforeAcks();
    for (const delivery of settled) {
      const done = this.close(delivery);
      if (delivery.message.crashes !== undefined) this.options.crashes.forget(delivery.message);
      done?.(undefined);
    }
  }

  /** Nobody waits for it any more. Answers who did. */
  private close(delivery: DirectDelivery): Done | undefined {
    const { done } = delivery;
    if (done === undefined) return undefined;
    delivery.done = undefined;
    this.open.remove(delivery);
    return done;
  }

  private settle(outcome: Outcome): void {
    this.owed -= 1;
    this.options.ledger.messageSettled(outcome);
  }
}

/**
 * As it would arrive through RabbitMQ: a dot in a topic counts as a slash, so that a device is the same one whichever way its
 * message comes, and when a dead letter of it is replayed.
 */
function inbound({ topic, payload, qos, dup, receivedAt }: KeptMessage, late: boolean): InboundMessage {
  const routingKey = routingKeyFromTopic(topic);
  return {
    topic: topic.includes('.') ? topicFromRoutingKey(routingKey) : topic,
    routingKey,
    body: payload,
    receivedAt,
    late,
    messageId: undefined,
    contentType: undefined,
    contentEncoding: undefined,
    redelivered: dup,
    deliveryCount: 0,
    qos: qos === 0 ? 0 : 1,
    replay: undefined,
  };
}
