import type { ConfirmChannel, Message } from 'amqplib';
import { type Fault, fault } from '../domain/fault.ts';
import type { KeptMessage } from '../domain/kept-message.ts';
import { routingKeyFromTopic } from '../domain/message.ts';
import { backoffMs } from '../pipeline/backoff.ts';
import type { Outlet } from '../pipeline/outlet.ts';
import type { Scheduler } from '../pipeline/ports.ts';
import { unavailability } from './availability.ts';
import { closeChannel, type Connection } from './connection.ts';
import { type PluginHeaders, pluginHeadersOf, pluginProperties } from './plugin-properties.ts';
import { messageOf, replyCodeOf } from './reasons.ts';
import type { Session } from './session.ts';

/** AMQP shortstr (0-9-1, 4.2.5.3). */
const MAX_ROUTING_KEY = 255;
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

interface Pending {
  readonly done: (fault: Fault | undefined) => void;
  readonly sentAt: number;
  /** For how long its connection had been blocked by then. */
  readonly blockedMs: number;
  /** Reply text of basic.return, which comes before the confirm of the same message. */
  returned: string | undefined;
}

/** One confirm channel while it lives. */
interface Line {
  readonly channel: ConfirmChannel;
  readonly connection: Connection;
  readonly headers: PluginHeaders;
  /** By message id, in the order of sending. */
  readonly pending: Map<string, Pending>;
  readonly forget: () => void;
}

/**
 * Publishes what devices sent to the edge as the broker's own MQTT plugin would. One channel, many messages under way, no promise
 * for each: the answer is a callback. Heals: with every connection, and when the broker closed the channel, it opens a new one.
 */
export class AmqpBridge implements Outlet {
  readonly window: number;
  readonly perTopic: number;
  private readonly options: AmqpBridgeOptions;
  private readonly listeners = new Set<() => void>();
  private readonly forget: (() => void)[] = [];
  private line: Line | undefined;
  private opening = false;
  private closed = false;
  private attempts = 0;
  private trouble: Fault | undefined;
  private told = false;
  private count = 0;
  private cancelWatch: (() => void) | undefined;

  constructor(options: AmqpBridgeOptions) {
    this.options = options;
    this.window = options.window;
    this.perTopic = options.perTopic;
  }

  /** Begins to open channels; the session is started by its owner. */
  start(): void {
    const { session } = this.options;
    this.forget.push(
      session.onReady(() => void this.open()),
      session.onChange(() => this.tell()),
    );
  }

  get unavailable(): Fault | undefined {
    return (
      unavailability(this.options.session) ?? (this.line === undefined ? (this.trouble ?? fault('NOT_CONNECTED', 'the channel is not open yet')) : undefined)
    );
  }

  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  send(message: KeptMessage, late: boolean, done: (fault: Fault | undefined) => void): void {
    const { line, options } = this;
    const { exchange, mandatory, maxMessageBytes, scheduler, instance } = options;
    if (message.payload.length > maxMessageBytes) {
      done(fault('TOO_LARGE', `${message.payload.length} bytes; the bound is ${maxMessageBytes} (rabbitmq.maxMessageBytes)`));
      return;
    }
    const routingKey = routingKeyFromTopic(message.topic);
    if (Buffer.byteLength(routingKey) > MAX_ROUTING_KEY) {
      done(fault('ENCODE_FAILED', `the topic has ${Buffer.byteLength(routingKey)} bytes; AMQP routes at most ${MAX_ROUTING_KEY}`));
      return;
    }
    if (line === undefined) {
      done(this.unavailable ?? lost());
      return;
    }
    this.count += 1;
    const id = `${instance}-e${this.count}`;
    const pending: Pending = { done, sentAt: scheduler.monotonic(), blockedMs: line.connection.blockedMs, returned: undefined };
    line.pending.set(id, pending);
    try {
      line.channel.publish(
        exchange,
        routingKey,
        message.payload,
        { ...pluginProperties(message, line.headers, late), messageId: id, mandatory },
        (error: unknown) => {
          // A lost channel fails its confirms too: by then they are answered.
          if (!line.pending.delete(id)) return;
          if (error !== null) done(fault('BROKER_NACK', `the broker refused a message to '${exchange}': a queue behind it is full or has no leader`));
          else if (pending.returned === undefined) {
            this.attempts = 0;
            done(undefined);
          } else done(fault('UNROUTABLE', `no queue is bound to '${exchange}' for '${routingKey}' (${pending.returned})`));
        },
      );
    } catch (error) {
      // amqplib throws on a channel that is closed, and its event is under way.
      if (line.pending.delete(id)) done(fault('NOT_CONNECTED', messageOf(error)));
      return;
    }
    this.watch();
  }

  /** Closes the channel; what is unconfirmed answers NOT_CONNECTED. Never rejects. */
  async close(deadlineMs: number): Promise<void> {
    this.closed = true;
    for (const forget of this.forget) forget();
    this.cancelWatch?.();
    const { line } = this;
    if (line === undefined) return;
    this.retire(line, fault('NOT_CONNECTED', 'the bridge is closing'));
    await closeChannel(line.channel, deadlineMs, this.options.scheduler);
  }

  private async open(): Promise<void> {
    const { session, channelTimeoutMs } = this.options;
    const connection = session.current;
    if (this.opening || this.closed || this.line !== undefined || connection === undefined) return;
    this.opening = true;
    try {
      const channel = await connection.openConfirmChannel(channelTimeoutMs);
      if (this.closed) await closeChannel(channel, CLOSE_MS, this.options.scheduler);
      else this.use(channel, connection);
    } catch (error) {
      this.trouble = fault('NOT_CONNECTED', messageOf(error));
      if (!connection.lost) this.openLater();
    } finally {
      this.opening = false;
    }
    this.tell();
  }

  private use(channel: ConfirmChannel, connection: Connection): void {
    const { version } = connection.serverProperties;
    const line: Line = {
      channel,
      connection,
      headers: pluginHeadersOf(version),
      pending: new Map(),
      forget: connection.onLost((reason) => this.retire(line, fault('NOT_CONNECTED', reason))),
    };
    channel.on('return', (message: Message) => {
      const pending = line.pending.get(String(message.properties.messageId));
      if (pending !== undefined) pending.returned = (message.fields as { replyText?: string }).replyText ?? 'returned';
    });
    channel.on('error', (error: Error) => this.retire(line, this.closeFault(error)));
    channel.prependListener('close', () => this.retire(line, lost()));
    if (connection.lost) return;
    this.line = line;
    this.trouble = undefined;
  }

  private openLater(): void {
    this.attempts += 1;
    const { scheduler } = this.options;
    scheduler.after(
      backoffMs(this.attempts, () => scheduler.random(), REOPEN_BASE_MS, REOPEN_CAP_MS),
      () => void this.open(),
    );
  }

  /** The channel is gone: nobody knows what became of what is unconfirmed. */
  private retire(line: Line, why: Fault): void {
    if (this.line !== line) return;
    this.line = undefined;
    this.trouble = why;
    line.forget();
    const pending = [...line.pending.values()];
    line.pending.clear();
    this.tell();
    for (const { done } of pending) done(why.kind === 'permanent' ? fault('NOT_CONNECTED', why.message) : why);
    if (!line.connection.lost && !this.closed) this.openLater();
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

  /** One timer for all: the oldest unconfirmed message tells. While the broker blocks publishers nothing is late. */
  private watch(): void {
    if (this.cancelWatch !== undefined) return;
    const { scheduler, confirmTimeoutMs } = this.options;
    this.cancelWatch = scheduler.after(confirmTimeoutMs / 4, () => {
      this.cancelWatch = undefined;
      const { line } = this;
      if (line === undefined || line.pending.size === 0) return;
      const oldest = line.pending.values().next().value as Pending;
      const waited = scheduler.monotonic() - oldest.sentAt - (line.connection.blockedMs - oldest.blockedMs);
      if (waited >= confirmTimeoutMs && line.connection.blockedReason === undefined) void this.giveUp(line);
      else this.watch();
    });
  }

  private async giveUp(line: Line): Promise<void> {
    const { exchange, confirmTimeoutMs, scheduler } = this.options;
    this.retire(line, fault('CONFIRM_TIMEOUT', `no confirm from exchange '${exchange}' within ${confirmTimeoutMs} ms; the channel was closed`));
    if (!(await closeChannel(line.channel, CLOSE_MS, scheduler)))
      line.connection.destroy(`no confirm from exchange '${exchange}' and no answer to closing the channel`);
  }

  private tell(): void {
    const away = this.unavailable !== undefined;
    if (away === this.told) return;
    this.told = away;
    for (const listener of this.listeners) listener();
  }
}

function lost(): Fault {
  return fault('NOT_CONNECTED', 'the channel was lost before the confirm');
}
