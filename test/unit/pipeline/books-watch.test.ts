import { describe, expect, it } from 'vitest';
import type { GatewayEvent } from '../../../src/domain/events.ts';
import { Ledger } from '../../../src/domain/ledger.ts';
import { BooksWatch, type Holdings } from '../../../src/pipeline/books-watch.ts';
import { seededRandom, VirtualTime } from '../../support/sim/virtual-time.ts';

function setUp() {
  const ledger = new Ledger();
  const time = new VirtualTime(seededRandom(1));
  const events: GatewayEvent[] = [];
  const held: { -readonly [K in keyof Holdings]: Holdings[K] } = { messages: 0, batches: 0, lanes: 0, deadLetters: 0, routes: new Map() };
  const watch = new BooksWatch({ ledger, holdings: () => held, scheduler: time, observer: (event) => events.push(event), everyMs: 1000 });
  return { ledger, time, events, held, watch };
}

describe('BooksWatch', () => {
  it('says nothing while both sides agree', async () => {
    const { ledger, time, events, held, watch } = setUp();
    watch.start();
    ledger.messageReceived();
    ledger.itemsReceived('a', 3);
    ledger.itemsSettled('a', 'forwarded', 1);
    Object.assign(held, { messages: 1, batches: 1, lanes: 1, routes: new Map([['a', 2]]) });
    await time.runUntil(10_000);
    expect([watch.reason, events]).toEqual([undefined, []]);
  });

  it('tells once what is off, where and by how much, although it looks again and again; and once that it is over', async () => {
    const { ledger, time, events, held, watch } = setUp();
    watch.start();
    ledger.itemsReceived('a', 10);
    ledger.itemsSettled('a', 'forwarded', 5);
    Object.assign(held, { batches: 2, deadLetters: 1, routes: new Map([['a', 3]]) });
    await time.runUntil(60_000);
    const reason =
      'items: 2 neither settled nor held (received 10, settled 5, in flight 3); route a: 2 neither settled nor held (received 10, settled 5, in flight 3). Held: 0 messages; 2 items in batches, 0 in lanes, 1 dead letters under way';
    expect(events).toEqual([{ type: 'ledger-imbalance', messagesOff: 0, itemsOff: 2, reason }]);
    expect(watch.reason).toBe(reason);

    ledger.itemsSettled('a', 'abandoned', 2);
    await time.runUntil(120_000);
    expect(events.slice(1)).toEqual([{ type: 'ledger-balanced' }]);
    expect(watch.reason).toBeUndefined();
  });

  it('sees messages that were settled twice', () => {
    const { ledger, events, watch } = setUp();
    ledger.messageSettled('forwarded');
    watch.check();
    expect(events).toMatchObject([{ messagesOff: -1, itemsOff: 0, reason: expect.stringContaining('messages: 1 settled twice or held too often') }]);
  });

  it('sees two routes that were mixed up, although their sum is right', () => {
    const { ledger, events, held, watch } = setUp();
    ledger.itemsReceived('a', 1);
    ledger.itemsSettled('b', 'forwarded', 1);
    watch.check();
    expect(events).toMatchObject([{ messagesOff: 0, itemsOff: 0, reason: expect.stringMatching(/^route a: 1 neither .*; route b: 1 settled twice/) }]);
    Object.assign(held, {
      lanes: 1,
      batches: -1,
      routes: new Map([
        ['a', 1],
        ['b', -1],
      ]),
    });
    watch.check();
    expect(watch.reason).toBeUndefined();
  });

  it('looks no more when it is closed', async () => {
    const { ledger, time, events, watch } = setUp();
    watch.start();
    watch.close();
    ledger.messageReceived();
    await time.runUntil(60_000);
    expect(events).toEqual([]);
  });
});
