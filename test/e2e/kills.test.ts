import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fleet } from '../../devices/fleet.ts';
import type { Verdict } from '../support/auditor.ts';
import { Rig } from './rig.ts';

// What the broker acknowledged to a device arrives once or more, in order per topic, unchanged. The rows differ only
// in what is killed meanwhile.
const RATE = 2000;

let rig: Rig;

beforeAll(async () => {
  rig = await Rig.start();
  await rig.gateway.start();
});

afterAll(async () => {
  await rig.stop();
});

/** Waits until this many more messages are acknowledged: progress, not time, drives the rows. */
async function pubacked(fleet: Fleet, more: number, deadlineMs = 60_000): Promise<void> {
  const goal = fleet.stats().pubacked + more;
  const end = performance.now() + deadlineMs;
  while (fleet.stats().pubacked < goal) {
    if (performance.now() > end) throw new Error(`only ${fleet.stats().pubacked} of ${goal} messages acknowledged: ${JSON.stringify(fleet.stats())}`);
    await sleep(20);
  }
}

function judge(row: string, { verdict, extra }: { verdict: Verdict; extra?: object }): void {
  const { lost, unexpected, outOfOrder, changed, ...figures } = verdict;
  console.log(
    `${row}: ${JSON.stringify({ ...figures, lost: lost.length, unexpected: unexpected.length, outOfOrder: outOfOrder.length, changed: changed.length, ...extra })}`,
  );
  const first = { lost: lost.slice(0, 3), unexpected: unexpected.slice(0, 3), outOfOrder: outOfOrder.slice(0, 3), changed: changed.slice(0, 3) };
  expect(first).toEqual({ lost: [], unexpected: [], outOfOrder: [], changed: [] });
}

async function books(): Promise<void> {
  const status = await rig.gateway.status();
  expect(status.imbalance).toEqual({ messages: 0, items: 0 });
  // Connections that are lost the ordinary way are not taken for the work of a poisonous message.
  expect(await rig.gateway.metrics()).toMatch(/^sluice_poison_suspicions_total 0$/m);
}

describe(`at ${RATE} messages a second`, () => {
  it('forwards everything once when nothing fails, over both transports', async () => {
    const { verdict } = await rig.audit({ rate: RATE }, async (fleet) => await pubacked(fleet, 6000));
    judge('no fault', { verdict });
    expect(verdict.pubacked).toBeGreaterThan(5000);
    expect(verdict.duplicates).toBe(0);
    await books();
  });

  it('loses nothing and repeats nothing over a restart in good order', async () => {
    const ends: (number | string)[] = [];
    const { verdict } = await rig.audit({ rate: RATE }, async (fleet) => {
      for (let i = 0; i < 3; i += 1) {
        await pubacked(fleet, 2000);
        ends.push(await rig.gateway.end('SIGTERM', 10_000));
        await rig.gateway.start();
      }
      await pubacked(fleet, 2000);
    });
    judge('gateway restart x3', { verdict, extra: { exits: ends } });
    expect(ends).toEqual([0, 0, 0]);
    expect(verdict.duplicates).toBe(0);
    await books();
  });

  it('loses nothing over kill -9 of the gateway, and repeats at most what was unacked', async () => {
    const kills = 5;
    const { verdict } = await rig.audit({ rate: RATE }, async (fleet) => {
      for (let i = 0; i < kills; i += 1) {
        // At points that differ: the load is not in step with anything.
        await pubacked(fleet, 1000 + 317 * i);
        expect(await rig.gateway.end('SIGKILL')).toBe('SIGKILL');
        await rig.gateway.start();
      }
      await pubacked(fleet, 2000);
    });
    judge(`gateway kill -9 x${kills}`, { verdict });
    expect(verdict.duplicates).toBeLessThanOrEqual(2000 * kills);
    await books();
  });

  it('loses nothing over kill -9 of the broker', async () => {
    const { verdict, stats } = await rig.audit({ rate: RATE }, async (fleet) => {
      await pubacked(fleet, 4000);
      await rig.node.kill();
      await rig.gateway.waitReady(false, 15_000);
      await rig.node.restart();
      await pubacked(fleet, 4000);
      await rig.gateway.waitReady(true, 30_000);
    });
    judge('broker kill -9', { verdict, extra: { reconnects: stats.reconnects } });
    expect(stats.reconnects).toBeGreaterThan(0);
    await books();
  });
});

describe('a destination that is deleted in mid-run', () => {
  it('is named by /readyz within 5 s when its exchange is gone, and resumes by itself', async () => {
    const { verdict } = await rig.audit({ rate: 500 }, async (fleet) => {
      await pubacked(fleet, 1000);
      await rig.admin(async (channel) => await channel.deleteExchange('sluice.readings'));
      const since = performance.now();
      const body = JSON.stringify(await rig.gateway.waitReady(false, 5000));
      console.log(`exchange gone: unready after ${Math.round(performance.now() - since)} ms`);
      expect(body).toContain('"readings"');
      expect(body).toContain('UNROUTABLE');
      await pubacked(fleet, 500);
      await rig.admin(async (channel) => {
        await channel.assertExchange('sluice.readings', 'topic', { durable: true });
        await channel.bindQueue('sluice.out.readings', 'sluice.readings', '#');
      });
      await rig.gateway.waitReady(true, 20_000);
      await pubacked(fleet, 500);
    });
    judge('exchange deleted', { verdict });
    await books();
  });

  it('is named by /readyz within 5 s when its queue is gone, and resumes by itself', async () => {
    const { verdict } = await rig.audit({ rate: 500 }, async (fleet) => {
      await pubacked(fleet, 1000);
      // Unbound first: what lies in a queue when it is deleted is gone with it, and that is not the gateway's loss.
      await rig.admin(async (channel) => {
        await channel.unbindQueue('sluice.out.readings', 'sluice.readings', '#');
        while ((await channel.checkQueue('sluice.out.readings')).messageCount > 0) await sleep(50);
      });
      const body = JSON.stringify(await rig.gateway.waitReady(false, 5000));
      expect(body).toContain('"readings"');
      await sleep(1000); // The auditor acks within this; a message that it had not acked would go with the queue.
      await rig.admin(async (channel) => await channel.deleteQueue('sluice.out.readings'));
      await pubacked(fleet, 500);
      await rig.admin(async (channel) => {
        await channel.assertQueue('sluice.out.readings', { durable: true, arguments: { 'x-queue-type': 'quorum' } });
        await channel.bindQueue('sluice.out.readings', 'sluice.readings', '#');
      });
      await rig.gateway.waitReady(true, 20_000);
      await pubacked(fleet, 500);
    });
    judge('queue deleted', { verdict });
    await books();
  });
});
