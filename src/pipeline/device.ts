import type { Link } from '../domain/chain.ts';
import { FLAGS } from '../domain/flags.ts';
import type { EpochMs } from '../domain/message.ts';
import type { Flag, Reading } from '../domain/reading.ts';
import type { Historian, History } from './device-history.ts';

/** Topics kept of one device. */
const TOPICS = 8;
/** A device is silent after so many of its intervals, */
const SILENT_INTERVALS = 3;
/** and never before. */
export const SILENT_MS = 10_000;
/** Weight of the newest interval: the last eight or so count. */
const WEIGHT = 1 / 8;

const BITS: Readonly<Record<Flag, number>> = Object.fromEntries(FLAGS.map((flag, i) => [flag, 2 ** i])) as Record<Flag, number>;
const NO_COUNTS: readonly number[] = [];

/** What the gateway has seen of one device since it started. */
export class Device implements Historian, Link<Device> {
  readonly device: string;
  profile: string;
  topic: string;
  /** The last reading in wire format; without its larger values where `cut`. */
  text = '';
  cut = false;
  firstSeenAt: EpochMs;
  lastSeenAt: EpochMs;
  measuredAt: EpochMs;
  /** Time between its messages, smoothed; NaN before the second. */
  intervalMs: number = Number.NaN;
  readings = 0;
  /** Dead letters. */
  refused = 0;
  late = 0;
  lastFlags: readonly Flag[] | undefined = undefined;
  history: History | undefined = undefined;
  older: Device | undefined = undefined;
  newer: Device | undefined = undefined;
  private flagBits = 0;
  /** One count for each bit of `flagBits`, from the lowest: most devices have none or one. */
  private flagCounts: readonly number[] = NO_COUNTS;
  /** Undefined while there is one. */
  private others: string[] | undefined = undefined;

  constructor(reading: Reading) {
    const { device, profile, topic, receivedAt, measuredAt } = reading;
    this.device = device;
    this.profile = profile;
    this.topic = topic;
    this.firstSeenAt = receivedAt;
    this.lastSeenAt = receivedAt;
    this.measuredAt = measuredAt;
  }

  /** Everything but text and history. */
  note(reading: Reading): void {
    const { receivedAt, flags } = reading;
    const gap = receivedAt - this.lastSeenAt;
    // Readings of one message, and a clock that was set back, say nothing about the interval.
    if (gap > 0) this.intervalMs = Number.isNaN(this.intervalMs) ? gap : this.intervalMs + (gap - this.intervalMs) * WEIGHT;
    this.lastSeenAt = receivedAt;
    this.measuredAt = reading.measuredAt;
    this.profile = reading.profile;
    this.readings += 1;
    this.lastFlags = flags;
    if (flags !== undefined) for (const flag of flags) this.count(flag);
  }

  silentForMs(now: EpochMs): number {
    return Math.max(0, now - this.lastSeenAt);
  }

  silent(now: EpochMs): boolean {
    const silentFor = now - this.lastSeenAt;
    return silentFor > SILENT_MS && silentFor > SILENT_INTERVALS * this.intervalMs;
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
    const bit = BITS[flag];
    return (this.flagBits & bit) === 0 ? 0 : (this.flagCounts[ones(this.flagBits & (bit - 1))] as number);
  }

  /** The newest last. */
  topics(): readonly string[] {
    return this.others ?? [this.topic];
  }

  /** The topic of its newest reading, and what of its topics is given up for it; undefined for a topic that it had. */
  moveTo(topic: string): { readonly dropped: string | undefined } | undefined {
    const before = (this.others ??= [this.topic]);
    this.topic = topic;
    const at = before.indexOf(topic);
    if (at >= 0) {
      before.splice(at, 1);
      before.push(topic);
      return undefined;
    }
    before.push(topic);
    return { dropped: before.length > TOPICS ? before.shift() : undefined };
  }

  private count(flag: Flag): void {
    if (flag === 'late') this.late += 1;
    const bit = BITS[flag];
    const at = ones(this.flagBits & (bit - 1));
    if ((this.flagBits & bit) === 0) {
      this.flagBits |= bit;
      this.flagCounts = this.flagCounts.toSpliced(at, 0, 1);
    } else {
      (this.flagCounts as number[])[at] = (this.flagCounts[at] as number) + 1;
    }
  }
}

/** How many bits are set. */
function ones(bits: number): number {
  let n = bits - ((bits >>> 1) & 0x5555_5555);
  n = (n & 0x3333_3333) + ((n >>> 2) & 0x3333_3333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}
