import { failed, ok, type Result } from '../../../src/domain/fault.ts';
import type { Outbound, SimBroker, Verdict } from './broker.ts';

/** Longest way from the gateway to the broker, and back. */
const LATENCY_MS = 8;

interface Frame {
  readonly message: Outbound;
  readonly answer: (result: Result<void>) => void;
  /** It has travelled long enough; it arrives as soon as those in front of it have. */
  ripe: boolean;
  cancel: () => void;
}

/**
 * One channel. Messages on it arrive in the order in which they were sent (AMQP 0-9-1, 4.7); the confirms come back in
 * any order. A missing exchange closes it, and what is unanswered on it then fails with that, arrived or not.
 */
export class Line {
  closed = false;
  private readonly broker: SimBroker;
  private readonly transit: Frame[] = [];
  private readonly unanswered = new Set<Frame>();
  /** The broker has closed its end; the gateway does not know yet. */
  private refused = false;

  constructor(broker: SimBroker) {
    this.broker = broker;
  }

  /** Messages that are still on their way to the broker. */
  get inTransit(): number {
    return this.transit.length;
  }

  /** Calls `answer` once: with the broker's verdict, or when the line is closed. */
  send(message: Outbound, answer: (result: Result<void>) => void): void {
    const frame: Frame = { message, answer, ripe: false, cancel: () => {} };
    this.transit.push(frame);
    this.unanswered.add(frame);
    frame.cancel = this.travel(() => {
      frame.ripe = true;
      this.land();
    });
  }

  /** What has not arrived never will; what is unanswered gets this answer, in the order in which it was sent. */
  close(result: Result<void>): void {
    if (this.closed) return;
    this.closed = true;
    this.transit.length = 0;
    for (const frame of this.unanswered) {
      frame.cancel();
      frame.answer(result);
    }
    this.unanswered.clear();
  }

  private land(): void {
    for (let head = this.transit[0]; head?.ripe === true && !this.refused; head = this.transit[0]) {
      const frame = head;
      this.transit.shift();
      const verdict = this.broker.accept(frame.message);
      if (verdict === 'close') {
        this.refused = true;
        this.travel(() => this.close(failed('UNROUTABLE', `exchange '${frame.message.exchange}' does not exist`)));
        return;
      }
      frame.cancel = this.travel(() => {
        this.unanswered.delete(frame);
        frame.answer(resultOf(verdict, frame.message));
      });
    }
  }

  private travel(then: () => void): () => void {
    const { time } = this.broker;
    return time.after(time.random() * LATENCY_MS, () =>
      this.broker.whenFlowing(() => {
        if (!this.closed) then();
      }),
    );
  }
}

function resultOf(verdict: Exclude<Verdict, 'close'>, { exchange, routingKey }: Outbound): Result<void> {
  if (verdict === 'ack') return ok(undefined);
  if (verdict === 'nack') return failed('BROKER_NACK', `a queue behind exchange '${exchange}' is full`);
  return failed('UNROUTABLE', `exchange '${exchange}' has no queue for routing key '${routingKey}'`);
}
