import { describe, expect, it } from 'vitest';
import type { KeptMessage } from '../../src/domain/kept-message.ts';
import { Behind } from '../../src/edge/behind.ts';
import { Copies } from '../../src/edge/copies.ts';
import type { Entry } from '../../src/edge/entry.ts';
import { StoringKeeper } from '../../src/edge/keeper.ts';
import { Line } from '../../src/edge/line.ts';
import { Parked } from '../../src/edge/parked.ts';
import { TopicLanes } from '../../src/edge/topic-lanes.ts';
import { mutants } from '../support/mutants.ts';
import { runEdgeHistory } from '../support/sim/edge-history.ts';

// SLUICE_HISTORIES and SLUICE_SEED repeat or lengthen a run; every failure names its seed.
const HISTORIES = Number(process.env['SLUICE_HISTORIES'] ?? 300);
const FIRST_SEED = Number(process.env['SLUICE_SEED'] ?? 1);

describe('what the edge promises, over random histories of faults', () => {
  it(`holds in ${HISTORIES} histories`, { timeout: 600_000 }, async () => {
    const sum = { published: 0, acknowledged: 0, forwarded: 0, duplicates: 0, kills: 0, cuts: 0, diskFailures: 0, parked: 0 };
    for (let seed = FIRST_SEED; seed < FIRST_SEED + HISTORIES; seed += 1) {
      const report = await runEdgeHistory(seed);
      expect(report.violations, `SLUICE_SEED=${seed} SLUICE_HISTORIES=1`).toEqual([]);
      for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += report[key];
    }
    console.log(`histories: ${HISTORIES}, ${JSON.stringify(sum)}`);
    expect(sum.acknowledged).toBe(sum.published);
    expect(sum.kills).toBeGreaterThan(HISTORIES / 2);
    expect(sum.cuts).toBeGreaterThan(HISTORIES);
    expect(sum.diskFailures).toBeGreaterThan(HISTORIES / 10);
    expect(sum.parked).toBeGreaterThan(HISTORIES / 10);
  });
});

/** Runs mutated histories until one is caught; the answer is what the checker said. */
async function caught(): Promise<string> {
  for (let seed = 1; seed <= 200; seed += 1) {
    const [first] = (await runEdgeHistory(seed)).violations;
    if (first !== undefined) return first;
  }
  return 'not caught in 200 histories';
}

describe('each mutant is caught', () => {
  const mutate = mutants();

  it('acknowledges before a message is safe', async () => {
    mutate(StoringKeeper.prototype, 'keep', (original: StoringKeeper['keep']) => {
      return function (this: StoringKeeper, message: KeptMessage, done: (error: Error | undefined) => void) {
        done(undefined);
        original.call(this, message, () => {});
      };
    });
    expect(await caught()).toMatch(/^lost /);
  });

  it('sends what is new before what the spool has of its topic', async () => {
    mutate(Behind.prototype, 'has', () => () => false);
    expect(await caught()).toMatch(/ came behind /);
  });

  it('lets a new message past those of its topic that wait for room', async () => {
    mutate(Parked.prototype, 'has', () => () => false);
    expect(await caught()).toMatch(/ came behind /);
  });

  it('tries what could not be written behind what is newer', async () => {
    mutate(Line.prototype, 'putBack', () => {
      return function (this: Line, entry: Entry) {
        this.push(entry);
      };
    });
    expect(await caught()).toMatch(/ came behind /);
  });

  it('sends what is behind a refused message before it', async () => {
    mutate(TopicLanes.prototype, 'fail', (original: TopicLanes['fail']) => {
      return function (this: TopicLanes, entry: Entry) {
        const lane = Reflect.get(this, 'lanes').get(entry.message.topic) as { cursor: number } | undefined;
        const cursor = lane?.cursor ?? 0;
        const attempts = original.call(this, entry);
        if (lane !== undefined) lane.cursor = cursor + 1;
        return attempts;
      };
    });
    expect(await caught()).toMatch(/ came behind |stayed/);
  });

  it('forgets what is forwarded only in memory', async () => {
    mutate(Copies.prototype, 'release', () => () => {});
    expect(await caught()).toMatch(/stayed|books/);
  });
});
