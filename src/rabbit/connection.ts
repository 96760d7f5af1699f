import type { Duplex } from 'node:stream';
import type { Channel, ChannelModel, ChannelOptions, ConfirmChannel, ServerProperties } from 'amqplib';
import type { Scheduler } from '../pipeline/ports.ts';
import { within } from './deadline.ts';
import { messageOf, replyCodeOf } from './reasons.ts';
import { insideOf, insideOfChannel } from './wire/amqplib-inside.ts';
import { DeliveryReader, type OnDelivered } from './wire/delivery-reader.ts';
import { PublishWriter } from './wire/publish-writer.ts';

/** How long a socket may take to flush its last frames after the connection has ended. */
const LINGER_MS = 1000;

/**
 * One generation of a session: a connection that was opened, and once lost stays lost. Whatever belongs to it
 * (channels, delivery tags) dies with it, so nothing of it can be used on its successor by mistake.
 */
export class Connection {
  readonly model: ChannelModel;
  /** Counts the connections of a session, from 1. */
  readonly epoch: number;
  lost = false;
  /** Why it was lost; undefined while it lives. */
  lostReason: string | undefined;
  /** The broker's reason while it blocks publishers (resource alarm), else undefined. */
  blockedReason: string | undefined;
  private readonly scheduler: Scheduler;
  private readonly lostListeners = new Set<(reason: string) => void>();
  private readonly blockListeners = new Set<(reason: string | undefined) => void>();
  private blockedSince = 0;
  private blockedBefore = 0;
  private failure: string | undefined;
  private failureCode: number | undefined;
  private deliveries: DeliveryReader | undefined;

  /** Must be called in the tick in which `connect` resolves: an `error` event without a listener would end the process. */
  constructor(model: ChannelModel, epoch: number, scheduler: Scheduler) {
    this.model = model;
    this.epoch = epoch;
    this.scheduler = scheduler;
    model.on('error', (error: Error) => {
      this.failure ??= messageOf(error);
      this.failureCode ??= replyCodeOf(error);
    });
    // `close` comes after every end, `error` only before some (not for 320 CONNECTION_FORCED).
    model.on('close', (error?: Error) => this.end(this.failure ?? (error === undefined ? 'closed' : messageOf(error))));
    model.on('blocked', (reason: string) => this.block(reason));
    model.on('unblocked', () => this.block(undefined));
  }

  get serverProperties(): ServerProperties {
    return this.model.connection.serverProperties;
  }

  /** The connection's own error, known a moment before its channels end and then itself; undefined where it ends without one. */
  get trouble(): string | undefined {
    return this.failure;
  }

  /** AMQP reply code of `trouble`, where the broker gave one. */
  get troubleCode(): number | undefined {
    return this.failureCode;
  }

  /** Calls back once when the connection is lost or closed; at once if it already is. Answers how to stop listening. */
  onLost(listener: (reason: string) => void): () => void {
    if (this.lost) listener(this.lostReason ?? 'closed');
    else this.lostListeners.add(listener);
    return () => this.lostListeners.delete(listener);
  }

  /** Calls back with the reason when publishers are blocked and with undefined when no longer. */
  onBlocked(listener: (reason: string | undefined) => void): void {
    this.blockListeners.add(listener);
  }

  /** Milliseconds that this connection has been blocked so far. */
  get blockedMs(): number {
    return this.blockedBefore + (this.blockedReason === undefined ? 0 : this.scheduler.monotonic() - this.blockedSince);
  }

  /** A channel, or a rejection by the deadline. A server-side close of it reaches the `error` and `close` listeners of the caller. */
  async openChannel(timeoutMs: number, options?: ChannelOptions): Promise<Channel> {
    return await this.open(this.model.createChannel(options), timeoutMs);
  }

  async openConfirmChannel(timeoutMs: number, options?: ChannelOptions): Promise<ConfirmChannel> {
    return await this.open(this.model.createConfirmChannel(options), timeoutMs);
  }

  private async open<T extends Channel>(opening: Promise<T>, timeoutMs: number): Promise<T> {
    // In the tick of the answer, so that the channel is never without an error listener.
    const guarded = opening.then((channel) => {
      channel.on('error', ignore);
      return channel;
    });
    let channel: T;
    try {
      channel = await within(guarded, timeoutMs, 'opening a channel', this.scheduler);
    } catch (error) {
      guarded.then((late) => closeChannel(late, LINGER_MS, this.scheduler), ignore);
      throw error;
    }
    // The connection's end may have stood in the same network read as the answer.
    if (this.lost) throw new Error(this.lostReason ?? 'the connection was lost');
    return channel;
  }

  /** Closes in order, or by force at the deadline. Never rejects. */
  async close(deadlineMs: number): Promise<void> {
    if (this.lost) return;
    this.failure ??= 'closed by this side';
    try {
      await within(this.model.close(), deadlineMs, 'closing the connection', this.scheduler);
    } catch {
      this.destroy('closed by this side');
    }
  }

  /** Cuts the socket now. Nothing that was buffered is sent any more. */
  destroy(reason: string): void {
    if (this.lost) return;
    this.failure = reason;
    // An error, not a plain destroy: amqplib listens to `error` and `end` only and would keep its timers.
    this.stream.destroy(new Error(reason));
    // destroy() emits on the next tick; those who ask now must already see the truth.
    this.end(reason);
  }

  /** The socket. */
  get stream(): Duplex {
    return insideOf(this.model).stream;
  }

  /**
   * Consumes a queue over a channel that has no other consumer. `listener` gets the messages in order, each with contents of its own, and
   * must not throw. Rejects where the broker refuses.
   */
  async consume(channel: Channel, queue: string, listener: OnDelivered, onCancelled: () => void): Promise<void> {
    this.deliveries ??= new DeliveryReader(insideOf(this.model));
    const { deliveries } = this;
    // `close` comes when the broker uses the number no more.
    channel.once('close', deliveries.listen(insideOfChannel(channel).ch, listener));
    await channel.consume(queue, (message) => {
      if (message === null) onCancelled();
      else {
        deliveries.learn(message.properties.headers);
        // A copy: amqplib's buffer is a view on what the socket read, and one parked message would hold all of that.
        listener({ ...message, content: Buffer.from(message.content) });
      }
    });
  }

  /** Writes messages of a channel that the caller has opened here, more of them a second than its `publish` could. */
  writerOf(channel: ConfirmChannel): PublishWriter {
    return new PublishWriter(insideOf(this.model), channel);
  }

  private block(reason: string | undefined): void {
    if (reason !== undefined && this.blockedReason === undefined) this.blockedSince = this.scheduler.monotonic();
    if (reason === undefined && this.blockedReason !== undefined) this.blockedBefore += this.scheduler.monotonic() - this.blockedSince;
    this.blockedReason = reason;
    for (const listener of this.blockListeners) listener(reason);
  }

  private end(reason: string): void {
    if (this.lost) return;
    this.lost = true;
    this.lostReason = reason;
    // amqplib only half-closes; towards a dead peer such a socket would linger for minutes.
    this.scheduler.after(LINGER_MS, () => this.stream.destroy());
    for (const listener of this.lostListeners) listener(reason);
    this.lostListeners.clear();
  }
}

/** Closes a channel and waits for the broker's answer. Answers false when none came in time or the channel was already gone. */
export async function closeChannel(channel: Channel, deadlineMs: number, scheduler: Scheduler): Promise<boolean> {
  try {
    // close() throws on a channel that is closed or closing.
    await within(channel.close(), deadlineMs, 'closing a channel', scheduler);
    return true;
  } catch {
    return false;
  }
}

function ignore(): void {}
