import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Delays } from '../../../src/domain/delays.ts';
import { Distribution } from '../../../src/domain/distribution.ts';
import { flagList, flagBits, FLAGS } from '../../../src/domain/flags.ts';
import type { Flag } from '../../../src/domain/reading.ts';
import { reading } from '../pipeline/fixtures.ts';

const AT = 1_700_000_000_000;
const total = ({ counts }: Distribution): number => counts.reduce((sum, count) => sum + count, 0);

describe('Distribution', () => {
  it('counts each value once, at the first bound that it does not exceed', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: -100, max: 100 }), { maxLength: 8 }), fc.array(fc.integer({ min: -120, max: 120 })), (given, values) => {
        const bounds = given.toSorted((a, b) => a - b);
        const distribution = new Distribution(bounds);
        for (const value of values) distribution.observe(value);
        expect(distribution.sum).toBe(values.reduce((sum, value) => sum + value, 0));
        const below = bounds.map((_, at) => distribution.counts.slice(0, at + 1).reduce((sum, count) => sum + count, 0));
        expect(below).toEqual(bounds.map((bound) => values.filter((value) => value <= bound).length));
        expect(total(distribution)).toBe(values.length);
      }),
    );
  });
});

describe('Delays', () => {
  it.each(FLAGS)('tell the way of a reading flagged %s only where its time is that of the measurement', (flag) => {
    const delays = new Delays();
    const one = reading({ t: 1 }, { measuredAt: AT - 70, receivedAt: AT, flags: [flag] });
    delays.arrived(one);
    const silent: readonly Flag[] = ['no-device-time', 'time-invalid', 'clock-unset', 'future', 'stale', 'historical'];
    const counted = silent.includes(flag) ? 0 : 1;
    expect(delays.ageOf(one)).toBe(counted === 0 ? undefined : 70);
    expect(delays.toGateway.sum).toBe(70 * counted);
    expect(total(delays.toGateway)).toBe(counted);
    expect(delays.flags[flag]).toBe(1);
  });

  it('are not mixed up by neighbours with other flags', () => {
    const delays = new Delays();
    const late = flagList(flagBits(['late']));
    const none = flagList(flagBits(['no-device-time', 'arrival-id']));
    for (const flags of [late, none, undefined, none, late, late, none]) delays.arrived(reading({ t: 1 }, { measuredAt: AT, receivedAt: AT, flags }));
    expect(total(delays.toGateway)).toBe(4);
    expect(delays.flags).toMatchObject({ late: 3, 'no-device-time': 3, 'arrival-id': 3 });
  });

  it('take a clock that is a little ahead for one that is right', () => {
    const delays = new Delays();
    delays.arrived(reading({ t: 1 }, { measuredAt: AT + 400, receivedAt: AT }));
    delays.confirmed('r', AT + 400, AT + 100);
    delays.confirmed('r', AT - 70, AT + 5);
    expect([delays.toGateway.sum, delays.toConfirm.get('r')?.sum]).toEqual([0, 75]);
    expect(delays.toGateway.counts[0]).toBe(1);
  });
});
