import { type Fault, fault } from '../domain/fault.ts';
import type { KeptMessage } from '../domain/kept-message.ts';
import { routingKeyFromTopic } from '../domain/message.ts';
import { AvailabilityListeners } from '../pipeline/availability-listeners.ts';
import { backoffMs } from '../pipeline/backoff.ts';
import type { Outlet } from '../pipeline/outlet.ts';
import type { Scheduler } from '../pipeline/ports.ts';
import { unavailability } from './availability.ts';
import { BridgeLine, type Sending, SPENT } from './bridge-line.ts';
import { closeChannel } from './connection.ts';
import { lost } from './publish-faults.ts';
import { messageOf } from './reasons.ts';
import type { Session } from './session.ts';
import { Suspects } from './suspects.ts';
import { SHORT_STRING_BYTES } from './wire/frames.ts';

const CLOSE_MS = 1000;
/** Between two attempts to open the channel on a connection that stands. */
const REOPEN_BASE_MS = 100;
const REOPEN_CAP_MS = 5000;

export interface AmqpBridgeOptions {
  readonly session: Session;
  /** The exchange of the MQTT plugin. */
  readonly exchange: string;
  /** Starts every message id: unique among processes. */
  readonly instance: string;
  /** Most messages without a confirm. */
  readonly window: number;
  /** Most of one topic; with 1 a refused message cannot be overtaken. */
  readonly perTopic: number;
  /** A message that no queue takes is refused; off: the broker drops it, as its MQTT plugin does. */
  readonly mandatory: boolean;
  readonly confirmTimeoutMs: number;
  readonly channelTimeoutMs: number;
  /** Not above the broker's `max_message_size`. */
  readonly maxMessageBytes: number;
  readonly scheduler: Scheduler;
}

/**
 * Publishes what devices sent to the edge as the broker's own MQTT plugin would. One channel, many messages under way, no promise
 * for each: the answer is a callback. Heals: with every connection, and when the broker closed the channel, it opens a new one.
 * A topic that its account may not write to holds up itself alone (`Suspects`).
 */
export class AmqpBridge implements Outlet {
  readonly window: number;
  readonly perTopic: number;
  private readonly options: AmqpBridgeOptions;
  private readonly listeners = new AvailabilityListeners(() => this.unavailable !== undefined, false);
  private readonly forget: (() => void)[] = [];
  private readonly suspects: Suspects;
  private line: BridgeLine | undefined;
  private opening = false;
  private closed = false;
  private attempts = 0;
  private trouble: Fault | undefined;
  private count = 0;
  private cancelWatch: (() => void) | undefined;

  constructor(options: AmqpBridgeOptions) {
    this.options = options;
    this.window = options.window;
    this.perTopic = options.perTopic;
    this.suspects = new Suspects({ open: async () => await this.openAlone() });
  }

  /** Begins to open channels; the session is started by its owner. */
  start(): void {
    const { session } = this.options;
    this.forget.push(
      session.onReady(() => void this.open()),
      session.onChange(() => this.listeners.tell()),
    );
  }

  get unavailable(): Fault | undefined {
    const away = unavailability(this.options.session);
    if (away !== undefined) return away;
    if (this.line === undefined) return this.trouble ?? fault('NOT_CONNECTED', 'the channel is not open yet');
    return this.line.spent ? SPENT : undefined;
  }

  onChange(listener: () => void): () => void {
    return this.listeners.add(listener);
  }

  send(message: KeptMessage, late: boolean, done: (fault: Fault | undefined) => void): void {
    const { line, options } = this;
    const { maxMessageBytes, instance } = options;
    if (message.payload.length > maxMessageBytes) {
      done(fault('TOO_LARGE', `${message.payload.length} bytes; the bound is ${maxMessageBytes} (rabbitmq.maxMessageBytes)`));
      return;
    }
    const routingKey = routingKeyFromTopic(message.topic);
    if (Buffer.byteLength(routingKey) > SHORT_STRING_BYTES) {
      done(fault('ENCODE_FAILED', `the topic has ${Buffer.byteLength(routingKey)} bytes; AMQP routes at most ${SHORT_STRING_BYTES}`));
      return;
    }
    if (line === undefined || line.spent) {
      done(this.unavailable ?? lost());
      return;
    }
    this.count += 1;
    const sending: Sending = { id: `${instance}-e${this.count}`, message, routingKey, late, done };
    if (this.suspects.has(message.topic)) this.suspects.send(sending);
    else line.publish(sending);
    this.watch();
  }

  /** Closes the channel; what is unconfirmed answers NOT_CONNECTED. Never rejects. */
  async close(deadlineMs: number): Promise<void> {
    this.closed = true;
    for (const forget of this.forget) forget();
    this.cancelWatch?.();
    const why = fault('NOT_CONNECTED', 'the bridge is closing');
    await Promise.all([this.line?.close(why, deadlineMs), this.suspects.close(why, deadlineMs)]);
  }

  private async open(): Promise<void> {
    const { session, channelTimeoutMs } = this.options;
    const connection = session.current;
    if (this.opening || this.closed || this.line !== undefined || connection === undefined) return;
    this.opening = true;
    try {
      const channel = await connection.openConfirmChannel(channelTimeoutMs);
      if (this.closed) await closeChannel(channel, CLOSE_MS, this.options.scheduler);
      else if (!connection.lost) {
        this.line = new BridgeLine(channel, connection, {
          ...this.options,
          onConfirmed: () => {
            this.attempts = 0;
          },
          onSpent: () => this.listeners.tell(),
          onEnd: (line, why, sendings) => this.ended(line, why, sendings),
        });
        this.trouble = undefined;
      }
    } catch (error) {
      this.trouble = fault('NOT_CONNECTED', messageOf(error));
      if (!connection.lost) this.openLater();
    } finally {
      this.opening = false;
    }
    this.listeners.tell();
  }

  /** For one message at a time, beside the other line. */
  private async openAlone(): Promise<BridgeLine | undefined> {
    const { session, channelTimeoutMs } = this.options;
    const connection = session.current;
    if (connection === undefined) return undefined;
    const channel = await connection.openConfirmChannel(channelTimeoutMs);
    return connection.lost ? undefined : new BridgeLine(channel, connection, { ...this.options, onEnd: (...end) => this.suspects.ended(...end) });
  }

  private openLater(): void {
    this.attempts += 1;
    const { scheduler } = this.options;
    scheduler.after(
      backoffMs(this.attempts, () => scheduler.random(), REOPEN_BASE_MS, REOPEN_CAP_MS),
      () => void this.open(),
    );
  }

  private ended(line: BridgeLine, why: Fault, sendings: readonly Sending[]): void {
    if (this.line !== line) return;
    this.line = undefined;
    this.trouble = why;
    if (why.code === 'ACCESS_REFUSED') this.suspects.add(sendings);
    this.listeners.tell();
    for (const { done } of sendings) done(why);
    if (!line.connection.lost && !this.closed) this.openLater();
  }

  /** One timer for all: the oldest unconfirmed message tells. While the broker blocks publishers nothing is late. */
  private watch(): void {
    if (this.cancelWatch !== undefined) return;
    const { exchange, scheduler, confirmTimeoutMs } = this.options;
    this.cancelWatch = scheduler.after(confirmTimeoutMs / 4, () => {
      this.cancelWatch = undefined;
      for (const line of [this.line, this.suspects.channel]) {
        if (line === undefined || line.size === 0) continue;
        this.watch();
        if ((line.waitedMs ?? 0) < confirmTimeoutMs) continue;
        void line.giveUp(fault('CONFIRM_TIMEOUT', `no confirm from exchange '${exchange}' within ${confirmTimeoutMs} ms; the channel was closed`));
      }
    });
  }
}
