import type { Reading } from '../domain/reading.ts';
import { CUT, type DeviceRecords, NONE, TEXT, TEXT_BYTES } from './device-records.ts';
import { shortReading, WHOLE_TEXT } from './short-reading.ts';
import { LARGEST_BLOCK, type Slabs, SPARE_BYTES } from './slabs.ts';

/** In the place of a reading that is too long even without most of its values. */
const NO_TEXT = '{}';
/** Bytes of a block for that. */
const SMALL_BLOCK = 16;

/** The last reading of each device in wire format, in blocks of slabs. */
export class LastReadings {
  private readonly records: DeviceRecords;
  private readonly slabs: Slabs;

  constructor(records: DeviceRecords, slabs: Slabs) {
    this.records = records;
    this.slabs = slabs;
  }

  /** `whole`: its text. Answers how many bytes more it has than the one before. */
  keep(slot: number, reading: Reading, whole: string): number {
    const { records } = this;
    const cut = whole.length > WHOLE_TEXT;
    const text = cut ? shortReading(reading) : whole;
    const before = records.word(slot, TEXT_BYTES);
    const bytes = this.overwrite(slot, text) ?? this.place(slot, text);
    records.setWord(slot, TEXT_BYTES, bytes);
    records.setWord(slot, CUT, cut || bytes < text.length ? 1 : 0);
    return bytes - before;
  }

  /** `{}` where none was kept. */
  read(slot: number): string {
    const block = this.records.word(slot, TEXT);
    return block === NONE ? NO_TEXT : this.slabs.read(block, this.records.word(slot, TEXT_BYTES));
  }

  /** Answers how many bytes it had. */
  forget(slot: number): number {
    const block = this.records.word(slot, TEXT);
    if (block !== NONE) this.slabs.give(block);
    return this.records.word(slot, TEXT_BYTES);
  }

  /** Into the block that the device has: its texts differ by a few digits. Undefined where that is too small, or more than half empty. */
  private overwrite(slot: number, text: string): number | undefined {
    const block = this.records.word(slot, TEXT);
    if (block === NONE) return undefined;
    const bytes = this.slabs.write(block, text);
    return bytes === undefined || bytes < this.slabs.size(block) / 2 - SMALL_BLOCK ? undefined : bytes;
  }

  private place(slot: number, text: string): number {
    const { records, slabs } = this;
    const before = records.word(slot, TEXT);
    if (before !== NONE) slabs.give(before);
    const room = Buffer.byteLength(text) + SPARE_BYTES;
    const block = slabs.take(room > LARGEST_BLOCK ? SMALL_BLOCK : room);
    records.setWord(slot, TEXT, block);
    return slabs.write(block, room > LARGEST_BLOCK ? NO_TEXT : text) as number;
  }
}
