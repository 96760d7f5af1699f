import { type Fault, fault, ok, failed, type Result } from '../../../src/domain/fault.ts';
import type { Ledger } from '../../../src/domain/ledger.ts';
import type { InboundMessage } from '../../../src/domain/message.ts';
import { type DeliveryOwner, PendingDelivery } from '../../../src/pipeline/delivery.ts';
import type { Batch, DeadLetter, DeadLetterSink, Delivery, Sink } from '../../../src/pipeline/ports.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface Stored {
  readonly topic: string;
  readonly body: string;
  deliveries: number;
}

/** What a mutant breaks in the world around the pipeline. */
export interface SimMutations {
  ignoreReturn?: boolean;
  lostIsSuccess?: boolean;
  ackEarly?: boolean;
}

/**
 * A broker in memory with an ingest queue, exchanges, a dead-letter queue, and faults. It survives the gateway: what
 * a crashed gateway had not acked is delivered again, in order, before newer messages (measured on RabbitMQ 3.10:
 * a closed channel keeps the order, a nack does not).
 */
export class SimBroker {
  readonly time: VirtualTime;
  readonly mutations: SimMutations;
  private ready: Stored[] = [];
  /** What arrived in each destination, in order: one entry a reading. */
  readonly destinations: Map<string, { id: string; topic: string; value: number }[]> = new Map();
  readonly deadLettered: { code: string; body: string; topic: string }[] = [];
  maxUnacked = 0;
  maxPublishing = 0;
  publishing = 0;
  redelivered = 0;
  faultsApplied = 0;

  /** Faults in force. */
  down = false;
  blocked = false;
  nacking = false;
  missing: Set<string> = new Set();
  deadLettersRefused = false;

  consumer: SimSource | undefined;
  readonly listeners: Set<() => void> = new Set();
  private inFlight: Set<(why: 'lost') => void> = new Set();

  constructor(time: VirtualTime, mutations: SimMutations) {
    this.time = time;
    this.mutations = mutations;
  }

  publishFromDevice(topic: string, body: string): void {
    this.ready.push({ topic, body, deliveries: 0 });
    this.consumer?.pump();
  }

  take(): Stored | undefined {
    return this.ready.shift();
  }

  giveBack(messages: readonly Stored[]): void {
    this.ready.unshift(...messages);
  }

  get backlog(): number {
    return this.ready.length;
  }

  /** All connections break; publishes under way either arrived or did not, in the order in which they were sent. */
  cutConnections(): void {
    this.faultsApplied += 1;
    this.down = true;
    for (const lose of this.inFlight) lose('lost');
    this.inFlight.clear();
    this.consumer?.lose();
  }

  restore(): void {
    this.down = false;
    this.blocked = false;
    for (const listener of this.listeners) listener();
    this.consumer?.pump();
  }

  /** One confirmed publish of `accept`; calls back after a random while, or when the connection is cut. */
  transmit(exchange: string, refuse: boolean, accept: () => void): Promise<Result<void>> {
    if (this.down) return Promise.resolve(failed('NOT_CONNECTED', 'no connection'));
    if (this.blocked) return Promise.resolve(failed('BLOCKED', 'memory alarm'));
    this.publishing += 1;
    this.maxPublishing = Math.max(this.maxPublishing, this.publishing);
    const { random } = this.time;
    const arrivesAfter = random() * 8;
    return new Promise((resolve) => {
      let arrived: Result<void> | undefined;
      const finish = (result: Result<void>): void => {
        this.inFlight.delete(lose);
        this.publishing -= 1;
        resolve(result);
      };
      const lose = (): void => {
        cancelArrival();
        cancelConfirm();
        finish(this.mutations.lostIsSuccess === true ? ok(undefined) : failed('NOT_CONNECTED', 'the connection was lost before the confirm'));
      };
      this.inFlight.add(lose);
      let cancelConfirm = (): void => {};
      const cancelArrival = this.time.after(arrivesAfter, () => {
        if (this.missing.has(exchange)) {
          arrived = this.mutations.ignoreReturn === true ? ok(undefined) : failed('UNROUTABLE', `no queue takes it on ${exchange}`);
        } else if (this.nacking || refuse) arrived = failed('BROKER_NACK', 'queue full');
        else {
          accept();
          arrived = ok(undefined);
        }
        const verdict = arrived;
        cancelConfirm = this.time.after(random() * 8, () => finish(verdict));
      });
    });
  }
}

/** The gateway's view of the broker as a source. Dies with its gateway. */
export class SimSource implements DeliveryOwner {
  private readonly broker: SimBroker;
  private readonly prefetch: number;
  private readonly ledger: Ledger;
  private handler: ((delivery: Delivery) => void) | undefined;
  private unacked: { stored: Stored; delivery: PendingDelivery; acked: boolean }[] = [];
  private tag = 0;
  private pumping = false;
  stopped = false;

  constructor(broker: SimBroker, prefetch: number, ledger: Ledger) {
    this.broker = broker;
    this.prefetch = prefetch;
    this.ledger = ledger;
  }

  get unsettled(): number {
    return this.unacked.filter((entry) => !entry.acked && !entry.delivery.settled).length;
  }

  get unackedCount(): number {
    return this.unacked.length;
  }

  start(handler: (delivery: Delivery) => void): void {
    this.handler = handler;
    this.broker.consumer = this;
    this.pump();
  }

  pump(): void {
    if (this.pumping || this.stopped || this.broker.down || this.handler === undefined) return;
    this.pumping = true;
    while (this.unacked.length < this.prefetch) {
      const stored = this.broker.take();
      if (stored === undefined) break;
      if (stored.deliveries > 0) this.broker.redelivered += 1;
      const message: InboundMessage = {
        topic: stored.topic,
        routingKey: stored.topic.replaceAll('/', '.'),
        body: Buffer.from(stored.body),
        receivedAt: this.broker.time.now(),
        contentType: undefined,
        contentEncoding: undefined,
        redelivered: stored.deliveries > 0,
        deliveryCount: stored.deliveries,
        qos: 1,
      };
      stored.deliveries += 1;
      const delivery = new PendingDelivery(message, ++this.tag, this);
      this.unacked.push({ stored, delivery, acked: false });
      this.broker.maxUnacked = Math.max(this.broker.maxUnacked, this.unacked.length);
      this.ledger.messageReceived();
      if (this.broker.mutations.ackEarly === true) this.unacked = this.unacked.filter((entry) => entry.delivery !== delivery);
      this.handler(delivery);
    }
    this.pumping = false;
  }

  onSettled(delivery: PendingDelivery, outcome: Parameters<DeliveryOwner['onSettled']>[1]): void {
    this.ledger.messageSettled(outcome);
    if (outcome === 'abandoned') return;
    this.unacked = this.unacked.filter((entry) => entry.delivery !== delivery);
    this.broker.time.after(0, () => this.pump());
  }

  onLate(): void {}

  /** The channel is gone: everything unacked goes back, in order. */
  lose(): void {
    const back = this.unacked;
    this.unacked = [];
    for (const { delivery } of back) if (delivery.lose()) this.ledger.messageSettled('abandoned');
    this.broker.giveBack(back.map((entry) => entry.stored));
  }
}

export class SimSink implements Sink, DeadLetterSink {
  private readonly broker: SimBroker;
  /** Set when its gateway crashed: nothing it still does reaches the broker. */
  dead = false;

  constructor(broker: SimBroker) {
    this.broker = broker;
  }

  get unavailable(): Fault | undefined {
    if (this.broker.down) return fault('NOT_CONNECTED', 'no connection');
    if (this.broker.blocked) return fault('BLOCKED', 'memory alarm');
    return undefined;
  }

  onAvailable(listener: () => void): () => void {
    this.broker.listeners.add(listener);
    return () => this.broker.listeners.delete(listener);
  }

  async publish(batch: Batch): Promise<Result<void>> {
    if (this.dead) return failed('NOT_CONNECTED', 'dead');
    const readings = batch.items.map((item) => JSON.parse(item.text) as { id: string; topic: string; values: { n: number; poison?: boolean } });
    if (readings.some((reading) => reading.values.poison === true)) return failed('TOO_LARGE', 'larger than the broker takes');
    const { exchange, routingKey } = batch.destination;
    return await this.broker.transmit(exchange, false, () => {
      // All severities meet in one queue, as in the shipped configuration: there they must still be in order.
      const name = exchange === 'alarms' ? exchange : `${exchange}/${routingKey}`;
      const queue = this.broker.destinations.get(name) ?? [];
      this.broker.destinations.set(name, queue);
      for (const reading of readings) queue.push({ id: reading.id, topic: reading.topic, value: reading.values.n });
    });
  }

  offer(): boolean {
    return !this.broker.down;
  }

  async bury(letter: DeadLetter): Promise<Result<void>> {
    if (this.dead) return failed('NOT_CONNECTED', 'dead');
    return await this.broker.transmit('dead', this.broker.deadLettersRefused, () => {
      this.broker.deadLettered.push({ code: letter.fault.code, body: letter.message.body.toString(), topic: letter.message.topic });
    });
  }
}
