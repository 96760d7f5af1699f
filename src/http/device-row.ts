import type { EpochMs } from '../domain/message.ts';
import type { Device } from '../pipeline/device.ts';
import { toJson } from './json.ts';
import { safeJson } from '../domain/safe-text.ts';

/** Samples of the small plot of a row. */
const SPARK = 30;
/**
 * The values and the units of a reading in wire format. Keys have a fixed order there, and quotes inside texts are escaped:
 * so the first `,"values":{` is the real one, and its end is the first brace outside a text.
 */
const PARTS = /,"values":(\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})(?:,"units":(\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\}))?/;

/** One device as JSON text: numbers with the digits of the wire format. */
export function deviceRow(device: Device, now: EpochMs): string {
  return `${rowMembers(device, now)}}`;
}

/** A device with everything that is known of it. */
export function deviceDetail(device: Device, now: EpochMs): string {
  const history = device.samples ?? { names: [], at: [], values: [] };
  const more = toJson({ topics: device.topics(), history, cut: device.cut });
  return `${rowMembers(device, now)},${more.slice(1, -1)},"lastReading":${safeJson(device.text)}}`;
}

function rowMembers(device: Device, now: EpochMs): string {
  const { intervalMs, lastFlags, text } = device;
  const known = toJson({
    device: device.device,
    profile: device.profile,
    topic: device.topic,
    firstSeenAt: device.firstSeenAt,
    lastSeenAt: device.lastSeenAt,
    measuredAt: device.measuredAt,
    intervalMs: Number.isNaN(intervalMs) ? null : Math.round(intervalMs),
    silentForMs: device.silentForMs(now),
    silent: device.silent(now),
    readings: device.readings,
    refused: device.refused,
    late: device.late,
    flags: device.flags(),
    lastFlags: lastFlags ?? [],
    spark: sparkOf(device),
  });
  const [, values = '{}', units = '{}'] = PARTS.exec(text) ?? [];
  return `${known.slice(0, -1)},"values":${safeJson(values)},"units":${safeJson(units)}`;
}

function sparkOf({ samples }: Device): { readonly name: string; readonly values: readonly (number | null)[] } | null {
  const name = samples?.names[0];
  return name === undefined ? null : { name, values: samples?.values[0]?.slice(-SPARK) ?? [] };
}
