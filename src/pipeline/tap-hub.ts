import type { FaultCode } from '../domain/fault.ts';
import type { InboundMessage } from '../domain/message.ts';
import { compileTopicFilter } from '../domain/topic-template.ts';
import type { Normalised } from './normaliser.ts';
import type { Routing } from './router.ts';
import { tapEvent } from './tap-event.ts';

export const TAP_OUTCOMES = ['readings', 'filtered', 'dead-lettered'] as const;
export type TapOutcome = (typeof TAP_OUTCOMES)[number];

/** Which messages a tap is for; what is undefined is any. */
export interface TapFilter {
  /** A reading is of this device; or the message has none, and comes on a topic that this device alone uses. */
  readonly device: string | undefined;
  /** MQTT topic filter. Must be one that `topicFilterProblem` finds good. */
  readonly topic: string | undefined;
  /** A reading goes to, is dropped by, or fails at this route. */
  readonly route: string | undefined;
  /** `dead-lettered`: the message, or a reading of it. */
  readonly outcome: TapOutcome | undefined;
  /** Fault of the message, or of a reading of it. */
  readonly code: FaultCode | undefined;
}

export interface TapOptions {
  readonly filter: TapFilter;
  /** Most events a second. */
  readonly rate: number;
  /** Takes the JSON text of one event; answers false where it cannot now. */
  readonly send: (event: string) => boolean;
}

export interface Tap {
  /** How many messages fitted and were not sent since this was asked last, for the rate or for a reader that is slow. */
  skipped(): number;
  close(): void;
}

export interface TapHubOptions {
  /** Milliseconds on a clock that never jumps. */
  readonly monotonic: () => number;
  /** The only device that uses a topic. */
  readonly deviceOf: (topic: string) => string | undefined;
  /** The profile that reads a topic. */
  readonly profileOf: (topic: string) => string | undefined;
}

interface Open {
  readonly options: TapOptions;
  readonly topic: ((topic: string) => boolean) | undefined;
  seen: number;
  skipped: number;
  /** When the second began in which `sent` events were sent. */
  since: number;
  sent: number;
}

const SECOND_MS = 1000;

/**
 * Live views of the messages that pass by. Nothing waits for a tap: what its reader does not take at once, or what is beyond
 * its rate, is left out and counted. Without taps `size` is 0, and nobody calls `saw`.
 */
export class TapHub {
  private readonly options: TapHubOptions;
  private readonly taps: Set<Open> = new Set();

  constructor(options: TapHubOptions) {
    this.options = options;
  }

  get size(): number {
    return this.taps.size;
  }

  open(options: TapOptions): Tap {
    const { topic } = options.filter;
    const open: Open = {
      options,
      topic: topic === undefined ? undefined : compileTopicFilter(topic),
      seen: 0,
      skipped: 0,
      since: Number.NEGATIVE_INFINITY,
      sent: 0,
    };
    this.taps.add(open);
    return {
      skipped: () => {
        const { skipped } = open;
        open.skipped = 0;
        return skipped;
      },
      close: () => void this.taps.delete(open),
    };
  }

  saw(message: InboundMessage, result: Normalised, routings: readonly Routing[], texts: readonly (Uint8Array | undefined)[]): void {
    const now = this.options.monotonic();
    let event: string | undefined;
    for (const tap of this.taps) {
      if (!this.fits(tap, message, result, routings)) continue;
      tap.seen += 1;
      if (now - tap.since >= SECOND_MS) {
        tap.since = now;
        tap.sent = 0;
      }
      if (tap.sent >= tap.options.rate) {
        tap.skipped += 1;
        continue;
      }
      // The same for all taps, but for the number in front.
      event ??= tapEvent(message, result, routings, texts, this.options.profileOf(message.topic));
      if (tap.options.send(`{"n":${tap.seen},${event}`)) tap.sent += 1;
      else tap.skipped += 1;
    }
  }

  private fits({ options: { filter }, topic }: Open, message: InboundMessage, result: Normalised, routings: readonly Routing[]): boolean {
    if (topic?.(message.topic) === false) return false;
    const { device, route, outcome, code } = filter;
    if (outcome !== undefined && outcome !== result.kind && !(outcome === 'dead-lettered' && refused(result, routings))) return false;
    if (code !== undefined && !(result.kind === 'fault' ? result.fault.code === code : routings.some(({ fault }) => fault?.code === code))) return false;
    if (route !== undefined && !routings.some((routing) => concerns(routing, route))) return false;
    if (device === undefined) return true;
    return result.kind === 'readings' ? result.readings.some((reading) => reading.device === device) : this.options.deviceOf(message.topic) === device;
  }
}

function refused(result: Normalised, routings: readonly Routing[]): boolean {
  return result.kind === 'fault' || routings.some(({ fault }) => fault !== undefined);
}

function concerns({ takers, taps, droppedBy, faultRoute }: Routing, route: string): boolean {
  return droppedBy === route || faultRoute === route || takers.some((taker) => taker.route === route) || taps.some((taker) => taker.route === route);
}
