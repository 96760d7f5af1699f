import { setMaxListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { failed, type FaultCode, ok } from '../../../src/domain/fault.ts';
import { Ledger } from '../../../src/domain/ledger.ts';
import type { RouteSpec } from '../../../src/domain/route.ts';
import { knownTopic } from '../../../src/domain/topic-memory.ts';
import { Dedupe } from '../../../src/pipeline/dedupe.ts';
import { type DeliveryOwner, PendingDelivery } from '../../../src/pipeline/delivery.ts';
import { Forwarder } from '../../../src/pipeline/forwarder.ts';
import { Graveyard } from '../../../src/pipeline/graveyard.ts';
import { Permits } from '../../../src/pipeline/permits.ts';
import type { Batch, DeadLetter } from '../../../src/pipeline/ports.ts';
import { RecentMessages } from '../../../src/pipeline/recent-messages.ts';
import { Router } from '../../../src/pipeline/router.ts';
import type { Rules } from '../../../src/pipeline/rules.ts';
import { readingsIn } from '../../support/batches.ts';
import { VirtualTime } from '../../support/sim/virtual-time.ts';
import { message, publishTo, reading, rule } from './fixtures.ts';

const ONE = { count: 1, bytes: 1000, ageMs: 0 };
const MANY = { count: 100, bytes: 100_000, ageMs: 50 };

function rules(config: string, ...routes: RouteSpec[]): Rules {
  return {
    config,
    normaliser: { normalise: (m) => ({ kind: 'readings', readings: [reading({ t: 1 }, { id: m.body.toString(), topic: m.topic })] }) },
    router: new Router(routes, () => {}),
  };
}

/** A forwarder whose broker answers by exchange: with `refuse`, or not at all while the exchange is in `silent`. */
function rig(first: Rules) {
  const time = new VirtualTime(() => 0.5);
  const ledger = new Ledger();
  const sent: Batch[] = [];
  const letters: DeadLetter[] = [];
  const abort = new AbortController();
  setMaxListeners(0, abort.signal);
  const refuse = new Map<string, FaultCode>();
  const silent = new Map<string, (() => void)[]>();
  const unacked = new Set<PendingDelivery>();
  const outcomes: string[] = [];
  let takenBack = 0;
  let ids = 0;
  const shared = { ledger, retry: { baseMs: 100, capMs: 1000 }, scheduler: time, observer: () => {}, nextId: () => `i${(ids += 1)}`, signal: abort.signal };
  const availability = { unavailable: undefined, onAvailable: () => () => {} };
  const graveyard = new Graveyard({
    ...shared,
    sink: { ...availability, bury: (letter) => (letters.push(letter), Promise.resolve(ok(undefined))) },
    concurrency: 4,
    config: () => 'now',
    onIdle: () => {},
  });
  const owner: DeliveryOwner = {
    onSettled: (delivery, outcome) => {
      outcomes.push(`${delivery.message.body.toString()} ${outcome}`);
      unacked.delete(delivery);
    },
    onLate: (delivery, outcome) => outcomes.push(`${delivery.message.body.toString()} late ${outcome}`),
  };
  const forwarder: Forwarder = new Forwarder({
    ...shared,
    rules: first,
    recent: new RecentMessages(10, 1000),
    // As the broker would: what was unsettled comes again, in its order.
    takeBack: () => {
      takenBack += 1;
      const back = [...unacked];
      unacked.clear();
      for (const delivery of back) delivery.lose();
      time.after(1, () => back.forEach((delivery) => accept(delivery.message.body.toString())));
      return Promise.resolve();
    },
    sink: {
      ...availability,
      publish: async (batch) => {
        const { exchange } = batch.destination;
        const waiting = silent.get(exchange);
        if (waiting !== undefined) await new Promise<void>((resolve) => waiting.push(resolve));
        const code = refuse.get(exchange);
        if (code !== undefined) return failed(code, 'said the test');
        sent.push(batch);
        return ok(undefined);
      },
      offer: () => true,
    },
    graveyard,
    dedupe: new Dedupe({ entries: 100, windowMs: 60_000 }),
    permits: new Permits(10, 1_000_000),
    maxDeliveries: 0,
    prefetch: 1000,
  });
  const accept = (body: string): void => {
    const delivery = new PendingDelivery(message('d/1', body), 1, owner);
    unacked.add(delivery);
    forwarder.accept(delivery);
  };
  const idsIn = (batch: Batch): string =>
    readingsIn(batch)
      .map(({ id }) => id as string)
      .join('');
  const said = (): string[] => sent.map((batch) => `${batch.config} ${batch.destination.exchange} ${idsIn(batch)}`);
  return { time, ledger, letters, forwarder, accept, refuse, silent, outcomes, abort, said, takenBack: () => takenBack };
}

describe('other settings while it runs', () => {
  it('decide about the next message, and what was decided before goes out first', async () => {
    const { time, forwarder, accept, silent, said } = rig(rules('old', rule('r', publishTo('a', { batch: ONE }))));
    const waiting: (() => void)[] = [];
    silent.set('a', waiting);
    accept('1');
    accept('2');
    forwarder.use(rules('new', rule('r', publishTo('b', { batch: ONE }))));
    accept('3');
    await time.runUntil(10_000);
    expect(said()).toEqual([]);
    silent.delete('a');
    waiting.forEach((go) => go());
    await time.runUntil(10_001);
    expect(said()).toEqual(['old a 1', 'old a 2', 'new b 3']);
  });

  it('leave nothing of what the old ones have worked out for a topic: it would hold on to them', () => {
    const { forwarder, accept } = rig(rules('old', rule('r', publishTo('a', { batch: MANY }))));
    accept('1');
    const before = knownTopic('d/1');
    expect(before.likeness).toBeDefined();
    forwarder.use(rules('new', rule('r', publishTo('b', { batch: MANY }))));
    expect(knownTopic('d/1')).not.toBe(before);
  });

  it('seal what is open, so that no batch is of both', async () => {
    const { time, forwarder, accept, said } = rig(rules('old', rule('r', publishTo('a', { batch: MANY }))));
    accept('1');
    forwarder.use(rules('new', rule('r', publishTo('a', { batch: MANY }))));
    accept('2');
    await time.runUntil(100);
    expect(said()).toEqual(['old a 1', 'new a 2']);
  });

  it('take back what the broker will not have by the old ones, once, and decide anew in the old order', async () => {
    const { time, forwarder, accept, refuse, said, takenBack, ledger, outcomes } = rig(rules('old', rule('r', publishTo('gone', { batch: ONE }))));
    refuse.set('gone', 'UNROUTABLE');
    accept('1');
    accept('2');
    await time.runUntil(500);
    expect(takenBack()).toBe(0);
    forwarder.use(rules('new', rule('r', publishTo('b', { batch: ONE }))));
    accept('3');
    await time.runUntil(5000);
    expect(takenBack()).toBe(1);
    expect(said()).toEqual(['new b 1', 'new b 2', 'new b 3']);
    expect(forwarder.itemsInFlight).toBe(0);
    expect(ledger.items).toMatchObject({ received: 6, forwarded: 3, abandoned: 3 });
    expect(outcomes.filter((each) => each.endsWith('forwarded') && !each.includes('late'))).toEqual(['1 forwarded', '2 forwarded', '3 forwarded']);
  });

  it('are waited for where nothing can be published at all: that is no reason to deliver again', async () => {
    const { time, forwarder, accept, refuse, said, takenBack } = rig(rules('old', rule('r', publishTo('a', { batch: ONE }))));
    refuse.set('a', 'BLOCKED');
    accept('1');
    forwarder.use(rules('new', rule('r', publishTo('b', { batch: ONE }))));
    accept('2');
    await time.runUntil(5000);
    expect(said()).toEqual([]);
    refuse.clear();
    await time.runUntil(10_000);
    expect({ said: said(), takenBack: takenBack() }).toEqual({ said: ['old a 1', 'new b 2'], takenBack: 0 });
  });

  it('may change again before the first change is through', async () => {
    const { time, forwarder, accept, silent, said } = rig(rules('v1', rule('r', publishTo('a', { batch: ONE }))));
    const waiting: (() => void)[] = [];
    silent.set('a', waiting);
    accept('1');
    for (const version of ['v2', 'v3', 'v4']) {
      forwarder.use(rules(version, rule('r', publishTo('b', { batch: ONE }))));
      accept(version);
    }
    expect(forwarder.lanesStatus()).toHaveLength(4);
    silent.delete('a');
    waiting.forEach((go) => go());
    await time.runUntil(100);
    expect(said()).toEqual(['v1 a 1', 'v2 b v2', 'v3 b v3', 'v4 b v4']);
    expect(forwarder.lanesStatus()).toEqual([]);
  });

  it('leave nothing behind when the gateway gives up meanwhile', async () => {
    const { time, forwarder, accept, silent, abort, outcomes } = rig(rules('old', rule('r', publishTo('a', { batch: ONE }))));
    const waiting: (() => void)[] = [];
    silent.set('a', waiting);
    accept('1');
    forwarder.use(rules('new', rule('r', publishTo('b', { batch: ONE }))));
    accept('2');
    await time.runUntil(10);
    abort.abort();
    waiting.forEach((go) => go());
    await time.runUntil(100);
    expect(forwarder.itemsInFlight).toBe(0);
    // The broker had the first already.
    expect(outcomes).toEqual(['1 forwarded', '2 abandoned']);
  });
});
