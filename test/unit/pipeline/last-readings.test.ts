import { describe, expect, it } from 'vitest';
import { DeviceRecords, TEXT } from '../../../src/pipeline/device-records.ts';
import { LastReadings } from '../../../src/pipeline/last-readings.ts';
import { Slabs } from '../../../src/pipeline/slabs.ts';
import { reading } from './fixtures.ts';

describe('last readings', () => {
  it('stay in their blocks while they are alike, and leave those that are too large', () => {
    const slabs = new Slabs();
    const records = new DeviceRecords();
    const texts = new LastReadings(records, slabs);
    const slot = records.enter('d', 'p', 't');
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
});
