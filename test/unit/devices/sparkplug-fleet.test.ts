import { afterEach, describe, expect, it } from 'vitest';
import { Instrument } from '../../../devices/device.ts';
import { Fleet, type FleetOptions } from '../../../devices/fleet.ts';
import { SparkplugSession, SparkplugSpeaker } from '../../../devices/formats/sparkplug-session.ts';
import { encodePayload } from '../../../devices/formats/sparkplug-writer.ts';
import { messageKey, readLedger } from '../../../devices/ledger.ts';
import { PROFILES, profileOf } from '../../../devices/profiles/index.ts';
import { hash32 } from '../../../devices/random.ts';
import { decoderFor } from './gateway.ts';
import { type Read, read } from './sparkplug-read.ts';
import { type Broker, type BrokerOptions, startBroker, temporaryFolder, until } from './support.ts';
import type { FaultKind } from '../../../devices/faults.ts';
import type { FleetStats } from '../../../devices/fleet.ts';
import type { Profile, Sample } from '../../../devices/profiles/profile.ts';

const START = 1_767_225_600_000;

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

async function broker(options: BrokerOptions = {}): Promise<Broker> {
  const server = await startBroker(options);
  cleanup.push(() => server.close());
  return server;
}

function fleetOf(options: FleetOptions): Fleet {
  const fleet = new Fleet({
    format: 'sparkplug',
    site: 's1',
    connectRate: 5000,
    retryMs: { first: 10, most: 50 },
    faultShare: 0,
    intervalMs: 10,
    startTime: START,
    ...options,
  });
  cleanup.push(() => fleet.stop(0));
  return fleet;
}

interface Said extends Read {
  /** `NBIRTH`, `DDATA`, ... */
  readonly type: string;
  readonly device: string | undefined;
  readonly qos: number;
  readonly dup: boolean;
}

/** What a client said, as it arrived. */
function saidBy(server: Broker, clientId: string): Said[] {
  const own = server.arrived.filter((seen) => seen.clientId === clientId);
  return own.map(({ topic, payload, qos, dup }) => {
    const [namespace, group, type = '', , device] = topic.split('/');
    expect([namespace, group]).toEqual(['spBv1.0', 's1']);
    return { type, device, qos, dup, ...read(payload) };
  });
}

/** Parts that begin with an NBIRTH each. */
function sessionsOf(said: readonly Said[]): Said[][] {
  const sessions: Said[][] = [];
  for (const one of said) {
    if (one.type === 'NBIRTH') sessions.push([]);
    sessions.at(-1)?.push(one);
  }
  expect(sessions.flat().length).toBe(said.length);
  return sessions;
}

const bdSeqOf = (message: Read | undefined): number => Number(message?.metrics.find(({ name }) => name === 'bdSeq')?.['long']);
const typesOf = (said: readonly Said[]): string[] => said.map(({ type, device = '' }) => `${type} ${device}`.trim());
const isData = ({ type }: { type: string }): boolean => type.endsWith('DATA');
const dataIn = (server: Broker): number => server.arrived.filter(({ topic }) => /\/[ND]DATA\//.test(topic)).length;

const HUBS = { 's1-hub-0001': ['thermostat-0001', 'gps-tracker-0003', 'alarm-button-0005'], 's1-hub-0002': ['power-meter-0002', 'vibration-sensor-0004'] };

/** Runs a fleet that loses all its connections so many times. */
async function fly(server: Broker, cuts: number, options: FleetOptions): Promise<FleetStats> {
  const fleet = fleetOf({ mqttUrl: server.mqttUrl, ...options });
  await fleet.start();
  const { connections } = fleet.stats();
  const more = async (): Promise<void> => {
    const before = dataIn(server);
    await until('data', () => dataIn(server) > before + 100);
  };
  await more();
  for (let cut = 1; cut <= cuts; cut += 1) {
    server.dropAll();
    await until('new connections', () => fleet.stats().reconnects >= connections * cut && fleet.stats().connected === connections);
    await more();
  }
  const stats = await fleet.stop(10_000);
  await until('the end of all connections', () => server.aedes.connectedClients === 0);
  return stats;
}

describe('a fleet of Sparkplug edge nodes', () => {
  it('at every connect: a will of the session, the subscription, the births, then data, in one sequence; deaths at the end', async () => {
    const server = await broker();
    const subscribed: { clientId: string; topic: string; qos: number; said: number }[] = [];
    server.aedes.on('subscribe', (list, client) => {
      const said = server.arrived.filter(({ clientId }) => clientId === client.id).length;
      subscribed.push(...list.map(({ topic, qos }) => ({ clientId: client.id, topic, qos, said })));
    });
    await fly(server, 2, { devices: 5, connections: 2 });
    for (const [clientId, devices] of Object.entries(HUBS)) {
      const said = saidBy(server, clientId);
      const sessions = sessionsOf(said);
      expect(sessions.length).toBe(3);
      const connects = server.connects.filter((connect) => connect.clientId === clientId);
      expect(connects.map(({ will }) => will?.replace(/ .* qos/s, ' qos'))).toEqual(
        connects.map(() => `spBv1.0/s1/NDEATH/${clientId.slice(3)} qos 1 retain false`),
      );
      // The specification wants clean sessions; the numbers of sessions rise with each CONNECT, from 0.
      expect(connects.every(({ clean }) => clean)).toBe(true);
      expect(connects.map(({ willPayload }) => bdSeqOf(read(willPayload as Buffer)))).toEqual(connects.map((_, i) => i));
      expect(sessions.map(([birth]) => bdSeqOf(birth))).toEqual([0, 1, 2]);
      for (const session of sessions) {
        const births = ['NBIRTH', ...devices.map((device) => `DBIRTH ${device}`)];
        expect(typesOf(session.slice(0, births.length))).toEqual(births);
        const rest = session.slice(births.length).filter(({ type }) => !type.endsWith('DEATH'));
        expect(rest.length).toBeGreaterThan(5);
        expect(rest.filter(({ type, device }) => type !== 'DDATA' || !devices.includes(device as string))).toEqual([]);
        // The NDEATH alone has no number.
        const numbered = session.filter(({ type }) => type !== 'NDEATH').map(({ seq }) => Number(seq));
        expect(numbered).toEqual(numbered.map((_, i) => i % 256));
        const times = session.filter(({ type }) => type !== 'NDEATH').map(({ timestamp }) => Number(timestamp));
        expect(times).toEqual(times.toSorted((a, b) => a - b));
      }
      const end = (sessions[2] as Said[]).slice(-devices.length - 1);
      expect(typesOf(end)).toEqual([...devices.map((device) => `DDEATH ${device}`), 'NDEATH']);
      expect(bdSeqOf(end.at(-1))).toBe(2);
      expect(said.every(({ type, qos }) => qos === (type === 'NDEATH' ? 1 : 0))).toBe(true);
      const own = subscribed.filter((one) => one.clientId === clientId);
      expect(own.map(({ topic, qos }) => [topic, qos])).toEqual(sessions.map(() => [`spBv1.0/s1/NCMD/${clientId.slice(3)}`, 1]));
      // What had arrived by then were whole sessions.
      const before = sessions.map((_, i) => sessions.slice(0, i).flat().length);
      expect(own.map((one) => one.said)).toEqual(before);
    }
    // Two wills of each node, and one NDEATH that it said by itself: DISCONNECT discards the will [MQTT-3.14.4-3].
    for (const node of ['hub-0001', 'hub-0002']) {
      const deaths = server.published.filter(({ topic }) => topic === `spBv1.0/s1/NDEATH/${node}`);
      expect(deaths.map(({ payload }) => bdSeqOf(read(payload))).toSorted((a, b) => a - b)).toEqual([0, 1, 2]);
    }
  });

  it('a device that has its connection to itself is a node, and speaks NDATA', async () => {
    const server = await broker();
    const fleet = fleetOf({ mqttUrl: server.mqttUrl, devices: 2, messages: 20, username: 'plant', password: 'x' });
    await fleet.start();
    await fleet.done();
    expect(await fleet.stop(10_000)).toMatchObject({ connections: 2, attempted: 20, unanswered: 20, pubacked: 0, statusPubacked: 2 });
    // Its subscription is a queue of that name, which the account must be allowed to have.
    const said = saidBy(server, 'plant.s1-thermostat-0001');
    expect(typesOf(said)).toEqual(['NBIRTH', ...Array.from({ length: 10 }, () => 'NDATA'), 'NDEATH']);
    const metrics = said[0]?.metrics.slice(2).map(({ name, alias, datatype, isNull, properties }) => ({ name, alias, datatype, isNull, properties }));
    expect(metrics?.[0]).toEqual({
      name: 'temperature',
      alias: '1',
      datatype: 10,
      isNull: true,
      properties: { keys: ['engUnit'], values: [{ type: 12, text: 'Cel' }] },
    });
    expect(metrics?.map(({ name, datatype }) => [name, datatype])).toEqual([
      ['temperature', 10],
      ['humidity', 10],
      ['setpoint', 10],
      ['heating', 11],
      ['battery', 10],
    ]);
    expect(said[1]?.metrics.map((metric) => Object.keys(metric).sort().join())).toEqual(expect.arrayContaining(['alias,double,timestamp']));
  });

  it('the same seed and start time give the same messages on every run', async () => {
    const runs: string[][] = [];
    for (let run = 0; run < 2; run += 1) {
      const server = await broker();
      const fleet = fleetOf({ mqttUrl: server.mqttUrl, devices: 5, connections: 2, messages: 100, seed: 42, faultShare: 0.5 });
      await fleet.start();
      await fleet.done();
      await fleet.stop(10_000);
      const timeless = server.arrived.filter(({ topic }) => !topic.includes('DDEATH'));
      runs.push(timeless.map(({ topic, payload }) => `${topic} ${payload.toString('hex')}`).sort());
    }
    expect(runs[0]?.length).toBe(100 + 2 + 5 + 2);
    expect(runs[0]).toEqual(runs[1]);
  });

  it('is born again on command, with the last values and the same session, and only then', async () => {
    const server = await broker();
    const fleet = fleetOf({ mqttUrl: server.mqttUrl, devices: 2, connections: 1, messages: 400 });
    await fleet.start();
    await until('data', () => dataIn(server) > 10);
    const command = (name: string, value: boolean): void => {
      const payload = encodePayload({ time: START, metrics: [{ name, type: 'Boolean', value }] });
      server.aedes.publish({ cmd: 'publish', topic: 'spBv1.0/s1/NCMD/hub-0001', payload, qos: 1, dup: false, retain: false }, () => {});
    };
    const births = (): number => server.arrived.filter(({ topic }) => topic.includes('/NBIRTH/')).length;
    command('Node Control/Rebirth', false);
    command('Node Control/Reboot', true);
    command('Node Control/Rebirth', true);
    await until('a second birth', () => births() === 2);
    await fleet.done();
    expect(await fleet.stop(10_000)).toMatchObject({ attempted: 400, unanswered: 400, reconnects: 0 });
    const said = saidBy(server, 's1-hub-0001');
    const sessions = sessionsOf(said);
    expect(sessions.map(([birth]) => [bdSeqOf(birth), birth?.seq])).toEqual([
      [0, '0'],
      [0, '0'],
    ]);
    expect(typesOf((sessions[1] as Said[]).slice(0, 3))).toEqual(['NBIRTH', 'DBIRTH thermostat-0001', 'DBIRTH power-meter-0002']);
    const numbers = (sessions[1] as Said[]).filter(({ type }) => type !== 'NDEATH').map(({ seq }) => Number(seq));
    expect(numbers).toEqual(numbers.map((_, i) => i % 256));
    const last = (sessions[0] as Said[]).findLast(({ device }) => device === 'thermostat-0001');
    const born = sessions[1]?.[1]?.metrics[0];
    expect(born).toMatchObject({ name: 'temperature', timestamp: last?.timestamp, double: last?.metrics[0]?.['double'] });
    // A rebirth is no new connection: nothing waited for it.
    expect(said.flatMap(({ metrics }) => metrics).filter((metric) => 'historical' in metric)).toEqual([]);
  });

  it('QoS 1: what had no PUBACK comes behind the births of the next session, as historical and with its numbers', async () => {
    // The test's broker reads nothing behind a message that it holds.
    let held = 0;
    const server = await broker({
      onPublish({ topic }, accept) {
        if (server.connects.length === 1 && topic.includes('/DDATA/') && dataIn(server) > 20) held += 1;
        else accept();
      },
    });
    const folder = temporaryFolder();
    cleanup.push(folder.remove);
    const ledger = folder.path('ledger');
    const fleet = fleetOf({ mqttUrl: server.mqttUrl, devices: 2, connections: 1, messages: 200, intervalMs: 4, qos: 1, window: 60, ledger });
    await fleet.start();
    await until('a full window without PUBACK', () => fleet.stats().inFlight === 60);
    server.dropAll();
    await fleet.done();
    const stats = await fleet.stop(10_000);
    expect(stats).toMatchObject({ attempted: 200, pubacked: 200, inFlight: 0, reconnects: 1, resent: 60 });
    expect(held).toBeGreaterThan(0);
    const said = saidBy(server, 's1-hub-0001');
    expect(said.every(({ qos, dup }) => qos === 1 && !dup)).toBe(true);
    const [first, second] = sessionsOf(said) as [Said[], Said[]];
    expect(typesOf(second.slice(0, 4))).toEqual(['NBIRTH', 'DBIRTH thermostat-0001', 'DBIRTH power-meter-0002', expect.stringMatching(/^DDATA /)]);
    const numbers = second.filter(({ type }) => type !== 'NDEATH').map(({ seq }) => Number(seq));
    expect(numbers).toEqual(numbers.map((_, i) => i % 256));
    const measured = (list: readonly Said[]): string[] =>
      list.filter(isData).map(({ device, metrics }) => `${device} ${metrics.map((metric) => JSON.stringify({ ...metric, historical: undefined })).join()}`);
    const again = second.filter(isData).slice(0, 60);
    expect(again.every(({ metrics }) => metrics.every(({ historical }) => historical === true))).toBe(true);
    expect(measured(first).slice(-held)).toEqual(measured(again).slice(0, held));
    // All measured once, and in order.
    const all = [...new Set([...measured(first), ...measured(second)])];
    expect(all.length).toBe(200);
    const content = readLedger(ledger);
    expect(content.pubacked).toEqual(new Set(content.attempted.keys()));
    expect(content.attempted.size).toBe(200);
    expect(content.attempted.has(messageKey('spBv1.0/s1/DDATA/hub-0001/thermostat-0001', 100))).toBe(true);
    // The hash is that of the first attempt.
    const hashes = new Set([...content.attempted.values()].map(({ hash }) => hash));
    expect(server.arrived.slice(3, 20).filter(({ payload }) => !hashes.has(hash32(payload.toString('latin1'))))).toEqual([]);
  });

  it('QoS mix is one QoS for each node, of births and data', async () => {
    const server = await broker();
    const fleet = fleetOf({ mqttUrl: server.mqttUrl, devices: 24, connections: 8, messages: 72, qos: 'mix' });
    await fleet.start();
    await fleet.done();
    const stats = await fleet.stop(10_000);
    expect(stats.pubacked + stats.unanswered).toBe(72);
    const qos = Array.from({ length: 8 }, (_, i) => {
      const said = saidBy(server, `s1-hub-000${i + 1}`).filter(({ type }) => type !== 'NDEATH');
      expect(said.length).toBe(4 + 9 + 3);
      return [...new Set(said.map((one) => one.qos))];
    });
    expect(new Set(qos.flat())).toEqual(new Set([0, 1]));
    expect(qos.every((set) => set.length === 1)).toBe(true);
  });

  it('ends with a clear reason where the account may not hear commands', async () => {
    const server = await broker({ refuseSubscriptions: true });
    await expect(fleetOf({ mqttUrl: server.mqttUrl, devices: 1 }).start()).rejects.toThrow(
      /refuses an anonymous client: the broker refused the subscription to spBv1\.0\/s1\/NCMD\/thermostat-0001: may this user read it\?/,
    );
    expect(server.arrived).toEqual([]);
  });
});

const instrument = (profile: Profile, name: string, fault?: FaultKind): Instrument => new Instrument(profile, 1, fault, `s1/${name}`);

/** The values that a sample has, by metric. */
function valuesOf(sample: Sample | undefined): Record<string, unknown> {
  if (sample === undefined) return {};
  return 'alarm' in sample ? Object.fromEntries(Object.entries(sample.alarm).map(([name, value]) => [`alarm/${name}`, value])) : { ...sample.values };
}

describe('what Sparkplug devices say, through the profile sparkplug-b', () => {
  it.each([
    [0, 2],
    [1, 2],
    [0, 5],
    [1, 5],
  ] as const)('QoS %i on %i connections: becomes what was measured, without a gap, over lost connections', async (qos, connections) => {
    const server = await broker();
    const folder = temporaryFolder();
    cleanup.push(folder.remove);
    const ledger = folder.path('ledger');
    await fly(server, 2, { devices: 5, connections, intervalMs: 15, qos, ledger });

    const decoder = await decoderFor('sparkplug-b');
    const found = new Map<string, Map<number, Record<string, unknown>>>();
    let births = 0;
    for (const { topic, payload } of server.published.filter((one) => one.topic.startsWith('spBv1.0/'))) {
      const result = decoder.decode({ topic, profile: undefined, contentEncoding: undefined, body: payload, receivedAt: START + 10_000 });
      // A will of a session that the node has already replaced by the next one is old news.
      const outcome = topic.includes('/NDEATH/') && result.code === 'old-death' ? 'readings' : result.outcome;
      expect({ topic, outcome, code: result.code }).toMatchObject({ topic, outcome: 'readings' });
      for (const { device, values, flags = [], measuredAt, tags } of result.readings) {
        expect({ topic, flags: flags.filter((flag) => flag === 'gap' || flag === 'type-changed' || flag === 'duplicate-key') }).toEqual({ topic, flags: [] });
        births += tags?.['type'] === 'DBIRTH' || tags?.['type'] === 'NBIRTH' ? 1 : 0;
        if (tags?.['type'] === 'NDATA' || tags?.['type'] === 'DDATA') {
          const name = device.split('/').at(-1) as string;
          const times = found.get(name) ?? new Map<number, Record<string, unknown>>();
          found.set(name, times.set(measuredAt, { ...values }));
        }
      }
    }
    expect(births).toBeGreaterThanOrEqual(3 * 5);
    expect(found.size).toBe(5);
    const twins = new Map(PROFILES.map((profile, i) => [`${profile.kind}-000${i + 1}`, instrument(profile, `${profile.kind}-000${i + 1}`)]));
    const attempted = [...readLedger(ledger).attempted.values()];
    const measured = attempted
      .map(({ device, time }) => ({ name: device.slice('s1/'.length), time }))
      .map(({ name, time }) => ({
        name,
        time,
        values: valuesOf(twins.get(name)?.sample(time)),
      }));
    const told = measured.map(({ name, time }) => ({ name, time, values: found.get(name)?.get(time) }));
    const came = told.map(({ values }) => values !== undefined);
    expect(told.filter((_, i) => came[i])).toEqual(measured.filter((_, i) => came[i]));
    // With QoS 0 a message may be lost with its connection. Nothing else came than what was attempted.
    expect(came.filter((one) => !one).length).toBeLessThanOrEqual(qos === 1 ? 0 : attempted.length / 2);
    expect(came.filter(Boolean).length).toBe([...found.values()].reduce((sum, times) => sum + times.size, 0));
  });
});

describe('a faulty sensor behind an edge node', () => {
  function conversation(kind: string, fault: FaultKind): { said: Read; sample: Sample | undefined }[] {
    const profile = profileOf(kind) as Profile;
    const name = `${kind}-0001`;
    const clock = { time: START };
    const session = new SparkplugSession({
      site: 's1',
      node: 'hub',
      members: [
        { name, kind },
        { name: 'other', kind },
      ],
      qos: 0,
      clock: () => clock.time,
    });
    const speaker = new SparkplugSpeaker(session, instrument(profile, name, fault), { site: 's1', name, kind, qos: 0, firstSeq: 1 });
    const twin = instrument(profile, name, fault);
    session.will();
    session.hello();
    return Array.from({ length: 600 }, (_, turn) => {
      clock.time = START + turn * 1000;
      const message = speaker.next(clock.time);
      expect(message).toBeDefined();
      return { said: read(message?.payload as Buffer), sample: twin.sample(clock.time) };
    });
  }

  it('says null of one value as is_null, and of every value where it drops out', () => {
    const nulls = conversation('power-meter', 'null').filter(({ sample }) => Object.values(valuesOf(sample)).includes(null));
    expect(nulls.length).toBeGreaterThan(5);
    for (const { said } of nulls) {
      expect(said.metrics.length).toBe(5);
      expect(said.metrics.filter(({ isNull }) => isNull === true).map((metric) => 'double' in metric)).toEqual([false]);
    }
    const silent = conversation('alarm-button', 'drop-out').filter(({ sample }) => sample === undefined);
    expect(silent.length).toBeGreaterThan(5);
    // Its alarms are events and have no value to lose.
    for (const { said } of silent)
      expect(said.metrics.map(({ alias, isNull }) => [alias, isNull])).toEqual([
        ['1', true],
        ['2', true],
        ['3', true],
      ]);
  });

  it('leaves out a field that is missing', () => {
    const missing = conversation('thermostat', 'missing').filter(({ sample }) => Object.keys(valuesOf(sample)).length === 4);
    expect(missing.length).toBeGreaterThan(5);
    for (const { said } of missing) expect(said.metrics.length).toBe(4);
  });
});
