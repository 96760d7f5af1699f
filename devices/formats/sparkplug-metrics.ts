import type { Sample, Value } from '../profiles/profile.ts';
import type { Dialect } from './format.ts';
import type { TypeName } from './sparkplug-writer.ts';

/** A metric that a device of some kind has, with its unit as the property `engUnit`. */
interface Row {
  readonly name: string;
  readonly type: TypeName;
  readonly unit?: string;
  /** Of an alarm, which comes in place of the values. */
  readonly alarm?: true;
}

function double(name: string, unit?: string): Row {
  return unit === undefined ? { name, type: 'Double' } : { name, type: 'Double', unit };
}

const battery = double('battery', '%');

/** A birth names every metric that can ever come, so the kinds are spelt out here. */
const METRICS: Readonly<Record<string, readonly Row[]>> = {
  thermostat: [double('temperature', 'Cel'), double('humidity', '%'), double('setpoint', 'Cel'), { name: 'heating', type: 'Boolean' }, battery],
  'power-meter': [double('power', 'W'), double('voltage', 'V'), double('current', 'A'), double('powerFactor'), double('energy', 'kWh')],
  'gps-tracker': [
    { name: 'fix', type: 'Boolean' },
    { name: 'satellites', type: 'Int32' },
    double('latitude', 'deg'),
    double('longitude', 'deg'),
    double('altitude', 'm'),
    double('speed', 'm/s'),
    double('heading', 'deg'),
  ],
  'vibration-sensor': [double('rms'), double('peak'), double('frequency', 'Hz'), double('temperature', 'Cel'), { name: 'state', type: 'String' }],
  'alarm-button': [
    { name: 'pressed', type: 'Boolean' },
    battery,
    { name: 'signal', type: 'Int32', unit: 'dBm' },
    { name: 'alarm/severity', type: 'String', alarm: true },
    { name: 'alarm/message', type: 'String', alarm: true },
    { name: 'alarm/active', type: 'Boolean', alarm: true },
  ],
};

export const SPARKPLUG: Dialect = { name: 'sparkplug', kinds: Object.keys(METRICS) };

export function metricsOf(kind: string): readonly Row[] {
  return METRICS[kind] ?? [];
}

/** The metrics of one sample. A sensor that says nothing has no value: the node that asks it knows as much, and says null. */
export function measured(kind: string, sample: Sample | undefined): ReadonlyMap<string, Value> {
  if (sample === undefined) {
    const own = metricsOf(kind).filter(({ alarm }) => alarm !== true);
    return new Map(own.map(({ name }) => [name, null]));
  }
  return 'alarm' in sample ? new Map(Object.entries(sample.alarm).map(([name, value]) => [`alarm/${name}`, value])) : new Map(Object.entries(sample.values));
}
