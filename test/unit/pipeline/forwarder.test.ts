import { describe, expect, it } from 'vitest';
import { failed, type FaultCode, fault, ok } from '../../../src/domain/fault.ts';
import { Ledger } from '../../../src/domain/ledger.ts';
import type { InboundMessage } from '../../../src/domain/message.ts';
import type { RouteSpec } from '../../../src/domain/route.ts';
import { Dedupe } from '../../../src/pipeline/dedupe.ts';
import { type DeliveryOwner, PendingDelivery } from '../../../src/pipeline/delivery.ts';
import { Forwarder } from '../../../src/pipeline/forwarder.ts';
import { Graveyard } from '../../../src/pipeline/graveyard.ts';
import { Permits } from '../../../src/pipeline/permits.ts';
import type { Normalised } from '../../../src/pipeline/normaliser.ts';
import { RecentMessages } from '../../../src/pipeline/recent-messages.ts';
import type { Batch, DeadLetter } from '../../../src/pipeline/ports.ts';
import { Router } from '../../../src/pipeline/router.ts';
import { deadLetterProperties } from '../../../src/rabbit/dead-letters.ts';
import { readingsIn } from '../../support/batches.ts';
import { VirtualTime } from '../../support/sim/virtual-time.ts';
import { message, publishTo, reading, rule } from './fixtures.ts';

function rig(routes: readonly RouteSpec[], normalise: (message: InboundMessage) => Normalised, maxDeliveries = 5) {
  const time = new VirtualTime(() => 0.5);
  const ledger = new Ledger();
  const sent: Batch[] = [];
  const offered: Batch[] = [];
  const letters: DeadLetter[] = [];
  const outcomes: string[] = [];
  const abort = new AbortController();
  const state: { refuse: FaultCode | undefined; offers: boolean; takenBack: number } = { refuse: undefined, offers: true, takenBack: 0 };
  let ids = 0;
  const shared = {
    ledger,
    retry: { baseMs: 100, capMs: 1000 },
    scheduler: time,
    observer: () => {},
    nextId: () => `i${(ids += 1)}`,
    signal: abort.signal,
  };
  const availability = { unavailable: undefined, onAvailable: () => () => {} };
  let forwarder: Forwarder | undefined;
  const graveyard = new Graveyard({
    ...shared,
    sink: { ...availability, bury: (letter) => (letters.push(letter), Promise.resolve(ok(undefined))) },
    concurrency: 4,
    config: () => 'v1',
    onIdle: () => forwarder?.checkIdle(),
  });
  forwarder = new Forwarder({
    ...shared,
    rules: { config: 'v1', normaliser: { normalise }, router: new Router(routes, () => {}) },
    recent: new RecentMessages(10, 1000),
    takeBack: () => ((state.takenBack += 1), Promise.resolve()),
    sink: {
      ...availability,
      publish: (batch) => {
        if (state.refuse !== undefined) return Promise.resolve(failed(state.refuse, 'said the test'));
        sent.push(batch);
        return Promise.resolve(ok(undefined));
      },
      offer: (batch) => (offered.push(batch), state.offers),
    },
    graveyard,
    dedupe: new Dedupe({ entries: 100, windowMs: 60_000 }),
    permits: new Permits(10, 1_000_000),
    maxDeliveries,
    prefetch: 10,
  });
  const owner: DeliveryOwner = { onSettled: (_, outcome) => outcomes.push(outcome), onLate: () => {} };
  const accept = (body = 'x', rest: Partial<InboundMessage> = {}): void =>
    forwarder.accept(new PendingDelivery({ ...message('d/1', body), ...rest }, 1, owner));
  return { time, ledger, sent, offered, letters, outcomes, abort, state, forwarder, accept };
}

const one = (message: InboundMessage): Normalised => ({ kind: 'readings', readings: [reading({ t: 1 }, { id: message.body.toString() })] });

describe('Forwarder', () => {
  it('without an age, sends what one turn brought, and what gathered until that was confirmed', async () => {
    const { accept, time, sent, outcomes, state } = rig([rule('r', publishTo('x', { batch: { count: 100, bytes: 10_000, ageMs: 0 } }))], one);
    const ids = (): unknown[] => sent.map((batch) => readingsIn(batch).map(({ id }) => id));
    for (const id of ['a', 'b']) accept(id);
    expect(sent).toEqual([]);
    await time.runUntil(0);
    expect(ids()).toEqual([['a', 'b']]);
    state.refuse = 'UNROUTABLE';
    accept('c');
    await time.runUntil(1);
    for (const id of ['d', 'e']) {
      accept(id);
      await time.runUntil(time.monotonic() + 1);
    }
    state.refuse = undefined;
    // The back-off of the lane is over before the second of an open batch.
    await time.runUntil(900);
    expect(ids()).toEqual([['a', 'b'], ['c'], ['d', 'e']]);
    expect(outcomes).toHaveLength(5);
  });

  it('wakes by itself for batches that become due', async () => {
    const { accept, time, sent, outcomes } = rig([rule('r', publishTo('x', { batch: { count: 100, bytes: 10_000, ageMs: 100 } }))], one);
    accept('a');
    await time.runUntil(60);
    accept('b');
    await time.runUntil(99);
    expect(sent).toEqual([]);
    await time.runUntil(100);
    expect(sent).toMatchObject([{ sealedBy: 'age', items: [{}, {}] }]);
    accept('c');
    await time.runUntil(199);
    expect(sent).toHaveLength(1);
    await time.runUntil(200);
    expect(sent).toHaveLength(2);
    expect(outcomes).toEqual(['forwarded', 'forwarded', 'forwarded']);
  });

  it('seals the batches that have waited longest where no more messages may come, until they hold half of them', async () => {
    const routes = [rule('r', publishTo('x', { routingKey: '{tags.site}', batch: { count: 100, bytes: 10_000, ageMs: 1000 } }))];
    const { accept, time, sent, ledger } = rig(routes, (message) => ({
      kind: 'readings',
      readings: [reading({ t: 1 }, { id: message.body.toString(), tags: { site: message.body.toString().charAt(0) } })],
    }));
    const take = (text: string): void => {
      ledger.messageReceived(1);
      accept(text);
    };
    for (const text of ['a1', 'b1', 'a2', 'c1', 'b2', 'c2', 'd1', 'd2', 'd3']) take(text);
    await time.runUntil(1);
    expect(sent).toEqual([]);
    take('e1');
    await time.runUntil(2);
    expect(sent.map(({ destination, items, sealedBy }) => [destination.routingKey, items.length, sealedBy])).toEqual([
      ['a', 2, 'prefetch'],
      ['b', 2, 'prefetch'],
      ['c', 2, 'prefetch'],
    ]);
    // Some of them are settled: more may come.
    ledger.messageSettled('forwarded');
    take('e2');
    take('e3');
    await time.runUntil(3);
    expect(sent).toHaveLength(4);
  });

  it('sends an alarm out at once', async () => {
    const { accept, time, sent } = rig([rule('alarms', publishTo('x', { batch: { count: 1, bytes: 1000, ageMs: 0 } }))], one);
    accept();
    await time.runUntil(0);
    expect(sent).toHaveLength(1);
  });

  it('settles a message of several readings by the worst of them, once', async () => {
    const { accept, time, letters, outcomes, ledger } = rig([rule('r', publishTo('x'), { when: 'values.t > 0' })], () => ({
      kind: 'readings',
      readings: [reading({ t: 1 }, { id: 'a' }), reading({ t: -1 }, { id: 'b' }), reading({ t: 2 }, { id: 'c' })],
    }));
    accept();
    await time.runUntil(1000);
    expect(outcomes).toEqual(['dead-lettered']);
    expect(letters).toMatchObject([{ fault: { code: 'NO_ROUTE' }, reading: { id: 'b' } }]);
    expect(ledger.items).toMatchObject({ received: 3, forwarded: 2, deadLettered: 1 });
    expect(ledger.routes.get('r')).toMatchObject({ received: 2, forwarded: 2 });
  });

  it('buries a message on which the process has ended three times before it is decoded', async () => {
    let decoded = 0;
    const { accept, time, letters } = rig([rule('r', publishTo('x'))], (message) => ((decoded += 1), one(message)));
    accept('a', { crashes: 2 });
    accept('b', { crashes: 3 });
    await time.runUntil(1000);
    expect(decoded).toBe(1);
    expect(letters).toMatchObject([{ fault: { code: 'CRASH_LOOP', message: 'the gateway has ended 3 times while it handled this message' } }]);
  });

  it('buries a message that crashes its readers before it is decoded', async () => {
    let decoded = 0;
    const { accept, time, letters } = rig([rule('r', publishTo('x'))], (message) => ((decoded += 1), one(message)), 5);
    accept('a', { deliveryCount: 5 });
    accept('b', { deliveryCount: 6 });
    await time.runUntil(1000);
    expect(decoded).toBe(1);
    expect(letters).toMatchObject([{ fault: { code: 'CRASH_LOOP' } }]);
  });

  it('deduplicates what was confirmed, never what only arrived, and never an id that names an arrival', async () => {
    const { accept, time, sent, outcomes } = rig([rule('r', publishTo('x', { batch: { count: 1, bytes: 1000, ageMs: 0 } }))], one);
    accept('same');
    await time.runUntil(1);
    accept('same');
    await time.runUntil(2);
    expect(outcomes).toEqual(['forwarded', 'deduplicated']);
    expect(sent).toHaveLength(1);
    const arrival = rig([rule('r', publishTo('x', { batch: { count: 1, bytes: 1000, ageMs: 0 } }))], () => ({
      kind: 'readings',
      readings: [reading({ t: 1 }, { flags: ['arrival-id'] })],
    }));
    arrival.accept();
    await arrival.time.runUntil(1);
    arrival.accept();
    await arrival.time.runUntil(2);
    expect(arrival.outcomes).toEqual(['forwarded', 'forwarded']);
  });

  it('takes a copy that would go another way for the copy that it is, but for a route with `continue`', async () => {
    const now = { batch: { count: 1, bytes: 1000, ageMs: 0 } };
    const routes = [
      rule('watch', publishTo('w', now), { when: "'late' in flags", continue: true }),
      rule('late', publishTo('l', now), { when: "'late' in flags" }),
      rule('rest', publishTo('r', now)),
    ];
    const flagged = (message: InboundMessage): Normalised => ({
      kind: 'readings',
      readings: [reading({ t: 1 }, { id: 'same', ...(message.body.toString() === 'late' ? { flags: ['late'] } : {}) })],
    });
    const { accept, time, sent, outcomes, ledger, forwarder } = rig(routes, flagged);
    for (const [i, body] of ['on time', 'late', 'late', 'on time'].entries()) {
      accept(body);
      await time.runUntil(i + 1);
    }
    expect(sent.map(({ destination }) => destination.route)).toEqual(['rest', 'watch']);
    expect(outcomes).toEqual(['forwarded', 'forwarded', 'deduplicated', 'deduplicated']);
    expect(ledger.routes.get('late')).toMatchObject({ received: 2, deduplicated: 2 });
    expect(ledger.imbalance(-ledger.messages.forwarded - ledger.messages.deduplicated, forwarder.itemsInFlight)).toMatchObject({ items: 0 });
  });

  it('counts what is filtered, by rule and by emptiness', () => {
    const { accept, outcomes, ledger } = rig([rule('noise', { kind: 'drop' })], (message) =>
      message.body.length === 0 ? { kind: 'filtered', reason: 'empty' } : one(message),
    );
    accept('');
    accept('x');
    expect(outcomes).toEqual(['filtered', 'filtered']);
    expect(ledger.routes.get('noise')).toMatchObject({ filtered: 1 });
    expect(ledger.routes.get('(none)')).toMatchObject({ filtered: 1 });
    expect(ledger.filtered).toMatchObject({ empty: 1, route: 1 });
    expect(Object.values(ledger.filtered).reduce((sum, n) => sum + n, 0)).toBe(ledger.items.filtered);
  });

  it('measures the way of each reading from its device once, on however many routes, and not again for a replay', () => {
    const two = (message: InboundMessage): Normalised => ({
      kind: 'readings',
      readings: ['a', 'b'].map((id) => reading({ t: 1 }, { id, measuredAt: message.receivedAt - 250, receivedAt: message.receivedAt })),
    });
    const { accept, ledger } = rig([rule('a', publishTo('x'), { continue: true }), rule('b', publishTo('y'))], two);
    accept();
    expect([ledger.delays.toGateway.sum, ledger.readings]).toEqual([500, 2]);
    accept('x', { replay: { of: 'd0', count: 1, scope: 'message', readingId: undefined, readings: undefined, route: undefined, firstFailedAt: 9 } });
    expect([ledger.delays.toGateway.sum, ledger.readings]).toEqual([500, 4]);
  });

  it.each([
    ['no-device-time', 0],
    ['late', 1],
  ] as const)('tells the way to the confirm of a reading flagged %s only where its time is that of the measurement', async (flag, counted) => {
    const one = (message: InboundMessage): Normalised => ({
      kind: 'readings',
      readings: [reading({ t: 1 }, { measuredAt: message.receivedAt - 70, receivedAt: message.receivedAt, flags: [flag] })],
    });
    const { accept, time, ledger } = rig([rule('a', publishTo('x', { batch: { count: 1, bytes: 1000, ageMs: 0 } }))], one);
    accept();
    await time.runUntil(5);
    expect(ledger.items.forwarded).toBe(1);
    const { counts } = ledger.delays.toConfirm.get('a') ?? { counts: [] };
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(counted);
  });

  it('offers best-effort copies without holding anything for them', async () => {
    const tap = rule('tap', publishTo('live', { delivery: 'best-effort' }), { continue: true });
    const { accept, time, offered, state, ledger, forwarder, outcomes } = rig(
      [tap, rule('r', publishTo('x', { batch: { count: 1, bytes: 1000, ageMs: 0 } }))],
      one,
    );
    state.offers = false;
    accept();
    await time.runUntil(50);
    expect(outcomes).toEqual(['forwarded']);
    expect(forwarder.itemsInFlight).toBe(0);
    await time.runUntil(1000);
    expect(offered).toHaveLength(1);
    expect([ledger.taps, ledger.passedOn()]).toEqual([{ sent: 0, dropped: 1 }, new Map([['r', 1]])]);
    state.offers = true;
    accept('y');
    await time.runUntil(2000);
    expect([ledger.taps, ledger.passedOn()]).toEqual([
      { sent: 1, dropped: 1 },
      new Map([
        ['tap', 1],
        ['r', 2],
      ]),
    ]);
    expect(ledger.imbalance(0, forwarder.itemsInFlight)).toEqual({ messages: 0, items: 0 });
  });

  it('dead-letters what a full lane cannot take where the route says so', async () => {
    const { accept, time, state, letters, outcomes } = rig(
      [rule('r', publishTo('x', { batch: { count: 1, bytes: 1000, ageMs: 0 }, overflow: 'dead-letter', laneReadings: 2 }))],
      one,
    );
    state.refuse = 'UNROUTABLE';
    accept('a');
    accept('b');
    await time.runUntil(5);
    accept('c');
    await time.runUntil(6);
    expect(letters).toMatchObject([{ fault: { code: 'LANE_FULL' }, reading: { id: 'c' } }]);
    state.refuse = undefined;
    await time.runUntil(10_000);
    expect(outcomes).toEqual(['dead-lettered', 'forwarded', 'forwarded']);
  });

  it('drains: flushes, waits for the lanes, and says when something is left', async () => {
    const { accept, time, state, forwarder, outcomes, abort } = rig([rule('r', publishTo('x', { batch: { count: 100, bytes: 10_000, ageMs: 60_000 } }))], one);
    accept('a');
    const drained = forwarder.drain(new AbortController().signal);
    await time.runUntil(1);
    expect(await drained).toBe(true);
    expect(outcomes).toEqual(['forwarded']);

    state.refuse = 'BROKER_NACK';
    accept('b');
    const deadline = new AbortController();
    const stuck = forwarder.drain(deadline.signal);
    await time.runUntil(5000);
    deadline.abort();
    expect(await stuck).toBe(false);
    expect(forwarder.lanesStatus()).toMatchObject([{ state: 'held', code: 'BROKER_NACK', items: 1 }]);
    abort.abort();
    await time.runUntil(5001);
    expect(outcomes).toEqual(['forwarded', 'abandoned']);
    expect(forwarder.itemsInFlight).toBe(0);
  });

  it('buries a message that cannot be read', async () => {
    const { accept, time, letters, ledger } = rig([], () => ({ kind: 'fault', fault: fault('DECODE_INVALID', 'no') }));
    accept('{');
    await time.runUntil(1);
    expect(letters).toMatchObject([{ fault: { code: 'DECODE_INVALID' }, message: { body: Buffer.from('{') }, route: undefined }]);
    expect(ledger.items).toMatchObject({ received: 1, deadLettered: 1 });
  });

  describe('a replay', () => {
    const routes = [
      rule('a', publishTo('a', { batch: { count: 1, bytes: 1000, ageMs: 0 } }), { continue: true }),
      rule('b', publishTo('b', { batch: { count: 1, bytes: 1000, ageMs: 0 } })),
    ];
    const pair = (): Normalised => ({ kind: 'readings', readings: [reading({ t: 1 }, { id: 'm-0' }), reading({ t: 2 }, { id: 'm-1' })] });
    const replay = { of: 'd0', count: 1, scope: 'route', readingId: 'm-1', readings: 2, route: 'b', firstFailedAt: 9 } as const;
    const seen = (sent: readonly Batch[]): string[] =>
      sent.map(
        (batch) =>
          `${batch.destination.route} ${readingsIn(batch)
            .map(({ id }) => id as string)
            .join()}`,
      );

    it('forwards only what had failed, and the books balance', async () => {
      const { accept, time, sent, outcomes, ledger, forwarder } = rig(routes, pair);
      accept('x', { replay });
      await time.runUntil(1);
      expect(seen(sent)).toEqual(['b m-1']);
      expect(outcomes).toEqual(['forwarded']);
      expect(ledger.items).toMatchObject({ received: 1, forwarded: 1 });
      expect(ledger.imbalance(-ledger.messages.forwarded, forwarder.itemsInFlight)).toMatchObject({ items: 0 });
    });

    it('owes the route what it has not had, whatever became of another copy', async () => {
      const { accept, time, sent } = rig(routes, pair);
      accept('x');
      await time.runUntil(1);
      accept('x', { replay });
      await time.runUntil(2);
      expect(seen(sent).filter((text) => text === 'b m-1')).toHaveLength(2);
    });

    it('does not forward again what it knows to be confirmed', async () => {
      const { accept, time, sent, outcomes } = rig(routes, pair);
      accept('x', { replay });
      await time.runUntil(1);
      accept('x', { replay: { ...replay, count: 2 } });
      await time.runUntil(2);
      expect(seen(sent)).toEqual(['b m-1']);
      expect(outcomes).toEqual(['forwarded', 'deduplicated']);
    });

    it('dead-letters again what cannot be told, still about the same part', async () => {
      const { accept, time, sent, letters, outcomes } = rig(routes, pair);
      accept('x', { replay: { ...replay, readings: 3 } });
      accept('x', { replay: { ...replay, route: 'gone' } });
      await time.runUntil(1);
      expect(sent).toEqual([]);
      expect(letters.map(({ fault: { code }, firstFailedAt }) => ({ code, firstFailedAt }))).toEqual([
        { code: 'REPLAY_MISMATCH', firstFailedAt: 9 },
        { code: 'REPLAY_MISMATCH', firstFailedAt: 9 },
      ]);
      expect(outcomes).toEqual(['dead-lettered', 'dead-lettered']);
      expect(letters.map((letter) => deadLetterProperties(letter).headers)).toMatchObject([
        {
          'x-sluice-scope': 'route',
          'x-sluice-route': 'b',
          'x-sluice-reading-id': 'm-1',
          'x-sluice-readings': 3,
          'x-sluice-replays': 1,
          'x-sluice-replay-of': 'd0',
        },
        { 'x-sluice-scope': 'route', 'x-sluice-route': 'gone', 'x-sluice-reading-id': 'm-1', 'x-sluice-readings': 2 },
      ]);
    });

    it('says of each letter what is dead: the message, a reading, or a reading on a route', async () => {
      const { accept, time, letters, state } = rig([rule('b', publishTo('b', { batch: { count: 1, bytes: 1000, ageMs: 0 } }), { when: 'values.t > 1' })], pair);
      state.refuse = 'TOO_LARGE';
      accept();
      await time.runUntil(1);
      const bad = rig([], () => ({ kind: 'fault', fault: fault('DECODE_INVALID', 'x') }));
      bad.accept();
      await bad.time.runUntil(1);
      const said = [...letters, ...bad.letters].map((letter) => deadLetterProperties(letter).headers as Record<string, unknown>);
      expect(said.map((headers) => ['code', 'scope', 'route', 'reading-id', 'readings'].map((name) => headers[`x-sluice-${name}`]))).toEqual([
        ['NO_ROUTE', 'reading', undefined, 'm-0', 2],
        ['TOO_LARGE', 'route', 'b', 'm-1', 2],
        ['DECODE_INVALID', 'message', undefined, undefined, undefined],
      ]);
    });
  });
});
