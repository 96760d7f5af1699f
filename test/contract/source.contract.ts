import { afterEach, describe, expect, it } from 'vitest';
import { type Ledger, owed } from '../../src/domain/ledger.ts';
import type { Delivery, Source } from '../../src/pipeline/ports.ts';
import { until } from '../support/rabbit.ts';

/** A source on a queue of its own, and a hand on that queue from outside. */
export interface SourceBed {
  readonly source: Source;
  readonly ledger: Ledger;
  /** Puts messages into the queue, in order. */
  fill(bodies: readonly string[]): Promise<void>;
  /** Takes the channel away from the source, as a failing network or broker does. */
  loseChannel(): Promise<void>;
  /** What the broker would give out again if everything unacked came back now. Ends the source. */
  leftOver(): Promise<string[]>;
  close(): Promise<void>;
}

const NEVER = new AbortController().signal;

/** The promises of the `Source` port, for every implementation. */
export function sourceContract(name: string, make: (prefetch: number) => Promise<SourceBed>): void {
  describe(`source contract: ${name}`, () => {
    const beds: SourceBed[] = [];
    const seen: Delivery[] = [];
    const bodies = (): string[] => seen.map((d) => d.message.body.toString());

    async function bed(prefetch = 100): Promise<SourceBed> {
      const made = await make(prefetch);
      beds.push(made);
      seen.length = 0;
      return made;
    }

    afterEach(async () => {
      for (const made of beds.splice(0)) await made.close();
    });

    const take = (delivery: Delivery): void => {
      delivery.split(1);
      seen.push(delivery);
    };
    const named = (n: number, from = 0): string[] => Array.from({ length: n }, (_, i) => `m${from + i}`);

    it('hands messages out in the order of the queue', async () => {
      const b = await bed();
      await b.fill(named(50));
      await b.source.start(take, NEVER);
      await until('50 deliveries', () => seen.length === 50);
      expect(bodies()).toEqual(named(50));
      expect(b.source.unsettled).toBe(50);
      expect(owed(b.ledger.messages)).toBe(50);
    });

    it('acks what settled, and only that, also behind a gap', async () => {
      const b = await bed();
      await b.fill(named(10));
      await b.source.start(take, NEVER);
      await until('10 deliveries', () => seen.length === 10);
      for (const [i, delivery] of seen.entries()) {
        if (i === 0 || i === 5) continue;
        delivery.settlePart(i === 7 ? 'dead-lettered' : i === 8 ? 'filtered' : 'forwarded');
      }
      expect(b.source.unsettled).toBe(2);
      expect(await b.leftOver()).toEqual(['m0', 'm5']);
    });

    it('never acks what was abandoned, also when everything around it is', async () => {
      const b = await bed();
      await b.fill(named(5));
      await b.source.start(take, NEVER);
      await until('5 deliveries', () => seen.length === 5);
      for (const [i, delivery] of seen.entries()) delivery.settlePart(i === 2 ? 'abandoned' : 'forwarded');
      expect(b.source.unsettled).toBe(0);
      expect(await b.leftOver()).toEqual(['m2']);
      expect(b.ledger.messages).toMatchObject({ received: 5, forwarded: 4, abandoned: 1 });
    });

    it('acks after the last part, not the first', async () => {
      const b = await bed();
      await b.fill(['split']);
      await b.source.start((delivery) => {
        delivery.split(2);
        seen.push(delivery);
      }, NEVER);
      await until('the delivery', () => seen.length === 1);
      seen[0]?.settlePart('forwarded');
      expect(b.source.unsettled).toBe(1);
      expect(await b.leftOver()).toEqual(['split']);
    });

    it('holds no more than the prefetch', async () => {
      const b = await bed(7);
      await b.fill(named(30));
      await b.source.start(take, NEVER);
      await until('7 deliveries', () => seen.length === 7);
      // The eighth may come only for an ack.
      seen[3]?.settlePart('forwarded');
      await until('the eighth delivery', () => seen.length === 8);
      expect(b.source.unsettled).toBe(7);
    });

    it('gives everything unsettled out again after a lost channel, before newer messages, and ignores late parts', async () => {
      const b = await bed();
      await b.fill(named(6));
      await b.source.start(take, NEVER);
      await until('6 deliveries', () => seen.length === 6);
      const old = [...seen];
      await b.loseChannel();
      await until('the old deliveries are not live', () => old.every((d) => !d.live));
      await b.fill(named(3, 6));
      await until('all again, and the new ones', () => seen.length === 6 + 9);
      expect(bodies().slice(6)).toEqual(named(9));
      expect(seen.slice(6, 12).every((d) => d.message.redelivered && d.live)).toBe(true);

      // The late parts reach nothing: above all not the channel of the successors, whose tags are the same numbers.
      for (const delivery of old) delivery.settlePart('forwarded');
      expect(b.source.unsettled).toBe(9);
      expect(b.ledger.messages).toMatchObject({ received: 15, abandoned: 6, forwarded: 0 });
      for (const delivery of seen.slice(6, 9)) delivery.settlePart('forwarded');
      expect(await b.leftOver()).toEqual(named(6, 3));
    });

    it('gives the unsettled out again before what has waited in the queue all the time', async () => {
      const b = await bed(5);
      await b.fill(named(20));
      await b.source.start(take, NEVER);
      await until('5 deliveries', () => seen.length === 5);
      await b.loseChannel();
      await until('5 more', () => seen.length === 10);
      expect(bodies().slice(5)).toEqual(named(5));
    });

    it('stops handing out on pause and still acks what it handed out', async () => {
      const b = await bed(5);
      await b.fill(named(20));
      await b.source.start(take, NEVER);
      await until('5 deliveries', () => seen.length === 5);
      b.source.pause();
      for (const delivery of seen) delivery.settlePart('forwarded');
      expect(b.source.unsettled).toBe(0);
      expect(await b.leftOver()).toEqual(named(15, 5));
      expect(seen).toHaveLength(5);
    });

    it('closes with deliveries under way: they count as abandoned and go back', async () => {
      const b = await bed();
      await b.fill(named(4));
      await b.source.start(take, NEVER);
      await until('4 deliveries', () => seen.length === 4);
      seen[1]?.settlePart('forwarded');
      await b.source.close();
      expect(b.source.unsettled).toBe(0);
      expect([0, 2, 3].map((i) => seen[i]?.live)).toEqual([false, false, false]);
      expect(b.ledger.messages).toMatchObject({ received: 4, forwarded: 1, abandoned: 3 });
      expect(await b.leftOver()).toEqual(['m0', 'm2', 'm3']);
    });

    it('does not start when the signal has aborted', async () => {
      const b = await bed();
      await b.fill(['m0']);
      await expect(b.source.start(take, AbortSignal.abort())).rejects.toThrow(/stopped/);
      expect(await b.leftOver()).toEqual(['m0']);
      expect(seen).toHaveLength(0);
    });
  });
}
