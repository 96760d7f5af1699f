import { lineProtocol } from './line-protocol.ts';
import { chirpstackV4, ttnV3 } from './lorawan.ts';
import { owntracks } from './owntracks.ts';
import { senml } from './senml.ts';
import { shellyGen1, shellyGen2 } from './shelly.ts';
import { SPARKPLUG } from './sparkplug-metrics.ts';
import { tasmota } from './tasmota.ts';
import { zigbee2mqtt } from './zigbee2mqtt.ts';
import type { Dialect, Format } from './format.ts';

/** Every dialect in which a device speaks for itself. */
export const FORMATS: readonly Format[] = [tasmota, shellyGen1, shellyGen2, zigbee2mqtt, ttnV3, chirpstackV4, senml, lineProtocol, owntracks];

/** Every dialect besides the native one. In Sparkplug it is the connection that speaks. */
export const DIALECTS: readonly Dialect[] = [...FORMATS, SPARKPLUG];

/** Undefined where no dialect has this name. */
export function dialectOf(name: string): Dialect | undefined {
  return DIALECTS.find((dialect) => dialect.name === name);
}

/** Undefined where no dialect of devices that speak for themselves has this name. */
export function formatOf(name: string): Format | undefined {
  return FORMATS.find((format) => format.name === name);
}
