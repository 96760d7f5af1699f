import { beforeEach, describe, expect, it } from 'vitest';
import { OUTCOMES, type Outcome } from '../../../src/domain/ledger.ts';
import type { InboundMessage } from '../../../src/domain/message.ts';
import { PendingDelivery } from '../../../src/pipeline/delivery.ts';

const message: InboundMessage = {
  topic: 'devices/north/m1/telemetry',
  routingKey: 'devices.north.m1.telemetry',
  body: Buffer.from('{}'),
  receivedAt: 0,
  contentType: undefined,
  contentEncoding: undefined,
  redelivered: false,
  deliveryCount: 0,
  qos: 1,
};

const calls: string[] = [];
const owner = {
  onSettled: (d: PendingDelivery, outcome: Outcome) => void calls.push(`settled ${d.tag} ${outcome}`),
  onLate: (d: PendingDelivery, outcome: Outcome) => void calls.push(`late ${d.tag} ${outcome}`),
};

beforeEach(() => {
  calls.length = 0;
});

describe('a pending delivery', () => {
  it('settles with its last part and not before', () => {
    const d = new PendingDelivery(message, 7, owner);
    d.split(3);
    d.settlePart('forwarded');
    d.settlePart('forwarded');
    expect(calls).toEqual([]);
    expect(d.outcome).toBe(undefined);
    d.settlePart('forwarded');
    expect(calls).toEqual(['settled 7 forwarded']);
    expect(d.outcome).toBe('forwarded');
  });

  it('takes the worst outcome of its parts, in whatever order they end', () => {
    const worstFirst: readonly Outcome[] = ['abandoned', 'dead-lettered', 'forwarded', 'deduplicated', 'filtered'];
    expect([...worstFirst].sort()).toEqual([...OUTCOMES].sort());
    for (const [i, worse] of worstFirst.entries()) {
      for (const better of worstFirst.slice(i)) {
        for (const order of [
          [worse, better],
          [better, worse],
        ] as const) {
          calls.length = 0;
          const d = new PendingDelivery(message, 1, owner);
          d.split(2);
          d.settlePart(order[0]);
          d.settlePart(order[1]);
          expect(calls).toEqual([`settled 1 ${worse}`]);
          expect(d.ackable).toBe(worse !== 'abandoned');
        }
      }
    }
  });

  it('throws on one part too many, on parts before the split and on a second split', () => {
    const d = new PendingDelivery(message, 1, owner);
    expect(() => d.settlePart('forwarded')).toThrow(/before split/);
    d.split(1);
    expect(() => d.split(1)).toThrow(/after split/);
    d.settlePart('forwarded');
    expect(() => d.settlePart('forwarded')).toThrow(/more parts/);
    expect(calls).toHaveLength(1);
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses to be split into %s parts', (parts) => {
    expect(() => new PendingDelivery(message, 1, owner).split(parts)).toThrow(RangeError);
  });

  it('never reports a lost delivery as settled', () => {
    const d = new PendingDelivery(message, 4, owner);
    d.split(2);
    d.settlePart('forwarded');
    expect(d.live).toBe(true);
    expect(d.lose()).toBe(true);
    expect(d.live).toBe(false);
    expect(d.lose()).toBe(false);
    d.settlePart('forwarded');
    expect(calls).toEqual(['late 4 forwarded']);
    expect(d.ackable).toBe(false);
  });

  it('is not owed any more when it is lost after it settled', () => {
    const d = new PendingDelivery(message, 4, owner);
    d.split(1);
    d.settlePart('filtered');
    expect(d.lose()).toBe(false);
  });
});
