import type { Observer } from '../domain/events.ts';
import type { Ledger } from '../domain/ledger.ts';
import { backoffMs } from '../pipeline/backoff.ts';
import type { Delivery, Scheduler, Source } from '../pipeline/ports.ts';
import { Caution } from './caution.ts';
import type { Connection } from './connection.ts';
import { pause } from './deadline.ts';
import { DeliveryWindow } from './delivery-window.ts';
import { inboundMessage, Intake, type IntakeEnd } from './intake.ts';
import { messageOf } from './reasons.ts';
import type { Session } from './session.ts';
import type { Delivered } from './wire/delivery-reader.ts';

const BACKOFF_BASE_MS = 100;
const BACKOFF_CAP_MS = 10_000;
/** A channel that lived this long was a good one: the next failure starts the back-off afresh. */
const STABLE_MS = 10_000;
/** How long a settled delivery waits for those before it, at least; then it gets an ack of its own. A confirm takes some ten milliseconds under full load. */
const HOLD_MS = 25;

export interface AmqpSourceOptions {
  /** A connection for consuming alone: on a shared one, a block of publishers would stop the acks too. Started and closed by its owner. */
  readonly session: Session;
  readonly queue: string;
  /** Most unacked messages; 1 to 65 535. */
  readonly prefetch: number;
  readonly ledger: Ledger;
  readonly scheduler: Scheduler;
  readonly observer: Observer;
  /** Runs before every consume: declares the topology, so that a queue or binding that was deleted comes back. A rejection is retried. */
  readonly prepare: (connection: Connection) => Promise<void>;
  /** The handler threw: a bug of ours. Nothing more is handed out; the owner ends the process. */
  readonly onBug: (error: unknown) => void;
  /** For every single answer of the broker. */
  readonly timeoutMs: number;
  /** Called before acks are sent: what the messages led to must be safe by then. Must not throw. */
  readonly beforeAcks?: (() => void) | undefined;
  /** `x-delivery-limit` of the queue; 0 where it has none. */
  readonly deliveryLimit: number;
  /** Called after each delivery while messages are taken one at a time: batches that wait for company should go now. */
  readonly settleSoon?: (() => void) | undefined;
  /** What can be acked is looked for once per turn of the event loop, or when so many have settled. Default: a tenth of the prefetch. */
  readonly flushAt?: number | undefined;
}

/**
 * Consumes the ingest queue. Heals: after a lost connection or channel and after a cancel by the broker it prepares the
 * topology and consumes again, with back-off. A delivery that is unanswered for longer than the broker's
 * `consumer_timeout` (30 minutes by default) costs the channel and comes again on the next one.
 */
export class AmqpSource implements Source {
  private readonly options: AmqpSourceOptions;
  private readonly stop = new AbortController();
  private handler: (delivery: Delivery) => void = () => {};
  private intake: Intake | undefined;
  private serving: Promise<void> = Promise.resolve();
  private unlisten: () => void = () => {};
  private readonly caution: Caution;
  private broken = false;
  private why: string | undefined = 'not started';
  private readonly changeListeners = new Set<() => void>();

  constructor(options: AmqpSourceOptions) {
    this.options = options;
    this.caution = new Caution(options);
  }

  /** Why messages are taken one at a time: one of them seems to kill the connection. undefined as a rule; for a person. */
  get suspicion(): string | undefined {
    return this.caution.reason;
  }

  get unsettled(): number {
    return this.intake?.window.unsettled ?? 0;
  }

  /** Why nothing is consumed now; undefined while it consumes. For a person. */
  get reason(): string | undefined {
    return this.why;
  }

  /** Calls back after every change of `reason`. Answers how to stop. */
  onChange(listener: () => void): () => void {
    this.changeListeners.add(listener);
    return () => this.changeListeners.delete(listener);
  }

  /** Resolves when the broker has accepted the consumer for the first time. Rejects when `signal` aborts before that; the source is stopped then. */
  start(handler: (delivery: Delivery) => void, signal: AbortSignal): Promise<void> {
    this.handler = handler;
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.halt();
        reject(new Error(`stopped before queue '${this.options.queue}' could be consumed: ${this.options.session.reason ?? this.why ?? ''}`));
      };
      const attached = (): void => {
        signal.removeEventListener('abort', abort);
        resolve();
      };
      if (signal.aborted) {
        abort();
        return;
      }
      signal.addEventListener('abort', abort);
      this.unlisten = this.options.session.onReady((connection) => {
        // One connection after the other: the loop of a lost one ends by itself, but perhaps a moment later.
        this.serving = this.serving.then(() => this.serve(connection, attached));
      });
    });
  }

  /**
   * Makes everything unsettled come again, in order: closes the channel, and consumes on another one. Resolves when nothing
   * of it is live any more. Never rejects.
   */
  async renew(reason: string): Promise<void> {
    await this.intake?.close(this.options.timeoutMs, reason);
  }

  pause(): void {
    this.halt();
    this.intake?.pause();
  }

  async close(): Promise<void> {
    this.halt();
    await this.intake?.close(this.options.timeoutMs, 'closed');
    await this.serving;
  }

  private halt(): void {
    this.stop.abort();
    this.unlisten();
    if (this.why === undefined) this.because('stopped');
  }

  private because(reason: string | undefined): void {
    if (this.why === reason) return;
    this.why = reason;
    for (const listener of this.changeListeners) listener();
  }

  /** Keeps a consumer on this connection until it is lost or the source stops. Never rejects. */
  private async serve(connection: Connection, attached: () => void): Promise<void> {
    const { scheduler, observer, queue, prepare } = this.options;
    const { epoch } = connection;
    const stopped = this.stop.signal;
    let attempt = 0;
    let repair: string | undefined;
    while (!connection.lost && !stopped.aborted) {
      const since = scheduler.monotonic();
      let end: IntakeEnd = { reason: '', unsettled: 0, cancelled: false };
      try {
        // It was there a moment ago, and each declaration is a round trip.
        if (!this.caution.hurried) await prepare(connection);
        if (stopped.aborted) return;
        const intake = await this.attach(connection);
        observer({ type: 'source-attached', queue, epoch });
        if (repair !== undefined) observer({ type: 'topology-repaired', what: `queue '${queue}'`, reason: repair });
        repair = undefined;
        attached();
        end = await intake.ended;
        this.intake = undefined;
        if (end.cancelled) repair = end.reason;
      } catch (error) {
        end = { reason: messageOf(error), unsettled: 0, cancelled: false };
      }
      if (this.caution.ended(end.reason, connection)) continue;
      this.because(end.reason);
      observer({ type: 'source-detached', queue, epoch, reason: end.reason, unsettled: end.unsettled });
      if (connection.lost) return;
      attempt = scheduler.monotonic() - since >= STABLE_MS ? 1 : attempt + 1;
      await pause(
        backoffMs(attempt, () => scheduler.random(), BACKOFF_BASE_MS, BACKOFF_CAP_MS),
        stopped,
        scheduler,
      );
    }
  }

  private async attach(connection: Connection): Promise<Intake> {
    const { ledger, observer, prefetch, queue, scheduler, timeoutMs } = this.options;
    this.caution.attaching(() => {
      const { intake } = this;
      intake?.pause();
      // Later in this turn: acks are being sent when it is asked for.
      setImmediate(() => void intake?.close(timeoutMs, 'replaced by a consumer with the full prefetch'));
    });
    const intake = await Intake.open(connection, {
      queue,
      prefetch: this.caution.prefetch,
      timeoutMs,
      scheduler,
      deliver: (from, message) => this.deliver(from, message),
      window: (ack) =>
        this.caution.opened(
          new DeliveryWindow({
            epoch: connection.epoch,
            ack,
            ledger,
            observer,
            beforeAcks: this.options.beforeAcks,
            flushAt: this.options.flushAt ?? Math.max(1, Math.floor(prefetch / 10)),
            // The other half keeps the pipeline at work meanwhile.
            holdAt: Math.max(1, Math.floor(this.caution.prefetch / 2)),
            holdMs: HOLD_MS,
            defer: setImmediate,
            after: (ms, fn) => scheduler.after(ms, fn),
            onAcked: () => this.caution.acked(),
          }),
        ),
    });
    this.intake = intake;
    this.because(undefined);
    // Stopped while the broker was answering: what it sent meanwhile goes back.
    if (this.stop.signal.aborted) await intake.close(timeoutMs, 'stopped');
    return intake;
  }

  private deliver(intake: Intake, message: Delivered): void {
    if (this.broken || this.stop.signal.aborted) return;
    // Messages may come in the same network read as consume-ok, before `attach` has seen the answer.
    this.intake = intake;
    this.caution.received(message.fields.redelivered);
    try {
      this.handler(intake.window.receive(message.fields.deliveryTag, inboundMessage(message, this.options.scheduler.now())));
      if (this.caution.reason !== undefined) this.options.settleSoon?.();
    } catch (error) {
      // Not acked and not settled: the broker has it, and gives it out again when the process is gone.
      this.broken = true;
      this.options.onBug(error);
    }
  }
}
