import { describe, expect, it } from 'vitest';
import { fault } from '../../../src/domain/fault.ts';
import type { InboundMessage } from '../../../src/domain/message.ts';
import type { Reading } from '../../../src/domain/reading.ts';
import type { Normalised } from '../../../src/pipeline/normaliser.ts';
import { Router } from '../../../src/pipeline/router.ts';
import { type TapFilter, TapHub } from '../../../src/pipeline/tap-hub.ts';
import { message, publishTo, reading, rule } from './fixtures.ts';

const ANY: TapFilter = { device: undefined, topic: undefined, route: undefined, outcome: undefined, code: undefined };
const ROUTER = new Router(
  [
    rule('copy', publishTo('live', { delivery: 'best-effort' }), { when: 'has(values.t)', continue: true }),
    rule('cold', { kind: 'drop' }, { when: 'has(values.t) && values.t < 0.0' }),
    rule('warm', publishTo('out', { routingKey: 'k.{device}' }), { when: 'has(values.t)' }),
  ],
  () => {},
);

interface Event {
  n: number;
  at: number;
  topic: string;
  payload: { text?: string; base64?: string; cut: boolean };
  profile: string | null;
  outcome: string;
  reason: string | null;
  fault: { code: string } | null;
  readingCount: number;
  readings: { device: string; values: object; routes: { route: string }[]; fault: { code: string } | null; cut?: boolean }[];
}

function rig() {
  const clock = { ms: 0 };
  const hub = new TapHub({ monotonic: () => clock.ms, deviceOf: (topic) => (topic === 'd/1' ? 'dev' : undefined), profileOf: () => 'by-topic' });
  const open = (filter: Partial<TapFilter> = {}, rate = 100) => {
    const events: Event[] = [];
    const state = { takes: true };
    const tap = hub.open({ filter: { ...ANY, ...filter }, rate, send: (text) => state.takes && events.push(JSON.parse(text) as Event) > 0 });
    return { tap, events, state };
  };
  const saw = (result: Normalised, of: Partial<InboundMessage> = {}): void => {
    const routings = result.kind === 'readings' ? result.readings.map((each) => ROUTER.route(each)) : [];
    hub.saw({ ...message(), ...of }, result, routings, []);
  };
  const readings = (...list: readonly Partial<Reading>[]): Normalised => ({
    kind: 'readings',
    readings: list.map((each) => reading(each.values ?? { t: 1 }, each)),
  });
  return { hub, open, saw, readings, clock };
}

const REFUSED: Normalised = { kind: 'fault', fault: fault('DECODE_INVALID', 'no') };
const FILTERED: Normalised = { kind: 'filtered', reason: 'ignored' };

describe('a tap', () => {
  it('tells each message, its readings and where they go', () => {
    const { open, saw, readings } = rig();
    const { events } = open();
    saw(readings({}, { values: { t: -1 } }, { values: { x: 1n << 70n } }), { body: Buffer.from('{"t":1}'), contentType: 'application/json' });
    saw(FILTERED);
    saw(REFUSED);
    expect(events).toMatchObject([
      {
        n: 1,
        topic: 'd/1',
        routingKey: 'd.1',
        bytes: 7,
        contentType: 'application/json',
        contentEncoding: null,
        qos: 1,
        redelivered: false,
        payload: { text: '{"t":1}', cut: false },
        profile: 'p',
        outcome: 'readings',
        reason: null,
        fault: null,
        readingCount: 3,
        readings: [
          {
            id: 'r1',
            values: { t: 1 },
            routes: [
              { route: 'copy', action: 'publish', exchange: 'live', bestEffort: true },
              { route: 'warm', action: 'publish', exchange: 'out', routingKey: 'k.dev', bestEffort: false },
            ],
            fault: null,
          },
          { routes: [{ route: 'copy' }, { route: 'cold', action: 'drop', exchange: null, routingKey: null, bestEffort: false }], fault: null },
          { routes: [], fault: { code: 'NO_ROUTE', stage: 'route' } },
        ],
      },
      { n: 2, outcome: 'filtered', reason: 'ignored', profile: 'by-topic', readings: [] },
      { n: 3, outcome: 'dead-lettered', fault: { code: 'DECODE_INVALID', message: 'no', stage: 'decode' } },
    ]);
  });

  it.each<[Partial<TapFilter>, number[]]>([
    [{}, [0, 1, 2, 3, 4]],
    [{ device: 'dev' }, [0, 3, 4]],
    [{ device: 'other' }, [1]],
    [{ topic: 'd/+' }, [0, 1, 3, 4]],
    [{ topic: 'e/#' }, [2]],
    [{ route: 'warm' }, [0]],
    [{ route: 'cold' }, [1]],
    [{ outcome: 'readings' }, [0, 1, 2]],
    [{ outcome: 'filtered' }, [3]],
    [{ outcome: 'dead-lettered' }, [2, 4]],
    [{ code: 'NO_ROUTE' }, [2]],
    [{ code: 'DECODE_INVALID' }, [4]],
    [{ device: 'dev', outcome: 'dead-lettered' }, [4]],
  ])('%j lets the right ones through', (filter, expected) => {
    const { open, saw, readings } = rig();
    const { events } = open(filter);
    saw(readings({}), { receivedAt: 0 });
    saw(readings({ device: 'other', values: { t: -1 } }), { receivedAt: 1 });
    saw(readings({ device: 'third', values: { x: 1 } }), { topic: 'e/1', receivedAt: 2 });
    saw(FILTERED, { receivedAt: 3 });
    saw(REFUSED, { receivedAt: 4 });
    expect(events.map(({ at }) => at)).toEqual(expected);
  });

  it('keeps to its rate and counts what is beyond it, or what its reader does not take', () => {
    const { open, saw, clock } = rig();
    const { tap, events, state } = open({}, 3);
    for (let i = 0; i < 10; i += 1) saw(REFUSED);
    expect([events.length, tap.skipped(), tap.skipped()]).toEqual([3, 7, 0]);
    clock.ms = 1000;
    state.takes = false;
    for (let i = 0; i < 5; i += 1) saw(REFUSED);
    expect([events.length, tap.skipped()]).toEqual([3, 5]);
    state.takes = true;
    saw(REFUSED);
    expect(events.map(({ n }) => n)).toEqual([1, 2, 3, 16]);
  });

  it('ends', () => {
    const { open, saw, hub } = rig();
    const one = open();
    const two = open();
    one.tap.close();
    saw(REFUSED);
    two.tap.close();
    expect([one.events.length, two.events.length, hub.size]).toEqual([0, 1, 0]);
  });

  it('shows the beginning of a long payload, never half a character, and bytes as base64', () => {
    const { open, saw } = rig();
    const { events } = open();
    for (const body of [
      Buffer.from('é'.repeat(3000)),
      Buffer.from(`x${'€'.repeat(3000)}`),
      Buffer.from(`x${'😀'.repeat(3000)}`),
      Buffer.alloc(5000, 0xff),
      Buffer.from([0xff]),
    ])
      saw(REFUSED, { body });
    const [two, three, four, long, short] = events.map(({ payload }) => payload);
    expect(two).toEqual({ text: 'é'.repeat(2048), cut: true });
    expect(three).toEqual({ text: `x${'€'.repeat(1365)}`, cut: true });
    expect(four).toEqual({ text: `x${'😀'.repeat(1023)}`, cut: true });
    expect(long).toEqual({ base64: Buffer.alloc(4096, 0xff).toString('base64'), cut: true });
    expect(short).toEqual({ base64: '/w==', cut: false });
  });

  it('bounds an event, whatever the message holds', () => {
    const { open, saw, readings } = rig();
    const { events } = open();
    const values = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`value-${i}`, 'x'.repeat(5000)]));
    saw(readings(...Array.from({ length: 200 }, () => ({ values }))), { topic: '\u001b[2J\u202e' });
    const [event] = events;
    expect(event).toMatchObject({ readingCount: 200, topic: '\u001b[2J\u202e' });
    expect(event?.readings).toHaveLength(50);
    expect(event?.readings[0]?.cut).toBe(true);
    expect(JSON.stringify(event).length).toBeLessThan(200_000);
  });
});
