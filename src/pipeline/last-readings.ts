import type { Reading } from '../domain/reading.ts';
import { CUT, type DeviceRecords, NONE, TEXT, TEXT_BYTES } from './device-records.ts';
import { shortReading, WHOLE_TEXT } from './short-reading.ts';
import { LARGEST_BLOCK, type Slabs } from './slabs.ts';

/** In the place of a reading that is too long even without most of its values. */
const NO_TEXT = Buffer.from('{}');
/** A block that is larger than twice a text by more than this is too large for it, bytes. */
const SMALL_BLOCK = 32;

/** The last reading of each device in wire format, in blocks of slabs. */
export class LastReadings {
  private readonly records: DeviceRecords;
  private readonly slabs: Slabs;

  constructor(records: DeviceRecords, slabs: Slabs) {
    this.records = records;
    this.slabs = slabs;
  }

  /** `whole`: its text in UTF-8. Answers how many bytes more it has than the one before. */
  keep(slot: number, reading: Reading, whole: Uint8Array): number {
    const { records } = this;
    const cut = whole.length > WHOLE_TEXT;
    const short = cut ? Buffer.from(shortReading(reading)) : whole;
    const text = short.length > LARGEST_BLOCK ? NO_TEXT : short;
    const before = records.word(slot, TEXT_BYTES);
    this.slabs.write(this.blockFor(slot, text.length), text);
    records.setWord(slot, TEXT_BYTES, text.length);
    records.setWord(slot, CUT, cut ? 1 : 0);
    return text.length - before;
  }

  /** `{}` where none was kept. */
  read(slot: number): string {
    const block = this.records.word(slot, TEXT);
    return block === NONE ? '{}' : this.slabs.read(block, this.records.word(slot, TEXT_BYTES));
  }

  /** Answers how many bytes it had. */
  forget(slot: number): number {
    const block = this.records.word(slot, TEXT);
    if (block !== NONE) this.slabs.give(block);
    return this.records.word(slot, TEXT_BYTES);
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
