import { textMessage } from './format.ts';
import type { Values } from '../profiles/profile.ts';
import type { Format, FormatMessage } from './format.ts';

/** What counts things, and so is an integer on the wire. */
const COUNTS: ReadonlySet<string> = new Set(['satellites', 'signal']);

function key(text: string): string {
  return text.replaceAll(/[,= ]/g, '\\$&');
}

function field(name: string, value: number | boolean | string): string {
  if (typeof value === 'string') {
    return `${key(name)}="${value.replaceAll(/["\\]/g, '\\$&')}"`;
  }
  return `${key(name)}=${value}${COUNTS.has(name) && Number.isInteger(value) ? 'i' : ''}`;
}

function fields(values: Values): string {
  return Object.entries(values)
    .flatMap(([name, value]) => (value === null ? [] : [field(name, value)]))
    .join(',');
}

/** InfluxDB line protocol as Telegraf publishes it: telegraf/SITE-NAME/KIND, one line with a time in nanoseconds. A null has no field. */
export const lineProtocol: Format = {
  name: 'line-protocol',
  kinds: ['thermostat', 'power-meter', 'gps-tracker', 'vibration-sensor', 'alarm-button'],
  speak(device, timeMs, rng): FormatMessage[] {
    const sample = device.sample(timeMs);
    const said = sample === undefined ? '' : fields('alarm' in sample ? { ...sample.alarm } : sample.values);
    if (said === '') {
      return [];
    }
    const host = `${device.site}-${device.name}`;
    const measurement = device.kind.replaceAll('-', '_');
    const time = BigInt(Math.floor(timeMs)) * 1_000_000n + BigInt(Math.floor(rng() * 1e6));
    return [textMessage(`telegraf/${host}/${measurement}`, `${measurement},host=${key(host)},site=${key(device.site)} ${said} ${time}\n`)];
  },
  presence: () => undefined,
};
