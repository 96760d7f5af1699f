import { type Fault, fault } from '../domain/fault.ts';
import type { BridgeLine, Sending } from './bridge-line.ts';

const CLOSE_MS = 1000;
/** Topics that are suspected at most; beyond that the oldest goes back to the others, and is found again if need be. */
const MOST_TOPICS = 10_000;

export interface SuspectsOptions {
  /** Opens a line whose end is told to `ended`. Rejects, or answers undefined, where there is no connection. */
  readonly open: () => Promise<BridgeLine | undefined>;
}

/**
 * What the broker refuses for want of a right (403) costs the channel that it came over, and with it every message on its way; the
 * broker does not say which it was. So the topics of all of them are suspected: their messages go one by one over a channel of
 * their own, until one gets through. The others stay quick, and one topic that may not be written to holds up itself alone.
 */
export class Suspects {
  private readonly options: SuspectsOptions;
  private readonly topics = new Set<string>();
  private readonly queue: Sending[] = [];
  private line: BridgeLine | undefined;
  private busy = false;
  private closed = false;

  constructor(options: SuspectsOptions) {
    this.options = options;
  }

  has(topic: string): boolean {
    return this.topics.has(topic);
  }

  /** Of the messages that were on their way when the broker closed a channel for want of a right. */
  add(sendings: readonly Sending[]): void {
    for (const { message } of sendings) {
      this.topics.delete(message.topic);
      this.topics.add(message.topic);
    }
    for (const topic of this.topics) {
      if (this.topics.size <= MOST_TOPICS) break;
      this.topics.delete(topic);
    }
  }

  /** Behind what waits already. */
  send(sending: Sending): void {
    this.queue.push({ ...sending, done: (why) => this.answered(sending, why) });
    void this.next();
  }

  /** The line is gone: with the message that was on its way, if any. */
  ended(line: BridgeLine, why: Fault, sendings: readonly Sending[]): void {
    if (this.line === line) this.line = undefined;
    for (const { done } of sendings) done(why);
  }

  /** Messages that wait are given back. */
  async close(why: Fault, deadlineMs: number): Promise<void> {
    this.closed = true;
    for (const { done } of this.queue.splice(0)) done(why);
    await this.line?.close(why, deadlineMs);
  }

  /** While it has one. */
  get channel(): BridgeLine | undefined {
    return this.line;
  }

  private async next(): Promise<void> {
    if (this.busy || this.closed || this.queue.length === 0) return;
    this.busy = true;
    let why = fault('NOT_CONNECTED', 'the channel is not open yet');
    // It ends by itself.
    if (this.line?.spent === true) this.line = undefined;
    try {
      this.line ??= await this.options.open();
    } catch (error) {
      why = fault('NOT_CONNECTED', error instanceof Error ? error.message : String(error));
    }
    const sending = this.queue.shift();
    // Closed meanwhile: what waited was given back.
    if (sending === undefined) await this.line?.close(why, CLOSE_MS);
    else if (this.line === undefined) sending.done(why);
    else this.line.publish(sending);
  }

  private answered({ message, done }: Sending, why: Fault | undefined): void {
    this.busy = false;
    // What waits of the topic goes first: on the other line it would be overtaken.
    if (why === undefined && !this.queue.some((other) => other.message.topic === message.topic)) this.topics.delete(message.topic);
    done(why);
    void this.next();
  }
}
