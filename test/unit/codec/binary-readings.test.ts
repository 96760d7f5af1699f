import { describe, expect, it } from 'vitest';
import { message, NOW, normaliser, readings, time } from '../pipeline/normalise-support.ts';
import { type Plain, toCbor, toMsgpack } from './binary-encoders.ts';

const SENML = { device: '$.device', time: time({ unit: 's' }), values: '$.values', unitsFrom: '$.units' };

describe('through a profile', () => {
  const payload: Plain = new Map<string, Plain>([
    ['time', 1_763_884_799_000],
    ['temperature', 21.5],
    ['broken', Number.NaN],
    ['counter', 2n ** 63n],
    ['raw', Buffer.from([0, 255])],
  ]);

  it.each([
    ['cbor', toCbor(payload)],
    ['msgpack', toMsgpack(payload)],
  ])('%s', (codec, body) => {
    const [reading] = readings(normaliser({ codec, time: time() }).normalise(message(body)));
    expect(reading).toMatchObject({ device: '1', measuredAt: 1_763_884_799_000, values: { temperature: 21.5, counter: 2n ** 63n, raw: '00ff' } });
    expect(Object.keys(reading?.values ?? {})).not.toContain('broken');
  });

  it("MessagePack's timestamps are ISO times", () => {
    const body = Buffer.from('82a474696d65d6ff6922bd00a17801', 'hex');
    const [reading] = readings(normaliser({ codec: 'msgpack', time: time({ unit: 'iso' }) }).normalise(message(body)));
    expect(reading).toMatchObject({ measuredAt: Date.parse('2025-11-23T07:51:28Z'), values: { x: 1 }, flags: undefined });
  });

  it('SenML: a reading for each device and time, with units', () => {
    const pack = '[{"bn":"urn:dev:ow:28ff:","bt":1763884700,"n":"t","u":"Cel","v":21.5},{"n":"h","u":"%RH","v":40},{"n":"t","u":"Cel","v":22,"t":10}]';
    const found = readings(normaliser({ codec: 'senml-json', ...SENML }).normalise(message(pack)));
    expect(found.map(({ device, measuredAt, values, units, flags }) => ({ device, measuredAt, values, units, flags }))).toEqual([
      { device: 'urn:dev:ow:28ff', measuredAt: 1_763_884_700_000, values: { t: 21.5, h: 40 }, units: { t: 'Cel', h: '%RH' }, flags: undefined },
      { device: 'urn:dev:ow:28ff', measuredAt: 1_763_884_710_000, values: { t: 22 }, units: { t: 'Cel' }, flags: undefined },
    ]);
  });

  it('SenML: what is measured now has no time of the device, and relative times are flagged so that no equal pack is left out', () => {
    const gateway = normaliser({ codec: 'senml-json', ...SENML });
    const now = readings(gateway.normalise(message('[{"n":"d:x","v":1}]')))[0];
    expect(now?.measuredAt).toBe(NOW);
    expect(now?.flags).toEqual(expect.arrayContaining(['arrival-id', 'no-device-time']));
    const relative = readings(gateway.normalise(message('[{"n":"d:x","v":1,"t":-5}]')))[0];
    expect(relative).toMatchObject({ measuredAt: NOW - 5000, flags: ['arrival-id'] });
  });

  it('SenML: a pack that names no device needs the topic', () => {
    const body = '[{"n":"temperature","v":21.5}]';
    expect(normaliser({ codec: 'senml-json', ...SENML }).normalise(message(body))).toMatchObject({ kind: 'fault', fault: { code: 'DEVICE_MISSING' } });
    expect(readings(normaliser({ codec: 'senml-json', ...SENML, device: '{device}' }).normalise(message(body)))).toMatchObject([
      { device: '1', values: { temperature: 21.5 } },
    ]);
  });

  it('SenML: a pack of base fields alone has no values', () => {
    expect(normaliser({ codec: 'senml-json', ...SENML }).normalise(message('[{"bn":"d:"}]'))).toMatchObject({ kind: 'fault', fault: { code: 'NO_VALUES' } });
  });
});
