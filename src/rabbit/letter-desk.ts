import type { Result } from '../domain/fault.ts';
import type { LetterChanges, LetterFilter, LetterWalk, SkipReason } from '../domain/letter.ts';
import { type Letter, skipReason } from '../domain/letter.ts';
import { type ChangeOptions, type LetterDesk, LetterDeskError, type LetterVisitor, type ReplayOptions } from '../pipeline/letter-desk.ts';
import { compileLetterFilter } from '../pipeline/letter-filter.ts';
import type { Scheduler } from '../pipeline/ports.ts';
import type { Connection } from './connection.ts';
import { DeadlineError, pause, within } from './deadline.ts';
import { letterOfMessage, replayProperties } from './letter-envelope.ts';
import { type Laid, type Visit, type Walked, walkQueue } from './letter-walk.ts';
import { ConfirmPublisher } from './publisher.ts';
import { messageOf } from './reasons.ts';
import type { Session } from './session.ts';

/** Replays that are sent and not confirmed yet; of one topic never more than one. */
const IN_FLIGHT = 32;
const NEVER = new AbortController().signal;

export interface AmqpLetterDeskOptions {
  /** Reads and acks. May be that of the source. */
  readonly reading: Session;
  /** Publishes replays; another one, because a broker that blocks publishers stops the acks of the same connection too. */
  readonly publishing: Session;
  /** The dead letters. */
  readonly queue: string;
  /** Where replays go: the queue that the gateway reads. */
  readonly ingestQueue: string;
  readonly nextId: () => string;
  readonly confirmTimeoutMs: number;
  /** For every single answer of the broker that is not a confirm. */
  readonly timeoutMs: number;
  /** Longest wait for somebody else who is at the desk. */
  readonly turnMs: number;
  readonly scheduler: Scheduler;
}

/** Reads, replays and drops the letters of a queue. One at a time: two walks would each see half of them. */
export class AmqpLetterDesk implements LetterDesk {
  private readonly options: AmqpLetterDeskOptions;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(options: AmqpLetterDeskOptions) {
    this.options = options;
  }

  async walk(filter: LetterFilter, visit: LetterVisitor, signal: AbortSignal = NEVER): Promise<LetterWalk> {
    const matches = this.compile(filter);
    let matched = 0;
    const { settled: _, ...walked } = await this.alone(signal, ({ message }) => {
      const letter = letterOfMessage(message);
      if (!matches(letter)) return undefined;
      matched += 1;
      return visit(letter, message.content);
    });
    return { ...walked, matched };
  }

  async drop(filter: LetterFilter, { limit = Number.POSITIVE_INFINITY, signal = NEVER }: ChangeOptions): Promise<LetterChanges> {
    const matches = this.compile(filter);
    let matched = 0;
    let done = 0;
    const walked = await this.alone(signal, (laid) => {
      if (!matches(letterOfMessage(laid.message))) return undefined;
      matched += 1;
      if (laid.remove()) done += 1;
      return matched < limit;
    });
    return changes(walked, matched, done, {}, undefined);
  }

  async replay(filter: LetterFilter, options: ReplayOptions): Promise<LetterChanges> {
    const matches = this.compile(filter);
    const { limit = Number.POSITIVE_INFINITY, signal = NEVER } = options;
    const run = new ReplayRun(this.options, options);
    let matched = 0;
    const walked = await this.alone(
      signal,
      async (laid) => {
        const letter = letterOfMessage(laid.message);
        if (!matches(letter)) return true;
        if (run.started >= limit) return false;
        matched += 1;
        return await run.take(letter, laid);
      },
      async () => await run.finish(),
    );
    return changes(walked, matched, run.done, run.skipped, run.stopped);
  }

  private compile(filter: LetterFilter): (letter: Letter) => boolean {
    return compileLetterFilter(filter, this.options.scheduler.now());
  }

  private async alone(signal: AbortSignal, visit: Visit, finish: () => Promise<void> = async () => {}): Promise<Walked> {
    const { turnMs, scheduler, queue, timeoutMs, reading } = this.options;
    const before = this.turn;
    let leave = (): void => {};
    this.turn = new Promise<void>((resolve) => {
      leave = resolve;
    });
    try {
      await within(before, turnMs, 'the desk', scheduler);
    } catch (error) {
      // Whoever comes next waits for the one before us.
      before.then(leave, leave);
      if (error instanceof DeadlineError) throw new LetterDeskError('busy', 'the dead letters are being read or replayed by another request; try again later');
      throw error;
    }
    try {
      const connection = connectionOf(reading);
      return await walkQueue(connection, { queue, timeoutMs, scheduler, signal }, visit, finish);
    } catch (error) {
      throw error instanceof LetterDeskError || reading.current !== undefined ? error : new LetterDeskError('unavailable', messageOf(error));
    } finally {
      leave();
    }
  }
}

function connectionOf(session: Session): Connection {
  const connection = session.current;
  if (connection === undefined) throw new LetterDeskError('unavailable', session.reason ?? 'there is no connection to the broker');
  return connection;
}

/** Letters on their way back. The letter leaves its queue only behind the confirm of its replay. */
class ReplayRun {
  done = 0;
  started = 0;
  stopped: string | undefined;
  readonly skipped: Partial<Record<SkipReason, number>> = {};
  private readonly desk: AmqpLetterDeskOptions;
  private readonly options: ReplayOptions;
  private readonly publisher: ConfirmPublisher;
  private readonly inFlight = new Map<string, Promise<void>>();
  private nextAt = Number.NEGATIVE_INFINITY;

  constructor(desk: AmqpLetterDeskOptions, options: ReplayOptions) {
    this.desk = desk;
    this.options = options;
    const { publishing: session, confirmTimeoutMs, timeoutMs: channelTimeoutMs, scheduler } = desk;
    // The default exchange: it leads to the ingest queue alone, where amq.topic would show the message to everybody again.
    // What the broker handed out it takes back, however large.
    this.publisher = new ConfirmPublisher({ session, exchange: '', confirmTimeoutMs, channelTimeoutMs, maxMessageBytes: Number.MAX_SAFE_INTEGER, scheduler });
  }

  /** Sends it off, or skips it. Answers false when there is no point in going on. */
  async take(letter: Letter, laid: Laid): Promise<boolean> {
    const skip = skipReason(letter, this.options);
    if (skip !== undefined) {
      this.skip(skip);
      return true;
    }
    // One of each topic at a time: with two, a refusal of the first after an acceptance of the second would break the order.
    await this.inFlight.get(letter.topic);
    while (this.inFlight.size >= IN_FLIGHT) await Promise.race(this.inFlight.values());
    if (this.stopped !== undefined || !(await this.paced())) return false;
    this.started += 1;
    const sent = this.send(letter, laid).finally(() => this.inFlight.delete(letter.topic));
    this.inFlight.set(letter.topic, sent);
    return true;
  }

  async finish(): Promise<void> {
    await Promise.all(this.inFlight.values());
    await this.publisher.close(this.desk.timeoutMs);
  }

  private skip(reason: SkipReason): void {
    this.skipped[reason] = (this.skipped[reason] ?? 0) + 1;
  }

  private async paced(): Promise<boolean> {
    const { rate, signal = NEVER } = this.options;
    if (rate === undefined) return !signal.aborted;
    const { scheduler } = this.desk;
    const now = scheduler.monotonic();
    const at = Math.max(now, this.nextAt);
    this.nextAt = at + 1000 / rate;
    return at <= now ? !signal.aborted : await pause(at - now, signal, scheduler);
  }

  private async send(letter: Letter, laid: Laid): Promise<void> {
    const { ingestQueue, nextId, publishing } = this.desk;
    // Not the run's signal: what is under way gets its answer, so that as little as possible is there twice.
    const once = async (): Promise<Result<void>> =>
      await this.publisher.publish(nextId(), ingestQueue, laid.message.content, replayProperties(letter, this.options), NEVER);
    let result = await once();
    // A broker that refuses one message closes the channel for all that are under way, and does not say which it was. The
    // publisher then sends one at a time: the second answer is this letter's own.
    if (!result.ok && result.fault.code === 'NOT_CONNECTED' && publishing.state === 'ready') result = await once();
    // One that can never be sent must not stand in the way of those behind it.
    if (!result.ok && result.fault.kind === 'permanent') this.skip('refused');
    else if (!result.ok) this.stopped ??= `${result.fault.code}: ${result.fault.message}`;
    else if (laid.remove()) this.done += 1;
    else this.stopped ??= 'the channel to the dead letters ended after a replay was confirmed: that letter is still in the queue';
  }
}

function changes(walked: Walked, matched: number, done: number, skipped: LetterChanges['skipped'], stopped: string | undefined): LetterChanges {
  const { settled, ...walk } = walked;
  return { ...walk, matched, done, skipped, uncertain: settled ? 0 : done, stopped: stopped ?? walk.reason };
}
