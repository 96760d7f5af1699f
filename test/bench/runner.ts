import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { drain } from './measure/drain.ts';
import { latency, saturate } from './measure/live.ts';
import type { Measurer } from './measure/outcome.ts';
import { start } from './measure/start.ts';
import type { Row, RowKind, Subject } from './rows/row.ts';
import type { BenchBroker } from './support/broker.ts';
import type { Measures, RowResult } from './support/result.ts';
import { figure } from './support/table.ts';

const MEASURERS: Readonly<Record<RowKind, Measurer>> = { drain, latency, saturate, start };

export interface RunOptions {
  readonly broker: BenchBroker;
  readonly rounds: number;
  /** Rounds before them that do not count. */
  readonly warmUpRounds: number;
  readonly profiles: string | undefined;
  /** One line for whoever watches. */
  readonly say: (line: string) => void;
}

export interface RowOutcome {
  readonly result: RowResult;
  /** Rounds that do not count, and why. */
  readonly failures: readonly string[];
}

/**
 * Measures the subjects of a row in turn, again and again, each round beginning with another one: what disturbs the machine disturbs
 * all of them. The rounds below 0 warm up the broker and do not count; a process of a contender lives for one round.
 */
export async function runRow(row: Row, options: RunOptions): Promise<RowOutcome> {
  const { broker, profiles, say } = options;
  const rounds = row.rounds ?? options.rounds;
  const found = row.subjects.map(() => ({ rounds: [] as Measures[], course: undefined as Readonly<Record<string, readonly number[]>> | undefined }));
  const failures: string[] = [];
  for (let round = -options.warmUpRounds; round < rounds; round += 1) {
    for (const i of turns(row.subjects.length, round)) {
      const subject = row.subjects[i] as Subject;
      const dir = join(broker.dir, `round-${row.name}-${i}-${round}`);
      const { measures, course, failure } = await MEASURERS[row.kind](subject, { broker, dir, profiles });
      rmSync(dir, { recursive: true, force: true });
      say(`${row.name} ${round + 1}/${rounds} ${subject.label}: ${line(measures)}${failure === undefined ? '' : `  FAILED: ${failure}`}`);
      if (failure !== undefined) failures.push(`${row.name}, ${subject.label}: ${failure}`);
      if (round < 0) continue;
      found[i]?.rounds.push(measures);
      Object.assign(found[i] as object, { course });
    }
  }
  const subjects = row.subjects.map(({ label, contender, scenario }, i) => ({ label, contender, scenario: { ...scenario }, ...(found[i] ?? { rounds: [] }) }));
  return { result: { name: row.name, title: row.title, kind: row.kind, memory: row.memory, axis: row.axis, subjects }, failures };
}

/** 0 to `count` - 1, beginning with another one each round. */
function turns(count: number, round: number): number[] {
  return Array.from({ length: count }, (_, i) => (i + Math.abs(round)) % count);
}

/** The numbers that somebody who watches wants to see. */
function line(measures: Measures): string {
  const shown: readonly (readonly [string, string, number])[] = [
    ['inPerSecond', '/s', 1],
    ['cpuMicrosPerMessage', ' us/message', 1],
    ['p50Ms', ' ms p50', 1],
    ['p99Ms', ' ms p99', 1],
    ['startMs', ' ms', 1],
    ['rssPeakBytes', ' MB', 1e6],
  ];
  return shown.flatMap(([name, unit, by]) => (measures[name] === undefined ? [] : [`${figure(measures[name] / by)}${unit}`])).join(', ');
}
