import type { Duplex } from 'node:stream';

/** What one connection owes: the rest of a packet that has begun, and reading what is sent to it. Times in ms. */
export class Patience {
  /** When the CONNECT, or the packet that has begun, must be whole; 0: no packet has begun. */
  private dueAt: number;
  /** Since when its socket has taken nothing of what waits in it; 0: it has. */
  private stuckSince = 0;
  /** How much waited when it was looked at last. */
  private stuckBytes = 0;

  constructor(connectDueAt: number) {
    this.dueAt = connectDueAt;
  }

  /** A packet has begun; `anew`: after another one became whole. */
  owes(dueAt: number, anew: boolean): void {
    if (this.dueAt === 0 || anew) this.dueAt = dueAt;
  }

  owesNothing(): void {
    this.dueAt = 0;
  }

  isLate(now: number): boolean {
    return this.dueAt !== 0 && now > this.dueAt;
  }

  /** For how long its socket has taken nothing. Slow is not stuck: what waits gets less. */
  stuckFor(now: number, conn: Duplex): number {
    const waiting = conn.writableLength;
    if (waiting === 0 || !conn.writableNeedDrain || waiting < this.stuckBytes) this.stuckSince = 0;
    else if (this.stuckSince === 0) this.stuckSince = now;
    this.stuckBytes = waiting;
    return this.stuckSince === 0 ? 0 : now - this.stuckSince;
  }
}
