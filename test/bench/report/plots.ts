import type { BenchResult, RowResult, SubjectResult } from '../support/result.ts';
import { of } from './print.ts';
import { bars, lines, type Panel, type Series } from './svg.ts';

/** Files of the plots by name, without those for which nothing was measured. */
export function plots({ rows }: BenchResult): Map<string, string> {
  const found = new Map<string, string>();
  const pairs = rows.filter(({ kind, axis, name }) => kind === 'drain' && axis === undefined && name !== 'backlog');
  if (pairs.length > 0) found.set('throughput', throughput(pairs));
  const latencies = rows.filter(({ kind, memory }) => kind === 'latency' && memory !== true);
  if (latencies.length > 0) found.set('latency', latency(latencies));
  for (const row of rows) {
    if (row.axis !== undefined) found.set(row.name, scaling(row, row.axis));
    else if (row.name === 'backlog') found.set(row.name, backlog(row));
  }
  return found;
}

function throughput(rows: readonly RowResult[]): string {
  const names = ['floor', 'sluice', 'shovel'];
  const groups = (measure: string, by: readonly string[]) =>
    rows.map(({ name, subjects }) => ({
      name: name === 'throughput' ? 'small JSON' : name,
      values: by.map((contender) => {
        const subject = subjects.find((one) => one.contender === contender);
        return subject === undefined ? Number.NaN : of(subject, measure).median;
      }),
    }));
  return bars([
    { title: 'Messages a second', names, groups: groups('inPerSecond', names) },
    {
      title: 'CPU microseconds a message of the contender (of Shovel they are the broker’s)',
      names,
      groups: groups('cpuMicrosPerMessage', ['floor', 'sluice']),
    },
  ]);
}

/** A panel for each rate, with an axis of its own: where the machine is full a latency is a thousand times as long. */
function latency(rows: readonly RowResult[]): string {
  const names = rows[0]?.subjects.map(({ label }) => label) ?? [];
  return bars(
    rows.map(({ subjects }) => ({
      title: `From device to consumer at ${of(subjects[0] as SubjectResult, 'offeredPerSecond').median.toLocaleString('en-US')} messages/s, ms`,
      names,
      groups: ['p50', 'p99', 'p99.9'].map((name) => ({
        name,
        values: subjects.map((subject) => of(subject, `${name.replace('.', '')}Ms`).median),
      })),
    })),
  );
}

function scaling({ title, subjects }: RowResult, axis: string): string {
  const contenders = [...new Set(subjects.map(({ contender }) => contender))];
  const series = (measure: string, by: number): Series[] =>
    contenders.map((contender) => ({
      name: contender,
      points: subjects
        .filter((subject) => subject.contender === contender)
        .map((subject): [number, number] => [Number(subject.scenario[axis]), of(subject, measure).median / by])
        .filter(([, y]) => !Number.isNaN(y))
        .toSorted(([a], [b]) => a - b),
    }));
  const panel = (of: string, measure: string, by = 1): Panel => ({ title: of, x: title, scale: 'log', series: series(measure, by) });
  return lines([
    panel('Messages a second', 'inPerSecond'),
    panel('CPU microseconds a message', 'cpuMicrosPerMessage'),
    panel('Resident memory at most, MB', 'rssPeakBytes', 1e6),
  ]);
}

/** Over the course of one round: is it as fast, and as small, at the end as in the beginning? */
function backlog({ subjects }: RowResult): string {
  const series = (value: (course: Readonly<Record<string, readonly number[]>>, i: number) => number): Series[] =>
    subjects.flatMap(({ label, course }) => {
      const messages = course?.['messages'] ?? [];
      if (course === undefined || messages.length < 2) return [];
      return [{ name: label, points: messages.slice(1).map((count, i): [number, number] => [count, value(course, i + 1)]) }];
    });
  const at = (course: Readonly<Record<string, readonly number[]>>, name: string, i: number): number => course[name]?.[i] ?? Number.NaN;
  const x = 'messages that have come out';
  return lines([
    {
      title: 'Messages a second',
      x,
      scale: 'linear',
      series: series((course, i) => (1000 * (at(course, 'messages', i) - at(course, 'messages', i - 1))) / (at(course, 'atMs', i) - at(course, 'atMs', i - 1))),
    },
    { title: 'Resident memory, MB', x, scale: 'linear', series: series((course, i) => at(course, 'rssBytes', i) / 1e6) },
  ]);
}
