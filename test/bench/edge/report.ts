import type { RowResult, SubjectResult } from '../support/result.ts';
import { median, spread } from '../support/stats.ts';
import { figure, table } from '../support/table.ts';

// Tables for people: medians of the rounds, and ratios of the same round, so that what slows the machine for a while slows both sides.

type Column = readonly [title: string, measure: string, perUnit?: number];

const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  generator: [
    ['messages/s', 'perSecond'],
    ['load, CPU us a message', 'generatorMicrosPerMessage'],
    ['PUBACK p50 ms', 'ackP50Ms'],
    ['p99 ms', 'ackP99Ms'],
  ],
  publish: [
    ['acknowledged/s', 'perSecond'],
    ['in its place/s', 'settledPerSecond'],
    ['p50 ms', 'ackP50Ms'],
    ['p99 ms', 'ackP99Ms'],
    ['edge us', 'edgeMicrosPerMessage'],
    ['broker us', 'brokerMicrosPerMessage'],
    ['paced/s', 'pacedPerSecond'],
    ['p50 ms', 'pacedAckP50Ms'],
    ['p99 ms', 'pacedAckP99Ms'],
    ['edge us', 'pacedEdgeMicrosPerMessage'],
    ['broker us', 'pacedBrokerMicrosPerMessage'],
  ],
  idle: [
    ['kB a client', 'bytesPerClient', 1000],
    ['RSS before, MB', 'rssBeforeBytes', 1e6],
    ['RSS after, MB', 'rssBytes', 1e6],
  ],
};

/** One number a line: it has one subject. */
const SPOOL_LINES: readonly Column[] = [
  ['spool, MB', 'spoolBytes', 1e6],
  ['written, messages/s', 'writePerSecond'],
  ['written, MB/s', 'writeBytesPerSecond', 1e6],
  ['PUBACK p50 ms while it grows', 'writeAckP50Ms'],
  ['PUBACK p99 ms while it grows', 'writeAckP99Ms'],
  ['CPU us a message', 'writeMicrosPerMessage'],
  ['RSS MB, at a fifth', 'rssEarlyBytes', 1e6],
  ['RSS MB, most from there', 'rssMostBytes', 1e6],
  ['RSS MB, at its end', 'rssLastBytes', 1e6],
  ['drained, messages/s', 'drainPerSecond'],
  ['CPU us a drained message', 'drainMicrosPerMessage'],
  ['RSS MB when drained', 'rssDrainedBytes', 1e6],
  ['live PUBACK p50 ms, before', 'calmAckP50Ms'],
  ['live PUBACK p50 ms, draining', 'drainAckP50Ms'],
  ['live PUBACK p99 ms, before', 'calmAckP99Ms'],
  ['live PUBACK p99 ms, draining', 'drainAckP99Ms'],
  ['live delivery p50 ms, before', 'calmDeliveryP50Ms'],
  ['live delivery p50 ms, draining', 'drainDeliveryP50Ms'],
  ['live delivery p99 ms, before', 'calmDeliveryP99Ms'],
  ['live delivery p99 ms, draining', 'drainDeliveryP99Ms'],
];

function values(subject: SubjectResult, measure: string, perUnit = 1): number[] {
  return subject.rounds.map((round) => (round[measure] ?? Number.NaN) / perUnit);
}

/** Median; with more than one round its least and greatest, too. */
function cell(numbers: readonly number[]): string {
  const { median: middle, least, greatest } = spread(numbers);
  return numbers.length > 1 ? `${figure(middle)} (${figure(least)}..${figure(greatest)})` : figure(middle);
}

/** Of one subject to another, round by round. */
export function ratio(row: RowResult, label: string, base: string, measure: string): number[] {
  const find = (name: string): SubjectResult | undefined => row.subjects.find((subject) => subject.label === name);
  const [subject, other] = [find(label), find(base)];
  if (subject === undefined || other === undefined) return [];
  const bases = values(other, measure);
  return values(subject, measure).map((value, i) => value / (bases[i] ?? Number.NaN));
}

function claims(row: RowResult): string[] {
  const line = (what: string, numbers: readonly number[], target: string, holds: (value: number) => boolean): string =>
    `${what}: ${cell(numbers)}; target ${target}: ${holds(median(numbers)) ? 'met' : 'NOT MET'}`;
  if (row.name === 'publish') {
    return row.subjects
      .filter(({ contender }) => contender === 'edge')
      .flatMap(({ label }) => {
        const base = label.includes('quorum') ? 'MQTT plugin, quorum queue' : 'MQTT plugin, classic queue';
        return [line(`${label} / ${base}`, ratio(row, label, base, 'perSecond'), 'at least 3', (value) => value >= 3)];
      });
  }
  if (row.name === 'idle') {
    const edge = row.subjects.find(({ label }) => label === 'edge');
    return [
      line('edge, kB a client', edge === undefined ? [] : values(edge, 'bytesPerClient', 1000), 'at most 30', (value) => value <= 30),
      line('edge / MQTT plugin', ratio(row, 'edge', 'MQTT plugin', 'bytesPerClient'), 'at most 0.25', (value) => value <= 0.25),
    ];
  }
  if (row.name === 'spool') {
    return row.subjects.flatMap((subject) => {
      const grown = subject.rounds.map((round) => (round['rssLastBytes'] ?? Number.NaN) / (round['rssEarlyBytes'] ?? Number.NaN));
      return [
        line(`${subject.label}: RSS at the end / at a fifth`, grown, 'at most 1.2', (value) => value <= 1.2),
        line(`${subject.label}: drained, messages/s`, values(subject, 'drainPerSecond'), 'at least 50,000', (value) => value >= 50_000),
      ];
    });
  }
  return [];
}

/** Markdown. */
export function report(row: RowResult): string {
  const columns = COLUMNS[row.name];
  const scenario = Object.entries(row.subjects[0]?.scenario ?? {})
    .filter(([name]) => name !== 'kept')
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
  const [subject] = row.subjects;
  const body =
    columns === undefined
      ? table(
          ['', ...row.subjects.map(({ label }) => label)],
          SPOOL_LINES.map(([title, measure, perUnit]) => [title, ...row.subjects.map((one) => cell(values(one, measure, perUnit)))]),
        )
      : table(
          ['', ...columns.map(([title]) => title)],
          row.subjects.map((one) => [one.label, ...columns.map(([, measure, perUnit]) => cell(values(one, measure, perUnit)))]),
        );
  return [
    `## ${row.title}`,
    '',
    `${scenario}; medians of ${subject?.rounds.length ?? 0} rounds (least..greatest)`,
    '',
    body,
    '',
    ...claims(row).map((claim) => `- ${claim}`),
    '',
  ].join('\n');
}
