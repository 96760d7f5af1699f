import { describe, expect, it } from 'vitest';
import { Ledger } from '../../src/domain/ledger.ts';
import type { Scheduler } from '../../src/pipeline/ports.ts';
import { systemScheduler } from '../../src/pipeline/scheduler.ts';
import { deadLettersContract } from '../contract/dead-letters.contract.ts';
import { codeOf, type SinkBed, sinkContract } from '../contract/sink.contract.ts';
import { sourceContract } from '../contract/source.contract.ts';
import { batchOf } from '../support/batches.ts';
import { SimBroker } from '../support/sim/broker.ts';
import { SimSink } from '../support/sim/sink.ts';
import { SimSource } from '../support/sim/source.ts';
import { VirtualTime } from '../support/sim/virtual-time.ts';

// The histories stand on the simulated broker; here it keeps the promises that the real one keeps, on real time.

const NEVER = new AbortController().signal;

sourceContract('simulated broker', (prefetch) => {
  const broker = new SimBroker(systemScheduler);
  const ledger = new Ledger();
  const source = new SimSource(broker, prefetch, ledger);
  return Promise.resolve({
    source,
    ledger,
    fill: (bodies) => {
      for (const body of bodies) broker.publishFromDevice('d', body);
      return Promise.resolve();
    },
    loseChannel: () => {
      broker.cut();
      broker.restore();
      return Promise.resolve();
    },
    leftOver: async () => {
      // Closing takes a round trip on a network. Timers of one length end in order, so what an ack sets off comes before.
      await new Promise((resolve) => setTimeout(resolve, 1));
      await source.close();
      const bodies: string[] = [];
      for (let stored = broker.take(); stored !== undefined; stored = broker.take()) bodies.push(stored.body);
      return bodies;
    },
    close: () => source.close(),
  });
});

interface Bed {
  readonly broker: SimBroker;
  readonly sink: SimSink;
  /** Ids of what has arrived in a queue since the last call. */
  readonly taken: (queue: string) => string[];
  readonly faults: { stall: () => void; resume: () => void; cut: () => void; close: () => Promise<void> };
}

function simBed(confirmTimeoutMs: number, time: Scheduler = systemScheduler): Bed {
  const broker = new SimBroker(time);
  const sink = new SimSink({ broker, confirmTimeoutMs, deadLetters: 'dead' });
  const faults = {
    stall: () => broker.stall(),
    resume: () => broker.restore(),
    cut: () => broker.cut(),
    close: () => Promise.resolve(sink.close()),
  };
  return {
    broker,
    sink,
    taken: (queue) =>
      broker.queues
        .get(queue)
        ?.splice(0)
        .map(({ id }) => id) ?? [],
    faults,
  };
}

function sinkBed(options: { confirmTimeoutMs: number }): Promise<SinkBed> {
  const { broker, sink, taken, faults } = simBed(options.confirmTimeoutMs);
  for (const name of ['x', 'y']) broker.exchanges.set(name, (key) => (/^good(?:\.|$)/.test(key) ? name : undefined));
  return Promise.resolve({
    sink,
    exchange: 'x',
    other: 'y',
    missing: 'z',
    fillUp: () => Promise.resolve(void broker.full.add('x')),
    arrived: () => Promise.resolve({ exchange: taken('x'), other: taken('y') }),
    ...faults,
  });
}

sinkContract('simulated broker', sinkBed);

deadLettersContract('simulated broker', ({ confirmTimeoutMs }) => {
  const { broker, sink, taken, faults } = simBed(confirmTimeoutMs);
  broker.exchanges.set('dead', () => 'dead');
  return Promise.resolve({
    sink,
    arrived: () => Promise.resolve(taken('dead')),
    unbind: () => Promise.resolve(void broker.exchanges.set('dead', () => undefined)),
    removeExchange: () => Promise.resolve(void broker.missing.add('dead')),
    ...faults,
  });
});

describe('SimSink', () => {
  it('lets nothing that has timed out arrive behind the copy that was sent next', async () => {
    let slow = true;
    const time = new VirtualTime(() => (slow ? 0.9 : 0.1));
    const { broker, sink, taken } = simBed(5, time);
    broker.exchanges.set('x', () => 'x');
    const publish = async (id: string): Promise<string> => codeOf(await sink.publish(batchOf({ id, exchange: 'x' }), NEVER));
    const late = publish('a');
    await time.runUntil(5);
    expect(await late).toBe('CONFIRM_TIMEOUT');
    slow = false;
    const copies = [publish('a'), publish('b')];
    await time.runUntil(100);
    expect(await Promise.all(copies)).toEqual(['ok', 'ok']);
    expect(taken('x')).toEqual(['a', 'b']);
  });

  it('says that it is blocked, and calls back once for every end of a fault', async () => {
    const { broker, sink } = simBed(100);
    broker.exchanges.set('x', () => 'x');
    let called = 0;
    const stop = sink.onAvailable(() => {
      called += 1;
    });
    broker.block();
    expect(sink.unavailable?.code).toBe('BLOCKED');
    expect(codeOf(await sink.publish(batchOf({ exchange: 'x' }), NEVER))).toBe('BLOCKED');
    expect(sink.offer(batchOf({ exchange: 'x' }))).toBe(false);
    broker.publishFromDevice('d', '{}');
    expect(called).toBe(0);
    broker.restore();
    broker.restore();
    expect([called, sink.unavailable]).toEqual([1, undefined]);
    broker.cut();
    broker.restore();
    expect(called).toBe(2);
    stop();
    broker.cut();
    broker.restore();
    expect(called).toBe(2);
  });

  it('delivers in the order of the calls also where the first is the slowest', async () => {
    const ways = [0.9, 0.1, 0.5];
    const time = new VirtualTime(() => ways.shift() ?? 0.1);
    const { broker, sink, taken } = simBed(100, time);
    broker.exchanges.set('x', () => 'x');
    const answers = ['a', 'b', 'c'].map((id) => sink.publish(batchOf({ id, exchange: 'x' }), NEVER));
    await time.runUntil(100);
    expect((await Promise.all(answers)).map(codeOf)).toEqual(['ok', 'ok', 'ok']);
    expect(taken('x')).toEqual(['a', 'b', 'c']);
  });
});
