import { describe, expect, it } from 'vitest';
import type { GatewayEvent } from '../../../src/domain/events.ts';
import { failed, fault, ok, type Result } from '../../../src/domain/fault.ts';
import { Ledger } from '../../../src/domain/ledger.ts';
import { Graveyard } from '../../../src/pipeline/graveyard.ts';
import type { DeadLetter } from '../../../src/pipeline/ports.ts';
import { VirtualTime } from '../../support/sim/virtual-time.ts';
import { delivery, reading } from './fixtures.ts';

function rig(answer: (letter: DeadLetter) => Result<void> | Promise<Result<void>>, concurrency = 2) {
  const time = new VirtualTime(() => 0.5);
  const ledger = new Ledger();
  const events: GatewayEvent[] = [];
  const asked: DeadLetter[] = [];
  const abort = new AbortController();
  let idle = 0;
  let ids = 0;
  const graveyard = new Graveyard({
    sink: {
      unavailable: undefined,
      onAvailable: () => () => {},
      bury: async (letter) => {
        asked.push(letter);
        return await answer(letter);
      },
    },
    ledger,
    retry: { baseMs: 100, capMs: 1000 },
    scheduler: time,
    config: () => 'v1',
    observer: (event) => events.push(event),
    nextId: () => `d${(ids += 1)}`,
    signal: abort.signal,
    concurrency,
    onIdle: () => {
      idle += 1;
    },
  });
  return { time, ledger, events, asked, abort, graveyard, idles: () => idle };
}

const invalid = fault('DECODE_INVALID', 'not JSON');

describe('Graveyard', () => {
  it('settles the part only after the letter is confirmed, and counts its code', async () => {
    let confirm: (result: Result<void>) => void = () => {};
    const { graveyard, time, ledger, idles } = rig(() => new Promise((resolve) => (confirm = resolve)));
    const outcomes: string[] = [];
    graveyard.buryMessage(delivery(1, outcomes), invalid);
    await time.runUntil(10_000);
    expect(outcomes).toEqual([]);
    expect(graveyard.size).toBe(1);
    confirm(ok(undefined));
    await time.runUntil(10_001);
    expect(outcomes).toEqual(['dead-lettered']);
    expect(ledger.faults.get('DECODE_INVALID')).toBe(1);
    expect(graveyard.size).toBe(0);
    expect(idles()).toBe(1);
  });

  it.each(['UNROUTABLE', 'BROKER_NACK', 'ENCODE_FAILED', 'TOO_LARGE'] as const)(
    'holds when the burial itself fails with %s: never acked, said aloud, tried again',
    async (code) => {
      let working = false;
      const { graveyard, time, asked, events } = rig(() => (working ? ok(undefined) : failed(code, 'no')));
      const outcomes: string[] = [];
      graveyard.buryMessage(delivery(1, outcomes), invalid);
      await time.runUntil(20_000);
      expect(outcomes).toEqual([]);
      expect(graveyard.status()).toMatchObject({ state: 'held', code });
      expect(events.filter((event) => event.type === 'lane-held')).toHaveLength(1);
      working = true;
      await time.runUntil(40_000);
      expect(outcomes).toEqual(['dead-lettered']);
      expect(new Set(asked.map((letter) => letter.id)).size).toBe(1);
      expect(events.some((event) => event.type === 'lane-resumed')).toBe(true);
    },
  );

  it('has no more letters under way than allowed', async () => {
    const { graveyard, time, asked } = rig(() => new Promise(() => {}), 3);
    for (let i = 0; i < 10; i += 1) graveyard.buryMessage(delivery(), invalid);
    await time.runUntil(1000);
    expect(asked).toHaveLength(3);
    expect(graveyard.size).toBe(10);
  });

  it('does not bury what the broker will deliver again', async () => {
    const { graveyard, time, asked, ledger } = rig(() => ok(undefined));
    const lost = delivery();
    lost.lose();
    graveyard.buryReading(lost, reading(), 'r', invalid);
    await time.runUntil(1);
    expect(asked).toEqual([]);
    expect(ledger.items.abandoned).toBe(1);
    expect(ledger.faults.size).toBe(0);
  });

  it('gives up waiting when the gateway stops: abandoned, not acked', async () => {
    const { graveyard, time, abort } = rig(() => failed('BROKER_NACK', 'no'));
    const outcomes: string[] = [];
    graveyard.buryMessage(delivery(1, outcomes), invalid);
    await time.runUntil(5);
    abort.abort();
    await time.runUntil(6);
    expect(outcomes).toEqual(['abandoned']);
  });
});
