import type { Sample, Value, Values } from '../profiles/profile.ts';
import type { Rng } from '../random.ts';

/** What a device publishes in a dialect. */
export interface FormatMessage {
  readonly topic: string;
  readonly payload: Buffer;
  /** `telemetry`: what the device measures or notices. `state`: about the device itself (uptime, joins, availability); a gateway may leave it out. */
  readonly kind: 'telemetry' | 'state';
}

/** The device that speaks, as its dialect sees it. */
export interface FormatDevice {
  readonly site: string;
  /** Unique in the site. */
  readonly name: string;
  /** Kind of its profile: `thermostat`, ... */
  readonly kind: string;
  /** 16 small hexadecimal digits, the same for the same site and name: serial number, MAC, EUI. */
  readonly hex: string;
  /** How many samples it has taken before this one. */
  readonly turn: number;
  /** What it measures at this time; undefined: nothing this time (a sensor with a drop-out). Once per time. */
  sample(timeMs: number): Sample | undefined;
}

/** What a connection says of itself: at each connect, and before a clean end or as its last will. */
export interface Presence {
  readonly topic: string;
  readonly online: string | undefined;
  readonly offline: string;
}

/** The language of one family of real devices. */
export interface Dialect {
  readonly name: string;
  /** Kinds of devices that the family has. */
  readonly kinds: readonly string[];
}

/** A dialect in which each device speaks for itself: its topics and payloads. */
export interface Format extends Dialect {
  /** All messages of one sample. `rng` is the device's own stream, for what a sample does not hold (signal strength, ...). */
  speak(device: FormatDevice, timeMs: number, rng: Rng): FormatMessage[];
  /** Undefined: such a connection says nothing. `device` is undefined where several devices share the connection. */
  presence(device: FormatDevice | undefined): Presence | undefined;
}

export function textMessage(topic: string, text: string, kind: FormatMessage['kind'] = 'telemetry'): FormatMessage {
  return { topic, payload: Buffer.from(text, 'utf8'), kind };
}

export function jsonMessage(topic: string, value: unknown, kind: FormatMessage['kind'] = 'telemetry'): FormatMessage {
  return textMessage(topic, JSON.stringify(value), kind);
}

/** The number of that name; null where the sensor says null, undefined where it says nothing. */
export function numberIn(values: Values, name: string): number | null | undefined {
  const value: Value | undefined = values[name];
  return typeof value === 'number' || value === null ? value : undefined;
}

/** `f` of a number; null and undefined stay what they are. */
export function mapped<T>(value: number | null | undefined, f: (value: number) => T): T | null | undefined {
  return typeof value === 'number' ? f(value) : value;
}

/** 2026-01-02T03:04:05, as devices without a zone write it. */
export function localTime(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 19);
}

/** RFC 3339 with nine digits of a second, as Go writes it. `zone`: Z or an offset of zero. */
export function nanoTime(timeMs: number, rng: Rng, zone = 'Z'): string {
  const below = String(Math.floor(rng() * 1e6)).padStart(6, '0');
  return `${new Date(timeMs).toISOString().slice(0, -1)}${below}${zone}`;
}
