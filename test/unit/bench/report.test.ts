import { describe, expect, it } from 'vitest';
import { readOptions, UsageError } from '../../bench/options.ts';
import { comparison } from '../../bench/report/compare.ts';
import { documentText, keptOf } from '../../bench/report/document.ts';
import { plots } from '../../bench/report/plots.ts';
import { rowTable } from '../../bench/report/print.ts';
import { niceTop, short } from '../../bench/report/svg.ts';
import { targets } from '../../bench/report/targets.ts';
import { allRows } from '../../bench/rows/index.ts';
import { total } from '../../bench/scenario.ts';
import { memoryProblem } from '../../bench/support/broker.ts';
import type { BenchResult, Measures, RowResult, SubjectResult } from '../../bench/support/result.ts';
import { median, quantile, spread } from '../../bench/support/stats.ts';

function subject(contender: string, rounds: readonly Measures[], scenario: Record<string, string | number> = {}, label = contender): SubjectResult {
  return { label, contender, scenario, rounds };
}

function result(rows: readonly RowResult[], machine: Partial<BenchResult['machine']> = {}): BenchResult {
  return {
    format: 1,
    startedAt: '2026-01-02T03:04:05.000Z',
    command: 'npm run bench',
    code: { sluice: '0.1.0', commit: 'abc', changed: false },
    machine: {
      cpu: 'a processor',
      processors: 2,
      memoryBytes: 8 * 2 ** 30,
      system: 'Linux',
      node: 'v20',
      rabbitmq: '3.10.8',
      erlang: '25',
      syncMs: 0.2,
      loadBefore: 0,
      ...machine,
    },
    rows,
  };
}

const rates = (...numbers: number[]): Measures[] =>
  numbers.map((inPerSecond) => ({ inPerSecond, cpuMicrosPerMessage: 1e6 / inPerSecond, lost: 0, duplicates: 0 }));
const throughput: RowResult = {
  name: 'throughput',
  title: 'Small JSON',
  kind: 'drain',
  subjects: [subject('floor', rates(100, 200, 300)), subject('sluice', rates(90, 160, 330)), subject('shovel', rates(50, 50, 50))],
};
const devices: RowResult = {
  name: 'devices',
  title: 'Devices',
  kind: 'drain',
  axis: 'devices',
  subjects: [100, 100_000].map((count) => subject('sluice', rates(100), { devices: count }, `devices ${count}`)),
};

describe('the statistics', () => {
  it('find middle, quantiles and spread', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
    expect([0, 0.5, 0.99, 1].map((q) => quantile(hundred, q))).toEqual([1, 50, 99, 100]);
    expect(spread([3, Number.NaN, 1, 2])).toEqual({ median: 2, least: 1, greatest: 3 });
    expect(median([])).toBeNaN();
  });
});

describe('the tables', () => {
  it('hold the subjects of a row against the first, round by round', () => {
    const [, , floor, sluice, shovel] = rowTable(throughput).split('\n');
    expect(floor).toMatch(/floor +\| +200 \| +100 to 300 \| +1 \|/);
    // Rounds of 0.9, 0.8 and 1.1: not the quotient of the medians, 0.8.
    expect(sluice).toMatch(/sluice +\| +160 \| +90 to 330 \| +0.9 \|/);
    expect(shovel).toMatch(/shovel +\| +50 /);
  });
});

describe('the targets', () => {
  it('are met or not by what was measured, and unknown where nothing was', () => {
    const found = new Map(targets(result([throughput])).map((target) => [target.what, target]));
    expect(found.get('rate, as a multiple of the floor')).toMatchObject({ measured: 0.9, met: true });
    expect(found.get('CPU a message, as a multiple of the floor')).toMatchObject({ met: true });
    expect(found.get('rate, as a multiple of Shovel')?.measured).toBeCloseTo(3.2);
    expect(found.get('`sluice --version`')?.measured).toBeNaN();
    const slow = result([{ ...throughput, subjects: [subject('floor', rates(100)), subject('sluice', rates(50))] }]);
    expect(targets(slow).find(({ what }) => what === 'rate, as a multiple of the floor')).toMatchObject({ measured: 0.5, met: false });
  });

  it('hold latency without an age against the plain consumer, for each kind of output queue', () => {
    const at = (...p50: number[]): Measures[] => p50.map((p50Ms) => ({ p50Ms, p99Ms: 10 * p50Ms }));
    const live = (p50: readonly number[], scenario: Record<string, string | number>): SubjectResult => subject('sluice', at(...p50), scenario);
    const latency: RowResult = {
      kind: 'latency',
      name: 'latency-2000',
      title: 'Latency',
      subjects: [
        subject('plain', at(1, 2, 1)),
        live([9, 9, 9], { batch: 1, ageMs: 100 }),
        live([3, 4, 4], { batch: 100, ageMs: 0 }),
        live([5, 5, 5], { batch: 100, ageMs: 100 }),
        live([2, 3, 2], { batch: 100, ageMs: 0, outputType: 'classic' }),
      ],
    };
    const memory: RowResult = { ...latency, name: 'latency-2000-memory', memory: true, subjects: [subject('plain', at(1)), live([1.5], { ageMs: 0 })] };
    const found = new Map(targets(result([latency, memory])).map((target) => [target.what, target]));
    const added = (which: string): unknown => found.get(`latency added at 2,000/s with age 0, ${which}`);
    expect(added('p50, to a classic queue')).toMatchObject({ measured: 1, met: true });
    expect(added('p99, to a classic queue')).toMatchObject({ measured: 10, met: true });
    expect(added('p50, to a quorum queue on this disk')).toMatchObject({ measured: 2, met: false });
    expect(added('p99, to a quorum queue on this disk')).toMatchObject({ measured: 20, met: false });
    expect(added('p50, to a quorum queue, the broker in memory')).toMatchObject({ measured: 0.5, met: true });
    expect(plots(result([latency, memory])).get('latency')).toBe(plots(result([latency])).get('latency'));
    expect(found.get('latency at 2,000/s with batches of 100 ms, p99')).toMatchObject({ measured: 50, met: true });
  });
});

describe('docs/performance.md', () => {
  it('keeps what was written by hand', () => {
    const first = documentText([result([throughput])], [], '\n\n');
    const edited = first.replace('by hand: begin -->', 'by hand: begin -->\n## What was tried\n');
    expect(keptOf(edited)).toContain('## What was tried');
    expect(documentText([result([throughput])], [], keptOf(edited))).toBe(edited);
  });

  it('shows every row and its plot', () => {
    const drawn = plots(result([throughput, devices]));
    expect([...drawn.keys()]).toEqual(['throughput', 'devices']);
    const text = documentText([result([throughput, devices])], [...drawn.keys()], '');
    expect(text).toContain('](performance/devices.svg)');
    expect(text).toContain('### Small JSON (3 rounds)');
    for (const svg of drawn.values()) {
      expect(svg).toMatch(/^<svg [^]*<\/svg>\n$/);
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    }
  });

  it('takes each row from the last run that has it, and says which that is', () => {
    const again = { ...result([{ ...throughput, title: 'Measured again' }]), code: { sluice: '0.1.0', commit: 'def', changed: true } };
    const text = documentText([result([throughput, devices]), again], [], '');
    expect(text).toContain('### Measured again');
    expect(text).not.toContain('### Small JSON');
    expect(text).toMatch(/commit abc, load average before [\d.]+: `devices`\n/);
    expect(text).toMatch(/commit def with changes, load average before [\d.]+: `throughput`\n/);
  });

  it('has the rows in the order of one run, whichever run each is from', () => {
    const later = [
      { ...devices, name: 'no-row', title: 'Gone' },
      { ...devices, name: 'profiles', title: 'Profiles' },
    ];
    const text = documentText([result(later), result([devices])], [], '');
    const places = [devices.title, 'Profiles', 'Gone'].map((title) => text.indexOf(`### ${title}`));
    expect(places.every((at) => at > 0)).toBe(true);
    expect(places).toEqual(places.toSorted((one, other) => one - other));
  });

  it('has axes that can be read', () => {
    expect([0, 7, 11, 130, 26_000].map(niceTop)).toEqual([1, 8, 12, 160, 30_000]);
    expect([7.5, 9999, 12_345, 1_500_000].map(short)).toEqual(['7.5', '10000', '12.3k', '1.5M']);
  });
});

describe('bench:compare', () => {
  it('gives the second run as multiples of the first, and marks what lies outside its spread', () => {
    const after = { ...throughput, subjects: [subject('floor', rates(210)), subject('sluice', rates(320))] };
    const [, , floor, sluice] = comparison(result([throughput]), result([after])).split('\n');
    expect(floor).toContain('| 1.05 ');
    expect(sluice).toContain('| 2.00 ');
    const faster = { ...throughput, subjects: [subject('sluice', rates(400))] };
    expect(comparison(result([throughput]), result([faster]))).toContain('| 2.50*');
  });

  it('says where machines differ', () => {
    expect(comparison(result([throughput]), result([throughput], { cpu: 'another' }))).toContain('cpu differs: a processor, another');
  });
});

describe('the rows', () => {
  it('have names of their own, and whole batches, or the floor would wait for the rest of the last one', () => {
    const rows = allRows();
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
    const repeated = rows.filter(({ subjects }) => new Set(subjects.map(({ label }) => label)).size !== subjects.length);
    expect(repeated.map(({ name }) => name)).toEqual([]);
    const broken = rows.filter(({ kind, subjects }) => kind === 'drain' && subjects.some(({ scenario }) => total(scenario) % scenario.batch !== 0));
    expect(broken.map(({ name }) => name)).toEqual([]);
  });
});

describe('a broker in memory', () => {
  it('has one row, of what passes quorum queues alone, or is refused with what is missing', () => {
    const memory = allRows().filter((row) => row.memory === true);
    expect(memory.map(({ name, subjects }) => [name, subjects.map(({ label }) => label)])).toEqual([
      ['latency-2000-memory', ['plain consumer', 'floor, one by one', 'Sluice, one by one', 'Sluice, age 0']],
    ]);
    expect(memoryProblem('/there/is/none')).toBe('there is no /there/is/none');
    expect(memoryProblem(import.meta.dirname, 1e18)).toMatch(/MB free, and 1000000000000 are needed$/);
    expect(memoryProblem(import.meta.dirname, 0)).toBeUndefined();
  });
});

describe('the command line', () => {
  it('is read, or refused with what is wrong', () => {
    expect(readOptions(['--only', 'a,b', '--rounds', '3'])).toMatchObject({ only: ['a', 'b'], rounds: 3, smoke: false });
    expect(() => readOptions(['--rounds', 'many'])).toThrow(UsageError);
    expect(() => readOptions(['--what'])).toThrow(UsageError);
  });
});
