import { FLAGS } from '../domain/flags.ts';
import type { EpochMs } from '../domain/message.ts';
import type { Flag } from '../domain/reading.ts';
import type { HistoryStore, Samples } from './device-history.ts';
import { CUT, type DeviceRecords, FIRST_SEEN, FLAG_BITS, INTERVAL, LAST_SEEN, LATE, MEASURED, type Manner, READINGS, REFUSED } from './device-records.ts';
import { countOf } from './flag-counts.ts';
import type { LastReadings } from './last-readings.ts';

/** A device is silent after so many of its intervals, */
const SILENT_INTERVALS = 3;
/** and never before. */
export const SILENT_MS = 10_000;

/** Where a view of a device looks things up. */
export interface DeviceSources {
  readonly records: DeviceRecords;
  readonly texts: LastReadings;
  readonly histories: HistoryStore;
}

/** Never where it spoke but once: nobody knows its interval. */
export function isSilent(records: DeviceRecords, slot: number, now: EpochMs): boolean {
  const silentFor = now - records.number(slot, LAST_SEEN);
  return silentFor > SILENT_MS && silentFor > SILENT_INTERVALS * records.number(slot, INTERVAL);
}

/** What the gateway has seen of one device since it started: a view that is good until the next message is taken. */
export class Device {
  private readonly from: DeviceSources;
  private readonly slot: number;

  constructor(from: DeviceSources, slot: number) {
    this.from = from;
    this.slot = slot;
  }

  get device(): string {
    return this.from.records.devices[this.slot] as string;
  }

  get profile(): string {
    return this.manner.profile;
  }

  /** Of its newest reading. */
  get topic(): string {
    return this.from.records.topics[this.slot] as string;
  }

  /** The last reading in wire format; without its larger values where `cut`. */
  get text(): string {
    return this.from.texts.read(this.slot);
  }

  get cut(): boolean {
    return this.from.records.word(this.slot, CUT) === 1;
  }

  get firstSeenAt(): EpochMs {
    return this.number(FIRST_SEEN);
  }

  get lastSeenAt(): EpochMs {
    return this.number(LAST_SEEN);
  }

  get measuredAt(): EpochMs {
    return this.number(MEASURED);
  }

  /** Time between its messages, smoothed, milliseconds; NaN before the second. */
  get intervalMs(): number {
    return this.number(INTERVAL);
  }

  get readings(): number {
    return this.number(READINGS);
  }

  /** Dead letters. */
  get refused(): number {
    return this.number(REFUSED);
  }

  get late(): number {
    return this.number(LATE);
  }

  get lastFlags(): readonly Flag[] | undefined {
    return this.manner.flags;
  }

  get samples(): Samples | undefined {
    return this.from.histories.read(this.slot);
  }

  silentForMs(now: EpochMs): number {
    return Math.max(0, now - this.lastSeenAt);
  }

  silent(now: EpochMs): boolean {
    return isSilent(this.from.records, this.slot, now);
  }

  flags(): Partial<Record<Flag, number>> {
    const counts: Partial<Record<Flag, number>> = {};
    for (const flag of FLAGS) {
      const n = this.countOf(flag);
      if (n > 0) counts[flag] = n;
    }
    return counts;
  }

  countOf(flag: Flag): number {
    const { records } = this.from;
    return countOf(records.word(this.slot, FLAG_BITS), records.flagCounts[this.slot] as readonly number[], flag);
  }

  /** The newest last. */
  topics(): readonly string[] {
    return this.from.records.topicsOf(this.slot);
  }

  private get manner(): Manner {
    return this.from.records.manners[this.slot] as Manner;
  }

  private number(field: number): number {
    return this.from.records.number(this.slot, field);
  }
}
