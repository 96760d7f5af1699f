import type { Channel, ConsumeMessage } from 'amqplib';
import type { GatewayEvent } from '../domain/events.ts';
import { backoffMs } from '../pipeline/backoff.ts';
import { systemScheduler } from '../pipeline/scheduler.ts';
import { closeChannel, type Connection } from '../rabbit/connection.ts';
import { pause, within } from '../rabbit/deadline.ts';
import { messageOf, replyCodeOf } from '../rabbit/reasons.ts';
import { Session, SessionError } from '../rabbit/session.ts';
import { linesOf } from './batch-lines.ts';
import { CommandError, EXIT } from './command.ts';

/** Messages that are printed and not acked yet. */
const PREFETCH = 100;
const ANSWER_MS = 10_000;
const CLOSE_MS = 1500;

export interface ConsumeOptions {
  readonly urls: readonly string[];
  readonly tls: ConstructorParameters<typeof Session>[0]['tls'];
  readonly queue: string | undefined;
  readonly exchange: string;
  readonly count: number;
  readonly json: boolean;
  readonly keep: boolean;
}

/** Where lines go. `done` is called when they have been written. */
export type WriteLines = (text: string, done: (error?: Error | null) => void) => void;

/** Consumes until the signal aborts or enough was printed. Rejects with a `CommandError`. */
export class Consumer {
  private readonly options: ConsumeOptions;
  private readonly write: WriteLines;
  private readonly tell: (line: string) => void;
  private readonly stop = new AbortController();
  private failure: CommandError | undefined;
  private printed = 0;
  private enough = false;
  private attached = false;

  constructor(options: ConsumeOptions, write: WriteLines, tell: (line: string) => void) {
    this.options = options;
    this.write = write;
    this.tell = tell;
  }

  async run(signal: AbortSignal): Promise<void> {
    const end = (): void => this.stop.abort();
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
    // The scheduler's timers let a process end: between two attempts nothing else is open.
    const alive = setInterval(() => {}, 60_000);
    const { urls, tls } = this.options;
    const session = new Session({
      name: 'sluice-consume',
      urls,
      tls,
      heartbeatSeconds: 5,
      connectTimeoutMs: ANSWER_MS,
      failFast: true,
      observer: (event) => this.report(event),
      scheduler: systemScheduler,
    });
    let serving: Promise<void> = Promise.resolve();
    const forget = session.onReady((connection) => {
      serving = serving.then(() => this.serve(connection));
    });
    try {
      await session.start(this.stop.signal);
      await new Promise<void>((resolve) => {
        this.stop.signal.addEventListener('abort', () => resolve());
        if (this.stop.signal.aborted) resolve();
      });
      await serving;
    } catch (error) {
      if (!(error instanceof SessionError)) throw error;
      if (!signal.aborted) throw new CommandError(EXIT.unavailable, error.message);
    } finally {
      forget();
      await session.close(CLOSE_MS);
      clearInterval(alive);
      signal.removeEventListener('abort', end);
    }
    if (this.failure !== undefined) throw this.failure;
  }

  /** Keeps a consumer on this connection. Never rejects. */
  private async serve(connection: Connection): Promise<void> {
    for (let attempt = 1; !connection.lost && !this.stop.signal.aborted; attempt += 1) {
      try {
        const reason = await this.consume(connection);
        if (connection.lost || this.stop.signal.aborted) return;
        this.tell(reason);
      } catch (error) {
        if (connection.lost) return;
        // What was never there is a wrong name or a missing right; what was there may come back.
        if (!this.attached && [403, 404, 405].includes(replyCodeOf(error) ?? 0)) {
          this.fail(
            EXIT.unavailable,
            `${this.options.queue === undefined ? `exchange ${this.options.exchange}` : `queue ${this.options.queue}`}: ${messageOf(error)}`,
          );
          return;
        }
        this.tell(messageOf(error));
      }
      await pause(
        backoffMs(attempt, () => Math.random(), 200, 5000),
        this.stop.signal,
        systemScheduler,
      );
    }
  }

  /** Resolves with the reason when the consumer has ended. */
  private async consume(connection: Connection): Promise<string> {
    const channel = await connection.openChannel(ANSWER_MS);
    let failure: string | undefined;
    let end: (reason: string) => void = () => {};
    const ended = new Promise<string>((resolve) => {
      end = resolve;
    });
    channel.on('error', (error: Error) => (failure = messageOf(error)));
    channel.on('close', () => end(failure ?? 'the channel was closed'));
    const forget = connection.onLost(end);
    const stopped = (): void => end('stopped');
    this.stop.signal.addEventListener('abort', stopped);
    if (this.stop.signal.aborted) stopped();
    try {
      await this.attach(channel, end);
      return await ended;
    } finally {
      forget();
      this.stop.signal.removeEventListener('abort', stopped);
      // Sent behind the acks: once the broker has answered, it has seen them.
      await closeChannel(channel, CLOSE_MS, systemScheduler);
    }
  }

  private async attach(channel: Channel, ended: (reason: string) => void): Promise<void> {
    const answer = <T>(promise: Promise<T>): Promise<T> => within(promise, ANSWER_MS, 'the broker', systemScheduler);
    let { queue } = this.options;
    if (queue === undefined) {
      ({ queue } = await answer(channel.assertQueue('', { exclusive: true, autoDelete: true, durable: false, arguments: { 'x-max-length': 1000 } })));
      await answer(channel.bindQueue(queue, this.options.exchange, '#'));
    }
    await answer(channel.prefetch(this.options.keep ? 0 : PREFETCH));
    await answer(
      channel.consume(queue, (message) => {
        // An exception here would make amqplib close the connection.
        if (message === null) ended('the queue was deleted');
        else this.take(channel, message);
      }),
    );
    this.attached = true;
  }

  private take(channel: Channel, message: ConsumeMessage): void {
    // What comes behind the last message wanted goes back to the queue.
    if (this.enough || this.stop.signal.aborted) return;
    const { type, contentType, contentEncoding, headers } = message.properties;
    let lines: string[];
    try {
      lines = linesOf(
        { body: message.content, type: text(type), contentType: text(contentType), contentEncoding: text(contentEncoding), headers: headers ?? {} },
        this.options.json,
      );
    } catch (error) {
      this.fail(EXIT.failed, messageOf(error));
      return;
    }
    this.printed += lines.length;
    this.enough = this.printed >= this.options.count;
    const last = this.enough;
    this.write(lines.map((line) => `${line}\n`).join(''), (error) => {
      // Whoever read our output has gone (EPIPE): the message stays in the queue.
      if (error !== null && error !== undefined) this.stop.abort();
      else if (!this.options.keep) acknowledge(channel, message);
      if (last) this.stop.abort();
    });
  }

  private fail(code: number, reason: string): void {
    this.failure ??= new CommandError(code, reason);
    this.stop.abort();
  }

  private report(event: GatewayEvent): void {
    if (event.type === 'session-failover') this.tell(`${event.reason}; goes on to ${event.to}`);
    if (event.type === 'session-retry') this.tell(`${event.reason}; next try in ${event.delayMs} ms`);
  }
}

function acknowledge(channel: Channel, message: ConsumeMessage): void {
  try {
    channel.ack(message);
  } catch {
    // The channel was lost while we wrote: the message comes again.
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
