import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Instrument } from '../../../devices/device.ts';
import { Fleet, type FleetOptions } from '../../../devices/fleet.ts';
import { FORMATS, formatOf } from '../../../devices/formats/index.ts';
import { DialectSpeaker } from '../../../devices/formats/speaker.ts';
import { messageKey, readLedger } from '../../../devices/ledger.ts';
import { profileOf } from '../../../devices/profiles/index.ts';
import { hash32 } from '../../../devices/random.ts';
import { decoderFor, PROFILES } from './gateway.ts';
import { startBroker, temporaryFolder } from './support.ts';
import type { Message } from '../../../devices/device.ts';
import type { FaultKind } from '../../../devices/faults.ts';
import type { Format, FormatMessage } from '../../../devices/formats/format.ts';
import type { Sample, Values } from '../../../devices/profiles/profile.ts';
import type { Decoder } from '../../../src/pipeline/trial-decoder.ts';
import type { Reading } from '../../../src/domain/reading.ts';

const START = 1_767_225_600_000;
const STEP = 60_000;

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

function instrument(kind: string, seed: number, fault?: FaultKind): Instrument {
  const profile = profileOf(kind);
  if (profile === undefined) throw new Error(`no profile ${kind}`);
  return new Instrument(profile, seed, fault, `s1/${kind}-0001`);
}

interface Said {
  readonly sample: Sample | undefined;
  readonly timeMs: number;
  readonly messages: readonly FormatMessage[];
}

/** What a device of the kind says of each of its samples. The samples come from a second instrument of the same seed. */
function conversation(format: Format, kind: string, turns: number, fault?: FaultKind): Said[] {
  const own = instrument(kind, 7, fault);
  const twin = instrument(kind, 7, fault);
  const speaker = new DialectSpeaker(format, own, { site: 's1', name: `${kind}-0001`, kind, qos: 1, seed: 7, firstSeq: 1 });
  const { device } = speaker;
  const rng = (): number => 0.5;
  return Array.from({ length: turns }, (_, turn) => {
    const timeMs = START + turn * STEP;
    const view = { site: 's1', name: device.name, kind, hex: device.hex, turn, sample: (t: number): Sample | undefined => own.sample(t) };
    return { sample: twin.sample(timeMs), timeMs, messages: format.speak(view, timeMs, rng) };
  });
}

const cases = FORMATS.flatMap((format) => format.kinds.map((kind) => [format.name, kind, format] as const));

/** Texts of the dialects that are one value: Tasmota's POWER and Shelly's topics. */
const BARE = /^(?:-?\d+(?:\.\d+)?|on|ON)$/;
const LINE = /^[a-z_]+,host=[\w-]+,site=[\w-]+ (?:\w+=(?:"(?:[^"\\]|\\.)*"|true|false|-?[\d.]+(?:e-?\d+)?i?),?)+ \d{19}\n$/;

function wellFormed(text: string): boolean {
  if (BARE.test(text) || LINE.test(text)) return true;
  try {
    return typeof JSON.parse(text) === 'object';
  } catch {
    return false;
  }
}

describe.each(cases)('%s, %s', (_, kind, format) => {
  it('says something legal of every sample, with a faulty sensor too', () => {
    for (const fault of [undefined, 'stuck', 'spike', 'missing', 'null', 'drop-out'] as const) {
      const said = conversation(format, kind, 300, fault);
      const messages = said.flatMap((one) => one.messages);
      expect(messages.length).toBeGreaterThan(200);
      const broken = messages.filter(({ topic, payload }) => !wellFormed(payload.toString()) || !/^[\w/@:-]+$/.test(topic) || topic.length > 200);
      expect(broken.map(({ topic, payload }) => `${topic} ${payload.toString()}`)).toEqual([]);
      // A text such as NaN or undefined has no place in a payload.
      expect(messages.filter(({ payload }) => /NaN|undefined|Infinity/.test(payload.toString()))).toEqual([]);
    }
  });
});

describe('a device in a dialect', () => {
  function messages(format: string, kind: string, n: number, seed = 1): (Message | undefined)[] {
    const found = formatOf(format);
    if (found === undefined) throw new Error(`no format ${format}`);
    const speaker = new DialectSpeaker(found, instrument(kind, seed), { site: 's1', name: `${kind}-0001`, kind, qos: 1, seed, firstSeq: 1 });
    return Array.from({ length: n }, (_, turn) => speaker.next(START + turn * 1000));
  }

  it('says one message a turn; those of one sample have its time, and numbers count each topic without gaps', () => {
    const said = messages('shelly-gen1', 'thermostat', 40) as Message[];
    expect(said.slice(0, 5).map(({ topic }) => topic.split('/').slice(2).join('/'))).toEqual([
      'announce',
      'sensor/temperature',
      'sensor/humidity',
      'sensor/battery',
      'sensor/temperature',
    ]);
    expect(new Set(said.slice(0, 4).map(({ time }) => time))).toEqual(new Set([START]));
    expect(said[4]?.time).toBe(START + 4000);
    const next = new Map<string, number>();
    for (const { topic, seq } of said) {
      expect(seq).toBe(next.get(topic) ?? 1);
      next.set(topic, seq + 1);
    }
  });

  it.each(FORMATS.map(({ name, kinds }) => [name, kinds[0] as string] as const))(
    '%s: the same seed gives the same messages, another seed others',
    (name, kind) => {
      const texts = (seed: number): string =>
        messages(name, kind, 50, seed)
          .map((message) => `${message?.topic} ${message?.payload.toString()}`)
          .join('\n');
      expect(texts(1)).toBe(texts(1));
      expect(texts(1)).not.toBe(texts(2));
    },
  );
});

async function fly(options: FleetOptions) {
  const server = await startBroker();
  cleanup.push(() => server.close());
  const folder = temporaryFolder();
  cleanup.push(folder.remove);
  const ledger = folder.path('ledger');
  const fleet = new Fleet({ mqttUrl: server.mqttUrl, connectRate: 5000, faultShare: 0, site: 's1', intervalMs: 2, startTime: START, ledger, ...options });
  cleanup.push(() => fleet.stop(0));
  await fleet.start();
  await fleet.done();
  const stats = await fleet.stop(10_000);
  return { server, stats, content: readLedger(ledger) };
}

describe('a fleet in a dialect', () => {
  it.each(FORMATS.map(({ name }) => [name]))('%s: what arrives is what the ledger has', async (format) => {
    const { server, stats, content } = await fly({ format, devices: 4, messages: 200 });
    expect(stats).toMatchObject({ devices: 4, connected: 4, inFlight: 0, pubacked: stats.attempted });
    expect(stats.attempted + stats.silent).toBe(200);
    const telemetry = server.arrived.filter(({ topic }) => content.attempted.has(messageKey(topic, 1)));
    const counted = new Map<string, number>();
    for (const { topic, text } of telemetry) {
      // The presence of an OwnTracks phone shares the topic of its locations and is not in the ledger.
      if (text.includes('"lwt"')) continue;
      const seq = (counted.get(topic) ?? 0) + 1;
      counted.set(topic, seq);
      expect(content.attempted.get(messageKey(topic, seq))?.hash).toBe(hash32(text));
    }
    expect([...counted.values()].reduce((sum, count) => sum + count, 0)).toBe(content.attempted.size);
    expect(server.arrived.filter(({ topic }) => topic.startsWith('devices/'))).toEqual([]);
  });

  it.each([
    ['tasmota', 'tele/s1-thermostat-0001/LWT', 'Online', 'Offline'],
    ['shelly-gen2', /^shellyplusht-[\da-f]{12}\/online$/, 'true', 'false'],
    ['zigbee2mqtt', 'zigbee2mqtt/bridge/state', '{"state":"online"}', '{"state":"offline"}'],
  ])('%s: says in its own words that it is there, and has that as its will', async (format, topic, online, offline) => {
    const { server } = await fly({ format, devices: 1, messages: 1 });
    const own = server.arrived.filter((seen) => seen.topic.match(topic));
    expect(own.map(({ text }) => text)).toEqual([online, offline]);
    expect(server.connects[0]?.will).toBe(`${own[0]?.topic} ${offline} qos 1 retain false`);
  });

  it('a network server has no will, and devices that share a connection have one only where the dialect has a bridge', async () => {
    expect((await fly({ format: 'ttn-v3', devices: 1, messages: 1 })).server.connects[0]?.will).toBeUndefined();
    expect((await fly({ format: 'tasmota', devices: 4, connections: 1, messages: 1 })).server.connects[0]?.will).toBeUndefined();
    expect((await fly({ format: 'zigbee2mqtt', devices: 4, connections: 1, messages: 1 })).server.connects[0]?.will).toMatch(/^zigbee2mqtt\/bridge\/state /);
  });

  it.each([
    [{ format: 'homie' }, /^format must be tasmota, .*owntracks, sparkplug, or left out$/],
    [{ format: 'tasmota', audit: true }, /^audit marks need the native format$/],
    [{ format: 'tasmota', series: { times: [0], rows: [{ a: 1 }] } }, /^a series is replayed in the native format only$/],
    [{ format: 'owntracks', profiles: ['thermostat'] }, /^no profile "thermostat" in the format owntracks; there are: gps-tracker$/],
  ] as const)('%j is refused', (options, problem) => {
    expect(() => new Fleet({ mqttUrl: 'mqtt://127.0.0.1:1', ...options })).toThrow(problem);
  });
});

type Wanted = readonly (readonly [name: string, from: string, how?: (value: number) => number])[];
const digits =
  (n: number) =>
  (value: number): number =>
    Math.round(value * 10 ** n) / 10 ** n;
const same = (...names: string[]): Wanted => names.map((name) => [name, name]);
const everything: Readonly<Record<string, Wanted>> = {
  thermostat: same('temperature', 'humidity', 'setpoint', 'battery'),
  'power-meter': same('power', 'voltage', 'current', 'energy'),
  'gps-tracker': same('latitude', 'longitude', 'altitude', 'speed', 'satellites'),
  'vibration-sensor': same('rms', 'peak', 'frequency', 'temperature'),
  'alarm-button': same('battery', 'signal'),
};

const TIME_FLAGS: ReadonlySet<string> = new Set(['time-invalid', 'clock-unset', 'future', 'late']);

/** By dialect and kind: the value of a reading, the value of the sample that it is, and how the dialect rounds it. */
const WANTED: Readonly<Record<string, Readonly<Record<string, Wanted>>>> = {
  tasmota: {
    thermostat: [
      ['AM2301.Temperature', 'temperature', digits(1)],
      ['AM2301.Humidity', 'humidity'],
    ],
    'power-meter': [
      ['ENERGY.Power', 'power', Math.round],
      ['ENERGY.Current', 'current'],
      ['ENERGY.Total', 'energy', digits(3)],
    ],
  },
  'shelly-gen1': {
    thermostat: [
      ['sensor.temperature', 'temperature'],
      ['sensor.humidity', 'humidity'],
    ],
    'power-meter': [
      ['emeter.0.power', 'power'],
      ['emeter.0.voltage', 'voltage'],
    ],
  },
  'shelly-gen2': {
    thermostat: [['temperature:0.tC', 'temperature', digits(1)]],
    'power-meter': [
      ['switch:0.apower', 'power'],
      ['switch:0.current', 'current'],
    ],
  },
  zigbee2mqtt: {
    thermostat: same('temperature', 'humidity'),
    'power-meter': [['energy', 'energy', digits(2)]],
  },
  'ttn-v3': everything,
  'chirpstack-v4': everything,
  senml: everything,
  'line-protocol': everything,
  owntracks: {
    'gps-tracker': [
      ['lat', 'latitude'],
      ['lon', 'longitude'],
      ['alt', 'altitude', Math.round],
    ],
  },
};

function outcomes(decoder: Decoder, { messages, timeMs }: Said) {
  return messages.map(({ topic, payload, kind }) => ({
    kind,
    what: `${topic} ${payload.toString().slice(0, 200)}`,
    result: decoder.decode({ topic, profile: undefined, contentEncoding: undefined, body: payload, receivedAt: timeMs + 5 }),
  }));
}

/** What a connection of a device says of itself, as the messages that a broker would hand on. */
function presenceOf(format: Format, kind: string): { topic: string; text: string }[] {
  const device = new DialectSpeaker(format, instrument(kind, 7), { site: 's1', name: `${kind}-0001`, kind, qos: 1, seed: 7, firstSeq: 1 }).device;
  const presence = format.presence(device);
  return [presence?.online, presence?.offline].flatMap((text) => (presence === undefined || text === undefined ? [] : [{ topic: presence.topic, text }]));
}

function valuesOf(readings: readonly Reading[]): Record<string, unknown> {
  return Object.assign({}, ...readings.map(({ values }) => ({ ...values }))) as Record<string, unknown>;
}

function wanted(list: Wanted, values: Values): Record<string, unknown> {
  const entries = list.map(([name, from, how]) => [name, values[from], how] as const);
  return Object.fromEntries(entries.filter(([, value]) => typeof value === 'number').map(([name, value, how]) => [name, how?.(value as number) ?? value]));
}

describe.each(FORMATS.map((format) => [format.name, format] as const))('%s through the profile of that name', (name, format) => {
  const missing = existsSync(join(PROFILES, `${name}.yaml`)) ? undefined : `skipped: there is no config/profiles/${name}.yaml`;

  it.skipIf(missing !== undefined)(`telemetry becomes readings with the values that were measured${missing === undefined ? '' : ` (${missing})`}`, async () => {
    const decoder = await decoderFor(name);
    for (const kind of format.kinds) {
      for (const { topic, text } of presenceOf(format, kind)) {
        const { outcome } = decoder.decode({ topic, profile: undefined, contentEncoding: undefined, body: Buffer.from(text), receivedAt: START });
        expect({ topic, text, outcome }).toEqual({ topic, text, outcome: 'filtered' });
      }
      for (const said of conversation(format, kind, 120)) {
        const all = outcomes(decoder, said);
        const lost = all.filter((one) => one.result.outcome !== 'readings' && (one.kind === 'telemetry' || one.result.outcome === 'dead-lettered'));
        expect(lost.map(({ what, result }) => `${what}: ${result.outcome} ${result.code} ${result.message}`)).toEqual([]);
        const readings = all.filter((one) => one.kind === 'telemetry').flatMap(({ result }) => result.readings);
        const list =
          said.sample === undefined || 'alarm' in said.sample || said.messages.length === 0 ? {} : wanted(WANTED[name]?.[kind] ?? [], said.sample.values);
        const fixed = name === 'owntracks' && readings.length === 0 ? {} : list;
        expect({ kind, values: valuesOf(readings) }).toMatchObject({ kind, values: fixed });
        // The time of receipt would be near enough: a flag tells that it was used in place of a time that is there.
        expect(readings.flatMap(({ flags }) => flags ?? []).filter((flag) => TIME_FLAGS.has(flag))).toEqual([]);
        for (const { measuredAt } of readings) expect(Math.abs(measuredAt - said.timeMs)).toBeLessThan(1000);
      }
    }
  });
});
