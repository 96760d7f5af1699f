import type { ConfirmChannel, Message, Options } from 'amqplib';
import { Chain, type Link } from '../domain/chain.ts';
import { type Fault, failed, fault, ok, type Result } from '../domain/fault.ts';
import type { Scheduler } from '../pipeline/ports.ts';
import { AbortWatch } from './abort-watch.ts';
import { unavailability } from './availability.ts';
import { closeChannel, type Connection } from './connection.ts';
import { aborted, lost, noRight, noSuchExchange, nacked, unroutable } from './publish-faults.ts';
import { messageOf, replyCodeOf } from './reasons.ts';
import type { Session } from './session.ts';

/** How long the broker may take to answer the closing of a channel before the whole connection is given up. */
const CLOSE_MS = 1000;

/** A channel on which the broker refuses messages gives way to another one when it is so old: no more than one a second is opened. */
export const REPLACE_MS = 1000;

export interface ConfirmPublisherOptions {
  readonly session: Session;
  readonly exchange: string;
  /** Longest wait for a confirm, not counting the time that the broker blocks publishers. */
  readonly confirmTimeoutMs: number;
  /** Longest wait for a channel to open. */
  readonly channelTimeoutMs: number;
  /** Largest body; keep it at or below the broker's `max_message_size`, which closes the channel beyond it. */
  readonly maxMessageBytes: number;
  readonly scheduler: Scheduler;
}

/** Properties of one message; `mandatory` and persistence are the publisher's own. */
export type PublishProperties = Omit<Options.Publish, 'messageId' | 'mandatory' | 'persistent' | 'deliveryMode'>;

/** One confirm channel while it lives. What was sent on it is charged to it alone. */
interface Line {
  readonly channel: ConfirmChannel;
  readonly connection: Connection;
  /** In the order of sending. */
  readonly pending: Chain<Pending>;
  /** On the monotonic clock. */
  readonly openedAt: number;
  dead: boolean;
  /** Why it died: the fault of everything that was unconfirmed then. */
  fault: Fault | undefined;
  forget(): void;
}

interface Pending extends Link<Pending> {
  /** AMQP message-id. */
  readonly id: string;
  readonly signal: AbortSignal;
  /** Reply text of basic.return; it comes before the confirm of the same message. */
  returned: string | undefined;
  /** Its time is up; the answer waits for the end of the channel. */
  expired: boolean;
  settle(result: Result<void>): void;
}

/**
 * Publishes to one exchange and answers ok only for what the broker confirmed and did not return.
 *
 * One channel per exchange: a 404 or 403 closes the channel, and everything unconfirmed on it fails with it.
 *
 * A channel whose message was refused is not used again, once it is a second old: RabbitMQ asks the node that led a quorum queue when
 * the channel first published to it, and for as long as that node is dead refuses all that comes over this channel, though the
 * queue has another leader, and takes it over any new one (3.10.8, `rabbit_fifo_client:enqueue/3`).
 */
export class ConfirmPublisher {
  private readonly options: ConfirmPublisherOptions;
  private line: Line | undefined;
  /** That one, and those whose last message is not answered yet. */
  private readonly lines = new Set<Line>();
  private opening: Promise<Line | Fault> | undefined;
  /** Publishes still to be sent one at a time, after the broker refused one of several without saying which. */
  private careful = 0;
  private turn: Promise<unknown> = Promise.resolve();
  private closed = false;
  private readonly aborts = new AbortWatch((signal) => this.abort(signal));

  constructor(options: ConfirmPublisherOptions) {
    this.options = options;
  }

  /** Closes the channel; what is unconfirmed answers NOT_CONNECTED. Never rejects. */
  async close(deadlineMs: number): Promise<void> {
    this.closed = true;
    this.aborts.close();
    const lines = [...this.lines].filter(({ dead }) => !dead);
    for (const line of lines) this.retire(line, fault('NOT_CONNECTED', 'the publisher is closing'));
    await Promise.all(lines.map(async ({ channel }) => await closeChannel(channel, deadlineMs, this.options.scheduler)));
  }

  /** Contract of `Sink.publish`. `id` is unique among the messages in flight. */
  async publish(id: string, routingKey: string, body: Buffer, properties: PublishProperties, signal: AbortSignal): Promise<Result<void>> {
    if (body.length > this.options.maxMessageBytes) {
      return failed('TOO_LARGE', `${body.length} bytes; the bound is ${this.options.maxMessageBytes} (rabbitmq.maxMessageBytes)`);
    }
    if (this.careful === 0) return await this.send(id, routingKey, body, properties, signal);
    this.careful -= 1;
    const mine = this.turn.then(() => this.send(id, routingKey, body, properties, signal));
    this.turn = mine.catch(() => undefined);
    return (await orAborted(mine, signal)) ?? aborted();
  }

  private async send(id: string, routingKey: string, body: Buffer, properties: PublishProperties, signal: AbortSignal): Promise<Result<void>> {
    const away = this.closed ? fault('NOT_CONNECTED', 'the publisher is closed') : unavailability(this.options.session);
    if (away !== undefined) return { ok: false, fault: away };
    if (signal.aborted) return aborted();
    let line = this.line;
    if (line === undefined) {
      const opened = await orAborted(this.open(), signal);
      if (opened === undefined) return aborted();
      if ('code' in opened) return { ok: false, fault: opened };
      // Between the opening and this tick nothing but microtasks ran, yet an earlier one of them may have failed the line.
      if (opened.dead) return { ok: false, fault: opened.fault ?? lost() };
      line = opened;
    }
    return await this.sendOn(line, id, routingKey, body, properties, signal);
  }

  private sendOn(line: Line, id: string, routingKey: string, body: Buffer, properties: PublishProperties, signal: AbortSignal): Promise<Result<void>> {
    const { exchange, confirmTimeoutMs, scheduler } = this.options;
    return new Promise((resolve) => {
      const blockedAtStart = line.connection.blockedMs;
      const started = scheduler.monotonic();
      let cancelTimer = (): void => {};
      let open = true;
      const heard = this.aborts.enter(signal);
      const pending: Pending = {
        id,
        signal,
        older: undefined,
        newer: undefined,
        returned: undefined,
        expired: false,
        settle: (result) => {
          if (!open) return;
          open = false;
          cancelTimer();
          line.pending.remove(pending);
          this.aborts.leave(heard);
          if (line.pending.size === 0 && this.line !== line) this.putAway(line);
          resolve(result);
        },
      };
      const watch = (): void => {
        const waited = scheduler.monotonic() - started - (line.connection.blockedMs - blockedAtStart);
        const left = line.connection.blockedReason === undefined ? confirmTimeoutMs - waited : confirmTimeoutMs;
        if (left <= 0) void this.timeOut(line, pending);
        else cancelTimer = scheduler.after(Math.ceil(left), watch);
      };
      // Set before sending: amqplib sends in a later tick, but nothing promises that.
      line.pending.append(pending);
      try {
        line.channel.publish(exchange, routingKey, body, { ...properties, messageId: id, mandatory: true, deliveryMode: 2 }, (error: unknown) => {
          if (error === null) pending.settle(pending.returned === undefined ? ok(undefined) : unroutable(exchange, routingKey, pending.returned));
          // A lost channel fails its confirms with the same kind of error as a nack; there the line is dead already.
          else if (!pending.expired) pending.settle({ ok: false, fault: line.dead ? (line.fault ?? lost()) : this.refused(line) });
        });
      } catch (error) {
        // amqplib throws on a closed channel, and on arguments that AMQP cannot carry before it has sent anything of them.
        pending.settle(line.dead || isClosed(error) ? { ok: false, fault: line.fault ?? lost() } : failed('ENCODE_FAILED', messageOf(error), error));
        return;
      }
      watch();
    });
  }

  private refused(line: Line): Fault {
    const { exchange, scheduler } = this.options;
    if (this.line === line && scheduler.monotonic() - line.openedAt >= REPLACE_MS) this.line = undefined;
    return nacked(exchange);
  }

  private abort(signal: AbortSignal): void {
    for (const line of this.lines) for (const pending of line.pending) if (pending.signal === signal) pending.settle(aborted());
  }

  /** Not used any more, and nothing is owed on it. */
  private putAway(line: Line): void {
    this.lines.delete(line);
    if (line.dead) return;
    this.retire(line, undefined);
    void closeChannel(line.channel, CLOSE_MS, this.options.scheduler);
  }

  /**
   * No confirm: what became of the message is unknown. The channel goes first, so that the copy which the caller will
   * send cannot be overtaken by this one; if not even the closing is answered, the connection is dead and goes too.
   */
  private async timeOut(line: Line, pending: Pending): Promise<void> {
    const { scheduler, exchange, confirmTimeoutMs } = this.options;
    pending.expired = true;
    this.retire(line, undefined);
    if (!(await closeChannel(line.channel, CLOSE_MS, scheduler)))
      line.connection.destroy(`no confirm from exchange '${exchange}' and no answer to closing the channel`);
    pending.settle(failed('CONFIRM_TIMEOUT', `no confirm from exchange '${exchange}' within ${confirmTimeoutMs} ms; the channel was closed`));
  }

  private async open(): Promise<Line | Fault> {
    this.opening ??= this.openLine().finally(() => {
      this.opening = undefined;
    });
    return await this.opening;
  }

  private async openLine(): Promise<Line | Fault> {
    const connection = this.options.session.current;
    if (connection === undefined) return lost();
    let channel: ConfirmChannel;
    try {
      channel = await connection.openConfirmChannel(this.options.channelTimeoutMs);
    } catch (error) {
      return fault('NOT_CONNECTED', messageOf(error));
    }
    const openedAt = this.options.scheduler.monotonic();
    const line: Line = { channel, connection, pending: new Chain(), openedAt, dead: false, fault: undefined, forget: () => {} };
    channel.on('return', (message: Message) => {
      const id: unknown = message.properties.messageId;
      for (const pending of line.pending) if (pending.id === id) pending.returned = (message.fields as { replyText?: string }).replyText ?? 'returned';
    });
    channel.on('error', (error: Error) => this.retire(line, this.closeFault(error, line.pending.size)));
    // In front of amqplib's own listener, which fails the outstanding confirms like nacks.
    channel.prependListener('close', () => this.retire(line, lost()));
    // destroy() of the connection reaches the channel a tick later; nobody shall wait for that.
    line.forget = connection.onLost((reason) => this.retire(line, fault('NOT_CONNECTED', reason)));
    if (this.closed) {
      await closeChannel(channel, CLOSE_MS, this.options.scheduler);
      return fault('NOT_CONNECTED', 'the publisher is closed');
    }
    this.line = line;
    this.lines.add(line);
    return line;
  }

  /** Ends a line once: everything unanswered on it gets this fault. */
  private retire(line: Line, why: Fault | undefined): void {
    if (this.line === line) this.line = undefined;
    if (line.pending.size === 0) this.lines.delete(line);
    if (line.dead) return;
    line.dead = true;
    line.fault = why ?? lost();
    line.forget();
    for (const pending of line.pending) if (!pending.expired) pending.settle({ ok: false, fault: line.fault });
  }

  /** The fault of a channel that the broker closed, by its AMQP reply code. */
  private closeFault(error: Error, unconfirmed: number): Fault {
    const { exchange } = this.options;
    const text = messageOf(error);
    switch (replyCodeOf(error) ?? 0) {
      case 404:
        return noSuchExchange(exchange, text);
      case 403:
        return noRight(exchange, text);
      case 406:
        // The broker refuses one message (larger than its max_message_size) and does not say which. Alone it must be
        // this one; of several each goes again alone, so that the guilty one cannot fail the others for ever.
        if (unconfirmed <= 1) return fault('TOO_LARGE', `the broker refuses the message: ${text}`);
        this.careful = Math.max(this.careful, unconfirmed * 2);
        return fault('NOT_CONNECTED', `the broker refused one of ${unconfirmed} messages: ${text}; they go again one at a time`);
      default:
        return fault('NOT_CONNECTED', text);
    }
  }
}

/** The value, or undefined as soon as the signal aborts. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const abort = (): void => resolve(undefined);
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

function isClosed(error: unknown): boolean {
  return error instanceof Error && error.name === 'IllegalOperationError';
}
