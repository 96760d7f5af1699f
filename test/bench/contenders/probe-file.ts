import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Since the reading before. */
export interface ProbeReading {
  /** Readings so far, from 1. */
  readonly turn: number;
  /** In garbage collection. */
  readonly gcMs: number;
  readonly loopP99Ms: number;
  readonly loopMaxMs: number;
}

const ANSWER_MS = 60_000;

/** Asks the probe (probe.ts) of a process. */
export class Probe {
  private readonly file: string;
  private turn = 0;

  constructor(file: string) {
    this.file = file;
  }

  /** Begins a stretch of time, or ends one and begins the next. Throws when there is no answer. */
  async read(pid: number): Promise<ProbeReading> {
    this.turn += 1;
    process.kill(pid, 'SIGUSR2');
    for (const end = performance.now() + ANSWER_MS; performance.now() < end; await sleep(2)) {
      const reading = this.last();
      if (reading?.turn === this.turn) return reading;
    }
    throw new Error(`process ${pid} does not answer the probe`);
  }

  private last(): ProbeReading | undefined {
    try {
      return JSON.parse(readFileSync(this.file, 'utf8')) as ProbeReading;
    } catch {
      return undefined;
    }
  }
}
