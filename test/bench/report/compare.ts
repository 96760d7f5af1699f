import type { BenchResult, SubjectResult } from '../support/result.ts';
import { table } from '../support/table.ts';
import { of } from './print.ts';

const MEASURES: readonly (readonly [string, string])[] = [
  ['inPerSecond', 'rate'],
  ['cpuMicrosPerMessage', 'CPU/msg'],
  ['rssPeakBytes', 'RSS'],
  ['loopP99Ms', 'loop p99'],
  ['p50Ms', 'p50'],
  ['p99Ms', 'p99'],
  ['startMs', 'start'],
];

/** The second through the first, of the medians; behind a rate or a cost that lies outside the spread of the first run stands a star. */
export function comparison(before: BenchResult, after: BenchResult): string {
  const lines: string[][] = [];
  for (const row of after.rows) {
    const old = before.rows.find(({ name }) => name === row.name);
    for (const subject of row.subjects) {
      const other = old?.subjects.find(({ label }) => label === subject.label);
      if (other !== undefined) lines.push([`${row.name}: ${subject.label}`, ...MEASURES.map(([measure]) => cell(other, subject, measure))]);
    }
  }
  return `${warnings(before, after)}${table(['after / before', ...MEASURES.map(([, head]) => head)], lines)}`;
}

function cell(before: SubjectResult, after: SubjectResult, measure: string): string {
  const [from, to] = [of(before, measure), of(after, measure).median];
  const ratio = to / from.median;
  if (!Number.isFinite(ratio)) return '-';
  return `${ratio.toFixed(2)}${to < from.least || to > from.greatest ? '*' : ' '}`;
}

/** What makes a comparison worth less. */
function warnings(before: BenchResult, after: BenchResult): string {
  const found: string[] = [];
  for (const name of ['cpu', 'processors', 'system', 'node', 'rabbitmq'] as const) {
    if (before.machine[name] !== after.machine[name])
      found.push(`${name} differs: ${before.machine[name]}, ${after.machine[name]}; compare the rows with a floor, as multiples of it`);
  }
  const busy = Math.max(before.machine.loadBefore, after.machine.loadBefore);
  if (busy > 1) found.push(`others were at work on the machine (load ${busy})`);
  return found.map((line) => `${line}\n`).join('') + (found.length === 0 ? '' : '\n');
}
