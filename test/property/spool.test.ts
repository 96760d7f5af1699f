import { describe, expect, it } from 'vitest';
import { Appender } from '../../src/edge/log/appender.ts';
import { Scanner } from '../../src/edge/log/scan.ts';
import { Mark, type MarkState } from '../../src/edge/spool/mark.ts';
import { SpoolReader } from '../../src/edge/spool/reader.ts';
import { Settled } from '../../src/edge/spool/settled.ts';
import { mutants } from '../support/mutants.ts';
import type { SimDisk } from '../support/sim-disk.ts';
import { SpoolHistory, type SpoolReport } from '../support/spool-history.ts';

// SLUICE_HISTORIES and SLUICE_SEED repeat or lengthen a run; every failure names its seed.
const HISTORIES = Number(process.env['SLUICE_HISTORIES'] ?? 150);
const FIRST_SEED = Number(process.env['SLUICE_SEED'] ?? 1);
const STEPS = 150;

describe('the promises of the spool, over random histories of faults on a disk in memory', () => {
  it(`holds them in ${HISTORIES} histories`, { timeout: 600_000 }, async () => {
    const sum: Record<string, number> = {};
    for (let seed = FIRST_SEED; seed < FIRST_SEED + HISTORIES; seed += 1) {
      const report = await new SpoolHistory(seed).run(STEPS);
      expect(report.violations, `SLUICE_SEED=${seed} SLUICE_HISTORIES=1`).toEqual([]);
      for (const [key, value] of Object.entries(report)) if (typeof value === 'number') sum[key] = (sum[key] ?? 0) + value;
    }
    console.log(`histories: ${HISTORIES}, ${JSON.stringify(sum)}`);
    // Not vacuous.
    for (const key of [
      'kept',
      'failed',
      'read',
      'again',
      'lives',
      'powerCuts',
      'damages',
      'damagedBytes',
      'excused',
      'dropped',
    ] satisfies (keyof SpoolReport)[]) {
      expect(sum[key], `how many were ${key}`).toBeGreaterThan(HISTORIES / 2);
    }
  });

  it('gives the same history for the same seed', async () => {
    const [first, second] = [await new SpoolHistory(5).run(STEPS), await new SpoolHistory(5).run(STEPS)];
    expect({ ...second, damagedBytes: 0 }).toEqual({ ...first, damagedBytes: 0 });
  });
});

type Method = (...args: never[]) => unknown;

interface ScannerInside {
  readonly bytes: Buffer;
  readonly id: { readonly marker: number; readonly first: number };
  number: number;
  start: number;
  end: number;
  at: number;
}

/** Runs mutated histories until one is caught; the answer is what was found wrong. */
async function caught(spoil?: (disk: SimDisk) => void): Promise<string> {
  for (let seed = 1; seed <= 200; seed += 1) {
    const [first] = (await new SpoolHistory(seed, spoil).run(STEPS)).violations;
    if (first !== undefined) return first;
  }
  return 'not caught in 200 histories';
}

describe('each mutant is caught', () => {
  const mutate = mutants();

  it('answers before it is on the disk', async () => {
    const lie = (disk: SimDisk): void => {
      disk.files.fdatasync = (_, done) => queueMicrotask(() => done(null));
    };
    expect(await caught(lie)).toMatch(/is lost|got number/);
  });

  it('does not force the name of a new file', async () => {
    const lie = (disk: SimDisk): void => {
      disk.files.fsync = (_, done) => queueMicrotask(() => done(null));
    };
    expect(await caught(lie)).toMatch(/is lost|got number/);
  });

  it('marks more than is settled', async () => {
    mutate(Mark.prototype, 'write', (original: Method) => {
      return function (this: Mark, state: MarkState, force: boolean, done: () => void) {
        const frontier = Math.min(state.frontier + 1, state.next);
        return Reflect.apply(original, this, [{ ...state, frontier }, force, done] as never[]) as unknown;
      };
    });
    expect(await caught()).toMatch(/is lost/);
  });

  it('never marks', async () => {
    mutate(Mark.prototype, 'write', () => (_: MarkState, __: boolean, done: (error: null) => void) => queueMicrotask(() => done(null)));
    expect(await caught()).toMatch(/the frontier was|got number/);
  });

  it('counts everything below a settled one as settled', async () => {
    mutate(Settled.prototype, 'add', () => {
      return function (this: Settled, _: number, to: number) {
        this.frontier = Math.max(this.frontier, to);
        return 1;
      };
    });
    expect(await caught()).toMatch(/is lost|are counted/);
  });

  it('loses the good record behind a damaged one', async () => {
    mutate(Scanner.prototype, 'lose', (original: Method) => {
      return function (this: ScannerInside, bytes: number) {
        const left = this.bytes.length - this.at;
        return Reflect.apply(original, this, [Math.min(left, bytes + 1)] as never[]);
      };
    });
    expect(await caught()).toMatch(/is lost/);
  });

  it('does not check what it reads', async () => {
    mutate(Scanner.prototype, 'next', (original: Method) => {
      return function (this: ScannerInside) {
        const { at, bytes } = this;
        if (bytes.length - at > 20 && bytes.readUInt32LE(at) === this.id.marker && at + 20 + bytes.readUInt32LE(at + 4) <= bytes.length) {
          this.number = this.id.first + bytes.readUInt32LE(at + 8);
          this.start = at + 20;
          this.end = at + 20 + bytes.readUInt32LE(at + 4);
          this.at = this.end;
          return true;
        }
        return Reflect.apply(original, this, []) as unknown;
      };
    });
    expect(await caught()).toMatch(/which nobody sent so|has number|is lost/);
  });

  it('removes the segment that is being written', async () => {
    mutate(Appender.prototype, 'uses', () => () => false);
    expect(await caught()).toMatch(/is lost/);
  });

  it('begins behind the oldest after a rewind', async () => {
    mutate(SpoolReader.prototype, 'rewind', (original: Method) => {
      return function (this: SpoolReader) {
        Reflect.apply(original, this, []);
        this.cursor += 1;
      };
    });
    expect(await caught()).toMatch(/is lost|are counted/);
  });
});
