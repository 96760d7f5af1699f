import { beforeEach, describe, expect, it } from 'vitest';
import type { GatewayEvent } from '../../../src/domain/events.ts';
import { Ledger, owed } from '../../../src/domain/ledger.ts';
import type { PendingDelivery } from '../../../src/pipeline/delivery.ts';
import { DeliveryWindow } from '../../../src/rabbit/delivery-window.ts';
import { messageOf } from '../../support/batches.ts';

describe('the window of unacked deliveries', () => {
  let acks: string[];
  /** How many acks had been sent at each call of `beforeAcks`. */
  let kept: number[];
  let events: GatewayEvent[];
  let turns: (() => void)[];
  /** What runs when settled deliveries have waited. */
  let timers: (() => void)[];
  let ledger: Ledger;
  let refuse: boolean;
  let window: DeliveryWindow;
  let got: PendingDelivery[];

  beforeEach(() => {
    acks = [];
    kept = [];
    events = [];
    turns = [];
    timers = [];
    ledger = new Ledger();
    refuse = false;
    make(1000);
  });

  function make(flushAt: number, holdAt = 1000): void {
    window = new DeliveryWindow({
      epoch: 3,
      ack: (tag, allUpTo) => {
        if (refuse) throw new Error('closed');
        acks.push(allUpTo ? `<=${tag}` : `${tag}`);
      },
      ledger,
      beforeAcks: () => kept.push(acks.length),
      observer: (event) => events.push(event),
      flushAt,
      holdAt,
      holdMs: 25,
      defer: (fn) => turns.push(fn),
      after: (ms, fn) => {
        expect(ms).toBe(25);
        timers.push(fn);
        return () => {
          timers = timers.filter((timer) => timer !== fn);
        };
      },
    });
  }
  function receive(n: number): void {
    got = Array.from({ length: n }, (_, i) => {
      const delivery = window.receive(i + 1, messageOf());
      delivery.split(1);
      return delivery;
    });
  }
  const settle = (...tags: number[]): void => {
    for (const tag of tags) got[tag - 1]?.settlePart('forwarded');
  };
  const turn = (): void => {
    for (const fn of turns.splice(0)) fn();
  };
  const elapse = (): void => {
    for (const fn of timers.splice(0)) fn();
  };

  it('acks what is settled at the front with one frame, once per turn', () => {
    receive(5);
    settle(2, 1, 3);
    expect(acks).toEqual([]);
    expect(turns).toHaveLength(1);
    turn();
    expect(acks).toEqual(['<=3']);
    settle(4);
    turn();
    expect(acks).toEqual(['<=3', '4']);
  });

  it('has made safe what the messages led to before any of their acks', () => {
    receive(4);
    turn();
    expect(kept).toEqual([]);
    settle(1, 3);
    expect(kept).toEqual([]);
    turn();
    expect([kept, acks]).toEqual([[0], ['1']]);
    elapse();
    expect(kept).toEqual([0]);
    elapse();
    expect([kept, acks]).toEqual([
      [0, 1],
      ['1', '3'],
    ]);
    settle(2);
    turn();
    expect([kept, acks]).toEqual([
      [0, 1, 2],
      ['1', '3', '2'],
    ]);
  });

  it('never acks several over a gap, and in the end acks those behind it singly', () => {
    receive(6);
    settle(1, 3, 4, 6);
    turn();
    elapse();
    elapse();
    expect(acks).toEqual(['1', '3', '4', '6']);
    settle(2);
    turn();
    expect(acks.slice(4)).toEqual(['2']);
    settle(5);
    turn();
    expect(acks.slice(5)).toEqual(['5']);
    expect(timers).toEqual([]);
  });

  it('lets those behind an unsettled one wait for it, so that one frame acks them all', () => {
    receive(6);
    settle(2, 3, 5);
    turn();
    elapse();
    settle(1);
    turn();
    expect(acks).toEqual(['<=3']);
    settle(4, 6);
    turn();
    expect(acks).toEqual(['<=3', '<=6']);
    expect(timers).toEqual([]);
  });

  it('lets none of them wait for more than two spans of time, and asks for no timer where none waits', () => {
    receive(6);
    turn();
    expect(timers).toEqual([]);
    settle(2);
    turn();
    expect(timers).toHaveLength(1);
    elapse();
    settle(4);
    turn();
    expect([acks, timers.length]).toEqual([[], 1]);
    elapse();
    expect([acks, timers.length]).toEqual([['2'], 1]);
    elapse();
    expect([acks, timers]).toEqual([['2', '4'], []]);
  });

  it('lets no more of them wait than it may', () => {
    make(1000, 3);
    receive(8);
    settle(2, 4);
    turn();
    expect(acks).toEqual([]);
    settle(6);
    turn();
    expect(acks).toEqual(['2', '4', '6']);
    settle(8);
    turn();
    expect(acks).toHaveLength(3);
  });

  it('sends all that is due when the channel is about to be closed, and nothing when it is gone', () => {
    receive(6);
    settle(2, 4);
    turn();
    elapse();
    settle(6);
    window.flushAll();
    expect(acks).toEqual(['2', '4', '6']);
    expect(timers).toEqual([]);
    settle(5);
    turn();
    window.lose();
    expect(timers).toEqual([]);
    window.flushAll();
    expect(acks).toEqual(['2', '4', '6']);
  });

  it('never runs over an abandoned one', () => {
    receive(4);
    got[1]?.settlePart('abandoned');
    settle(1, 3, 4);
    turn();
    elapse();
    elapse();
    expect(acks).toEqual(['1', '3', '4']);
    expect(window.unsettled).toBe(0);
    window.lose();
    expect(ledger.messages).toMatchObject({ received: 4, forwarded: 3, abandoned: 1 });
  });

  it('does not wait for the end of the turn when many are due', () => {
    make(3);
    receive(5);
    settle(1, 2);
    expect(acks).toEqual([]);
    settle(3);
    expect(acks).toEqual(['<=3']);
    turn();
    expect(acks).toEqual(['<=3']);
  });

  it('sends nothing after the channel is lost, counts what was owed once, and tells of late parts', () => {
    receive(4);
    settle(1);
    window.lose();
    window.lose();
    turn();
    expect(acks).toEqual([]);
    expect(window.unsettled).toBe(0);
    expect(ledger.messages).toMatchObject({ received: 4, forwarded: 1, abandoned: 3 });
    settle(2, 3);
    turn();
    expect(acks).toEqual([]);
    expect(events).toEqual([{ type: 'stale-ack', epoch: 3, count: 2 }]);
    expect(ledger.messages).toMatchObject({ forwarded: 1, abandoned: 3 });
    expect(owed(ledger.messages)).toBe(0);
  });

  it('survives a channel that closes under an ack', () => {
    receive(3);
    refuse = true;
    settle(1, 2);
    expect(turn).not.toThrow();
    expect(window.unsettled).toBe(1);
    window.lose();
    expect(ledger.messages).toMatchObject({ received: 3, forwarded: 2, abandoned: 1 });
  });

  it('acks exactly what settled, each once, whatever the order (2000 random histories)', () => {
    let seed = 1;
    const random = (): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed / 2_147_483_648;
    };
    for (let run = 0; run < 2000; run += 1) {
      acks = [];
      ledger = new Ledger();
      timers = [];
      make(1 + Math.floor(random() * 6), 1 + Math.floor(random() * 8));
      receive(12);
      const open = new Set(got.map((d) => d.tag));
      const expected = new Set<number>();
      const order = got.toSorted(() => random() - 0.5).slice(0, Math.floor(random() * 13));
      for (const delivery of order) {
        const abandoned = random() < 0.1;
        delivery.settlePart(abandoned ? 'abandoned' : 'forwarded');
        if (!abandoned) expected.add(delivery.tag);
        if (random() < 0.3) turn();
        if (random() < 0.2) elapse();
      }
      turn();
      if (random() < 0.5) {
        window.flushAll();
      } else {
        elapse();
        elapse();
      }
      expect(timers).toEqual([]);
      // As the broker reads them: an ack for a tag that is not outstanding would be a 406.
      const acked = new Set<number>();
      for (const ack of acks) {
        const tag = Number(ack.replace('<=', ''));
        expect(open.has(tag)).toBe(true);
        for (const each of ack.startsWith('<=') ? [...open].filter((t) => t <= tag) : [tag]) {
          open.delete(each);
          acked.add(each);
        }
      }
      expect(acked).toEqual(expected);
      expect(window.unsettled).toBe(12 - order.length);
    }
  });
});
