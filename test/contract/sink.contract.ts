import { afterEach, describe, expect, it } from 'vitest';
import type { FaultCode, Result } from '../../src/domain/fault.ts';
import type { Sink } from '../../src/pipeline/ports.ts';
import { soon, until } from '../support/rabbit.ts';
import { type BatchShape, batchOf } from '../support/batches.ts';

/** A sink with a place for what it publishes. */
export interface SinkBed {
  readonly sink: Sink;
  /** An exchange with a queue behind key `good` (any key with this beginning) and nothing behind any other. */
  readonly exchange: string;
  /** A second one, shaped alike. */
  readonly other: string;
  /** An exchange that is not there. */
  readonly missing: string;
  /** Lets the queue behind `exchange` refuse every message. */
  fillUp(): Promise<void>;
  /** Ids of the batches in the queues behind `exchange` and `other`, in order of arrival. */
  arrived(): Promise<{ exchange: string[]; other: string[] }>;
  /** Stops all traffic, and lets it go on. */
  stall(): void;
  resume(): void;
  /** Breaks the connection. */
  cut(): void;
  close(): Promise<void>;
}

const NEVER = new AbortController().signal;

export function codeOf(result: Result<void>): FaultCode | 'ok' {
  return result.ok ? 'ok' : result.fault.code;
}

/** The promises of the `Sink` port, for every implementation. `confirmTimeoutMs` is for the bed's sink. */
export function sinkContract(name: string, make: (options: { confirmTimeoutMs: number }) => Promise<SinkBed>): void {
  describe(`sink contract: ${name}`, () => {
    const beds: SinkBed[] = [];

    async function bed(confirmTimeoutMs = 10_000): Promise<SinkBed> {
      const made = await make({ confirmTimeoutMs });
      beds.push(made);
      return made;
    }
    async function publish(b: SinkBed, shape: Partial<BatchShape>, signal = NEVER): Promise<FaultCode | 'ok'> {
      return codeOf(await soon('an answer', b.sink.publish(batchOf({ exchange: b.exchange, routingKey: 'good', ...shape }), signal)));
    }

    afterEach(async () => {
      for (const made of beds.splice(0)) await made.close();
    });

    it('answers ok for what has arrived, in the order of the calls', async () => {
      const b = await bed();
      const ids = Array.from({ length: 30 }, (_, i) => `b${i}`);
      for (const id of ids) expect(await publish(b, { id })).toBe('ok');
      expect((await b.arrived()).exchange).toEqual(ids);
    });

    it('keeps the order of calls that do not wait for one another, from the first on', async () => {
      const b = await bed();
      const ids = Array.from({ length: 30 }, (_, i) => `b${i}`);
      expect(await Promise.all(ids.map((id) => publish(b, { id })))).toEqual(ids.map(() => 'ok'));
      expect((await b.arrived()).exchange).toEqual(ids);
    });

    it('charges unroutable to the right batch among many at once', async () => {
      const b = await bed();
      const ids = Array.from({ length: 200 }, (_, i) => `b${i}`);
      const bad = (i: number): boolean => i % 3 === 0 || i % 7 === 0;
      const codes = await Promise.all(ids.map((id, i) => publish(b, { id, routingKey: bad(i) ? 'nowhere' : 'good' })));
      expect(codes).toEqual(ids.map((_, i) => (bad(i) ? 'UNROUTABLE' : 'ok')));
      expect((await b.arrived()).exchange).toEqual(ids.filter((_, i) => !bad(i)));
    });

    it('fails only the batches of an exchange that is missing', async () => {
      const b = await bed();
      const work: Promise<FaultCode | 'ok'>[] = [];
      for (let i = 0; i < 20; i += 1) {
        work.push(publish(b, { id: `g${i}` }));
        work.push(publish(b, { id: `m${i}`, exchange: b.missing }));
        work.push(publish(b, { id: `o${i}`, exchange: b.other }));
      }
      const codes = await Promise.all(work);
      expect(codes.filter((_, i) => i % 3 !== 1)).toEqual(Array.from({ length: 40 }, () => 'ok'));
      // Those behind the first may find the channel closed; what none may be is ok.
      expect(codes.filter((_, i) => i % 3 === 1)).not.toContain('ok');
      expect(codes).toContain('UNROUTABLE');
      const { exchange, other } = await b.arrived();
      expect([exchange.length, other.length]).toEqual([20, 20]);
      expect(await publish(b, { id: 'later', exchange: b.missing })).toBe('UNROUTABLE');
    });

    it('reports a queue that refuses as BROKER_NACK', async () => {
      const b = await bed();
      await b.fillUp();
      expect(await publish(b, { id: 'refused' })).toBe('BROKER_NACK');
      expect(await publish(b, { id: 'fine', exchange: b.other })).toBe('ok');
    });

    it('answers at once when the signal aborts', async () => {
      const b = await bed();
      expect(await publish(b, { id: 'first' })).toBe('ok');
      b.stall();
      const abort = new AbortController();
      const answer = publish(b, { id: 'given-up' }, abort.signal);
      abort.abort();
      expect(await soon('the answer', answer, 1000)).toBe('NOT_CONNECTED');
      expect(await soon('the answer', publish(b, { id: 'never' }, abort.signal), 1000)).toBe('NOT_CONNECTED');
      b.resume();
    });

    it('answers CONFIRM_TIMEOUT when no confirm comes, and can be used again afterwards', async () => {
      const b = await bed(300);
      expect(await publish(b, { id: 'first' })).toBe('ok');
      b.stall();
      expect(await publish(b, { id: 'stuck' })).toBe('CONFIRM_TIMEOUT');
      b.resume();
      await until('the sink is available', () => b.sink.unavailable === undefined);
      await until('a publish passes', async () => (await publish(b, { id: 'after' })) === 'ok');
      const { exchange } = await b.arrived();
      expect(exchange[0]).toBe('first');
      expect(exchange).toContain('after');
    });

    it('fails everything in flight when the connection is lost, says so, and calls back when it is there again', async () => {
      const b = await bed();
      expect(await publish(b, { id: 'first' })).toBe('ok');
      let called = 0;
      const stop = b.sink.onAvailable(() => {
        called += 1;
      });
      b.stall();
      const answers = Array.from({ length: 10 }, (_, i) => publish(b, { id: `b${i}` }));
      b.cut();
      expect(new Set(await Promise.all(answers))).toEqual(new Set(['NOT_CONNECTED']));
      expect(await publish(b, { id: 'now' })).toBe('NOT_CONNECTED');
      expect(b.sink.unavailable?.code).toBe('NOT_CONNECTED');
      b.resume();
      await until('onAvailable is called', () => called === 1);
      expect(b.sink.unavailable).toBe(undefined);
      expect(await publish(b, { id: 'again' })).toBe('ok');
      stop();
    });

    it('refuses arguments that cannot be sent as ENCODE_FAILED and goes on', async () => {
      const b = await bed();
      expect(await publish(b, { id: 'key', routingKey: 'é'.repeat(200) })).toBe('ENCODE_FAILED');
      expect(await publish(b, { id: 'header', headers: { ['h'.repeat(256)]: 'x' } })).toBe('ENCODE_FAILED');
      expect(await publish(b, { id: 'fine' })).toBe('ok');
      expect((await b.arrived()).exchange).toEqual(['fine']);
    });

    it('offers without waiting, and answers false instead of throwing', async () => {
      const b = await bed();
      const offer = (id: string, exchange = b.exchange): boolean => b.sink.offer(batchOf({ id, exchange, routingKey: 'good' }));
      await until('an offer is taken', () => offer('offered'));
      await until('it arrives', async () => (await b.arrived()).exchange.includes('offered'));
      for (let i = 0; i < 5; i += 1) offer(`m${i}`, b.missing);
      expect(b.sink.offer(batchOf({ id: 'bad', exchange: b.exchange, routingKey: 'é'.repeat(200) }))).toBe(false);
      expect(await publish(b, { id: 'confirmed' })).toBe('ok');
      b.stall();
      b.cut();
      await until('the loss is seen', () => b.sink.unavailable !== undefined);
      expect(offer('away')).toBe(false);
      b.resume();
    });

    it('drops offers instead of piling them up when nobody reads', async () => {
      const b = await bed();
      const texts = ['"x"'.padEnd(100_000, ' ')];
      const offer = (i: number): boolean => b.sink.offer(batchOf({ id: `o${i}`, exchange: b.exchange, routingKey: 'good', texts }));
      await until('an offer is taken', () => offer(0));
      b.stall();
      let taken = 0;
      // Turn by turn, so that the socket has its chance to take them.
      for (let i = 0; i < 1000; i += 1) {
        if (offer(i)) taken += 1;
        await new Promise(setImmediate);
      }
      expect(taken).toBeLessThan(500);
      b.resume();
      await until('offers are taken again', () => offer(1001));
    });
  });
}
