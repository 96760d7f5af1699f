import { FAULTS } from './faults/index.ts';
import type { Report } from './report.ts';

/** One row of the fault matrix: what can go wrong around a gateway, and who tries it. */
export interface MatrixRow {
  readonly row: string;
  readonly what: string;
  /** Where it is tried, when not (only) by `sluice verify`; or why not here. */
  readonly elsewhere?: string;
}

export const MATRIX: readonly MatrixRow[] = [
  { row: 'F0', what: 'nothing: the control' },
  { row: 'F1', what: 'broker killed under load' },
  { row: 'F2', what: 'broker stopped in order' },
  { row: 'F3', what: 'broker paused' },
  { row: 'F4', what: 'all connections closed by an operator' },
  { row: 'F5', what: "the gateway's connections reset" },
  { row: 'F6', what: 'reset within a frame' },
  { row: 'F7', what: 'black hole' },
  { row: 'F8', what: 'half-open connection' },
  { row: 'F9', what: 'latency, little bandwidth, tiny slices' },
  { row: 'F10', what: 'memory alarm' },
  { row: 'F11', what: 'disk alarm' },
  { row: 'F12', what: 'destination queue full (reject-publish)' },
  { row: 'F13', what: 'destination queue or exchange deleted' },
  { row: 'F14', what: 'ingest queue deleted, its binding removed' },
  { row: 'F15', what: 'consumer_timeout' },
  { row: 'F16', what: 'gateway killed at random points' },
  { row: 'F17', what: 'SIGTERM to the gateway under load' },
  { row: 'F18', what: 'gateway paused' },
  { row: 'F19', what: 'event loop blocked' },
  { row: 'F20', what: 'two gateways, one killed' },
  { row: 'F21', what: "disk full under the gateway's log, under the spool of an edge" },
  { row: 'F22', what: 'disk full under the broker' },
  { row: 'F23', what: 'spool of an edge corrupted', elsewhere: 'test/unit/edge/spool: damaged records cost themselves and nothing else' },
  { row: 'F24', what: 'power loss', elsewhere: 'not claimed: F1 is the death of a process, the pages it wrote survive' },
  { row: 'F25', what: 'little memory: V8 heap (being killed for it is F16)' },
  { row: 'F26', what: 'little CPU' },
  { row: 'F27', what: 'clock jumps' },
  { row: 'F28', what: 'refused, wrong password, no right to the virtual host' },
  { row: 'F29', what: 'TLS certificate expired or untrusted', elsewhere: 'test/contract/tls.test.ts: refused with the reason, and goes on when it is renewed' },
  { row: 'F30', what: 'a thousand devices reconnect at once' },
  {
    row: 'F31',
    what: 'topic longer than 255 bytes',
    elsewhere: 'test/e2e/poison.test.ts: survived without help; test/contract/topology.test.ts: topic permissions refuse it',
  },
  { row: 'F32', what: 'retained flood, repeated publishes, bad payloads' },
  { row: 'F33', what: 'slow output consumer' },
  { row: 'F34', what: 'random mix (`--faults random`)' },
  { row: 'F35', what: 'other settings under load, good and bad ones' },
  { row: 'F36', what: 'cluster: the node that leads the ingest queue killed or stopped' },
  { row: 'F37', what: 'cluster: a node killed that leads nothing' },
  { row: 'F38', what: 'cluster: the leading node cut off from the others' },
  { row: 'F39', what: 'edge: the broker is away while devices publish' },
  { row: 'F40', what: 'edge: its link is cut, silent, slow' },
  { row: 'F41', what: 'edge: killed or stopped while it keeps and while it forwards' },
];

/** `docs/verify.md`: the matrix with what tries each row. */
export function matrixMarkdown(): string {
  const lines = MATRIX.map(({ row, what, elsewhere }) => {
    const kinds = FAULTS.filter(({ rows }) => rows.includes(row)).map(({ kind }) => `\`${kind}\``);
    return `| ${row} | ${what} | ${[...kinds, ...(elsewhere === undefined ? [] : [elsewhere])].join(', ') || '`random`'} |`;
  });
  return ['| row | what goes wrong | tried by |', '| --- | --- | --- |', ...lines].join('\n');
}

function median(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length === 0 ? '-' : String(sorted[sorted.length >> 1]);
}

/** `docs/faults-measured.md`: times of every kind of fault in these runs. `machine`: where, in words. */
export function measuredMarkdown(reports: readonly Report[], machine: string): string {
  const rows = reports.flatMap(({ faults }) => faults);
  const numbers = (kind: string, of: 'detectedMs' | 'recoveredMs' | 'redelivered' | 'duplicates'): number[] =>
    rows.filter((row) => row.kind === kind).flatMap((row) => row[of] ?? []);
  const lines = FAULTS.map(({ kind, rows: names }) => {
    const times = rows.filter((row) => row.kind === kind && row.skipped === null).length;
    const good = rows.filter((row) => row.kind === kind && row.skipped === null && row.problems.length === 0).length;
    const cells = (['detectedMs', 'recoveredMs', 'redelivered', 'duplicates'] as const).map((of) => median(numbers(kind, of)));
    return `| ${names.join(', ')} | \`${kind}\` | ${times} | ${times - good} | ${cells.join(' | ')} |`;
  });
  const sum = (of: 'attempted' | 'pubacked' | 'forwarded' | 'deadLettered' | 'lost' | 'unexpected' | 'outOfOrder'): number =>
    reports.reduce((total, report) => total + report[of], 0);
  return [
    '# Faults, measured',
    '',
    '<!-- Written by `npm run test:faults`; see docs/verify.md. -->',
    '',
    `Machine: ${machine}. Seeds: ${reports.map(({ seed }) => seed).join(', ')}.`,
    '',
    `${sum('attempted')} messages attempted, ${sum('pubacked')} acknowledged, ${sum('forwarded')} forwarded, ${sum('deadLettered')} dead-lettered;`,
    `lost ${sum('lost')}, unexpected ${sum('unexpected')}, out of order ${sum('outOfOrder')}.`,
    '',
    'Detected: from the moment the fault came into force to the first sign at `/status`, which is looked at every 50 ms.',
    'Recovered: from the beginning of the repair (the start of a broker or a gateway is part of it) until the gateway was ready and',
    'readings came out. Medians, in milliseconds. These are times of this machine, not promises.',
    '',
    '| row | fault | runs | not good | detected | recovered | redelivered | duplicates |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...lines,
    '',
  ].join('\n');
}
