import { Distribution } from './distribution.ts';
import { FLAG, FLAGS, flagBits } from './flags.ts';
import type { EpochMs } from './message.ts';
import type { Flag, Reading } from './reading.ts';

/** Bounds in milliseconds: from a device beside the gateway to one that was out of reach for a day. */
export const DELAY_BOUNDS_MS: readonly number[] = [
  10, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 900_000, 3_600_000, 21_600_000, 86_400_000,
];

/** Flags of readings whose time says nothing about the way: none of their own, a wrong clock, or sent after the fact on purpose. */
const TELLS_NOTHING = FLAG['no-device-time'] | FLAG['time-invalid'] | FLAG['clock-unset'] | FLAG.future | FLAG.stale | FLAG.historical;

/**
 * How long readings are on their way, by the clocks of their devices, and which flags they carry. A clock that is ahead
 * by less than the profile tolerates gives a delay below 0: that counts as 0. `late` readings count: they did take so long.
 */
export class Delays {
  /** From the device to the gateway, once per arrival. */
  readonly toGateway: Distribution = new Distribution(DELAY_BOUNDS_MS);
  /** From the device to the confirm of the broker, by route. */
  readonly toConfirm: Map<string, Distribution> = new Map();
  /** Readings by flag; one with two flags counts for each. */
  readonly flags: Record<Flag, number> = Object.fromEntries(FLAGS.map((flag) => [flag, 0])) as Record<Flag, number>;
  // Equal sets of flags share one array (flagList), and neighbours mostly have equal flags.
  private lastFlags: readonly Flag[] | undefined;
  private lastTells = true;

  /** A reading came in, and not as a replayed dead letter, whose times are those of long ago. */
  arrived(reading: Reading): void {
    const { flags } = reading;
    if (flags !== undefined) for (const flag of flags) this.flags[flag] += 1;
    const age = this.ageOf(reading);
    if (age !== undefined) this.toGateway.observe(Math.max(0, age));
  }

  /** By how many milliseconds a reading was measured before it was received; undefined where its time says nothing about the way. */
  ageOf({ flags, measuredAt, receivedAt }: Reading): number | undefined {
    return this.tells(flags) ? receivedAt - measuredAt : undefined;
  }

  /** The broker has confirmed a reading of this route whose time tells the way. */
  confirmed(route: string, measuredAt: EpochMs, at: EpochMs): void {
    let distribution = this.toConfirm.get(route);
    if (distribution === undefined) {
      distribution = new Distribution(DELAY_BOUNDS_MS);
      this.toConfirm.set(route, distribution);
    }
    distribution.observe(Math.max(0, at - measuredAt));
  }

  private tells(flags: readonly Flag[] | undefined): boolean {
    if (flags === undefined) return true;
    if (flags !== this.lastFlags) {
      this.lastFlags = flags;
      this.lastTells = (flagBits(flags) & TELLS_NOTHING) === 0;
    }
    return this.lastTells;
  }
}
