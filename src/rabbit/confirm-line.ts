import type { ConfirmChannel } from 'amqplib';
import { Chain } from '../domain/chain.ts';
import { type Fault, failed, fault, ok, type Result } from '../domain/fault.ts';
import type { Scheduler } from '../pipeline/ports.ts';
import type { AbortWatch, Heard } from './abort-watch.ts';
import { CLOSE_MS, type InFlight, waitedMs, watchChannel } from './confirm-channel.ts';
import { closeChannel, type Connection } from './connection.ts';
import { lost, nacked, noRight, noSuchExchange, unroutable } from './publish-faults.ts';
import { messageOf, replyCodeOf } from './reasons.ts';
import type { Publish } from './wire/publish.ts';
import type { PublishWriter } from './wire/publish-writer.ts';

const OK: Result<void> = ok(undefined);

export interface ConfirmLineOptions {
  readonly exchange: string;
  /** Longest wait for a confirm, not counting the time that the broker blocks publishers. */
  readonly confirmTimeoutMs: number;
  readonly scheduler: Scheduler;
  /** Its owner hears by it of signals, and answers with `abort`. */
  readonly aborts: AbortWatch;
  /** A message was refused (basic.nack). */
  readonly onRefused: (line: ConfirmLine) => void;
  /** The broker closed the channel because of one of so many messages, and did not say of which. */
  readonly onSuspects: (count: number) => void;
  /** The last message on its way has its answer. */
  readonly onIdle: (line: ConfirmLine) => void;
  /** Once: it takes no message any more. */
  readonly onDead: (line: ConfirmLine) => void;
}

/** A message on its way. */
interface Pending extends InFlight<Pending> {
  readonly routingKey: string;
  readonly signal: AbortSignal;
  readonly heard: Heard;
  /** Its time is up; the answer waits for the end of the channel. */
  expired: boolean;
  readonly resolve: (result: Result<void>) => void;
}

/**
 * One confirm channel of a publisher while it lives. What was sent on it is charged to it alone. One promise and one record for each message:
 * where readings go out one by one, what comes and goes with each publish was most of what the gateway did.
 */
export class ConfirmLine {
  readonly channel: ConfirmChannel;
  readonly connection: Connection;
  /** On the monotonic clock. */
  readonly openedAt: number;
  /** Why it died: the fault of everything that was unconfirmed then; undefined while it lives. */
  fault: Fault | undefined;
  private readonly options: ConfirmLineOptions;
  private readonly writer: Pick<PublishWriter, 'publish'>;
  /** In the order of sending. */
  private readonly pending = new Chain<Pending>();
  /** Ends the wait for the confirm of the oldest; undefined where nobody waits. */
  private stopWatch: (() => void) | undefined;
  private forget: () => void = () => {};

  constructor(channel: ConfirmChannel, connection: Connection, options: ConfirmLineOptions) {
    this.channel = channel;
    this.connection = connection;
    this.options = options;
    this.openedAt = options.scheduler.monotonic();
    this.writer = connection.writerOf(channel);
    this.forget = watchChannel(
      channel,
      connection,
      this.pending,
      (error) => this.closeFault(error),
      (why) => this.retire(why),
    );
  }

  /** Messages without an answer. */
  get size(): number {
    return this.pending.size;
  }

  publish(message: Publish, signal: AbortSignal): Promise<Result<void>> {
    return new Promise((resolve) => {
      const pending: Pending = {
        id: message.messageId,
        routingKey: message.routingKey,
        signal,
        heard: this.options.aborts.enter(signal),
        sentAt: this.options.scheduler.monotonic(),
        blockedMs: this.connection.blockedMs,
        returned: undefined,
        expired: false,
        resolve,
        older: undefined,
        newer: undefined,
      };
      this.pending.append(pending);
      try {
        this.writer.publish(message, (error) => this.confirmed(pending, error));
      } catch (error) {
        // What AMQP cannot carry; nothing of it was sent.
        this.settle(pending, failed('ENCODE_FAILED', messageOf(error), error));
        return;
      }
      this.watch();
    });
  }

  /** Gives up what waits under the signal. */
  abort(signal: AbortSignal, answer: Result<void>): void {
    for (const pending of this.pending) if (pending.signal === signal) this.settle(pending, answer);
  }

  /** Ends it, once: everything unanswered gets this fault. */
  retire(why: Fault): void {
    if (this.fault !== undefined) return;
    this.fault = why;
    this.forget();
    this.stopWatch?.();
    this.options.onDead(this);
    for (const pending of this.pending) if (!pending.expired) this.settle(pending, { ok: false, fault: why });
  }

  private confirmed(pending: Pending, error: unknown): void {
    const { exchange } = this.options;
    if (error === null) {
      this.settle(pending, pending.returned === undefined ? OK : unroutable(exchange, pending.routingKey, pending.returned));
      return;
    }
    if (pending.expired) return;
    // A lost channel fails its confirms with the same kind of error as a nack; there the line is dead already.
    if (this.fault === undefined) this.options.onRefused(this);
    this.settle(pending, { ok: false, fault: this.fault ?? nacked(exchange) });
  }

  /** Answers a publish, once. */
  private settle(pending: Pending, result: Result<void>): void {
    if (!this.pending.has(pending)) return;
    this.pending.remove(pending);
    this.options.aborts.leave(pending.heard);
    if (this.pending.size === 0) this.options.onIdle(this);
    pending.resolve(result);
  }

  /** One timer for the oldest: all wait equally long, so that no later one can be due before it. */
  private watch(): void {
    const { oldest } = this.pending;
    if (this.stopWatch !== undefined || this.fault !== undefined || oldest === undefined) return;
    const { confirmTimeoutMs, scheduler } = this.options;
    const { connection } = this;
    const waited = connection.blockedReason === undefined ? waitedMs(oldest, connection, scheduler.monotonic()) : 0;
    const left = confirmTimeoutMs - waited;
    if (left <= 0) {
      void this.timeOut(oldest);
      return;
    }
    this.stopWatch = scheduler.after(Math.ceil(left), () => {
      this.stopWatch = undefined;
      this.watch();
    });
  }

  /**
   * No confirm: what became of the message is unknown. The channel goes first, so that the copy which the caller will
   * send cannot be overtaken by this one; if not even the closing is answered, the connection is dead and goes too.
   */
  private async timeOut(pending: Pending): Promise<void> {
    const { scheduler, exchange, confirmTimeoutMs } = this.options;
    pending.expired = true;
    this.retire(lost());
    if (!(await closeChannel(this.channel, CLOSE_MS, scheduler)))
      this.connection.destroy(`no confirm from exchange '${exchange}' and no answer to closing the channel`);
    this.settle(pending, failed('CONFIRM_TIMEOUT', `no confirm from exchange '${exchange}' within ${confirmTimeoutMs} ms; the channel was closed`));
  }

  /** The fault of a channel that the broker closed, by its AMQP reply code. */
  private closeFault(error: Error): Fault {
    const { exchange } = this.options;
    const text = messageOf(error);
    const unconfirmed = this.pending.size;
    switch (replyCodeOf(error) ?? 0) {
      case 404:
        return noSuchExchange(exchange, text);
      case 403:
        return noRight(exchange, text);
      case 406:
        // The broker refuses one message (larger than its max_message_size) and does not say which. Alone it must be
        // this one; of several each goes again alone, so that the guilty one cannot fail the others for ever.
        if (unconfirmed <= 1) return fault('TOO_LARGE', `the broker refuses the message: ${text}`);
        this.options.onSuspects(unconfirmed);
        return fault('NOT_CONNECTED', `the broker refused one of ${unconfirmed} messages: ${text}; they go again one at a time`);
      default:
        return fault('NOT_CONNECTED', text);
    }
  }
}
