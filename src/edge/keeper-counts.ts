import type { FaultCode } from '../domain/fault.ts';

/** Which ways messages went; plain numbers, read when somebody asks. */
export class KeeperCounts {
  /** Went into memory first. */
  live = 0;
  /** Went into the spool alone first. */
  spooled = 0;
  /** Copies of live messages in the spool, written because their confirm took long. */
  copied = 0;
  /** Forwarded so long after they were received that the other side was told. */
  late = 0;
  /** Refused for now while the outlet was there, by reason; each attempt counts. */
  readonly setbacks: Partial<Record<FaultCode, number>> = {};

  setback(code: FaultCode): void {
    this.setbacks[code] = (this.setbacks[code] ?? 0) + 1;
  }
}
