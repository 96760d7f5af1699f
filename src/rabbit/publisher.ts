import type { ConfirmChannel } from 'amqplib';
import { type Fault, failed, fault, type Result } from '../domain/fault.ts';
import type { Scheduler } from '../pipeline/ports.ts';
import { AbortWatch } from './abort-watch.ts';
import { unavailability } from './availability.ts';
import { CLOSE_MS, REPLACE_MS } from './confirm-channel.ts';
import { ConfirmLine } from './confirm-line.ts';
import { closeChannel } from './connection.ts';
import { aborted, lost } from './publish-faults.ts';
import { messageOf } from './reasons.ts';
import type { Session } from './session.ts';
import type { ContentProperties, Publish } from './wire/publish.ts';

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
  private line: ConfirmLine | undefined;
  /** That one, and those whose last message is not answered yet. */
  private readonly lines = new Set<ConfirmLine>();
  private opening: Promise<ConfirmLine | Fault> | undefined;
  /** Publishes still to be sent one at a time, after the broker refused one of several without saying which. */
  private careful = 0;
  private turn: Promise<unknown> = Promise.resolve();
  private closed = false;
  private readonly aborts = new AbortWatch((signal) => {
    for (const line of this.lines) line.abort(signal, aborted());
  });

  constructor(options: ConfirmPublisherOptions) {
    this.options = options;
  }

  /** Closes the channel; what is unconfirmed answers NOT_CONNECTED. Never rejects. */
  async close(deadlineMs: number): Promise<void> {
    this.closed = true;
    this.aborts.close();
    const lines = [...this.lines].filter((line) => line.fault === undefined);
    for (const line of lines) line.retire(fault('NOT_CONNECTED', 'the publisher is closing'));
    await Promise.all(lines.map(async ({ channel }) => await closeChannel(channel, deadlineMs, this.options.scheduler)));
  }

  /** Contract of `Sink.publish`. `id` is unique among the messages in flight. */
  publish(id: string, routingKey: string, content: Buffer, properties: ContentProperties, signal: AbortSignal): Promise<Result<void>> {
    const { exchange, maxMessageBytes } = this.options;
    if (content.length > maxMessageBytes) {
      return Promise.resolve(failed('TOO_LARGE', `${content.length} bytes; the bound is ${maxMessageBytes} (rabbitmq.maxMessageBytes)`));
    }
    const { contentType, contentEncoding, headers, priority, expiration, timestamp, type, appId } = properties;
    // Not `...properties`: what is spread and then added to takes V8 3 kB.
    const message: Publish = {
      exchange,
      routingKey,
      mandatory: true,
      deliveryMode: 2,
      messageId: id,
      content,
      contentType,
      contentEncoding,
      headers,
      priority,
      expiration,
      timestamp,
      type,
      appId,
    };
    return this.careful === 0 ? this.send(message, signal) : this.sendInTurn(message, signal);
  }

  private async sendInTurn(message: Publish, signal: AbortSignal): Promise<Result<void>> {
    this.careful -= 1;
    const mine = this.turn.then(() => this.send(message, signal));
    this.turn = mine.catch(() => undefined);
    return (await orAborted(mine, signal)) ?? aborted();
  }

  private send(message: Publish, signal: AbortSignal): Promise<Result<void>> {
    const away = this.closed ? fault('NOT_CONNECTED', 'the publisher is closed') : unavailability(this.options.session);
    if (away !== undefined) return Promise.resolve({ ok: false, fault: away });
    if (signal.aborted) return Promise.resolve(aborted());
    return this.line === undefined ? this.sendOnNew(message, signal) : this.line.publish(message, signal);
  }

  private async sendOnNew(message: Publish, signal: AbortSignal): Promise<Result<void>> {
    const opened = await orAborted(this.open(), signal);
    if (opened === undefined) return aborted();
    if ('code' in opened) return { ok: false, fault: opened };
    // Between the opening and this tick nothing but microtasks ran, yet an earlier one of them may have failed the line.
    if (opened.fault !== undefined) return { ok: false, fault: opened.fault };
    return await opened.publish(message, signal);
  }

  /** It gives way to another one, once it is old enough. */
  private refused(line: ConfirmLine): void {
    if (this.line === line && this.options.scheduler.monotonic() - line.openedAt >= REPLACE_MS) this.line = undefined;
  }

  private dead(line: ConfirmLine): void {
    if (this.line === line) this.line = undefined;
    if (line.size === 0) this.lines.delete(line);
  }

  /** One that is not used any more, and on which nothing is owed, goes. */
  private idle(line: ConfirmLine): void {
    if (this.line === line) return;
    this.lines.delete(line);
    if (line.fault !== undefined) return;
    line.retire(lost());
    void closeChannel(line.channel, CLOSE_MS, this.options.scheduler);
  }

  private async open(): Promise<ConfirmLine | Fault> {
    this.opening ??= this.openLine().finally(() => {
      this.opening = undefined;
    });
    return await this.opening;
  }

  private async openLine(): Promise<ConfirmLine | Fault> {
    const connection = this.options.session.current;
    if (connection === undefined) return lost();
    let channel: ConfirmChannel;
    try {
      channel = await connection.openConfirmChannel(this.options.channelTimeoutMs);
    } catch (error) {
      return fault('NOT_CONNECTED', messageOf(error));
    }
    if (this.closed) {
      await closeChannel(channel, CLOSE_MS, this.options.scheduler);
      return fault('NOT_CONNECTED', 'the publisher is closed');
    }
    const { exchange, confirmTimeoutMs, scheduler } = this.options;
    const line = new ConfirmLine(channel, connection, {
      exchange,
      confirmTimeoutMs,
      scheduler,
      aborts: this.aborts,
      onRefused: (refused) => this.refused(refused),
      onSuspects: (count) => {
        this.careful = Math.max(this.careful, count * 2);
      },
      onIdle: (idle) => this.idle(idle),
      onDead: (dead) => this.dead(dead),
    });
    if (line.fault !== undefined) return line.fault;
    this.line = line;
    this.lines.add(line);
    return line;
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
