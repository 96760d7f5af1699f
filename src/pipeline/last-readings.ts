import { ID_AT, joinReading, valuesAt } from '../codec/reading.ts';
import type { Reading } from '../domain/reading.ts';
import { CUT, type DeviceRecords, ID_BYTES, LAST_SEEN, type Manner, MEASURED, NONE, TEXT, TEXT_BYTES } from './device-records.ts';
import { shortReading, WHOLE_TEXT } from './short-reading.ts';
import { LARGEST_BLOCK, type Slabs } from './slabs.ts';

/** In the place of a reading that is too long even without most of its values. */
const NO_TEXT = Buffer.from('{}');
/** A block that is larger than twice a text by more than this is too large for it, bytes. */
const SMALL_BLOCK = 32;

/**
 * The last reading of each device in wire format, in blocks of slabs: id and values alone, where the records hold the rest, which is
 * three fifths of a small one.
 */
export class LastReadings {
  private readonly records: DeviceRecords;
  private readonly slabs: Slabs;

  constructor(records: DeviceRecords, slabs: Slabs) {
    this.records = records;
    this.slabs = slabs;
  }

  /** `whole`: its text in UTF-8. The records must know of the reading. Answers how many bytes more are kept than of the one before. */
  keep(slot: number, reading: Reading, whole: Uint8Array): number {
    const { records } = this;
    const before = records.word(slot, TEXT_BYTES);
    const cut = whole.length > WHOLE_TEXT;
    const bytes = cut ? this.keepText(slot, Buffer.from(shortReading(reading))) : this.keepParts(slot, reading, whole);
    records.setWord(slot, TEXT_BYTES, bytes);
    records.setWord(slot, CUT, cut ? 1 : 0);
    return bytes - before;
  }

  /** `{}` where none was kept. */
  read(slot: number): string {
    const { records } = this;
    const block = records.word(slot, TEXT);
    if (block === NONE) return '{}';
    const bytes = this.slabs.view(block, records.word(slot, TEXT_BYTES));
    const likeness = records.manners[slot] as Manner;
    const ids = records.word(slot, ID_BYTES);
    if (ids === NONE || likeness.tail === undefined) return bytes.toString();
    return joinReading({
      id: bytes.toString('latin1', 0, ids),
      device: records.devices[slot] as string,
      topic: records.topics[slot] as string,
      measuredAt: records.number(slot, MEASURED),
      receivedAt: records.number(slot, LAST_SEEN),
      likeness,
      values: bytes.toString('utf8', ids),
    });
  }

  /** Answers how many bytes it had. */
  forget(slot: number): number {
    const block = this.records.word(slot, TEXT);
    if (block !== NONE) this.slabs.give(block);
    return this.records.word(slot, TEXT_BYTES);
  }

  private keepParts(slot: number, reading: Reading, whole: Uint8Array): number {
    const { records, slabs } = this;
    const likeness = records.manners[slot] as Manner;
    const from = likeness.tail === undefined ? -1 : valuesAt(whole, reading, likeness);
    if (likeness.tail === undefined || from === -1) return this.keepText(slot, whole);
    const ids = reading.id.length;
    const values = whole.length - likeness.tail.length - from;
    const block = this.blockFor(slot, ids + values);
    slabs.writeTwo(block, whole, ID_AT, ids, from, values);
    records.setWord(slot, ID_BYTES, ids);
    return ids + values;
  }

  private keepText(slot: number, whole: Uint8Array): number {
    const text = whole.length > LARGEST_BLOCK ? NO_TEXT : whole;
    this.slabs.write(this.blockFor(slot, text.length), text);
    this.records.setWord(slot, ID_BYTES, NONE);
    return text.length;
  }

  /** The block that the device has: its texts differ by a few digits. Another one where that is too small, or more than half empty. */
  private blockFor(slot: number, bytes: number): number {
    const { records, slabs } = this;
    const has = records.word(slot, TEXT);
    if (has !== NONE) {
      const size = slabs.size(has);
      if (bytes <= size && bytes >= size / 2 - SMALL_BLOCK) return has;
      slabs.give(has);
    }
    const block = slabs.take(bytes);
    records.setWord(slot, TEXT, block);
    return block;
  }
}
