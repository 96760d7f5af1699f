import type { RowResult, SubjectResult } from '../support/result.ts';
import { spread, type Spread } from '../support/stats.ts';
import { figure, table } from '../support/table.ts';

/** Of one number of a subject over its rounds. */
export function of(subject: SubjectResult, measure: string): Spread {
  return spread(subject.rounds.map((round) => round[measure] ?? Number.NaN));
}

/** Of the subject through that of the base, round by round: what disturbed a round disturbed both. */
export function ratio(subject: SubjectResult, base: SubjectResult, measure: string): Spread {
  return spread(subject.rounds.map((round, i) => (round[measure] ?? Number.NaN) / (base.rounds[i]?.[measure] ?? Number.NaN)));
}

const HEAD = ['', 'in/s', 'spread', 'x', 'out/s', 'CPU us/msg', 'x', 'broker us/msg', 'RSS MB', 'loop p99 ms', 'GC ms/s', 'lost', 'twice'];

/** Rates and costs of a row, the first subject as the base of the ratios. */
export function drainTable(row: RowResult): string {
  const [base] = row.subjects;
  const lines = row.subjects.map((subject) => {
    const rate = of(subject, 'inPerSecond');
    const against = (measure: string): string => (base === undefined || base === subject ? '1' : ratio(subject, base, measure).median.toFixed(2));
    const worst = (measure: string): string => figure(of(subject, measure).greatest);
    const middle = (measure: string): string => figure(of(subject, measure).median);
    return [
      subject.label,
      figure(rate.median),
      `${figure(rate.least)} to ${figure(rate.greatest)}`,
      against('inPerSecond'),
      middle('outPerSecond'),
      subject.contender === 'shovel' ? '-' : middle('cpuMicrosPerMessage'),
      subject.contender === 'shovel' ? '-' : against('cpuMicrosPerMessage'),
      middle('brokerCpuMicrosPerMessage'),
      subject.contender === 'shovel' ? '-' : figure(of(subject, 'rssPeakBytes').greatest / 1e6),
      middle('loopP99Ms'),
      middle('gcMsPerSecond'),
      worst('lost'),
      worst('duplicates'),
    ];
  });
  return table(HEAD, lines);
}

export function printRow(row: RowResult): string {
  return `## ${row.title} (${row.name})\n\n${drainTable(row)}`;
}
