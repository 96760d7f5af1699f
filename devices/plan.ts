/**
 * When the messages of one connection are due, in milliseconds after the start, in order. A plan is arithmetic:
 * it never looks at what was sent or acknowledged, so a slow broker cannot thin out the load (no coordinated omission),
 * and messages that are overdue cost no memory.
 */
export interface Plan {
  /** Number of messages; may be Infinity. */
  readonly count: number;
  /** When message `k` (from 0) is due. Not falling. */
  due(k: number): number;
  /** Which of the connection's speakers sends message `k`. */
  speaker(k: number): number;
  /** How many messages are due up to and including `ms`. */
  dueBy(ms: number): number;
}

/**
 * The whole fleet takes turns: message `m` of the fleet is due at `m * intervalMs / devices` and belongs to device `m mod devices`.
 * This is the share of the connection that holds the devices `members` (rising indices into the fleet).
 */
export class TurnPlan implements Plan {
  readonly count: number;
  private readonly members: readonly number[];
  private readonly devices: number;
  private readonly stepMs: number;

  /** `intervalMs`: between two messages of one device. `limit`: messages of the whole fleet. */
  constructor(members: readonly number[], devices: number, intervalMs: number, limit: number) {
    this.members = members;
    this.devices = devices;
    this.stepMs = intervalMs / devices;
    this.count = limit === Number.POSITIVE_INFINITY ? limit : this.before(limit);
  }

  due(k: number): number {
    const n = this.members.length;
    return (Math.floor(k / n) * this.devices + (this.members[k % n] as number)) * this.stepMs;
  }

  speaker(k: number): number {
    return k % this.members.length;
  }

  dueBy(ms: number): number {
    // A hair more than `ms`, so that a message which `due` puts exactly at `ms` is counted in spite of rounding.
    return ms < 0 ? 0 : Math.min(this.count, this.before(Math.floor(ms / this.stepMs + 1e-6) + 1));
  }

  /** How many of the fleet's first `m` messages are this connection's. */
  private before(m: number): number {
    const rounds = Math.floor(m / this.devices);
    const rest = m - rounds * this.devices;
    return rounds * this.members.length + this.members.filter((member) => member < rest).length;
  }
}

/** One speaker with a list of its own times. */
export class ListPlan implements Plan {
  readonly count: number;
  private readonly times: readonly number[];

  /** `times` must not fall. */
  constructor(times: readonly number[]) {
    this.times = times;
    this.count = times.length;
  }

  due(k: number): number {
    return this.times[k] ?? Number.POSITIVE_INFINITY;
  }

  speaker(): number {
    return 0;
  }

  dueBy(ms: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.times[middle] as number) <= ms) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
}
