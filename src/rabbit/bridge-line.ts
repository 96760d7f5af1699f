import type { ConfirmChannel } from 'amqplib';
import { Chain } from '../domain/chain.ts';
import { type Fault, fault } from '../domain/fault.ts';
import type { KeptMessage } from '../domain/kept-message.ts';
import type { Scheduler } from '../pipeline/ports.ts';
import { CLOSE_MS, type InFlight, REPLACE_MS, waitedMs, watchChannel } from './confirm-channel.ts';
import { closeChannel, type Connection } from './connection.ts';
import { pluginDeliveryMode, pluginHeadersOf, PluginTables } from './plugin-properties.ts';
import { lost } from './publish-faults.ts';
import { messageOf, replyCodeOf } from './reasons.ts';
import type { PublishWriter } from './wire/publish-writer.ts';

export const SPENT: Fault = fault('BROKER_NACK', 'the broker refused a message; another channel is opened');

/** A message on its way, and who waits for the answer. */
export interface Sending {
  readonly id: string;
  readonly message: KeptMessage;
  readonly routingKey: string;
  readonly late: boolean;
  readonly done: (fault: Fault | undefined) => void;
}

interface Pending extends InFlight<Pending> {
  readonly sending: Sending;
}

export interface BridgeLineOptions {
  readonly exchange: string;
  readonly mandatory: boolean;
  readonly scheduler: Scheduler;
  /** The broker has a message, and some queue took it; before its `done`. */
  readonly onConfirmed?: (() => void) | undefined;
  /** It was refused a message and takes no more of them: it ends when those on their way are answered. See `ConfirmPublisher`. */
  readonly onSpent?: (() => void) | undefined;
  /** Once, when its channel is gone; what was on its way is in `sendings`, and is answered by the owner. */
  readonly onEnd: (line: BridgeLine, why: Fault, sendings: readonly Sending[]) => void;
}

/** One confirm channel of the bridge while it lives: many messages under way, no promise for each. */
export class BridgeLine {
  readonly connection: Connection;
  /** It takes no message any more. */
  spent = false;
  private readonly options: BridgeLineOptions;
  private readonly channel: ConfirmChannel;
  private readonly writer: Pick<PublishWriter, 'publish'>;
  private readonly tables: PluginTables;
  /** In the order of sending. */
  private readonly pending = new Chain<Pending>();
  private readonly forget: () => void;
  private readonly openedAt: number;
  private ended = false;

  constructor(channel: ConfirmChannel, connection: Connection, options: BridgeLineOptions) {
    this.channel = channel;
    this.connection = connection;
    this.options = options;
    this.openedAt = options.scheduler.monotonic();
    this.writer = connection.writerOf(channel);
    this.tables = new PluginTables(pluginHeadersOf(connection.serverProperties.version));
    this.forget = watchChannel(
      channel,
      connection,
      this.pending,
      (error) => this.closeFault(error),
      (why) => this.end(why),
    );
  }

  publish(sending: Sending): void {
    const { exchange, mandatory, scheduler } = this.options;
    const { id, message, routingKey, late, done } = sending;
    if (this.ended) {
      done(lost());
      return;
    }
    const { blockedMs } = this.connection;
    const pending: Pending = { id, sending, sentAt: scheduler.monotonic(), blockedMs, returned: undefined, older: undefined, newer: undefined };
    this.pending.append(pending);
    this.writer.publish(
      {
        exchange,
        routingKey,
        mandatory,
        headers: this.tables.of(message, late),
        deliveryMode: pluginDeliveryMode(message),
        messageId: id,
        content: message.payload,
      },
      (error) => this.confirmed(pending, error),
    );
  }

  /** Messages without a confirm. */
  get size(): number {
    return this.pending.size;
  }

  /** For how long the oldest message has been waiting for its confirm, milliseconds; undefined while the broker blocks publishers: nothing is late then. */
  get waitedMs(): number | undefined {
    const { oldest } = this.pending;
    if (oldest === undefined || this.connection.blockedReason !== undefined) return undefined;
    return waitedMs(oldest, this.connection, this.options.scheduler.monotonic());
  }

  /** Gives its messages back, and closes the channel; and the connection where that is not answered. */
  async giveUp(why: Fault): Promise<void> {
    this.end(why);
    if (!(await closeChannel(this.channel, CLOSE_MS, this.options.scheduler))) this.connection.destroy(`${why.message}, and closing it had no answer`);
  }

  /** Gives its messages back, and closes the channel. Never rejects. */
  async close(why: Fault, deadlineMs: number): Promise<void> {
    this.end(why);
    await closeChannel(this.channel, deadlineMs, this.options.scheduler);
  }

  private confirmed(pending: Pending, error: unknown): void {
    // A lost channel fails its confirms too: by then they are answered.
    if (!this.pending.has(pending)) return;
    this.pending.remove(pending);
    const { exchange } = this.options;
    const { done, routingKey } = pending.sending;
    if (error !== null) {
      this.refused();
      done(fault('BROKER_NACK', `the broker refused a message to '${exchange}': a queue behind it is full or has no leader`));
    } else if (pending.returned === undefined) {
      this.options.onConfirmed?.();
      done(undefined);
    } else done(fault('UNROUTABLE', `no queue is bound to '${exchange}' for '${routingKey}' (${pending.returned})`));
    if (this.spent && this.pending.size === 0) void this.close(SPENT, CLOSE_MS);
  }

  private refused(): void {
    if (this.spent || this.options.scheduler.monotonic() - this.openedAt < REPLACE_MS) return;
    this.spent = true;
    this.options.onSpent?.();
  }

  /** Nobody knows what became of what is unconfirmed. */
  private end(why: Fault): void {
    if (this.ended) return;
    this.ended = true;
    this.forget();
    const sendings = Array.from(this.pending, ({ sending }) => sending);
    for (const pending of this.pending) this.pending.remove(pending);
    this.options.onEnd(this, why, sendings);
  }

  private closeFault(error: Error): Fault {
    const { exchange } = this.options;
    const text = messageOf(error);
    switch (replyCodeOf(error) ?? 0) {
      case 404:
        return fault('UNROUTABLE', `exchange '${exchange}' does not exist: ${text}`);
      case 403:
        return fault('ACCESS_REFUSED', `no right to write to exchange '${exchange}': ${text}`);
      default:
        return fault('NOT_CONNECTED', text);
    }
  }
}
