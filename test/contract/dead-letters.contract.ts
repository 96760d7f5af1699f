import { afterEach, describe, expect, it } from 'vitest';
import type { DeadLetterSink } from '../../src/pipeline/ports.ts';
import { letterOf } from '../support/batches.ts';
import { soon, until } from '../support/rabbit.ts';
import { codeOf } from './sink.contract.ts';

/** A dead-letter sink with its queue. */
export interface DeadLettersBed {
  readonly sink: DeadLetterSink;
  /** Ids of the letters in the queue, in order of arrival. */
  arrived(): Promise<string[]>;
  /** Takes the queue away, so that letters have nowhere to go. */
  unbind(): Promise<void>;
  /** Takes the exchange away. */
  removeExchange(): Promise<void>;
  stall(): void;
  resume(): void;
  cut(): void;
  close(): Promise<void>;
}

const NEVER = new AbortController().signal;

/** The promises of the `DeadLetterSink` port, for every implementation. */
export function deadLettersContract(name: string, make: (options: { confirmTimeoutMs: number }) => Promise<DeadLettersBed>): void {
  describe(`dead-letter contract: ${name}`, () => {
    const beds: DeadLettersBed[] = [];
    async function bed(confirmTimeoutMs = 10_000): Promise<DeadLettersBed> {
      const made = await make({ confirmTimeoutMs });
      beds.push(made);
      return made;
    }
    const bury = async (b: DeadLettersBed, id: string, signal = NEVER) => codeOf(await soon('an answer', b.sink.bury(letterOf({ id }), signal)));
    afterEach(async () => {
      for (const made of beds.splice(0)) await made.close();
    });

    it('answers ok for what has arrived, many at once', async () => {
      const b = await bed();
      const ids = Array.from({ length: 40 }, (_, i) => `l${i}`);
      expect(new Set(await Promise.all(ids.map((id) => bury(b, id))))).toEqual(new Set(['ok']));
      expect(await b.arrived()).toEqual(ids);
    });

    it('does not take a letter as buried that no queue took', async () => {
      const b = await bed();
      await b.unbind();
      expect(await bury(b, 'homeless')).toBe('UNROUTABLE');
    });

    it('does not take a letter as buried when the exchange is missing', async () => {
      const b = await bed();
      expect(await bury(b, 'first')).toBe('ok');
      await b.removeExchange();
      expect(await bury(b, 'second')).toBe('UNROUTABLE');
    });

    it('answers CONFIRM_TIMEOUT when no confirm comes', async () => {
      const b = await bed(300);
      expect(await bury(b, 'first')).toBe('ok');
      b.stall();
      expect(await bury(b, 'stuck')).toBe('CONFIRM_TIMEOUT');
      b.resume();
      await until('a letter passes', async () => (await bury(b, 'after')) === 'ok');
    });

    it('answers NOT_CONNECTED when the connection is lost, and calls back when it is there again', async () => {
      const b = await bed();
      expect(await bury(b, 'first')).toBe('ok');
      let called = false;
      b.sink.onAvailable(() => {
        called = true;
      });
      b.stall();
      const answer = bury(b, 'in-flight');
      b.cut();
      expect(await answer).toBe('NOT_CONNECTED');
      expect(b.sink.unavailable?.code).toBe('NOT_CONNECTED');
      b.resume();
      await until('onAvailable is called', () => called);
      expect(await bury(b, 'in-flight')).toBe('ok');
    });

    it('answers at once when the signal aborts', async () => {
      const b = await bed();
      expect(await bury(b, 'first')).toBe('ok');
      b.stall();
      const abort = new AbortController();
      const answer = bury(b, 'given-up', abort.signal);
      abort.abort();
      expect(await soon('the answer', answer, 1000)).toBe('NOT_CONNECTED');
      b.resume();
    });
  });
}
