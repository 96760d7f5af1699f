import type { Rng } from '../random.ts';

export type Value = number | boolean | string | null;
export type Values = Record<string, Value>;

export interface Alarm {
  readonly severity: 'critical' | 'warning' | 'info';
  readonly message: string;
  readonly active: boolean;
}

/** What a device has to say at one instant: a set of values, or an alarm that goes out instead. */
export type Sample = { readonly values: Values } | { readonly alarm: Alarm };

/** `tMs` is the device's time in milliseconds since 1970; `rng` is the device's own stream, drawn from in a fixed order. */
export type Signal = (tMs: number, rng: Rng) => Sample;

/**
 * A kind of device. `create` draws what differs between two devices of the kind (offsets, places, phases) once;
 * the signal it answers depends on nothing but its arguments and what it drew before, so the same seed and the
 * same times give the same messages.
 */
export interface Profile {
  readonly kind: string;
  create(traits: Rng): Signal;
}

export const DAY_MS = 86_400_000;

export function round(value: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}

/** -1..1 over a day (UTC), highest at `peakHour`. */
export function daily(tMs: number, peakHour: number): number {
  return Math.cos(2 * Math.PI * (tMs / DAY_MS - peakHour / 24));
}
