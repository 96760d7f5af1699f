import type { FaultCode } from '../../../src/domain/fault.ts';
import type { Scheduler } from '../../../src/pipeline/ports.ts';

/** A message of a device in the ingest queue. */
export interface Stored {
  readonly topic: string;
  readonly body: string;
  deliveries: number;
}

/** What a gateway publishes: a batch, or a dead letter, which has a code. */
export interface Outbound {
  readonly id: string;
  readonly exchange: string;
  readonly routingKey: string;
  /** The readings of a batch; of a dead letter the original message alone. */
  readonly texts: readonly string[];
  readonly code: FaultCode | undefined;
}

/** What a mutant breaks in the world around the pipeline. */
export interface SimMutations {
  ignoreReturn?: boolean;
  lostIsSuccess?: boolean;
  ackEarly?: boolean;
}

/** One connection of a gateway, as the broker and the network reach it. */
export interface SimClient {
  /** The connection is gone, with everything on it. */
  lose(): void;
  /** A fault began or ended. */
  changed(): void;
}

/** The broker's answer to one publish: basic.ack, basic.nack, basic.return and then an ack, or channel.close for a missing exchange. */
export type Verdict = 'ack' | 'nack' | 'return' | 'close';

/**
 * A broker in memory with an ingest queue, exchanges, queues, and faults. It survives the gateway: what a crashed
 * gateway had not acked is delivered again, in order, before newer messages (measured on RabbitMQ 3.10: a closed
 * channel keeps the order, a nack does not). It passes the contracts of the real one (test/property/contract.test.ts).
 */
export class SimBroker {
  readonly time: Scheduler;
  readonly mutations: SimMutations;
  /** Exchange -> which queue takes a routing key; undefined where none is bound. */
  readonly exchanges: Map<string, (routingKey: string) => string | undefined> = new Map();
  /** What arrived in each queue, in order. */
  readonly queues: Map<string, Outbound[]> = new Map();
  /** What reached any queue, in the order in which it did. */
  readonly accepted: Outbound[] = [];
  maxPublishing = 0;
  redelivered = 0;
  faultsApplied = 0;

  /** Faults in force. `missing` are exchanges that were taken away, `full` are queues that refuse. */
  down = false;
  blocked = false;
  stalled = false;
  nacking = false;
  readonly missing: Set<string> = new Set();
  readonly full: Set<string> = new Set();

  readonly clients: Set<SimClient> = new Set();
  private readonly ready: Stored[] = [];
  private held: (() => void)[] = [];
  private publishing = 0;

  constructor(time: Scheduler, mutations: SimMutations = {}) {
    this.time = time;
    this.mutations = mutations;
  }

  publishFromDevice(topic: string, body: string): void {
    this.ready.push({ topic, body, deliveries: 0 });
    this.tell();
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
  cut(): void {
    this.faultsApplied += 1;
    this.down = true;
    for (const client of this.clients) client.lose();
    this.tell();
  }

  /** Publishers are blocked, as by a memory alarm. */
  block(): void {
    this.blocked = true;
    this.tell();
  }

  /** Connections stay, but nothing passes in either direction. */
  stall(): void {
    this.stalled = true;
  }

  /** Ends cut, block and stall. */
  restore(): void {
    this.down = false;
    this.blocked = false;
    this.stalled = false;
    const held = this.held;
    this.held = [];
    for (const pass of held) pass();
    this.tell();
  }

  /** Runs it now, or, while traffic is stalled, as soon as it flows again; the order is kept. */
  whenFlowing(pass: () => void): void {
    if (this.stalled) this.held.push(pass);
    else pass();
  }

  /** A publish has reached the broker. */
  accept(message: Outbound): Verdict {
    const route = this.missing.has(message.exchange) ? undefined : this.exchanges.get(message.exchange);
    const queue = route?.(message.routingKey);
    if (queue === undefined) {
      if (this.mutations.ignoreReturn === true) return 'ack';
      return route === undefined ? 'close' : 'return';
    }
    if (this.nacking || this.full.has(queue)) return 'nack';
    this.accepted.push(message);
    const arrived = this.queues.get(queue);
    if (arrived === undefined) this.queues.set(queue, [message]);
    else arrived.push(message);
    return 'ack';
  }

  /** Keeps count of the confirmed publishes that are unanswered. */
  countPublishing(change: 1 | -1): void {
    this.publishing += change;
    this.maxPublishing = Math.max(this.maxPublishing, this.publishing);
  }

  private tell(): void {
    for (const client of this.clients) client.changed();
  }
}
