import { emptyBag } from '../domain/bag.ts';
import type { Result } from '../domain/fault.ts';
import type { Document } from '../domain/payload-path.ts';
import type { Limits } from '../domain/profile.ts';
import { jsonCodec } from './json.ts';
import { noOptions } from './options.ts';
import { type DecodeContext, type Decoded, detachedEnvironment, type PayloadCodec, type PayloadDecoder } from './registry.ts';

/** The port on which Milesight's devices send; others carry what the vendor did not define. */
const PORT = 85;
/** LoRaWAN regional parameters: no payload is longer. */
const LONGEST = 242;

/** One number of an element: name, how many bytes (little endian), signed, and what to divide by. */
type Field = readonly [name: string, bytes: 1 | 2 | 4, signed: boolean, divisor: number];

/** Elements by type, as the user guides of the sensors list them; a few types mean something else on some channels. */
const TYPES: Readonly<Record<number, readonly Field[]>> = {
  0x00: [['digital', 1, false, 1]],
  0x01: [['state', 1, false, 1]],
  0x31: [
    ['switches', 1, false, 1],
    ['switches_changed', 1, false, 1],
  ], // prettier-ignore
  0x5b: [
    ['weighting', 1, false, 1],
    ['LAF', 2, false, 10],
    ['LAeq', 2, false, 10],
    ['LAFmax', 2, false, 10],
  ], // prettier-ignore
  0x65: [
    ['illumination', 2, false, 1],
    ['infrared_and_visible', 2, false, 1],
    ['infrared', 2, false, 1],
  ], // prettier-ignore
  0x67: [['temperature', 2, true, 10]],
  0x68: [['humidity', 1, false, 2]],
  0x6a: [['activity', 2, false, 1]],
  0x70: [['socket', 1, false, 1]],
  0x73: [['pressure', 2, false, 10]],
  0x74: [['voltage', 2, false, 10]],
  0x75: [['battery', 1, false, 1]],
  0x80: [['active_power', 4, false, 1]],
  0x81: [['power_factor', 1, false, 1]],
  0x82: [['distance', 2, false, 1]],
  0x83: [['energy', 4, false, 1]],
  0x88: [
    ['latitude', 4, true, 1e6],
    ['longitude', 4, true, 1e6],
    ['position_state', 1, false, 1],
  ], // prettier-ignore
  0xbc: [['plan_event', 1, false, 1]],
  0xc8: [['pulse', 4, false, 1]],
  0xc9: [['current', 2, false, 1]],
  0xcb: [['light_level', 1, false, 1]],
  0xcc: [
    ['period_in', 2, false, 1],
    ['period_out', 2, false, 1],
  ], // prettier-ignore
  0xcf: [
    ['angle_x', 2, true, 100],
    ['angle_y', 2, true, 100],
    ['angle_z', 2, true, 100],
    ['thresholds', 1, false, 1],
  ], // prettier-ignore
  0xd2: [['total', 4, false, 1]],
  0xd6: [['remaining', 1, false, 1]],
  0xe7: [['temperature_control', 1, false, 1]],
  0xe8: [['fan', 1, false, 1]],
  0xed: [['liquid', 1, false, 1]],
};

/** Gas and particle sensors share a type: which one it is the channel tells. */
const GASES: Readonly<Record<number, readonly Field[]>> = {
  0x04: [['nh3', 2, false, 100]],
  0x05: [['h2s', 2, false, 100]],
  0x07: [['co2', 2, false, 1]],
  0x08: [['tvoc', 2, false, 1]],
  0x0a: [['hcho', 2, false, 100]],
  0x0b: [['pm2_5', 2, false, 1]],
  0x0c: [['pm10', 2, false, 1]],
  0x0d: [['o3', 2, false, 100]],
};
const GAS = 0x7d;
/** Each angle is shifted by a bit that tells whether its threshold was passed. */
const TILT = 0xd4;

/** What a device says of itself: type -> bytes. Texts, but for the version of the protocol. */
const SYSTEM = 0xff;
const SYSTEM_BYTES: Readonly<Record<number, number>> = {
  0x01: 1,
  0x08: 6,
  0x09: 2,
  0x0a: 2,
  0x0b: 1,
  0x0f: 1,
  0x16: 8,
  0x18: 2,
  0x1f: 4,
  0x29: 1,
  0x2e: 1,
  0xfe: 1,
  0xff: 2,
};
const SYSTEM_NAMES: Readonly<Record<number, string>> = { 0x01: 'protocol_version', 0x08: 'sn', 0x16: 'sn', 0x29: 'switches', 0x2e: 'press' };

/** The channels on which a type stands alone in most devices keep its plain name; other channels are named too. */
const MAIN: Readonly<Record<number, readonly number[]>> = { 0x67: [2, 3], 0x68: [3, 4], 0x75: [1], 0x73: [9], 0x82: [3, 4] };

/**
 * The elements of a Milesight payload (channel, type, value), all or nothing: behind an element of unknown length
 * nothing can be told apart, so a payload that holds one is left as it is. undefined then.
 */
export function milesightElements(payload: Buffer): Record<string, number | string> | undefined {
  const values = emptyBag<number | string>();
  for (let at = 0; at < payload.length; ) {
    const channel = payload[at] as number;
    const type = payload[at + 1];
    at += 2;
    if (type === undefined || payload.length > LONGEST) {
      return undefined;
    }
    const length = channel === SYSTEM ? SYSTEM_BYTES[type] : type === TILT ? 6 : lengthOf(fieldsOf(channel, type));
    if (length === undefined || at + length > payload.length) {
      return undefined;
    }
    const value = payload.subarray(at, at + length);
    at += length;
    if (channel === SYSTEM) {
      const name = SYSTEM_NAMES[type] ?? `system_${type.toString(16).padStart(2, '0')}`;
      values[name] = length === 1 ? (value[0] as number) : value.toString('hex');
    } else if (type === TILT) {
      for (const [i, axis] of ['x', 'y', 'z'].entries()) {
        const raw = value.readInt16LE(i * 2);
        values[`angle_${axis}`] = (raw >> 1) / 100;
        values[`threshold_${axis}`] = raw & 1;
      }
    } else {
      add(values, value, fieldsOf(channel, type) ?? [], nameSuffix(channel, type));
    }
  }
  return values;
}

function fieldsOf(channel: number, type: number): readonly Field[] | undefined {
  return type === GAS ? GASES[channel] : TYPES[type];
}

function lengthOf(fields: readonly Field[] | undefined): number | undefined {
  return fields?.reduce((sum, [, bytes]) => sum + bytes, 0);
}

function nameSuffix(channel: number, type: number): string {
  const main = MAIN[type];
  const numbered = main === undefined ? [0x00, 0x01, 0xc8, 0xd2, 0xcc].includes(type) : !main.includes(channel);
  return numbered ? `_ch${channel}` : '';
}

function add(values: Record<string, number | string>, value: Buffer, fields: readonly Field[], suffix: string): void {
  let at = 0;
  for (const [name, bytes, signed, divisor] of fields) {
    values[name + suffix] = (signed ? value.readIntLE(at, bytes) : value.readUIntLE(at, bytes)) / divisor;
    at += bytes;
  }
}

/**
 * Uplinks of Milesight's LoRaWAN devices: the JSON of their gateways, or the bytes of the device alone.
 * Where the JSON holds no `object` (no payload codec is set up on the gateway) and its `data` can be read, `object` is
 * added. Bytes that are not JSON become `{ object }`.
 */
class MilesightDecoder implements PayloadDecoder {
  private readonly json: PayloadDecoder = jsonCodec.create({}, detachedEnvironment('milesight'));

  decode(body: Buffer, limits: Limits, context: DecodeContext): Result<Decoded> {
    const read = this.json.decode(body, limits, context);
    const uplink = emptyBag<Document>();
    if (!read.ok) {
      const object = body[0] === 0x7b || body[0] === 0x5b ? undefined : milesightElements(body);
      if (object === undefined) {
        return read;
      }
      uplink['object'] = object;
      return { ok: true, value: { document: uplink, flags: [] } };
    }
    const { document, flags } = read.value;
    if (typeof document !== 'object' || document === null || Array.isArray(document) || Object.hasOwn(document, 'object')) {
      return read;
    }
    const fields = document as { readonly [name: string]: Document };
    const { data, fPort } = fields;
    const object = typeof data === 'string' && (fPort === undefined || fPort === PORT) ? milesightElements(Buffer.from(data, 'base64')) : undefined;
    if (object === undefined || Object.keys(object).length === 0) {
      return read;
    }
    for (const name in fields) {
      uplink[name] = fields[name] as Document;
    }
    uplink['object'] = object;
    return { ok: true, value: { document: uplink, flags } };
  }
}

export const milesightCodec: PayloadCodec = {
  name: 'milesight',
  contentType: 'application/json',
  checkOptions: noOptions,
  create: () => new MilesightDecoder(),
};
