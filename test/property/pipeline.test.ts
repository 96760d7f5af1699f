import { describe, expect, it } from 'vitest';
import type { Result } from '../../src/domain/fault.ts';
import { Lane, type LaneContext } from '../../src/pipeline/lane.ts';
import { Lanes } from '../../src/pipeline/lanes.ts';
import { Permits } from '../../src/pipeline/permits.ts';
import type { Batch } from '../../src/pipeline/ports.ts';
import { mutants } from '../support/mutants.ts';
import type { SimMutations } from '../support/sim/broker.ts';
import { type HistoryReport, runHistory } from '../support/sim/history.ts';

// SLUICE_HISTORIES and SLUICE_SEED repeat or lengthen a run; every failure names its seed.
const HISTORIES = Number(process.env['SLUICE_HISTORIES'] ?? 5000);
const FIRST_SEED = Number(process.env['SLUICE_SEED'] ?? 1);

async function histories(from: number, count: number, mutations?: SimMutations): Promise<{ seed: number; report: HistoryReport }[]> {
  const out: { seed: number; report: HistoryReport }[] = [];
  for (let seed = from; seed < from + count; seed += 1) out.push({ seed, report: await runHistory(seed, mutations) });
  return out;
}

describe('the promises, over random histories of faults on a simulated broker', () => {
  it(`holds them in ${HISTORIES} histories`, { timeout: 600_000 }, async () => {
    const sum = { attempted: 0, forwarded: 0, deadLettered: 0, duplicates: 0, redelivered: 0, faults: 0 };
    for (const { seed, report } of await histories(FIRST_SEED, HISTORIES)) {
      expect(report.violations, `SLUICE_SEED=${seed} SLUICE_HISTORIES=1`).toEqual([]);
      for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += report[key];
    }
    console.log(`histories: ${HISTORIES}, ${JSON.stringify(sum)}`);
    // Not vacuous: things were published, broken, delivered again, and dead-lettered.
    expect(sum.attempted).toBeGreaterThan(HISTORIES * 10);
    expect(sum.faults).toBeGreaterThan(HISTORIES);
    expect(sum.redelivered).toBeGreaterThan(HISTORIES / 2);
    expect(sum.deadLettered).toBeGreaterThan(HISTORIES);
  });

  it('gives the same history for the same seed', async () => {
    const [first, second] = [await runHistory(77), await runHistory(77)];
    expect(second).toEqual(first);
  });
});

/** Runs mutated histories until one is caught; the answer is what the checker said. */
async function caught(mutations?: SimMutations): Promise<string> {
  for (let seed = 1; seed <= 200; seed += 1) {
    const [first] = (await runHistory(seed, mutations)).violations;
    if (first !== undefined) return first;
  }
  return 'not caught in 200 histories';
}

describe('each mutant is caught', () => {
  const mutate = mutants();

  it('acks before the confirm', async () => {
    expect(await caught({ ackEarly: true })).toMatch(/lost|imbalance/);
  });

  it('ignores a return', async () => {
    expect(await caught({ ignoreReturn: true })).toMatch(/lost/);
  });

  it('counts a lost connection as success', async () => {
    expect(await caught({ lostIsSuccess: true })).toMatch(/lost/);
  });

  it('sends by new settings before what was decided by the old ones has gone out', async () => {
    mutate(Lanes.prototype, 'fence', () => () => {});
    expect(await caught()).toMatch(/out of order/);
  });

  it('retries behind later work', async () => {
    interface Inside {
      queue: Batch[];
      context: LaneContext;
      publish(batch: Batch, signal: AbortSignal): Promise<Result<void>>;
      forwarded(items: Batch['items']): void;
    }
    mutate(Lane.prototype, 'sendHead', (original: (this: Inside, head: Batch) => Promise<void>) => {
      return async function (this: Inside, head: Batch): Promise<void> {
        if (this.queue.length < 2 || this.context.signal.aborted) return await original.call(this, head);
        const result = await this.publish(head, new AbortController().signal);
        // What never passes must not be tried for ever: that is another mistake.
        if (!result.ok && result.fault.kind === 'permanent') return await original.call(this, head);
        this.queue.shift();
        if (result.ok) this.forwarded(head.items);
        else {
          this.queue.push(head);
          await new Promise<void>((resolve) => this.context.scheduler.after(5, resolve));
        }
      };
    });
    expect(await caught()).toMatch(/out of order/);
  });

  it('overflows the bound on what is on its way', async () => {
    mutate(Permits.prototype, 'fits', () => () => true);
    expect(await caught()).toMatch(/publishes at once/);
  });

  it('forgets to settle what it prunes as stale', async () => {
    mutate(Lane.prototype, 'end', () => {
      return function (this: { itemCount: number }, items: Batch['items'], outcome: string) {
        this.itemCount -= items.length;
        if (outcome !== 'abandoned') for (const item of items) item.delivery.settlePart(outcome as 'forwarded');
      };
    });
    expect(await caught()).toMatch(/imbalance/);
  });
});
