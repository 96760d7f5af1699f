import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultCodecs } from '../../../src/codec/registry.ts';
import type { LayoutSpec } from '../../../src/domain/layout/spec.ts';
import { DEFAULT_LIMITS, type ProfileSpec } from '../../../src/domain/profile.ts';
import { checkProfile } from '../../../src/domain/profile-plan.ts';
import type { Reading } from '../../../src/domain/reading.ts';
import { compileNormaliser } from '../../../src/pipeline/normaliser.ts';

const CLIMATE: LayoutSpec = {
  name: 'climate',
  endian: 'big',
  frames: [{ when: { ports: [1] }, fields: { t: { read: 'i16', value: 'x / 10', unit: 'Cel' }, h: 'u8' } }],
};
const DOOR: LayoutSpec = { name: 'door', endian: 'big', frames: [{ fields: { open: { read: 'u8', none: [255], map: { 0: false, 1: true } } } }] };

const PROFILE: ProfileSpec = {
  name: 'lora',
  topics: ['up/{device}'],
  codec: ['json', 'bytes'],
  device: '{device}',
  deviceCheck: undefined,
  each: undefined,
  time: undefined,
  sequence: undefined,
  values: '$.uplink',
  exclude: [],
  scalar: undefined,
  units: undefined,
  rename: { 'decoded.**': '{1}' },
  tags: undefined,
  payloadAt: { bytes: '$.uplink.data', encoding: 'hex', port: '$.uplink.port', decoded: ['$.uplink.decoded', '$.uplink.points'], model: '$.model' },
  payload: { 'door-*': DOOR, climate: CLIMATE, '+': CLIMATE },
};

function readingOf(uplink: unknown, device = 'climate', profile: Partial<ProfileSpec> = {}): Reading {
  const normaliser = compileNormaliser([{ ...PROFILE, ...profile }], defaultCodecs(), DEFAULT_LIMITS, 'test');
  const body = Buffer.isBuffer(uplink) ? uplink : Buffer.from(JSON.stringify(uplink));
  const topic = `up/${device}`;
  const result = normaliser.normalise({
    topic,
    routingKey: topic.replaceAll('/', '.'),
    body,
    receivedAt: 1,
    contentType: undefined,
    contentEncoding: undefined,
    redelivered: false,
    deliveryCount: 0,
    qos: undefined,
  });
  if (result.kind !== 'readings') throw new Error(JSON.stringify(result));
  return result.readings[0] as Reading;
}

const plain = ({ values, units, flags }: Reading): unknown => ({
  values: { ...values },
  units: { ...units },
  flags: flags?.filter((flag) => flag !== 'arrival-id' && flag !== 'no-device-time'),
});

describe('the bytes of a device in an uplink', () => {
  it('are read with the layout of its name, and stay', () => {
    expect(plain(readingOf({ uplink: { data: '00d232', port: 1 } }))).toEqual({
      values: { data: '00d232', port: 1, t: 21, h: 50 },
      units: { t: 'Cel' },
      flags: [],
    });
    expect(plain(readingOf({ uplink: { data: '01' } }, 'door-7'))).toEqual({ values: { data: '01', open: true }, units: {}, flags: [] });
  });

  it('or else of its model', () => {
    expect(readingOf({ model: 'door-x', uplink: { data: '00' } }, 'nobody').values).toMatchObject({ open: false });
    expect(readingOf({ model: 7, uplink: { data: '00' } }, 'nobody').values).toEqual({ data: '00' });
  });

  it('are left alone where nothing says how to read them, or the network server has read them', () => {
    for (const uplink of [{ data: '00d232', port: 1, decoded: { t: 5 } }, { data: 'zz', points: 1 }, { data: '' }, { data: 7 }, { port: 1 }]) {
      const reading = readingOf({ uplink });
      expect(reading.flags ?? []).not.toContain('payload-unread');
      expect(Object.keys(reading.values)).not.toContain('h');
    }
    expect(plain(readingOf({ uplink: { data: '00' } }, 'nobody'))).toEqual({ values: { data: '00' }, units: {}, flags: [] });
  });

  it('are read where the network server says that it read nothing', () => {
    for (const decoded of [null, {}]) expect(readingOf({ uplink: { data: '00d232', port: 1, decoded } }).values).toMatchObject({ t: 21, h: 50 });
  });

  it('that the layout does not know stay as they came, and the reading is flagged', () => {
    for (const data of ['00', '00d23200', 'zz', '00d23', 'ff'.repeat(2000)]) {
      expect(plain(readingOf({ uplink: { data, port: 1, rssi: -70 } }))).toEqual({
        values: { data, port: 1, rssi: -70 },
        units: {},
        flags: ['payload-unread'],
      });
    }
    expect(plain(readingOf({ uplink: { data: '00d232', port: 2 } }))).toMatchObject({ flags: ['payload-unread'] });
  });

  it('without a measurement flag the reading as any other', () => {
    expect(plain(readingOf({ uplink: { data: 'ff' } }, 'door-1'))).toEqual({ values: { data: 'ff' }, units: {}, flags: ['sentinel'] });
  });

  it('may be base64, of both alphabets, and come alone', () => {
    const payloadAt = { bytes: '$.data', encoding: 'base64' as const, decoded: ['$.object'] };
    const base64 = { values: '$', payloadAt, rename: { 'object.**': '{1}' } };
    expect(readingOf({ data: 'ANIy' }, 'door-1', { ...base64, payload: { '**': { ...CLIMATE, frames: [{ fields: { all: 'hex' } }] } } }).values).toMatchObject({
      all: '00d232',
    });
    expect(readingOf({ data: '_w==' }, 'door-1', base64).flags).toContain('sentinel');
    expect(readingOf({ data: 'A*==' }, 'door-1', base64).flags).toContain('payload-unread');
    expect(readingOf(Buffer.from([1]), 'door-1', base64).values).toMatchObject({ data: 'AQ==', open: true });
  });

  it('never take values of the uplink away, and never throw, whatever they are', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('hex')),
        ),
        fc.jsonValue(),
        fc.constantFrom('climate', 'door-1'),
        (data, other, device) => {
          const reading = readingOf({ uplink: { data, other, port: 1, rssi: -5 } }, device);
          expect(reading.values).toMatchObject({ rssi: -5, data });
        },
      ),
    );
  });
});

describe('a profile with layouts', () => {
  it.each<[Partial<ProfileSpec>, string]>([
    [{ payloadAt: undefined }, 'payload: nothing says where the bytes of the device stand: `payloadAt` is needed'],
    [{ payloadAt: { bytes: 'data', encoding: 'hex', decoded: ['$.a'] } }, 'payloadAt.bytes: "data" is not a path; paths begin with $'],
    [{ payloadAt: { bytes: '$.data', encoding: 'hex', decoded: ['$'] } }, 'payloadAt.decoded.0: must be the place of an object, by names alone: $.object'],
    [{ payloadAt: { bytes: '$.data', encoding: 'hex', decoded: ['$.a[0]'] } }, 'payloadAt.decoded.0: must be the place of an object, by names alone: $.object'],
    [{ payload: { x: { ...DOOR, frames: [{}] } } }, 'payload.x: layout "door", frames.0: says nothing: `fields`, `groups` or `elements` is needed'],
  ])('%j', (profile, problem) => {
    expect(checkProfile({ ...PROFILE, ...profile }).map((each) => each.replaceAll(/\[(\d)\]/g, '.$1'))).toContain(problem);
  });
});
