/** There is news once a second: silent for this long, who should send it is not believed to be there. */
export const LATE_MS = 3500;

export type Reach = 'connecting' | 'live' | 'late' | 'away';

/** Whether what the page shows is the present. Times are of one clock that does not jump, in milliseconds. */
export class Freshness {
  private heardAt: number | undefined;
  private lost = false;
  /** Why the connection ended, or the last attempt failed. */
  why: string | undefined;
  /** Its HTTP status, where there was one. */
  status: number | undefined;

  heard(at: number): void {
    this.heardAt = at;
    this.lost = false;
    this.why = undefined;
    this.status = undefined;
  }

  ended(why: string, status?: number): void {
    this.lost = true;
    this.why = why;
    this.status = status;
  }

  /** Nobody looks any more; when somebody does again it begins anew. */
  rest(): void {
    this.heardAt = undefined;
    this.lost = false;
    this.why = undefined;
    this.status = undefined;
  }

  /** Age of the newest data; undefined before the first. */
  age(now: number): number | undefined {
    return this.heardAt === undefined ? undefined : Math.max(0, now - this.heardAt);
  }

  reach(now: number): Reach {
    if (this.lost) return 'away';
    const age = this.age(now);
    return age === undefined ? 'connecting' : age > LATE_MS ? 'late' : 'live';
  }
}
