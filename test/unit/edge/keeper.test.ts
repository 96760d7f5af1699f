import { expect, it } from 'vitest';
import type { KeptMessage } from '../../../src/domain/kept-message.ts';
import { Ledger } from '../../../src/domain/ledger.ts';
import { StoringKeeper } from '../../../src/edge/keeper.ts';
import { SimOutlet } from '../../support/sim/outlet.ts';
import { SimSpool } from '../../support/sim/spool.ts';
import { seededRandom, VirtualTime } from '../../support/sim/virtual-time.ts';

function message(topic: string): KeptMessage {
  return { topic, payload: Buffer.from(topic), qos: 1, retain: false, dup: false, clientId: 'a', receivedAt: 0 };
}

it('says which topics the outlet holds up and how often it refused, and not those that only wait for its return', async () => {
  const time = new VirtualTime(seededRandom(1));
  const refusing = { now: 1 };
  const options = {
    window: 10,
    perTopic: 1,
    get refusing() {
      return refusing.now;
    },
    slowMs: 5,
    got: () => {},
  };
  const outlet = new SimOutlet(time, options);
  const held: string[] = [];
  const keeper = new StoringKeeper({
    spool: new SimSpool(time, { failing: 0, room: 1000 }),
    outlet,
    scheduler: time,
    ledger: new Ledger(),
    spoolAfterMs: 50,
    lateAfterMs: 1000,
    retry: { baseMs: 5, capMs: 50 },
    drainPerSecond: 0,
    refuse: () => {},
    onHeld: (topic, _attempts, { code }) => held.push(`${topic} ${code}`),
  });
  for (const topic of ['a', 'a', 'b']) keeper.keep(message(topic), () => {});
  await time.runUntil(500);
  expect(keeper.topicsHeld).toBe(2);
  expect(new Set(held)).toEqual(new Set(['a BROKER_NACK', 'b BROKER_NACK']));
  expect(keeper.counts.setbacks).toEqual({ BROKER_NACK: held.length });

  const before = held.length;
  outlet.cut();
  await time.runUntil(1000);
  expect(keeper.counts.setbacks).toEqual({ BROKER_NACK: before });
  refusing.now = 0;
  outlet.mend();
  await time.runUntil(2000);
  expect([keeper.topicsHeld, keeper.inMemory]).toEqual([0, 0]);
  expect(keeper.counts.setbacks).toEqual({ BROKER_NACK: before });
});
