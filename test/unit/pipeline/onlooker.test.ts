import { describe, expect, it } from 'vitest';
import { encodeReading, textOf } from '../../../src/codec/reading.ts';
import { fault, ok } from '../../../src/domain/fault.ts';
import { Ledger } from '../../../src/domain/ledger.ts';
import type { InboundMessage } from '../../../src/domain/message.ts';
import { Dedupe } from '../../../src/pipeline/dedupe.ts';
import { type DeliveryOwner, PendingDelivery } from '../../../src/pipeline/delivery.ts';
import { DeviceRegistry } from '../../../src/pipeline/device-registry.ts';
import { Forwarder } from '../../../src/pipeline/forwarder.ts';
import { Graveyard } from '../../../src/pipeline/graveyard.ts';
import type { Normalised } from '../../../src/pipeline/normaliser.ts';
import { type Onlooker, watchMessages } from '../../../src/pipeline/onlooker.ts';
import { Permits } from '../../../src/pipeline/permits.ts';
import { RecentMessages } from '../../../src/pipeline/recent-messages.ts';
import { Router } from '../../../src/pipeline/router.ts';
import { TapHub } from '../../../src/pipeline/tap-hub.ts';
import { VirtualTime } from '../../support/sim/virtual-time.ts';
import { message, publishTo, reading, rule } from './fixtures.ts';

type Sight = readonly [kind: string, routings: number, texts: readonly (string | undefined)[]];

const ROUTES = [rule('cold', { kind: 'drop' }, { when: 'values.t < 0.0' }), rule('warm', publishTo('x'), { when: 'values.t > 0.0' })];

/** What a body says becomes of it: a list of values, or anything else. */
function normalise(of: InboundMessage): Normalised {
  const text = of.body.toString();
  if (text === '') return { kind: 'filtered', reason: 'empty' };
  if (text === 'bad') return { kind: 'fault', fault: fault('DECODE_INVALID', 'bad') };
  return { kind: 'readings', readings: text.split(',').map((t, i) => reading({ t: Number(t) }, { id: `${text}-${i}` })) };
}

function rig(extra: readonly Onlooker[] = []) {
  const time = new VirtualTime(() => 0.5);
  const ledger = new Ledger();
  const sights: Sight[] = [];
  const buried: string[] = [];
  const outcomes: string[] = [];
  const onlooker: Onlooker = {
    saw: (of, result, routings, texts) => {
      sights.push([result.kind === 'fault' ? result.fault.code : result.kind, routings.length, texts.map((text) => text && textOf(text))]);
      for (const each of extra) each.saw(of, result, routings, texts);
    },
    buried: (letter) => {
      buried.push(letter.fault.code);
      for (const each of extra) each.buried(letter);
    },
  };
  const shared = {
    ledger,
    retry: { baseMs: 1, capMs: 1 },
    scheduler: time,
    observer: () => {},
    onlooker,
    nextId: () => 'i',
    signal: new AbortController().signal,
  };
  const there = { unavailable: undefined, onAvailable: () => () => {} };
  const graveyard = new Graveyard({ ...shared, sink: { ...there, bury: async () => ok(undefined) }, concurrency: 4, config: () => 'v1', onIdle: () => {} });
  const forwarder = new Forwarder({
    ...shared,
    rules: { config: 'v1', normaliser: { normalise }, router: new Router(ROUTES, () => {}) },
    recent: new RecentMessages(10, 1000),
    takeBack: async () => {},
    sink: { ...there, publish: async () => ok(undefined), offer: () => true },
    graveyard,
    dedupe: new Dedupe({ entries: 10, windowMs: 1000 }),
    permits: new Permits(10, 1_000_000),
    maxDeliveries: 5,
    prefetch: 1000,
  });
  const owner: DeliveryOwner = { onSettled: (_, outcome) => outcomes.push(outcome), onLate: () => {} };
  const accept = (body: string, rest: Partial<InboundMessage> = {}): void =>
    forwarder.accept(new PendingDelivery({ ...message('d/1', body), ...rest }, 1, owner));
  return { accept, forwarder, sights, buried, outcomes, ledger };
}

describe('an onlooker', () => {
  it('sees each message once, with its readings as they go out, and each dead letter that is confirmed', async () => {
    const { accept, forwarder, sights, buried } = rig();
    accept('1,-1,0');
    accept('');
    accept('bad');
    accept('1', { deliveryCount: 6 });
    await forwarder.drain(AbortSignal.timeout(10_000));
    expect(sights).toEqual([
      ['readings', 3, [encodeReading(reading({ t: 1 }, { id: '1,-1,0-0' })), undefined, undefined]],
      ['filtered', 0, []],
      ['DECODE_INVALID', 0, []],
      ['CRASH_LOOP', 0, []],
    ]);
    expect(buried.toSorted()).toEqual(['CRASH_LOOP', 'DECODE_INVALID', 'NO_ROUTE']);
  });

  it('is told of no more readings than the message has, whatever the one before had', () => {
    const { accept, sights } = rig();
    for (const body of ['1,2,0', '1', '1,0']) accept(body);
    expect(sights.map(([, routings, texts]) => [routings, texts.length])).toEqual([
      [3, 3],
      [1, 1],
      [2, 2],
    ]);
  });

  it('fills the registry: what it counts is what the books count', async () => {
    const devices = new DeviceRegistry({ entries: 10, historyBytes: 10_000 });
    const taps = new TapHub({ monotonic: () => 0, deviceOf: () => undefined, profileOf: () => undefined });
    const { accept, forwarder, ledger } = rig([watchMessages(devices, taps, () => {})]);
    for (const body of ['1,-1,0', 'bad', '2', '', '0']) accept(body);
    await forwarder.drain(AbortSignal.timeout(10_000));
    expect(devices.get('dev')).toMatchObject({ readings: ledger.readings, refused: ledger.items.deadLettered });
    expect([ledger.readings, ledger.items.deadLettered]).toEqual([5, 3]);
  });

  it('with a bug stops nothing, and says so once', async () => {
    const troubles: unknown[] = [];
    const broken = {
      saw: () => {
        throw new TypeError('a bug');
      },
      buried: () => {
        throw new TypeError('a bug');
      },
    } as unknown as DeviceRegistry;
    const taps = new TapHub({ monotonic: () => 0, deviceOf: () => undefined, profileOf: () => undefined });
    const { accept, forwarder, outcomes } = rig([watchMessages(broken, taps, (error) => troubles.push(error))]);
    for (const body of ['1', 'bad', '2']) accept(body);
    expect(await forwarder.drain(AbortSignal.timeout(10_000))).toBe(true);
    expect(outcomes.toSorted()).toEqual(['dead-lettered', 'forwarded', 'forwarded']);
    expect(troubles).toHaveLength(1);
  });
});
