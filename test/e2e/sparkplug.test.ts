import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectAsync } from 'mqtt';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { Fleet } from '../../devices/fleet.ts';
import { encodePayload } from '../../devices/formats/sparkplug-writer.ts';
import { readLedger } from '../../devices/ledger.ts';
import { TcpProxy } from '../../src/verify/proxy.ts';
import { listen as outlets } from './outlets.ts';
import { Rig } from './rig.ts';
import { Station } from './station.ts';

// Sparkplug B nodes on real MQTT connections: what a birth said is known after the gateway ended, however it ended; what no
// birth said is asked for and never made up; the will of a node that is gone makes its values stale.

interface Reading {
  readonly device: string;
  readonly measuredAt: number;
  readonly tags?: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, unknown>>;
  readonly units?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
}

const arrived: Reading[] = [];
const letters: { code: string; topic: string }[] = [];
const commands: string[] = [];
const cleanUp: (() => Promise<unknown>)[] = [];
let rig: Rig;

function settings(dir: string): string {
  const file = join(dir, 'settings.yaml');
  const text = stringify({
    gateway: { name: 'sparkplug', stateDir: join(dir, 'state') },
    rabbitmq: { url: '${SLUICE_AMQP_URL}' },
    useProfiles: ['sparkplug-b'],
    exchanges: [{ name: 'sluice.readings', type: 'topic' }],
    queues: [{ name: 'sluice.out.readings', bindings: [{ exchange: 'sluice.readings', routingKey: '#' }] }],
    routes: [{ name: 'readings', exchange: 'sluice.readings', routingKey: '{profile}', batch: { count: 100, ageMs: 20 } }],
    http: { port: '${SLUICE_HTTP_PORT}' },
  });
  writeFileSync(file, text);
  return file;
}

async function until<T>(what: string, find: () => T | undefined | false, deadlineMs = 30_000): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const found = find();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) {
      throw new Error(`${what} did not come: ${JSON.stringify({ arrived: arrived.slice(-5), letters: letters.slice(-5), commands: commands.slice(-5) })}`);
    }
    await sleep(20);
  }
}

async function station(name: string, answers = false): Promise<Station> {
  const made = await Station.connect(rig, name, answers);
  cleanUp.push(async () => await made.close());
  return made;
}

/** Whether the birth of the node is on the disk, whole. */
function kept(name: string): boolean {
  const file = join(rig.dir, 'state', 'state.jsonl');
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(1, -1) : [];
  return lines.map((line) => JSON.parse(line) as { live: number; name: string }).some((line) => line.live === 1 && line.name.endsWith(`/plant/${name}`));
}

const of = (device: string): Reading[] => arrived.filter((reading) => reading.device === device);
const seen = (device: string, metric: string, value: unknown): (() => Reading | undefined) => {
  return () => of(device).find((reading) => reading.values[metric] === value);
};

/** Both readings of `data(value)`, each under its own name and none under another. */
async function both(name: string, value: number): Promise<void> {
  const load = await until(`load ${value} of ${name}`, seen(`plant/${name}`, 'load', value));
  expect(load.values).toEqual({ load: value });
  expect(load.units).toEqual({ load: '%' });
  const flow = await until(`flow ${value} of ${name}`, seen(`plant/${name}/pump`, 'flow', value));
  expect(flow.values).toEqual({ flow: value });
}

async function listen(): Promise<void> {
  cleanUp.push(
    await outlets(rig, {
      batch: (body) => void arrived.push(...(JSON.parse(body) as { readings: Reading[] }).readings),
      letter: ({ code, topic }) => void letters.push({ code, topic }),
    }),
  );
  const { name: username, password } = rig.users.admin;
  const host = await connectAsync(`mqtt://127.0.0.1:${rig.node.ports.mqtt}`, { username, password, clientId: 'listener', protocolVersion: 4 });
  cleanUp.push(async () => await host.endAsync(true));
  host.on('message', (topic) => commands.push(topic));
  await host.subscribeAsync('spBv1.0/+/NCMD/+', { qos: 1 });
}

beforeAll(async () => {
  rig = await Rig.start(settings, ['mqtt.sparkplug = true']);
  cleanUp.push(async () => await rig.stop());
  await rig.gateway.start();
  await listen();
});

beforeEach(() => {
  for (const list of [arrived, letters, commands]) list.length = 0;
});

afterAll(async () => {
  for (const end of cleanUp.reverse()) await end();
});

describe('Sparkplug B', () => {
  it('reads births, and data by alias', async () => {
    const node = await station('one');
    await node.birth();
    await until('the birth', () => of('plant/one').find(({ values }) => values['online'] === true));
    await node.data(7);
    await both('one', 7);
    expect(of('plant/one').flatMap(({ flags = [] }) => flags)).toEqual([]);
    expect(letters).toEqual([]);
    expect(commands).toEqual([]);
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)('knows every alias after %s in mid-stream, without a new birth', async (signal) => {
    const name = signal.toLowerCase();
    const node = await station(name);
    await node.birth();
    await node.data(1);
    await both(name, 1);
    // The node goes on all the while; the broker holds what no gateway takes.
    let value = 1;
    const stop = new AbortController();
    const stream = (async () => {
      while (!stop.signal.aborted) {
        value += 1;
        await node.data(value);
      }
    })();
    await until('some data', () => of(`plant/${name}`).length > 50);
    expect(await rig.gateway.end(signal)).toBe(signal === 'SIGTERM' ? 0 : signal);
    const held = value + 20;
    await until('data without a gateway', () => value > held);
    await rig.gateway.start();
    await until('data after the restart', seen(`plant/${name}`, 'load', held + 1));
    stop.abort();
    await stream;
    await both(name, value);
    for (const [device, metric] of [
      [`plant/${name}`, 'load'],
      [`plant/${name}/pump`, 'flow'],
    ] as const) {
      const readings = of(device).filter(({ values }) => !('online' in values));
      const values = new Set(readings.map((reading) => reading.values[metric]));
      expect([...Array(value).keys()].map((i) => i + 1).filter((i) => !values.has(i))).toEqual([]);
      expect(readings.filter((reading) => Object.keys(reading.values).join() !== metric)).toEqual([]);
      expect(readings.filter(({ flags = [] }) => flags.includes('gap'))).toEqual([]);
    }
    expect(letters).toEqual([]);
    expect(commands).toEqual([]);
    console.log(`${signal}: ${value} values of two devices, all read`);
  });

  it('knows every alias after SIGKILL right behind the first data', async () => {
    const node = await station('hasty');
    await node.birth();
    await node.data(1);
    await both('hasty', 1);
    // What is not acked comes again, birth included; acked is what counts.
    for (let open = 1; open > 0; ) open = (await rig.gateway.status()).inFlight.messages;
    await rig.gateway.end('SIGKILL');
    const known = kept('hasty');
    await node.data(2);
    await rig.gateway.start();
    expect(known).toBe(true);
    await both('hasty', 2);
    expect(commands).toEqual([]);
  });

  it('asks for the birth that it never saw, invents nothing, and reads on when it came', async () => {
    const node = await station('stranger', true);
    await node.data(41);
    await until('the command', () => commands.includes('spBv1.0/plant/NCMD/stranger'));
    // The node answers with its births.
    await until('the birth', () => of('plant/stranger/pump').find(({ values }) => values['online'] === true));
    await until('the dead letters', () => letters.length >= 2);
    expect(letters.map(({ code }) => code)).toEqual(['SPARKPLUG_NO_BIRTH', 'SPARKPLUG_NO_BIRTH']);
    expect(letters.map(({ topic }) => topic.split('/').slice(1).join('/')).sort()).toEqual(['plant/DDATA/stranger/pump', 'plant/NDATA/stranger']);
    // Births carry values too; nothing came before them.
    expect(of('plant/stranger').every(({ values }) => values['online'] === true)).toBe(true);
    await node.data(42);
    await both('stranger', 42);
    expect(commands).toEqual(['spBv1.0/plant/NCMD/stranger']);
  });

  it('leaves out a value under an alias that no birth defined, keeps the others, and asks', async () => {
    const node = await station('drifter');
    await node.birth();
    await node.data(1);
    await both('drifter', 1);
    const time = Date.now();
    const topic = 'spBv1.0/plant/NDATA/drifter';
    const stray = { alias: 999, time, type: 'Double', telltype: false, value: 13 } as const;
    await node.send({ topic, payload: encodePayload({ time, seq: 4, metrics: [{ alias: 1, time, type: 'Double', telltype: false, value: 5 }, stray] }) });
    const reading = await until('what is known', seen('plant/drifter', 'load', 5));
    expect(reading.values).toEqual({ load: 5 });
    expect(reading.flags).toContain('gap');
    await until('the command', () => commands.includes('spBv1.0/plant/NCMD/drifter'));
    // The count of the gateway's own codecs is what it shows.
    const metrics = await rig.gateway.metrics();
    for (const kind of ['unknown-metric', 'rebirth-request'])
      expect(metrics).toMatch(new RegExp(`^sluice_codec_anomalies_total\\{kind="${kind}"\\} [1-9]`, 'm'));
    // Nothing but strays: no reading at all.
    await node.send({ topic, payload: encodePayload({ time, seq: 5, metrics: [stray] }) });
    await until('the dead letter', () => letters.some(({ code }) => code === 'SPARKPLUG_UNKNOWN_ALIAS'));
    expect(arrived.filter(({ values }) => Object.values(values).includes(13))).toEqual([]);
  });

  it('makes the values of a node that is gone stale, and of its devices', async () => {
    const node = await station('mortal');
    await node.birth();
    await node.data(1);
    await both('mortal', 1);
    node.vanish();
    for (const device of ['plant/mortal', 'plant/mortal/pump']) {
      const death = await until(`the death of ${device}`, () => of(device).find(({ values }) => values['online'] === false));
      expect(death.values).toEqual({ online: false });
      expect(death.flags).toContain('stale');
    }
    expect(letters).toEqual([]);
  });

  it.each([0, 1] as const)('reads a simulated fleet with QoS %i over lost connections, without a gap or an unknown alias', async (qos) => {
    const { node, users } = rig;
    const site = `fleet${qos}`;
    const proxy = await TcpProxy.start('127.0.0.1', node.ports.mqtt);
    cleanUp.push(async () => await proxy.close());
    const ledger = join(rig.dir, `${site}.ndjson`);
    const { name: username, password } = users.admin;
    const fleet = new Fleet({
      mqttUrl: `mqtt://127.0.0.1:${proxy.port}`,
      username,
      password,
      site,
      format: 'sparkplug',
      devices: 6,
      // Two hubs with two devices each, and two nodes that are devices themselves.
      connections: 4,
      intervalMs: 50,
      faultShare: 0,
      qos: qos === 0 ? undefined : qos,
      ledger,
      retryMs: { first: 50, most: 500 },
    });
    cleanUp.push(async () => await fleet.stop(0));
    await fleet.start();
    const data = (): Reading[] => arrived.filter(({ device, values }) => device.startsWith(`${site}/`) && !('online' in values));
    const births = (): number => arrived.filter(({ device, values }) => device.startsWith(`${site}/`) && values['online'] === true).length;
    await until('readings', () => data().length > 60);
    const before = births();
    proxy.cut();
    await until('births of the next sessions', () => fleet.stats().reconnects === 4 && fleet.stats().connected === 4 && births() >= before + 8);
    const then = data().length;
    await until('readings after the loss', () => data().length > then + 60);
    const stats = await fleet.stop(30_000);
    expect(stats).toMatchObject({ inFlight: 0, connected: 4, silent: 0 });
    // An end that was announced: the devices behind hubs, and the nodes.
    for (const device of [`${site}/hub-0001`, `${site}/hub-0001/thermostat-0001`, `${site}/gps-tracker-0003`]) {
      await until(`the death of ${device}`, () => of(device).at(-1)?.values['online'] === false);
    }
    const owed = readLedger(ledger);
    expect(owed.attempted.size).toBe(stats.attempted);
    const missing = (): number => {
      const told = arrived.filter(({ tags }) => tags?.['type']?.endsWith('DATA') === true);
      const known = new Set(told.map(({ device, measuredAt }) => `${device.split('/').at(-1)} ${measuredAt}`));
      return [...owed.attempted.values()].filter(({ device, time }) => !known.has(`${device.slice(site.length + 1)} ${time}`)).length;
    };
    // With QoS 0 what was on its way is lost with the connection.
    const most = qos === 1 ? 0 : stats.attempted / 2;
    await until('what is owed', () => missing() <= most);
    expect(arrived.filter(({ flags = [] }) => flags.includes('gap'))).toEqual([]);
    expect(letters).toEqual([]);
    expect(commands).toEqual([]);
  });
});
