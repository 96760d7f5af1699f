import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

// What a process has used so far, read from outside, so that every contender is asked in the same way, the broker too. Linux alone: proc(5).

let ticks: number | undefined;

function ticksPerSecond(): number {
  ticks ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  return ticks;
}

/** Microseconds of CPU, user and system, of all threads; in steps of a clock tick (mostly 10 ms). NaN when the process is gone. */
export function cpuMicros(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in parentheses may hold anything; behind it the fields count from 3.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return ((Number(fields[11]) + Number(fields[12])) * 1_000_000) / ticksPerSecond();
  } catch {
    return Number.NaN;
  }
}

export interface Memory {
  /** Resident now, bytes. */
  readonly rss: number;
  /** Most that was resident since its start, bytes. */
  readonly peak: number;
}

/** NaN when the process is gone. */
export function memoryOf(pid: number): Memory {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const kilobytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN);
    return { rss: kilobytes('VmRSS') * 1024, peak: kilobytes('VmHWM') * 1024 };
  } catch {
    return { rss: Number.NaN, peak: Number.NaN };
  }
}
