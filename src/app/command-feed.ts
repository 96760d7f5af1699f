import type { Observer } from '../domain/events.ts';
import { Ledger } from '../domain/ledger.ts';
import { edgeMessagePrefix } from '../domain/message.ts';
import { backoffMs } from '../pipeline/backoff.ts';
import type { Delivery, Scheduler } from '../pipeline/ports.ts';
import { assertTopology } from '../rabbit/assert-topology.ts';
import { pause } from '../rabbit/deadline.ts';
import { messageOf } from '../rabbit/reasons.ts';
import { Session } from '../rabbit/session.ts';
import { AmqpSource } from '../rabbit/source.ts';
import { commandTopology } from '../rabbit/topology.ts';
import type { Settings } from '../settings/load.ts';
import { sessionOptions } from './session-options.ts';

const ANSWER_MS = 10_000;
/** Most commands that are taken and not handed over. */
const PREFETCH = 64;
const RETRY_BASE_MS = 100;
const RETRY_CAP_MS = 10_000;

/** A command for devices. */
export interface Command {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1;
  readonly retain: false;
}

export interface CommandFeedOptions {
  readonly settings: Settings;
  readonly observer: Observer;
  readonly scheduler: Scheduler;
  readonly onBug: (error: unknown) => void;
  readonly warn: (message: string) => void;
  /** Resolves when the devices that are here have it, and it is stored for those that are away. */
  readonly hand: (command: Command) => Promise<void>;
}

/** Takes commands from a durable queue of the edge in RabbitMQ, in order, and acks each when it is handed over. */
export class CommandFeed {
  private readonly options: CommandFeedOptions;
  private readonly session: Session;
  private readonly source: AmqpSource;
  private readonly stopping = new AbortController();
  private turn: Promise<void> = Promise.resolve();

  constructor(options: CommandFeedOptions) {
    this.options = options;
    const { settings, observer, scheduler, onBug } = options;
    const { edge, source } = settings;
    const topology = commandTopology(settings.gateway.name, {
      exchange: edge.mode === 'direct' ? source.exchange : edge.bridge.exchange,
      commands: edge.commands,
    });
    this.session = new Session({ ...sessionOptions(settings, 'commands'), failFast: false, observer, scheduler });
    this.source = new AmqpSource({
      session: this.session,
      queue: topology.queues[0]?.name ?? '',
      prefetch: PREFETCH,
      ledger: new Ledger(),
      scheduler,
      observer,
      prepare: async (connection) => await assertTopology(connection, topology, { timeoutMs: ANSWER_MS, scheduler }),
      onBug,
      timeoutMs: ANSWER_MS,
      deliveryLimit: 0,
    });
  }

  /** Waits for RabbitMQ as long as it takes. */
  start(signal: AbortSignal): void {
    const own = edgeMessagePrefix(this.options.settings.gateway.name);
    const both = AbortSignal.any([signal, this.stopping.signal]);
    this.session.start(both).catch(() => undefined);
    this.source
      .start((delivery) => {
        delivery.split(1);
        // What a device of this edge published has reached the others here already.
        if (delivery.message.messageId?.startsWith(own) === true) delivery.settlePart('filtered');
        else this.turn = this.turn.then(async () => await this.hand(delivery));
      }, both)
      .catch(() => undefined);
  }

  async close(deadlineMs: number): Promise<void> {
    this.stopping.abort();
    this.source.pause();
    await this.source.close();
    await this.session.close(deadlineMs);
  }

  private async hand(delivery: Delivery): Promise<void> {
    const { hand, warn, scheduler } = this.options;
    const { topic, body, qos } = delivery.message;
    for (let attempt = 1; delivery.live && !this.stopping.signal.aborted; attempt += 1) {
      try {
        await hand({ topic, payload: body, qos: qos ?? 1, retain: false });
        delivery.settlePart('forwarded');
        return;
      } catch (error) {
        if (attempt === 1) warn(`a command to ${JSON.stringify(topic)} could not be handed to the devices yet: ${messageOf(error)}`);
        await pause(
          backoffMs(attempt, () => scheduler.random(), RETRY_BASE_MS, RETRY_CAP_MS),
          this.stopping.signal,
          scheduler,
        );
      }
    }
    delivery.settlePart('abandoned');
  }
}
