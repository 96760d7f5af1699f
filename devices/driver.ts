import type { Clock } from './clock.ts';

/** One connection's planned messages, as the driver sees them. */
export interface Lane {
  /** When the next message is due, in milliseconds after the start; Infinity: nothing is left. */
  readonly nextDue: number;
  /** False: the message would have nowhere to go (not connected, window full). The owner calls `wake` when that changes. */
  readonly ready: boolean;
  /** Sends the next message. `lateMs` is how long it was overdue. */
  emit(lateMs: number): void;
}

/**
 * Sends what is due, when it is due.
 *
 * Policy (open loop): the due times come from the plan alone. A lane that is not ready keeps its place; when it can send
 * again, everything overdue goes out as fast as the lane takes it, in order, each with its own planned device time, and its
 * lateness is counted. Nothing is skipped and nothing is moved. Across lanes the message that was due first goes first.
 */
export class Driver {
  private readonly clock: Clock;
  private readonly onEnd: () => void;
  /** Binary heap over `nextDue`. A lane stands in it once, or is parked, or has ended. */
  private readonly heap: Lane[] = [];
  private readonly parked = new Set<Lane>();
  private startedAt: number | undefined;
  private cancel: (() => void) | undefined;
  private paused = false;

  /** `onEnd` is called once no lane has a message left. */
  constructor(clock: Clock, onEnd: () => void) {
    this.clock = clock;
    this.onEnd = onEnd;
  }

  start(lanes: readonly Lane[]): void {
    this.startedAt = this.clock.monotonic();
    for (const lane of lanes) {
      this.push(lane);
    }
    this.run();
  }

  stop(): void {
    this.cancel?.();
    this.cancel = undefined;
    this.heap.length = 0;
    this.parked.clear();
  }

  /** Sends nothing until `resume`. Time goes on: what comes due meanwhile is overdue then. */
  pause(): void {
    this.paused = true;
    this.cancel?.();
    this.cancel = undefined;
  }

  resume(): void {
    if (this.paused) {
      this.paused = false;
      this.arm(0);
    }
  }

  /** Milliseconds since `start`; negative before. */
  elapsed(): number {
    return this.startedAt === undefined ? -1 : this.clock.monotonic() - this.startedAt;
  }

  /** The lane may be ready again. */
  wake(lane: Lane): void {
    if (this.parked.delete(lane)) {
      this.push(lane);
      this.arm(0);
    }
  }

  private run(): void {
    this.cancel = undefined;
    // A bound on one go, so that sockets and acknowledgements get their turn while the fleet catches up.
    for (let sent = 0; sent < 200; ) {
      const lane = this.heap[0];
      if (lane === undefined) {
        break;
      }
      const late = this.elapsed() - lane.nextDue;
      if (late < 0) {
        this.arm(-late);
        return;
      }
      this.pop();
      if (lane.ready) {
        lane.emit(late);
        sent += 1;
        this.push(lane);
      } else {
        this.parked.add(lane);
      }
    }
    if (this.heap.length > 0) {
      this.arm(0);
    } else if (this.parked.size === 0) {
      this.onEnd();
    }
  }

  private arm(ms: number): void {
    if (this.paused) {
      return;
    }
    this.cancel?.();
    // Node fires timers of more than 2^31 ms at once; `run` looks again and arms anew.
    this.cancel = this.clock.after(Math.min(Math.ceil(ms), 1e9), () => this.run());
  }

  private push(lane: Lane): void {
    if (lane.nextDue === Number.POSITIVE_INFINITY) {
      return;
    }
    const { heap } = this;
    let at = heap.push(lane) - 1;
    while (at > 0) {
      const up = (at - 1) >>> 1;
      const parent = heap[up] as Lane;
      if (parent.nextDue <= lane.nextDue) {
        break;
      }
      heap[at] = parent;
      at = up;
    }
    heap[at] = lane;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop() as Lane;
    if (heap.length === 0) {
      return;
    }
    let at = 0;
    for (;;) {
      let down = 2 * at + 1;
      const right = heap[down + 1];
      if (right !== undefined && right.nextDue < (heap[down] as Lane).nextDue) {
        down += 1;
      }
      const child = heap[down];
      if (child === undefined || child.nextDue >= last.nextDue) {
        break;
      }
      heap[at] = child;
      at = down;
    }
    heap[at] = last;
  }
}
