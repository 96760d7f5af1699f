import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeReading } from '../../../src/codec/reading.ts';
import { fault } from '../../../src/domain/fault.ts';
import type { InboundMessage } from '../../../src/domain/message.ts';
import type { Reading } from '../../../src/domain/reading.ts';
import { DeviceRegistry } from '../../../src/pipeline/device-registry.ts';
import type { DeadLetter } from '../../../src/pipeline/ports.ts';
import { message, reading } from './fixtures.ts';

const T = 1_700_000_000_000;
const SECOND = 1000;

function registry(options: Partial<{ entries: number; historyBytes: number }> = {}): DeviceRegistry {
  return new DeviceRegistry({ entries: 1000, historyBytes: 1_000_000, ...options });
}

function seen(devices: DeviceRegistry, rest: Partial<Reading> = {}, values: Parameters<typeof reading>[0] = { t: 1 }, of: Partial<InboundMessage> = {}): void {
  const one = reading(values, { receivedAt: T, ...rest });
  devices.saw({ ...message(one.topic), ...of }, { kind: 'readings', readings: [one] }, [Buffer.from(encodeReading(one))]);
}

function letter(of: Partial<Reading> | undefined, topic = 'd/1', replay = false): DeadLetter {
  return {
    id: 'l',
    message: { ...message(topic), ...(replay ? { replay: {} as NonNullable<InboundMessage['replay']> } : {}) },
    fault: fault('DECODE_INVALID', 'x'),
    route: undefined,
    reading: of === undefined ? undefined : reading({ t: 1 }, of),
    attempts: 0,
    firstFailedAt: T,
    buriedAt: T,
    config: 'v1',
  };
}

const names = (devices: DeviceRegistry): string[] => [...devices.all()].map(({ device }) => device);

describe('a device', () => {
  it('is what its readings say', () => {
    const devices = registry();
    seen(devices, { device: 'a', flags: ['late', 'no-zone'] });
    seen(devices, { device: 'a', receivedAt: T + SECOND, measuredAt: T, profile: 'q', flags: ['late'] });
    seen(devices, { device: 'a', receivedAt: T + 2 * SECOND, measuredAt: T + 1, profile: 'q' }, { t: 2 });
    const found = devices.get('a');
    expect(found).toMatchObject({ profile: 'q', firstSeenAt: T, lastSeenAt: T + 2 * SECOND, measuredAt: T + 1, intervalMs: 1000, readings: 3, late: 2 });
    expect(found?.flags()).toEqual({ late: 2, 'no-zone': 1 });
    expect(found?.lastFlags).toBeUndefined();
    expect(JSON.parse(found?.text ?? '')).toMatchObject({ device: 'a', values: { t: 2 } });
  });

  it('is silent after three of its intervals, and never before 10 s', () => {
    const devices = registry();
    for (let i = 0; i < 20; i += 1) seen(devices, { device: 'slow', receivedAt: T + i * 20 * SECOND });
    for (let i = 0; i < 20; i += 1) seen(devices, { device: 'fast', receivedAt: T + 380 * SECOND + i });
    seen(devices, { device: 'once', receivedAt: T + 380 * SECOND });
    const silent = (after: number): string[] => [...devices.all()].filter((each) => each.silent(T + (380 + after) * SECOND)).map(({ device }) => device);
    expect(silent(9)).toEqual([]);
    expect(silent(11)).toEqual(['fast']);
    expect(silent(59)).toEqual(['fast']);
    expect(silent(61).toSorted()).toEqual(['fast', 'slow']);
    for (const after of [0, 9, 11, 61, 1000]) expect(devices.silentCount(T + (380 + after) * SECOND)).toBe(silent(after).length);
  });

  it('takes a clock that is set back', () => {
    const devices = registry();
    seen(devices, { receivedAt: T });
    seen(devices, { receivedAt: T - 3_600_000 });
    expect(devices.get('dev')).toMatchObject({ lastSeenAt: T - 3_600_000, intervalMs: Number.NaN, readings: 2 });
    expect(devices.get('dev')?.silentForMs(T - 3_700_000)).toBe(0);
  });

  it('keeps its last eight topics', () => {
    const devices = registry();
    for (let i = 0; i < 12; i += 1) seen(devices, { topic: `t/${i}` });
    seen(devices, { topic: 't/5' });
    expect(devices.get('dev')?.topics()).toEqual(['t/4', 't/6', 't/7', 't/8', 't/9', 't/10', 't/11', 't/5']);
  });

  it('shows big numbers and texts of a huge reading only in part', () => {
    const devices = registry();
    const values: Record<string, string | bigint> = { big: 2n ** 70n };
    for (let i = 0; i < 1000; i += 1) values[`v${i}`] = 'x'.repeat(1000);
    values['n'.repeat(100_000)] = 'long name';
    seen(devices, {}, values);
    const { text = '', cut } = devices.get('dev') ?? {};
    expect(cut).toBe(true);
    expect(text.length).toBeLessThan(4096);
    expect(text).toContain('"big":1180591620717411303424');
  });

  it('shows the text of its last reading, whatever its length and letters', () => {
    const devices = registry();
    const text = (): string | undefined => devices.get('dev')?.text;
    for (const word of ['x', 'x'.repeat(3000), '', 'äöü€😀', 'x'.repeat(100), '€'.repeat(900), 'y', '\u0000"\\']) {
      const one = reading({ word, n: 1 }, { receivedAt: T });
      devices.saw(message(one.topic), { kind: 'readings', readings: [one] }, [undefined]);
      expect(text()).toBe(encodeReading(one));
      expect(devices.get('dev')?.cut).toBe(false);
    }
  });

  it('shows nothing of a reading that is too long even without most of its values', () => {
    const devices = registry();
    seen(devices, { topic: 't/'.repeat(40_000) });
    expect([devices.get('dev')?.text, devices.get('dev')?.cut]).toEqual(['{}', true]);
    seen(devices, {});
    expect([JSON.parse(devices.get('dev')?.text ?? '').values, devices.get('dev')?.cut]).toEqual([{ t: 1 }, false]);
  });

  it('is not made by a replayed dead letter, nor counted', () => {
    const devices = registry();
    const replay = { of: 'd', count: 1, scope: 'message', readingId: undefined, readings: undefined, route: undefined, firstFailedAt: undefined } as const;
    seen(devices, {}, { t: 1 }, { replay });
    expect(devices.size).toBe(0);
    devices.buried(letter({ device: 'dev' }, 'd/1', true));
    expect(devices.refusedByTopic.size).toBe(0);
  });
});

describe('dead letters', () => {
  it('count for the device of their reading, else for the only device on their topic, else for the topic', () => {
    const devices = registry();
    seen(devices, { device: 'a', topic: 't/a' });
    seen(devices, { device: 'b', topic: 't/both' });
    seen(devices, { device: 'c', topic: 't/both' });
    seen(devices, { device: 'd', topic: 't/both' });
    devices.buried(letter({ device: 'a' }, 't/both'));
    devices.buried(letter(undefined, 't/a'));
    devices.buried(letter(undefined, 't/both'));
    devices.buried(letter(undefined, 't/nobody'));
    devices.buried(letter({ device: 'unknown' }, 't/nobody'));
    expect(Object.fromEntries([...devices.all()].map(({ device, refused }) => [device, refused]))).toEqual({ a: 2, b: 0, c: 0, d: 0 });
    expect([...devices.refusedByTopic]).toEqual([
      ['t/both', 1],
      ['t/nobody', 2],
    ]);
  });

  it('are counted for a bounded number of topics', () => {
    const devices = registry();
    for (let i = 0; i < 5000; i += 1) devices.buried(letter(undefined, `t/${i}`));
    expect(devices.refusedByTopic.size).toBe(1000);
    expect(devices.refusedByTopic.has('t/4999')).toBe(true);
  });
});

describe('bounds', () => {
  it('the device that was not seen for longest makes room', () => {
    const devices = registry({ entries: 3 });
    for (const device of ['a', 'b', 'c', 'a', 'd', 'e']) seen(devices, { device, topic: `t/${device}` });
    expect(names(devices)).toEqual(['e', 'd', 'a']);
    expect([devices.size, devices.forgotten]).toEqual([3, 2]);
    expect([devices.ownerOf('t/b'), devices.ownerOf('t/a')?.device]).toEqual([undefined, 'a']);
  });

  it('one that takes the place of another has nothing of it', () => {
    const devices = registry({ entries: 1 });
    for (const at of [0, 6, 12]) seen(devices, { device: 'a', topic: `t/${at}`, receivedAt: T + at * SECOND, flags: ['late'] }, { a: 1 });
    devices.buried(letter({ device: 'a' }));
    // One comes before another goes: it is the next but one that takes the place.
    seen(devices, { device: 'between', topic: 't/between' });
    seen(devices, { device: 'b', topic: 't/b', profile: 'q', receivedAt: T + 60 * SECOND, measuredAt: T }, { b: 2 });
    const b = devices.get('b');
    expect([devices.get('a'), devices.ownerOf('t/0'), devices.ownerOf('t/12'), devices.ownerOf('t/b')?.device]).toEqual([undefined, undefined, undefined, 'b']);
    expect(b).toMatchObject({ profile: 'q', topic: 't/b', firstSeenAt: T + 60 * SECOND, lastSeenAt: T + 60 * SECOND, intervalMs: Number.NaN });
    expect(b).toMatchObject({ readings: 1, refused: 0, late: 0, lastFlags: undefined, cut: false });
    expect([b?.flags(), b?.topics(), b?.samples]).toEqual([{}, ['t/b'], { names: ['b'], at: [T + 60 * SECOND], values: [[2]] }]);
    expect(JSON.parse(b?.text ?? '').values).toEqual({ b: 2 });
    seen(devices, { device: 'c', topic: 't/c' }, { word: 'no number' });
    expect(devices.get('c')?.samples).toBeUndefined();
    expect(devices.historyBytes).toBe(0);
  });

  it.each(['__proto__', 'constructor', 'x'.repeat(4096), '\u0000\u001b[2J', '\ud800', '', 'summary'])('%j is a name like any other', (device) => {
    const devices = registry();
    seen(devices, { device });
    seen(devices, { device });
    expect(devices.get(device)).toMatchObject({ device, readings: 2 });
    expect(devices.size).toBe(1);
  });

  it('names and readings have a bound on their size together', () => {
    const devices = registry({ entries: 1_000 });
    for (let i = 0; i < 500; i += 1) seen(devices, { device: `${i}${'x'.repeat(4000)}` }, { t: 'y'.repeat(3000) });
    expect(devices.size).toBeGreaterThan(100);
    // 1 MiB of characters.
    expect(devices.size * 8000).toBeLessThan(1_048_576);
    expect(devices.size + devices.forgotten).toBe(500);
  });

  it('counts are those of what was fed, whatever that was', () => {
    const step = fc.record({
      device: fc.constantFrom('a', 'b', 'c', '__proto__', 'e'),
      topic: fc.constantFrom('x', 'y', 'z'),
      gap: fc.nat(30_000),
      late: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), fc.integer({ min: 1, max: 5 }), fc.boolean(), (steps, entries, early) => {
        const devices = registry({ entries });
        const expected = new Map<string, { readings: number; late: number; topics: string[]; first: number; at: number }>();
        let order: string[] = [];
        let at = T;
        // Owners are found out when somebody asks first, and kept up to date from then on.
        if (early) devices.ownerOf('x');
        for (const { device, topic, gap, late } of steps) {
          at += gap;
          seen(devices, { device, topic, receivedAt: at, flags: late ? ['late'] : undefined }, { t: at });
          const before = expected.get(device) ?? { readings: 0, late: 0, topics: [], first: at };
          const topics = [...before.topics.filter((each) => each !== topic), topic];
          expected.set(device, { readings: before.readings + 1, late: before.late + Number(late), topics, first: before.first, at });
          order = [device, ...order.filter((each) => each !== device)];
          for (const gone of order.splice(entries)) expected.delete(gone);
        }
        expect(names(devices)).toEqual(order);
        for (const [device, { readings, late, topics, first, at: last }] of expected) {
          const found = devices.get(device);
          expect(found).toMatchObject({ readings, late, firstSeenAt: first, lastSeenAt: last, topic: topics.at(-1) });
          expect([found?.topics(), found?.flags(), found?.samples?.at[0]]).toEqual([topics, late > 0 ? { late } : {}, first]);
          expect(JSON.parse(found?.text ?? '')).toMatchObject({ device, values: { t: last } });
        }
        for (const topic of ['x', 'y', 'z']) {
          const users = [...expected].flatMap(([device, { topics }]) => (topics.includes(topic) ? [device] : []));
          const owner = devices.ownerOf(topic)?.device;
          // One that several have used is nobody's from then on, where somebody has looked.
          expect(early && owner === undefined ? undefined : users.length === 1 ? users[0] : undefined).toBe(owner);
        }
      }),
    );
  });
});
