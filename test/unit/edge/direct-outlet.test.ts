import { beforeEach, describe, expect, it } from 'vitest';
import { type Fault, fault } from '../../../src/domain/fault.ts';
import type { KeptMessage } from '../../../src/domain/kept-message.ts';
import { Ledger } from '../../../src/domain/ledger.ts';
import { DirectOutlet } from '../../../src/edge/direct-outlet.ts';
import type { Delivery } from '../../../src/pipeline/ports.ts';

let taken: Delivery[];
let answers: string[];
let order: string[];
let ledger: Ledger;
let away: Fault | undefined;
let later: (() => void)[];
let bugs: unknown[];
/** Messages on which the process has ended, by topic; what was noted and forgotten. */
let crashed: Map<string, number>;
let notes: string[];

beforeEach(() => {
  [taken, answers, order, later, bugs, notes] = [[], [], [], [], [], []];
  crashed = new Map();
  ledger = new Ledger();
  away = undefined;
});

function outletOf(accept: (delivery: Delivery) => void = (delivery) => void taken.push(delivery)): DirectOutlet {
  const outlet = new DirectOutlet({
    window: 100,
    ledger,
    accept,
    beforeAcks: () => order.push('before'),
    away: () => away,
    onBug: (error) => bugs.push(error),
    crashes: {
      countOf: ({ topic }) => crashed.get(topic) ?? 0,
      note: ({ topic }) => void notes.push(`note ${topic}`),
      forget: ({ topic }) => void notes.push(`forget ${topic}`),
    },
    defer: (fn) => later.push(fn),
  });
  outlet.start();
  return outlet;
}

function kept(topic: string, extra: Partial<KeptMessage> = {}): KeptMessage {
  return { topic, payload: Buffer.from('{}'), qos: 1, retain: false, dup: false, clientId: 'c', receivedAt: 1000, ...extra };
}

function send(outlet: DirectOutlet, topic: string, late = false, extra: Partial<KeptMessage> = {}): void {
  outlet.send(kept(topic, extra), late, (why) => {
    answers.push(`${topic} ${why?.code ?? 'ok'}`);
    order.push(topic);
  });
}

function settle(delivery: Delivery | undefined, outcome: 'forwarded' | 'abandoned' | 'filtered'): void {
  delivery?.split(1);
  delivery?.settlePart(outcome);
}

function turn(): void {
  for (const fn of later.splice(0)) fn();
}

describe('messages of devices in the pipeline of this process', () => {
  it('arrive as they would through RabbitMQ', () => {
    const outlet = outletOf();
    send(outlet, 'devices/a', false, { qos: 2, dup: true });
    send(outlet, 'devices/a.b/c', true, { qos: 0 });
    expect(taken.map(({ message }) => message)).toMatchObject([
      { topic: 'devices/a', routingKey: 'devices.a', qos: 1, late: false, redelivered: true, receivedAt: 1000, deliveryCount: 0 },
      { topic: 'devices/a/b/c', routingKey: 'devices.a.b.c', qos: 0, late: true, redelivered: false },
    ]);
  });

  it('are answered when they have settled, after what they led to is safe, once a turn', () => {
    const outlet = outletOf();
    for (const topic of ['a', 'b', 'c']) send(outlet, topic);
    settle(taken[1], 'filtered');
    settle(taken[0], 'forwarded');
    expect(answers).toEqual([]);
    turn();
    expect(order).toEqual(['before', 'b', 'a']);
    expect(answers).toEqual(['b ok', 'a ok']);
    expect(outlet.unsettled).toBe(1);
    expect(ledger.messages).toMatchObject({ received: 3, forwarded: 1, filtered: 1 });
  });

  it('go back when the pipeline gives them up', () => {
    const outlet = outletOf();
    send(outlet, 'a');
    settle(taken[0], 'abandoned');
    expect(answers).toEqual(['a NOT_CONNECTED']);
    expect([outlet.unsettled, ledger.messages.abandoned]).toEqual([0, 1]);
  });

  it('go back in order when they are taken back, with nothing sent in between, and late ends count for nothing', () => {
    const outlet = outletOf();
    const seen: string[] = [];
    outlet.onChange(() => seen.push(outlet.unavailable === undefined ? 'open' : `shut ${answers.length}`));
    for (const topic of ['a', 'b', 'c']) send(outlet, topic);
    settle(taken[0], 'forwarded');
    outlet.renew('other settings');
    // What had settled was told as such.
    expect(answers).toEqual(['a ok', 'b NOT_CONNECTED', 'c NOT_CONNECTED']);
    expect(seen).toEqual(['shut 1', 'open']);
    expect(taken.map(({ live }) => live)).toEqual([true, false, false]);
    settle(taken[1], 'forwarded');
    turn();
    expect(answers).toHaveLength(3);
    expect(outlet.unsettled).toBe(0);
    expect(ledger.messages).toMatchObject({ received: 3, forwarded: 1, abandoned: 2 });
  });

  it('are not sent before it is open and while the broker is away', () => {
    const outlet = outletOf();
    const changes: (string | undefined)[] = [];
    outlet.onChange(() => changes.push(outlet.unavailable?.code));
    away = fault('BLOCKED', 'the broker blocks');
    outlet.changed();
    outlet.changed();
    away = undefined;
    outlet.changed();
    expect(changes).toEqual(['BLOCKED', undefined]);
    const nothing = (): void => {};
    const crashes = { countOf: () => 0, note: nothing, forget: nothing };
    const shut = new DirectOutlet({ window: 1, ledger, accept: nothing, beforeAcks: nothing, away: () => undefined, onBug: nothing, defer: nothing, crashes });
    expect(shut.unavailable?.code).toBe('NOT_CONNECTED');
  });

  it('are owed still when the pipeline has a bug', () => {
    const outlet = outletOf(() => {
      throw new Error('a bug');
    });
    send(outlet, 'a');
    expect(bugs).toHaveLength(1);
    expect(answers).toEqual([]);
    expect(outlet.unavailable).toBeDefined();
    expect(outlet.unsettled).toBe(1);
    expect(notes).toEqual(['note a']);
  });

  it('say how often the process has ended on them, until they have settled', () => {
    const outlet = outletOf();
    crashed.set('b/c', 2);
    send(outlet, 'a');
    send(outlet, 'b.c');
    expect(taken.map(({ message }) => message.crashes)).toEqual([undefined, 2]);
    for (const delivery of taken) settle(delivery, 'forwarded');
    expect(notes).toEqual([]);
    turn();
    expect(notes).toEqual(['forget b/c']);
  });
});
