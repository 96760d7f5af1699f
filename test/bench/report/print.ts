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

/** What the subject has more than the base, round by round; of no rounds where there is no subject. */
export function added(subject: SubjectResult | undefined, base: SubjectResult | undefined, measure: string): Spread {
  return spread((subject?.rounds ?? []).map((round, i) => (round[measure] ?? Number.NaN) - (base?.rounds[i]?.[measure] ?? Number.NaN)));
}

/** A column of a table: what is in it for one subject, `base` being the first of the row. */
interface Column {
  readonly head: string;
  readonly cell: (subject: SubjectResult, base: SubjectResult) => string;
}

const middle = (head: string, measure: string, by = 1): Column => ({ head, cell: (subject) => figure(of(subject, measure).median / by) });
const worst = (head: string, measure: string, by = 1): Column => ({ head, cell: (subject) => figure(of(subject, measure).greatest / by) });
const least = (head: string, measure: string): Column => ({
  head,
  cell: (subject) => `${figure(of(subject, measure).least)} to ${figure(of(subject, measure).greatest)}`,
});
const against = (measure: string): Column => ({
  head: 'x',
  cell: (subject, base) => (subject === base ? '1' : figure(ratio(subject, base, measure).median)),
});
/** What Shovel and a plain consumer cost is the broker's, and stands there. */
const ownProcess = ({ head, cell }: Column): Column => ({
  head,
  cell: (subject, base) => (['shovel', 'plain'].includes(subject.contender) ? '-' : cell(subject, base)),
});
const BOOKS = [worst('lost', 'lost'), worst('twice', 'duplicates')];
const PROCESS = [
  ownProcess(middle('CPU us/msg', 'cpuMicrosPerMessage')),
  ownProcess(against('cpuMicrosPerMessage')),
  middle('broker us/msg', 'brokerCpuMicrosPerMessage'),
  ownProcess(worst('RSS MB', 'rssPeakBytes', 1e6)),
  ownProcess(middle('loop p99 ms', 'loopP99Ms')),
];

const more = (head: string, measure: string): Column => ({
  head,
  cell: (subject, base) => (subject === base ? '-' : figure(added(subject, base, measure).median)),
});

const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  drain: [
    middle('in/s', 'inPerSecond'),
    least('spread', 'inPerSecond'),
    against('inPerSecond'),
    middle('out/s', 'outPerSecond'),
    ...PROCESS,
    ownProcess(middle('GC %', 'gcShare', 0.01)),
    ...BOOKS,
  ],
  latency: [
    middle('offered/s', 'offeredPerSecond'),
    middle('in/s', 'inPerSecond'),
    middle('p50 ms', 'p50Ms'),
    middle('p99 ms', 'p99Ms'),
    middle('p99.9 ms', 'p999Ms'),
    more('p50 added', 'p50Ms'),
    more('p99 added', 'p99Ms'),
    least('p99 spread', 'p99Ms'),
    ownProcess(middle('CPU us/msg', 'cpuMicrosPerMessage')),
    ...BOOKS,
  ],
  saturate: [
    middle('in/s', 'inPerSecond'),
    least('spread', 'inPerSecond'),
    against('inPerSecond'),
    middle('PUBACK p99 ms', 'pubackP99Ms'),
    ...PROCESS,
    ...BOOKS,
  ],
  start: [middle('ms', 'startMs'), least('spread', 'startMs')],
};

/** The numbers of a row, medians of its rounds; memory and losses the worst of them. */
export function rowTable(row: RowResult): string {
  const columns = COLUMNS[row.kind ?? ''] ?? [];
  const [base] = row.subjects;
  if (base === undefined) return '';
  return table(
    ['', ...columns.map(({ head }) => head)],
    row.subjects.map((subject) => [subject.label, ...columns.map(({ cell }) => cell(subject, base))]),
  );
}

export function printRow(row: RowResult): string {
  return `## ${row.title} (${row.name})\n\n${rowTable(row)}`;
}
