import { jsonMessage } from './format.ts';
import type { Values } from '../profiles/profile.ts';
import type { Format, FormatMessage } from './format.ts';

/** Units of RFC 8428 section 12.1 and RFC 8798. */
const UNITS: Readonly<Record<string, string>> = {
  temperature: 'Cel',
  setpoint: 'Cel',
  humidity: '%RH',
  battery: '%EL',
  power: 'W',
  voltage: 'V',
  current: 'A',
  energy: 'kWh',
  latitude: 'lat',
  longitude: 'lon',
  altitude: 'm',
  speed: 'm/s',
  heading: 'deg',
  frequency: 'Hz',
  signal: 'dBm',
};

function records(values: Values): object[] {
  const list: object[] = [];
  for (const [n, value] of Object.entries(values)) {
    const u = UNITS[n];
    if (typeof value === 'number') {
      list.push(u === undefined ? { n, v: value } : { n, u, v: value });
    } else if (typeof value === 'boolean') {
      list.push({ n, vb: value });
    } else if (value !== null) {
      list.push({ n, vs: value });
    }
  }
  return list;
}

/** A SenML pack in JSON (RFC 8428) for each sample, base name and base time in its first record: senml/SITE/NAME. A null has no record. */
export const senml: Format = {
  name: 'senml',
  kinds: ['thermostat', 'power-meter', 'gps-tracker', 'vibration-sensor', 'alarm-button'],
  speak(device, timeMs): FormatMessage[] {
    const sample = device.sample(timeMs);
    const [first, ...others] = sample === undefined ? [] : records('alarm' in sample ? { ...sample.alarm } : sample.values);
    if (first === undefined) {
      return [];
    }
    const base = { bn: `urn:dev:mac:${device.hex}:`, bt: Math.floor(timeMs) / 1000 };
    return [jsonMessage(`senml/${device.site}/${device.name}`, [{ ...base, ...first }, ...others])];
  },
  presence: () => undefined,
};
