import type { BenchResult, RowResult, SubjectResult } from '../support/result.ts';
import { figure, table } from '../support/table.ts';
import { added, of, ratio } from './print.ts';

/** What Sluice sets itself, and what a run says of it. */
interface Target {
  readonly what: string;
  readonly bound: string;
  /** NaN: was not measured. */
  readonly measured: number;
  readonly met: boolean;
}

/** Targets of which the result file knows something, met or not. */
export function targets(result: BenchResult): Target[] {
  const row = (name: string): RowResult | undefined => result.rows.find((one) => one.name === name);
  const subject = (name: string, matches: (one: SubjectResult) => boolean): SubjectResult | undefined => row(name)?.subjects.find(matches);
  const by = (name: string, contender: string): SubjectResult | undefined => subject(name, (one) => one.contender === contender);
  const quotient = (a: SubjectResult | undefined, b: SubjectResult | undefined, measure: string): number =>
    a === undefined || b === undefined ? Number.NaN : ratio(a, b, measure).median;
  const atMost = (what: string, most: number, measured: number, unit = ''): Target => ({
    what,
    bound: `at most ${most}${unit}`,
    measured,
    met: measured <= most,
  });
  const atLeast = (what: string, least: number, measured: number): Target => ({ what, bound: `at least ${least}`, measured, met: measured >= least });
  const [floor, sluice, shovel] = ['floor', 'sluice', 'shovel'].map((name) => by('throughput', name));
  const peak = (one: SubjectResult | undefined): number => (one === undefined ? Number.NaN : of(one, 'rssPeakBytes').greatest / 1e6);
  const at = (name: string, axis: string, value: number): SubjectResult | undefined => subject(name, ({ scenario }) => scenario[axis] === value);
  const batched = subject('latency-2000', ({ contender, scenario }) => contender === 'sluice' && scenario['batch'] !== 1 && scenario['ageMs'] !== 0);
  const ageZero = (where: string, name: string, outputType?: string): Target[] => {
    const plain = by(name, 'plain');
    const ageless = subject(name, ({ contender, scenario }) => contender === 'sluice' && scenario['ageMs'] === 0 && scenario['outputType'] === outputType);
    return [
      atMost(`latency added at 2,000/s with age 0, p50, ${where}`, 1.5, added(ageless, plain, 'p50Ms').median, ' ms'),
      atMost(`latency added at 2,000/s with age 0, p99, ${where}`, 10, added(ageless, plain, 'p99Ms').median, ' ms'),
    ];
  };
  const started = (contender: string): number => {
    const one = by('start', contender);
    return one === undefined ? Number.NaN : of(one, 'startMs').median;
  };
  return [
    atLeast('rate, as a multiple of the floor', 0.8, quotient(sluice, floor, 'inPerSecond')),
    atMost('CPU a message, as a multiple of the floor', 1.4, quotient(sluice, floor, 'cpuMicrosPerMessage')),
    atLeast('rate, as a multiple of Shovel', 2.5, quotient(sluice, shovel, 'inPerSecond')),
    ...ageZero('to a classic queue', 'latency-2000', 'classic'),
    ...ageZero('to a quorum queue, the broker in memory', 'latency-2000-memory'),
    ...ageZero('to a quorum queue on this disk', 'latency-2000'),
    atMost('latency at 2,000/s with batches of 100 ms, p99', 115, batched === undefined ? Number.NaN : of(batched, 'p99Ms').median, ' ms'),
    atMost('resident memory at full prefetch', 150, peak(sluice), ' MB'),
    atMost('memory that 100,000 devices add to that of 100', 100, peak(at('devices', 'devices', 100_000)) - peak(at('devices', 'devices', 100)), ' MB'),
    atMost(
      'CPU of 100,000 devices, as a multiple of 100',
      1.2,
      quotient(at('devices', 'devices', 100_000), at('devices', 'devices', 100), 'cpuMicrosPerMessage'),
    ),
    atMost('CPU of 10,000 rules, as a multiple of 10', 1.2, quotient(at('routes', 'routes', 10_000), at('routes', 'routes', 10), 'cpuMicrosPerMessage')),
    atMost(
      'CPU of 10,000 profiles, as a multiple of 10',
      1.2,
      quotient(at('profiles', 'profiles', 10_000), at('profiles', 'profiles', 10), 'cpuMicrosPerMessage'),
    ),
    atMost('`sluice run` until ready', 1000, started('sluice-ready'), ' ms'),
    atMost('`sluice --version`', 150, started('sluice-version'), ' ms'),
  ];
}

export function targetTable(result: BenchResult): string {
  const known = targets(result).filter(({ measured }) => !Number.isNaN(measured));
  return table(
    ['', 'wanted', 'measured', 'met'],
    known.map(({ what, bound, measured, met }) => [what, bound, figure(measured), met ? 'yes' : '**no**']),
  );
}
