import type { Channel, ConsumeMessage } from 'amqplib';
import type { LetterWalk } from '../domain/letter.ts';
import { LetterDeskError, type LetterDeskTrouble } from '../pipeline/letter-desk.ts';
import type { Scheduler } from '../pipeline/ports.ts';
import { closeChannel, type Connection } from './connection.ts';
import { pause, within } from './deadline.ts';
import { messageOf, replyCodeOf } from './reasons.ts';

/**
 * Consumers of one walk. A queue hands out no more than the prefetch to each, and what is only looked at stays unacked, so a
 * long queue needs several. Closing their channel gives all back in order only while they are few: RabbitMQ keeps them in
 * an Erlang map, which is ordered up to 32 keys (3.10.8: 25 consumers in order, 40 not; basic.get, a consumer for each
 * message, not either, and 15 times slower).
 */
const MOST_CONSUMERS = 24;
/** AMQP 0-9-1, basic.qos: a short. */
const MOST_PREFETCH = 65_535;
const LEAST_PREFETCH = 100;
/** Nothing came for so long: time to ask the broker whether anything is left. */
const QUIET_MS = 500;
/** Between two looks at whether the broker has put back what a walk held. */
const LOOK_MS = 10;
/** Longest time for these looks: somebody may purge the queue meanwhile. */
const BACK_MS = 2000;
const NEVER = new AbortController().signal;

export interface WalkOptions {
  readonly queue: string;
  /** For every single answer of the broker. */
  readonly timeoutMs: number;
  readonly scheduler: Scheduler;
  readonly signal: AbortSignal;
}

/** A message on the table, unacked. */
export interface Laid {
  readonly message: ConsumeMessage;
  /** Takes it out of the queue for good. Answers false where that is not possible any more. */
  remove(): boolean;
}

/** Answering false ends the walk. */
export type Visit = (laid: Laid) => boolean | void | Promise<boolean | void>;

export type Walked = Omit<LetterWalk, 'matched'> & {
  /** The broker has seen every removal. */
  readonly settled: boolean;
};

/**
 * Looks at every message that is in the queue now, in its order, on a channel of its own. Nothing is nacked: what was not
 * removed goes back when the channel closes, to where it was. `finish` runs before that, for
 * what the visits have started; it must not reject.
 */
export async function walkQueue(connection: Connection, options: WalkOptions, visit: Visit, finish: () => Promise<void>): Promise<Walked> {
  const walk = new Walk(await connection.openChannel(options.timeoutMs), connection, options);
  let settled = false;
  let ended: Walked['ended'] = 'lost';
  try {
    await walk.begin();
    ended = await walk.run(visit);
  } finally {
    await finish();
    settled = await walk.end();
    // Behind one that came short there is no telling how many are to come back.
    if (settled && ended !== 'short') await walk.untilBack();
  }
  return { ...walk.counts, ended: walk.lostBecause === undefined ? ended : 'lost', reason: walk.lostBecause, settled };
}

class Walk {
  lostBecause: string | undefined;
  private readonly channel: Channel;
  private readonly connection: Connection;
  private readonly options: WalkOptions;
  private readonly forget: () => void;
  private waiting: ConsumeMessage[] = [];
  private present = 0;
  private otherReaders = 0;
  private delivered = 0;
  private seen = 0;
  private removed = 0;
  private consumers = 0;
  private window = 0;
  private over = false;
  private wake: () => void = () => {};
  private readonly roused = (): void => this.wake();

  constructor(channel: Channel, connection: Connection, options: WalkOptions) {
    this.channel = channel;
    this.connection = connection;
    this.options = options;
    channel.on('error', (error: Error) => this.lose(messageOf(error)));
    channel.on('close', () => this.lose(connection.trouble ?? 'the channel was closed'));
    this.forget = connection.onLost((reason) => this.lose(reason));
    options.signal.addEventListener('abort', this.roused);
  }

  get counts(): { present: number; seen: number; otherReaders: number } {
    return { present: this.present, seen: this.seen, otherReaders: this.otherReaders };
  }

  async begin(): Promise<void> {
    const { messageCount, consumerCount } = await this.ask('looking at', () => this.channel.checkQueue(this.options.queue));
    this.present = messageCount;
    this.otherReaders = consumerCount;
    this.window = Math.min(MOST_PREFETCH, Math.max(LEAST_PREFETCH, Math.ceil(messageCount / MOST_CONSUMERS)));
  }

  async run(visit: Visit): Promise<Walked['ended']> {
    try {
      return await this.visitAll(visit);
    } catch (error) {
      // Behind the first letter there is something to report.
      if (this.seen === 0 || !(error instanceof LetterDeskError)) throw error;
      this.lose(error.message);
      return 'lost';
    }
  }

  private async visitAll(visit: Visit): Promise<Walked['ended']> {
    const { signal, scheduler, timeoutMs } = this.options;
    let heardAt = scheduler.monotonic();
    while (this.seen < this.present) {
      if (signal.aborted) return 'enough';
      if (this.waiting.length > 0) {
        heardAt = scheduler.monotonic();
        if (!(await this.visitWaiting(visit))) return 'enough';
        continue;
      }
      if (this.lostBecause !== undefined) return 'lost';
      // Every consumer has all that it may have.
      if (this.delivered - this.removed >= this.consumers * this.window) {
        if (this.consumers === MOST_CONSUMERS) return 'short';
        await this.consume();
        heardAt = scheduler.monotonic();
        continue;
      }
      await this.something();
      if (this.waiting.length > 0 || this.lostBecause !== undefined || signal.aborted) continue;
      const left = (await this.ask('looking at', () => this.channel.checkQueue(this.options.queue))).messageCount;
      if (this.waiting.length === 0 && (left === 0 || scheduler.monotonic() - heardAt > timeoutMs)) return 'short';
    }
    return 'all';
  }

  /** Gives back what was not removed. Answers whether the broker has seen all that was. */
  async end(): Promise<boolean> {
    this.over = true;
    this.forget();
    const { timeoutMs, scheduler, signal } = this.options;
    signal.removeEventListener('abort', this.roused);
    // Sent behind the acks on the same channel: once the broker has answered, it has seen them.
    return this.lostBecause === undefined && (await closeChannel(this.channel, timeoutMs, scheduler));
  }

  /**
   * A queue puts back what a channel held a moment after the channel has closed, and whoever looked in that moment would be
   * told that there are no letters. Waits until they are there again; not where other readers may have taken some of them.
   */
  async untilBack(): Promise<void> {
    const { queue, timeoutMs, scheduler } = this.options;
    if (this.delivered === this.removed || this.otherReaders > 0) return;
    const until = scheduler.monotonic() + BACK_MS;
    let channel: Channel | undefined;
    try {
      channel = await this.connection.openChannel(timeoutMs);
      channel.on('error', () => {});
      for (;;) {
        const { messageCount } = await within(channel.checkQueue(queue), timeoutMs, `looking at queue '${queue}'`, scheduler);
        if (messageCount >= this.present - this.removed || scheduler.monotonic() >= until) return;
        await pause(LOOK_MS, NEVER, scheduler);
      }
    } catch {
      // The walk is over and its result stands; the next one will say what is wrong with the queue.
    } finally {
      if (channel !== undefined) await closeChannel(channel, timeoutMs, scheduler);
    }
  }

  private async visitWaiting(visit: Visit): Promise<boolean> {
    const laid = this.waiting;
    this.waiting = [];
    for (const message of laid) {
      if (this.seen === this.present || this.options.signal.aborted) break;
      this.seen += 1;
      const answer = visit({ message, remove: () => this.remove(message) });
      if ((answer instanceof Promise ? await answer : answer) === false) return false;
    }
    return true;
  }

  /** The one place beside delivery-window.ts that acks for the gateway. */
  private remove(message: ConsumeMessage): boolean {
    if (this.lostBecause !== undefined) return false;
    try {
      this.channel.ack(message);
    } catch {
      return false;
    }
    this.removed += 1;
    return true;
  }

  private async consume(): Promise<void> {
    const take = (message: ConsumeMessage | null): void => {
      if (message === null) this.lose('the queue was deleted');
      else if (!this.over) {
        this.delivered += 1;
        this.waiting.push(message);
        this.wake();
      }
    };
    // In the order of their names the broker gives back what they hold.
    const consumerTag = `sluice-dead-${String(this.consumers).padStart(2, '0')}`;
    this.consumers += 1;
    await this.ask('reading', async () => {
      await this.channel.prefetch(this.window);
      await this.channel.consume(this.options.queue, take, { consumerTag });
    });
  }

  /** Waits for a message, the end, or a while. */
  private async something(): Promise<void> {
    const woken = new AbortController();
    this.wake = () => woken.abort();
    await pause(QUIET_MS, woken.signal, this.options.scheduler);
  }

  private lose(reason: string): void {
    if (this.over) return;
    this.lostBecause ??= reason;
    this.wake();
  }

  private async ask<T>(what: string, run: () => Promise<T>): Promise<T> {
    const { queue, timeoutMs, scheduler } = this.options;
    try {
      return await within(run(), timeoutMs, `${what} queue '${queue}'`, scheduler);
    } catch (error) {
      // The reason of a channel that ended is in its own event; what waits for an answer is told of the end alone.
      throw troubleWith(queue, replyCodeOf(error) === undefined && this.lostBecause !== undefined ? new Error(this.lostBecause) : error);
    }
  }
}

function troubleWith(queue: string, error: unknown): LetterDeskError {
  const text = messageOf(error);
  const [trouble, advice] = TROUBLES[replyCodeOf(error) ?? 0] ?? ['unavailable', ''];
  return new LetterDeskError(trouble, `queue '${queue}': ${text}${advice}`);
}

const TROUBLES: Readonly<Record<number, readonly [LetterDeskTrouble, string]>> = {
  403: ['refused', '. The account needs the right to read it (rabbitmqctl set_permissions)'],
  404: ['missing', '. The gateway declares it when it starts; sluice topology --apply does too'],
  405: ['refused', '. Another consumer has it for itself alone'],
};
