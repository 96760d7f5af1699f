import { setMaxListeners } from 'node:events';
import { type Fault, failed, fault, ok, type Result } from '../../../src/domain/fault.ts';
import { textsOf } from '../../../src/pipeline/batch-part.ts';
import type { Batch, DeadLetter, DeadLetterSink, Sink } from '../../../src/pipeline/ports.ts';
import type { Outbound, SimBroker, SimClient } from './broker.ts';
import { Line } from './line.ts';

/** Offers to one exchange that may be on their way at once; more are dropped. */
const OFFERS = 64;
/** AMQP 0-9-1 short string: routing key and header names. */
const SHORT_BYTES = 255;

export interface SimSinkOptions {
  readonly broker: SimBroker;
  /** Longest wait for a confirm. */
  readonly confirmTimeoutMs: number;
  /** Exchange of the dead letters. */
  readonly deadLetters: string;
  /** Stands for the bound on the size of a message. */
  readonly tooLarge?: (batch: Batch) => boolean;
  /** Sees each batch that is published; throws for one that no pipeline may make. */
  readonly check?: (batch: Batch) => void;
}

/** The gateway's view of the simulated broker as a sink: one line per exchange, others for offers. Dies with its gateway. */
export class SimSink implements Sink, DeadLetterSink, SimClient {
  private readonly options: SimSinkOptions;
  private readonly broker: SimBroker;
  private readonly lines = new Map<string, Line>();
  private readonly taps = new Map<string, Line>();
  private readonly listeners = new Set<() => void>();
  private signal: AbortSignal | undefined;
  /** False from a time-out in stalled traffic to the end of the stall. */
  private connected = true;
  private away = false;
  private closed = false;

  constructor(options: SimSinkOptions) {
    this.options = options;
    this.broker = options.broker;
    this.broker.clients.add(this);
    this.away = this.unavailable !== undefined;
  }

  get unavailable(): Fault | undefined {
    if (this.closed || this.broker.down || !this.connected) return fault('NOT_CONNECTED', 'no connection');
    return this.broker.blocked ? fault('BLOCKED', 'memory alarm') : undefined;
  }

  onAvailable(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async publish(batch: Batch, signal: AbortSignal): Promise<Result<void>> {
    this.options.check?.(batch);
    return (
      this.refusal(signal) ??
      (carriable(batch) ? undefined : failed('ENCODE_FAILED', `a name of more than ${SHORT_BYTES} bytes`)) ??
      (this.options.tooLarge?.(batch) === true ? failed('TOO_LARGE', 'larger than the broker takes') : undefined) ??
      (await this.confirmed(outbound(batch), signal))
    );
  }

  async bury(letter: DeadLetter, signal: AbortSignal): Promise<Result<void>> {
    const { id, message, fault: why } = letter;
    const sent = { id, exchange: this.options.deadLetters, routingKey: `${why.stage}.${why.code}`, texts: [message.body.toString()], code: why.code };
    return this.refusal(signal) ?? (await this.confirmed(sent, signal));
  }

  offer(batch: Batch): boolean {
    if (this.unavailable !== undefined || !carriable(batch) || this.options.tooLarge?.(batch) === true) return false;
    const line = this.line(this.taps, batch.destination.exchange);
    if (line.inTransit >= OFFERS) return false;
    line.send(outbound(batch), () => {});
    return true;
  }

  /** As when the process ends: what is unanswered answers NOT_CONNECTED, and nothing is sent any more. */
  close(): void {
    this.closed = true;
    this.lose();
    this.broker.clients.delete(this);
  }

  lose(): void {
    for (const line of [...this.lines.values(), ...this.taps.values()]) line.close(this.lost());
  }

  changed(): void {
    if (!this.broker.down && !this.broker.stalled) this.connected = true;
    const was = this.away;
    this.away = this.unavailable !== undefined;
    if (was && !this.away) for (const listener of this.listeners) listener();
  }

  private refusal(signal: AbortSignal): Result<void> | undefined {
    const { unavailable } = this;
    if (unavailable !== undefined) return { ok: false, fault: unavailable };
    return signal.aborted ? aborted() : undefined;
  }

  private confirmed(message: Outbound, signal: AbortSignal): Promise<Result<void>> {
    const { broker } = this;
    const { confirmTimeoutMs } = this.options;
    if (signal !== this.signal) {
      // One signal serves everything in flight; Node would warn of a leak from the eleventh on.
      setMaxListeners(0, signal);
      this.signal = signal;
    }
    const line = this.line(this.lines, message.exchange);
    broker.countPublishing(1);
    return new Promise((resolve) => {
      let open = true;
      const answer = (result: Result<void>): void => {
        if (!open) return;
        open = false;
        cancelTimer();
        signal.removeEventListener('abort', abort);
        broker.countPublishing(-1);
        resolve(result);
      };
      // It is sent already and may still arrive: only nobody waits for it any more.
      const abort = (): void => answer(aborted());
      const cancelTimer = broker.time.after(confirmTimeoutMs, () => {
        answer(failed('CONFIRM_TIMEOUT', `no confirm within ${confirmTimeoutMs} ms`));
        this.abandon(line);
      });
      signal.addEventListener('abort', abort);
      line.send(message, answer);
    });
  }

  /** After a time-out the line goes, so that what it still carries cannot arrive behind the copy that the caller sends next. */
  private abandon(line: Line): void {
    line.close(this.lost());
    if (!this.broker.stalled) return;
    // Not even the closing is answered: the connection goes too.
    this.lose();
    this.connected = false;
    this.changed();
  }

  private lost(): Result<void> {
    return this.broker.mutations.lostIsSuccess === true ? ok(undefined) : failed('NOT_CONNECTED', 'the connection was lost before the confirm');
  }

  private line(lines: Map<string, Line>, exchange: string): Line {
    let line = lines.get(exchange);
    if (line === undefined || line.closed) {
      line = new Line(this.broker);
      lines.set(exchange, line);
    }
    return line;
  }
}

function outbound(batch: Batch): Outbound {
  const { id, destination, items, content, bytes } = batch;
  const { exchange, routingKey } = destination;
  if (content.length !== bytes + items.length - 1) throw new Error(`batch ${id} does not hold what its items are`);
  return { id, exchange, routingKey, texts: textsOf(batch).map(String), code: undefined };
}

function carriable({ destination }: Batch): boolean {
  return [destination.routingKey, ...Object.keys(destination.headers ?? {})].every((text) => Buffer.byteLength(text) <= SHORT_BYTES);
}

function aborted(): Result<void> {
  return failed('NOT_CONNECTED', 'the publish was given up before the confirm');
}
