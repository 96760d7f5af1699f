import { lineProtocol } from './line-protocol.ts';
import { chirpstackV4, ttnV3 } from './lorawan.ts';
import { owntracks } from './owntracks.ts';
import { senml } from './senml.ts';
import { shellyGen1, shellyGen2 } from './shelly.ts';
import { tasmota } from './tasmota.ts';
import { zigbee2mqtt } from './zigbee2mqtt.ts';
import type { Format } from './format.ts';

/** Every dialect besides the native one. */
export const FORMATS: readonly Format[] = [tasmota, shellyGen1, shellyGen2, zigbee2mqtt, ttnV3, chirpstackV4, senml, lineProtocol, owntracks];

/** Undefined where no dialect has this name. */
export function formatOf(name: string): Format | undefined {
  return FORMATS.find((format) => format.name === name);
}
