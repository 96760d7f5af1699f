import { describe, expect, it } from 'vitest';
import type { GatewayEvent } from '../../../src/domain/events.ts';
import { BindingWatch, type BindingWatchOptions, type SeenBinding } from '../../../src/rabbit/binding-watch.ts';
import { seededRandom, VirtualTime } from '../../support/sim/virtual-time.ts';

const ALL = { source: 'amq.topic', queue: 'in', routingKey: '#', arguments: {} };
const FIRST: GatewayEvent = { type: 'bindings-watched', queue: 'in', state: 'full', reason: undefined };

/** A broker with bindings that can be taken away, and a management API that can be switched off. */
function setUp(options: Partial<BindingWatchOptions> = {}) {
  const time = new VirtualTime(seededRandom(1));
  const events: GatewayEvent[] = [];
  const broker = { bound: [ALL] as SeenBinding[], away: undefined as string | undefined, refused: undefined as string | undefined, up: true };
  const looks: number[] = [];
  const binds: number[] = [];
  const watch = new BindingWatch({
    queue: 'in',
    wanted: [ALL],
    look: async () => {
      looks.push(time.monotonic());
      return await Promise.resolve(broker.away ?? [...broker.bound]);
    },
    bind: async () => {
      binds.push(time.monotonic());
      if (broker.refused === undefined) broker.bound = [ALL];
      return await Promise.resolve(broker.refused);
    },
    connected: () => broker.up,
    scheduler: time,
    observer: (event) => events.push(event),
    everyMs: 5000,
    ...options,
  });
  return { time, events, broker, looks, binds, watch };
}

describe('BindingWatch', () => {
  it('says once that it watches, and nothing while all is well', async () => {
    const { time, events, looks, binds, watch } = setUp();
    watch.start();
    await time.runUntil(60_000);
    expect([events, watch.reason]).toEqual([[FIRST], undefined]);
    expect([looks.length, binds.length]).toEqual([13, 13]);
  });

  it('tells once that a binding is gone, within a turn, binds it again, and tells for how long at most when it is seen again', async () => {
    const { time, events, broker, watch } = setUp();
    watch.start();
    await time.runUntil(5001);
    broker.bound = [];
    await time.runUntil(9999);
    expect(events).toEqual([FIRST]);
    await time.runUntil(10_001);
    expect(events.slice(1)).toEqual([
      { type: 'binding-missing', queue: 'in', missing: "exchange 'amq.topic' with key '#'", atMostMs: 5000, reason: watch.reason },
    ]);
    expect(watch.reason).toMatch(/not bound to exchange 'amq\.topic' with key '#' \(for at most 5\.0 s\): .*drops them\. The gateway tries to bind it again/);
    expect(broker.bound).toEqual([ALL]);
    await time.runUntil(60_000);
    expect(events.slice(2)).toEqual([{ type: 'binding-restored', queue: 'in', atMostMs: 5000 }]);
    expect(watch.reason).toBeUndefined();
  });

  it('stays with its alarm while the broker refuses to bind, and says so once', async () => {
    const { time, events, broker, watch } = setUp();
    watch.start();
    await time.runUntil(1);
    broker.bound = [];
    broker.refused = 'ACCESS_REFUSED';
    await time.runUntil(60_000);
    expect(events.slice(1)).toMatchObject([
      { type: 'binding-missing' },
      { type: 'bindings-watched', state: 'blind', reason: 'the queue cannot be bound again: ACCESS_REFUSED' },
    ]);
    expect(watch.reason).toBeDefined();
    broker.refused = undefined;
    await time.runUntil(70_001);
    expect(events.slice(3)).toMatchObject([
      { type: 'bindings-watched', state: 'full' },
      { type: 'binding-restored', atMostMs: 65_000 },
    ]);
  });

  it('sees one key of several that is missing', async () => {
    const { time, events, broker, watch } = setUp({ wanted: [ALL, { ...ALL, routingKey: 'a.*' }] });
    broker.bound = [ALL, { source: 'amq.topic', routingKey: 'b.*' }];
    watch.start();
    await time.runUntil(1);
    expect(events[0]).toMatchObject({ type: 'binding-missing', missing: "exchange 'amq.topic' with key 'a.*'" });
  });

  it('asks an API that is away less and less often, says so once, and binds all the same', async () => {
    const { time, events, broker, looks, binds, watch } = setUp();
    watch.start();
    await time.runUntil(1);
    broker.away = 'no answer';
    await time.runUntil(605_000);
    expect(looks.map((at) => at / 1000)).toEqual([0, 5, 15, 35, 75, 135, 195, 255, 315, 375, 435, 495, 555]);
    expect(binds).toHaveLength(122);
    expect(events.slice(1)).toEqual([{ type: 'bindings-watched', queue: 'in', state: 'blind', reason: 'no answer' }]);
    // Mended without a word: nobody could tell.
    broker.bound = [];
    await time.runUntil(610_000);
    expect(broker.bound).toEqual([ALL]);
    broker.away = undefined;
    await time.runUntil(700_000);
    expect(events.slice(2)).toEqual([FIRST]);
    expect(looks.slice(-3).map((at) => at / 1000)).toEqual([690, 695, 700]);
  });

  it('takes back its alarm when the API goes away and the broker has bound', async () => {
    const { time, events, broker, watch } = setUp();
    watch.start();
    await time.runUntil(1);
    broker.bound = [];
    await time.runUntil(5001);
    broker.away = 'no answer';
    await time.runUntil(10_001);
    expect(events.slice(1).map(({ type }) => type)).toEqual(['binding-missing', 'binding-restored', 'bindings-watched']);
  });

  it('without a management API binds again and says that nobody can tell', async () => {
    const { time, events, broker, watch } = setUp({ look: undefined });
    watch.start();
    await time.runUntil(1);
    broker.bound = [];
    await time.runUntil(5001);
    expect(broker.bound).toEqual([ALL]);
    expect(events).toEqual([{ type: 'bindings-watched', queue: 'in', state: 'mending', reason: undefined }]);
  });

  it('of a queue of somebody else wants any binding, and binds nothing', async () => {
    const { time, events, broker, watch } = setUp({ wanted: [], bind: undefined });
    broker.bound = [{ source: 'other', routingKey: 'x' }];
    watch.start();
    await time.runUntil(10_001);
    expect(events).toEqual([FIRST]);
    broker.bound = [];
    await time.runUntil(15_001);
    expect(watch.reason).toMatch(/not bound to any exchange .*Bind it; the gateway may not \(source\.declare\)/);
    broker.bound = [{ source: 'other', routingKey: 'x' }];
    await time.runUntil(20_001);
    // From the last good look to the next one.
    expect(events.slice(2)).toEqual([{ type: 'binding-restored', queue: 'in', atMostMs: 10_000 }]);
  });

  it('asks nothing and judges nothing without a connection, nor when it is closed', async () => {
    const { time, events, broker, looks, binds, watch } = setUp();
    watch.start();
    await time.runUntil(1);
    broker.up = false;
    broker.bound = [];
    await time.runUntil(30_001);
    expect([events.length, looks.length, binds.length]).toEqual([1, 1, 1]);
    watch.close();
    broker.up = true;
    await time.runUntil(60_000);
    expect([events.length, looks.length, binds.length]).toEqual([1, 1, 1]);
  });
});
