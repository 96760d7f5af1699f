/** What the live line shows; taken from the gateway's `/status`. */
export interface Flow {
  /** Readings that entered since the gateway started. */
  readonly readings: number;
  readonly forwarded: number;
  readonly deadLettered: number;
  readonly inFlight: number;
  /** Milliseconds from arrival to confirm, recent; undefined before the first batch. */
  readonly lagMs: number | undefined;
  /** Something that needs attention: a held lane, a lost connection. */
  readonly trouble: string | undefined;
}

export function perSecond(count: number, milliseconds: number): string {
  return milliseconds <= 0 ? '0.0' : ((count * 1000) / milliseconds).toFixed(1);
}

/** One line from two looks at the gateway, `milliseconds` apart. */
export function flowLine(before: Flow, now: Flow, milliseconds: number): string {
  const lag = now.lagMs === undefined ? '-' : `${Math.round(now.lagMs)} ms`;
  const parts = [
    `in ${perSecond(now.readings - before.readings, milliseconds)}/s`,
    `forwarded ${perSecond(now.forwarded - before.forwarded, milliseconds)}/s, ${now.forwarded} in all`,
    `dead-lettered ${now.deadLettered}`,
    `in flight ${now.inFlight}`,
    `lag ${lag}`,
  ];
  return `${parts.join(' | ')}${now.trouble === undefined ? '' : ` | ${now.trouble}`}`;
}

/** Where lines go; `columns` and `isTTY` as of a terminal stream. */
export interface Screen {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** Not on a terminal: one status line in so long. */
const PLAIN_EVERY_MS = 10_000;
// ECMA-48, EL: erase the whole line.
const ERASE = '\r\u001B[2K';

/** Lines that stay, and on a terminal below them one that is rewritten in place. */
export class LiveLine {
  private readonly screen: Screen;
  private readonly now: () => number;
  private readonly plainEveryMs: number;
  private current = '';
  private lastPlain: number | undefined;

  /** `now`: milliseconds on a clock that never jumps. */
  constructor(screen: Screen, now: () => number, plainEveryMs = PLAIN_EVERY_MS) {
    this.screen = screen;
    this.now = now;
    this.plainEveryMs = plainEveryMs;
  }

  /** A line that stays. */
  print(line: string): void {
    if (this.screen.isTTY !== true) {
      this.screen.write(`${line}\n`);
      return;
    }
    this.screen.write(`${this.current === '' ? '' : ERASE}${line}\n${this.current}`);
  }

  /** The live line; on a pipe or a file only now and then. */
  update(line: string): void {
    if (this.screen.isTTY !== true) {
      const now = this.now();
      if (this.lastPlain !== undefined && now - this.lastPlain < this.plainEveryMs) return;
      this.lastPlain = now;
      this.screen.write(`${line}\n`);
      return;
    }
    // A terminal that does not know its size says 0. A line longer than the terminal would wrap, and the next rewrite would leave its first half behind.
    const width = Math.max(20, (this.screen.columns || 80) - 1);
    this.current = line.length > width ? `${line.slice(0, width - 1)}…` : line;
    this.screen.write(`${ERASE}${this.current}`);
  }

  /** Ends the live line. */
  close(): void {
    if (this.screen.isTTY === true && this.current !== '') this.screen.write('\n');
    this.current = '';
  }
}
