import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeReading, keptLikeness } from '../../../src/codec/reading.ts';
import type { Reading, Value } from '../../../src/domain/reading.ts';
import { DeviceRegistry } from '../../../src/pipeline/device-registry.ts';
import { DeviceRecords, type Manner, TEXT } from '../../../src/pipeline/device-records.ts';
import { LastReadings } from '../../../src/pipeline/last-readings.ts';
import { Slabs } from '../../../src/pipeline/slabs.ts';
import { message, reading } from './fixtures.ts';

describe('last readings', () => {
  it('stay in their blocks while they are alike, and leave those that are too large', () => {
    const slabs = new Slabs();
    const records = new DeviceRecords();
    const texts = new LastReadings(records, slabs);
    const slot = records.enter('d', 't');
    const keep = (length: number): number => {
      const more = texts.keep(slot, reading({ t: 1 }), Buffer.alloc(length, 'x'));
      expect(texts.read(slot)).toBe('x'.repeat(length));
      return more;
    };
    expect(keep(300)).toBe(300);
    const block = records.word(slot, TEXT);
    for (const length of [304, 298, 290, 200]) keep(length);
    expect(records.word(slot, TEXT)).toBe(block);
    expect(keep(2000)).toBe(1800);
    expect(slabs.size(records.word(slot, TEXT))).toBeGreaterThan(2000);
    expect(keep(100)).toBe(-1900);
    expect(slabs.size(records.word(slot, TEXT))).toBeLessThan(150);
    expect(texts.forget(slot)).toBe(100);
  });

  const odd = fc.constantFrom('', '"', '\\', 'ü', '\u0000', '\ud800', ',"measuredAt":1,"receivedAt":2,"values":{', 'x'.repeat(600));
  const name = fc.tuple(fc.constantFrom('a', 'b'), fc.oneof({ weight: 3, arbitrary: fc.constant('') }, odd)).map((parts) => parts.join(''));
  const texts = fc.option(
    fc.dictionary(name, name, { maxKeys: 3 }).map((record) => Object.assign(Object.create(null) as Record<string, string>, record)),
    { nil: undefined },
  );
  const value = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.bigInt(), name, fc.boolean()) as fc.Arbitrary<Value>;
  const any: fc.Arbitrary<Reading> = fc.record({
    id: name,
    device: name,
    profile: name,
    topic: name,
    measuredAt: fc.oneof(fc.integer(), fc.constantFrom(-0, 1.5, 1e21)),
    receivedAt: fc.integer({ min: 0 }),
    values: fc.dictionary(name, value, { minKeys: 1, maxKeys: 3 }).map((record) => Object.assign(Object.create(null) as Record<string, Value>, record)),
    units: texts,
    tags: texts,
    flags: fc.constantFrom<Reading['flags']>(undefined, ['late'], ['late', 'no-zone']),
  });

  it('are the texts of the readings, whatever those say and in whatever order they come', () => {
    fc.assert(
      fc.property(fc.array(fc.array(any, { minLength: 1, maxLength: 3 }), { maxLength: 6 }), fc.boolean(), (messages, sent) => {
        const devices = new DeviceRegistry({ entries: 1000, historyBytes: 100_000 });
        const last = new Map<string, string>();
        for (const readings of messages) {
          const written = readings.map((each) => Buffer.from(encodeReading(each)));
          devices.saw(message(), { kind: 'readings', readings }, sent ? written : []);
          for (const each of readings) last.set(each.device, encodeReading(each));
        }
        for (const [device, text] of last) expect(devices.get(device)?.text).toBe(text);
      }),
      { numRuns: 500 },
    );
  });

  it('are kept without what the records know', () => {
    const slabs = new Slabs();
    const records = new DeviceRecords();
    const one = reading({ t: 1 }, { device: 'd', topic: 't' });
    const text = Buffer.from(encodeReading(one));
    const slot = records.enter('d', 't');
    records.manners[slot] = keptLikeness(one) as Manner;
    expect(new LastReadings(records, slabs).keep(slot, one, text)).toBe(one.id.length + '"t":1'.length);
  });
});
