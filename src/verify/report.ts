import type { Verdict } from './arrivals.ts';
import type { FaultRow } from './row.ts';

/** What `sluice verify` writes as JSON. */
export interface Report {
  /** Nothing lost, nothing unexpected, nothing out of order, nothing changed, every fault applied, and enough attempted to mean something. */
  readonly ok: boolean;
  /** With the same seed devices send the same and faults come in the same order. */
  readonly seed: number;
  readonly mode: 'private' | 'user';
  readonly startedAt: string;
  readonly seconds: number;
  readonly rate: number;
  readonly devices: number;
  readonly attempted: number;
  readonly pubacked: number;
  readonly forwarded: number;
  readonly deadLettered: number;
  readonly deadLetterCodes: Readonly<Record<string, number>>;
  /** Items that the gateway counted as filtered by a rule of its settings. */
  readonly dropped: number;
  readonly duplicates: number;
  readonly lost: number;
  readonly unexpected: number;
  readonly outOfOrder: number;
  readonly changed: number;
  readonly indeterminate: number;
  readonly faults: readonly FaultRow[];
  /** Why it is not ok, one line each. */
  readonly problems: readonly string[];
  /** The first of each kind that should not be. */
  readonly examples: Readonly<Record<'lost' | 'unexpected' | 'outOfOrder' | 'changed', readonly string[]>>;
}

export interface ReportInput extends Pick<Report, 'seed' | 'mode' | 'startedAt' | 'seconds' | 'rate' | 'devices' | 'dropped' | 'faults'> {
  readonly verdict: Verdict;
  /** What else went wrong. */
  readonly problems: readonly string[];
  /** Fewer attempts prove nothing. */
  readonly leastAttempted: number;
}

const EXAMPLES = 10;

export function reportOf(input: ReportInput): Report {
  const { verdict, problems: others, leastAttempted, ...rest } = input;
  const { lost, unexpected, outOfOrder, changed, ...counts } = verdict;
  const problems = [
    ...count(lost.length, 'acknowledged by the broker and lost'),
    ...count(unexpected.length, 'came out and had not been sent'),
    ...count(outOfOrder.length, 'came out of order'),
    ...count(changed.length, 'came out changed'),
    ...(verdict.attempted < leastAttempted ? [`void: only ${verdict.attempted} messages attempted, at least ${leastAttempted} are needed`] : []),
    ...(verdict.forwarded === 0 ? ['void: nothing came out; do the settings take devices/SITE/DEVICE/telemetry to a queue?'] : []),
    ...input.faults.flatMap(({ kind, problems: found }) => found.map((problem) => `${kind}: ${problem}`)),
    ...others,
  ];
  return {
    ok: problems.length === 0,
    ...rest,
    ...counts,
    lost: lost.length,
    unexpected: unexpected.length,
    outOfOrder: outOfOrder.length,
    changed: changed.length,
    problems,
    examples: {
      lost: lost.slice(0, EXAMPLES),
      unexpected: unexpected.slice(0, EXAMPLES),
      outOfOrder: outOfOrder.slice(0, EXAMPLES),
      changed: changed.slice(0, EXAMPLES),
    },
  };
}

/** Two runs behind each other, as one. */
export function joined(first: Report, second: Report): Report {
  const sum = <K extends keyof Report>(...keys: readonly K[]): Record<K, number> =>
    Object.fromEntries(keys.map((key) => [key, (first[key] as number) + (second[key] as number)])) as Record<K, number>;
  const both = (what: keyof Report['examples']): readonly string[] => [...first.examples[what], ...second.examples[what]].slice(0, EXAMPLES);
  const codes = Object.keys({ ...first.deadLetterCodes, ...second.deadLetterCodes });
  return {
    ...first,
    ok: first.ok && second.ok,
    ...sum(
      'seconds',
      'attempted',
      'pubacked',
      'forwarded',
      'deadLettered',
      'dropped',
      'duplicates',
      'lost',
      'unexpected',
      'outOfOrder',
      'changed',
      'indeterminate',
    ),
    deadLetterCodes: Object.fromEntries(codes.map((code) => [code, (first.deadLetterCodes[code] ?? 0) + (second.deadLetterCodes[code] ?? 0)])),
    faults: [...first.faults, ...second.faults],
    problems: [...first.problems, ...second.problems],
    examples: { lost: both('lost'), unexpected: both('unexpected'), outOfOrder: both('outOfOrder'), changed: both('changed') },
  };
}

function count(n: number, what: string): string[] {
  return n === 0 ? [] : [`${n} ${n === 1 ? 'message' : 'messages'} ${what}`];
}

/** For a person: the faults as a table, the balance, the verdict. */
export function reportLines(report: Report): string[] {
  const ms = (value: number | null): string => (value === null ? '-' : String(value));
  const rows = report.faults.map((row) => [
    row.rows.join(' '),
    row.kind,
    ms(row.detectedMs),
    ms(row.recoveredMs),
    ms(row.redelivered),
    String(row.duplicates),
    [...row.problems.map((problem) => `FAILED: ${problem}`), ...row.notes].join('; ') || 'good',
  ]);
  return [
    ...(rows.length === 0 ? [] : [...table(['row', 'fault', 'detected ms', 'recovered ms', 'redelivered', 'duplicates', ''], rows), '']),
    ...sumLines(report),
    ...Object.entries(report.examples).flatMap(([what, keys]) => (keys.length === 0 ? [] : [`  ${what}: ${keys.join(', ')}`])),
    ...report.problems.map((problem) => `  ${problem}`),
    report.ok ? 'verdict: good' : `verdict: NOT GOOD (seed ${report.seed})`,
  ];
}

/** What was sent, what came out, and what did not. */
export function sumLines(report: Report): string[] {
  const { attempted, pubacked, forwarded, deadLettered, dropped, duplicates, indeterminate, lost, unexpected, outOfOrder, changed } = report;
  return [
    `${attempted} attempted, ${pubacked} acknowledged; ${forwarded} forwarded, ${deadLettered} dead-lettered, ${dropped} dropped by a rule; ${duplicates} duplicates, ${indeterminate} indeterminate`,
    `lost ${lost}, unexpected ${unexpected}, out of order ${outOfOrder}, changed ${changed}`,
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column >= 2 && column <= 5 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line)];
}
