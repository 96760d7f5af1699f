import { type Fault, fault } from '../../../src/domain/fault.ts';
import type { KeptMessage } from '../../../src/domain/kept-message.ts';
import type { Outlet } from '../../../src/pipeline/outlet.ts';
import type { Scheduler } from '../../../src/pipeline/ports.ts';

export interface SimOutletOptions {
  readonly window: number;
  readonly perTopic: number;
  /** Chance that a message is refused for now. */
  readonly refusing: number;
  /** Upper bound of the time until an answer. */
  readonly slowMs: number;
  /** Gets what the other side has got, in its order. */
  readonly got: (message: KeptMessage) => void;
}

/** The contract of `Outlet` without a broker: one line that answers late, refuses, and is cut. */
export class SimOutlet implements Outlet {
  readonly window: number;
  readonly perTopic: number;
  unavailable: Fault | undefined = undefined;
  sent = 0;
  most = 0;
  private readonly options: SimOutletOptions;
  private readonly time: Scheduler;
  private readonly listeners = new Set<() => void>();
  private underWay = new Map<number, (fault: Fault | undefined) => void>();
  private readonly topics = new Map<string, number>();

  constructor(time: Scheduler, options: SimOutletOptions) {
    this.time = time;
    this.options = options;
    this.window = options.window;
    this.perTopic = options.perTopic;
  }

  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  send(message: KeptMessage, _late: boolean, done: (fault: Fault | undefined) => void): void {
    if (this.unavailable !== undefined) throw new Error('sent while the outlet is away');
    const ofTopic = (this.topics.get(message.topic) ?? 0) + 1;
    if (ofTopic > this.perTopic) throw new Error(`${ofTopic} of one topic under way`);
    this.topics.set(message.topic, ofTopic);
    this.sent += 1;
    const id = this.sent;
    const refused = this.time.random() < this.options.refusing;
    // The other side has it from here on, whatever becomes of the answer.
    if (!refused) this.options.got(message);
    this.underWay.set(id, (why) => {
      this.topics.set(message.topic, (this.topics.get(message.topic) ?? 1) - 1);
      done(why);
    });
    this.most = Math.max(this.most, this.underWay.size);
    if (this.underWay.size > this.window) throw new Error(`${this.underWay.size} under way`);
    this.time.after(this.time.random() * this.options.slowMs, () => this.answer(id, refused ? fault('BROKER_NACK', 'full') : undefined));
  }

  /** Cuts the line: nobody knows what became of what is under way. */
  cut(): void {
    if (this.unavailable !== undefined) return;
    this.unavailable = fault('NOT_CONNECTED', 'cut');
    const lost = [...this.underWay.keys()];
    for (const id of lost) this.answer(id, fault('NOT_CONNECTED', 'cut'));
    this.tell();
  }

  mend(): void {
    if (this.unavailable === undefined) return;
    this.unavailable = undefined;
    this.tell();
  }

  private answer(id: number, why: Fault | undefined): void {
    const done = this.underWay.get(id);
    if (done === undefined) return;
    this.underWay.delete(id);
    done(why);
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }
}
