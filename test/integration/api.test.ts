import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { afterAll, expect, inject, it } from 'vitest';
import { App } from '../../src/app.ts';
import { freePorts } from '../../src/local/ports.ts';
import { loadSettings } from '../../src/settings/load.ts';
import { Hand, unique, until } from '../support/rabbit.ts';

const broker = inject('broker');
const name = `sluice.test.${unique()}`;
const word = name.replaceAll('.', '-');
const dir = mkdtempSync(join(tmpdir(), 'sluice-api-'));
const WAIT_MS = 30_000;

afterAll(async () => {
  rmSync(dir, { recursive: true, force: true });
  const hand = await Hand.open(broker.adminUrl);
  for (const queue of [name, `${name}.dead`, `${name}.out`]) await hand.channel.deleteQueue(queue);
  for (const exchange of [`${name}.dead`, `${name}.out`]) await hand.channel.deleteExchange(exchange);
  await hand.close();
});

interface TapEvent {
  outcome: string;
  fault: { code: string } | null;
  payload: { text: string };
  readings: { device: string; routes: { route: string; exchange: string }[] }[];
}

it('shows over HTTP what devices publish over MQTT: in the list, in a tap with its route, and explained', async () => {
  const { management: port } = await freePorts();
  const file = join(dir, 'settings.yaml');
  writeFileSync(
    file,
    `
rabbitmq: { url: '${broker.amqpUrl}' }
source: { queue: ${name}, topics: ['${word}/#'] }
deadLetters: { exchange: ${name}.dead, queue: ${name}.dead }
profiles: [{ name: probe, topics: ['${word}/{device}'], device: '{device}' }]
exchanges: [{ name: ${name}.out, type: topic }]
queues: [{ name: ${name}.out, bindings: [{ exchange: ${name}.out, routingKey: '#' }] }]
routes: [{ name: all, exchange: ${name}.out, routingKey: 'k.{device}', batch: { count: 1 } }]
http: { port: ${port} }
log: { level: silent }
`,
  );
  const loaded = await loadSettings(file, {});
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const bugs: unknown[] = [];
  const app = new App({
    start: loaded,
    configFile: file,
    makeEdge: undefined,
    version: '0',
    logFormat: 'json',
    onBug: (error) => bugs.push(error),
  });
  const url = `http://127.0.0.1:${port}`;
  const get = async <T>(path: string): Promise<T> => (await (await fetch(`${url}${path}`, { signal: AbortSignal.timeout(10_000) })).json()) as T;
  const end = new AbortController();
  const taken: TapEvent[] = [];
  try {
    await app.start(AbortSignal.timeout(60_000));
    const tap = await fetch(`${url}/api/tap?topic=${word}/%2B`, { signal: end.signal });
    const read = (async () => {
      let text = '';
      for await (const chunk of tap.body ?? []) {
        text += Buffer.from(chunk as Uint8Array).toString();
        const events = text.split('\n\n');
        text = events.pop() ?? '';
        for (const event of events) {
          const [, data] = /^event: message\ndata: (.*)$/.exec(event) ?? [];
          if (data !== undefined) taken.push(JSON.parse(data) as TapEvent);
        }
      }
    })().catch(() => undefined);

    const device = await connectAsync(broker.mqttUrl, { username: broker.users.admin.name, password: broker.users.admin.password });
    await device.publishAsync(`${word}/thermo-1`, '{"temperature":21.5}', { qos: 1 });
    await device.publishAsync(`${word}/thermo-1`, 'not json', { qos: 1 });
    await device.endAsync();

    await until('both messages in the tap', () => taken.length === 2, WAIT_MS);
    expect(taken[0]).toMatchObject({
      outcome: 'readings',
      payload: { text: '{"temperature":21.5}' },
      readings: [{ device: 'thermo-1', values: { temperature: 21.5 }, routes: [{ route: 'all', exchange: `${name}.out`, routingKey: 'k.thermo-1' }] }],
    });
    expect(taken[1]).toMatchObject({ outcome: 'dead-lettered', profile: 'probe', fault: { code: 'DECODE_INVALID' } });

    const row = async (): Promise<{ refused: number }> => await get<{ refused: number }>('/api/devices/thermo-1');
    await until('the dead letter is confirmed', async () => (await row()).refused === 1, WAIT_MS);
    expect(await get('/api/devices?search=thermo')).toMatchObject({
      total: 1,
      devices: [{ device: 'thermo-1', profile: 'probe', topic: `${word}/thermo-1`, readings: 1, refused: 1, values: { temperature: 21.5 } }],
    });
    expect(await get('/api/config')).toMatchObject({ version: loaded.version, file, settings: { source: { queue: name } }, reload: null });

    const explained = await fetch(`${url}/api/explain`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ topic: `${word}/thermo-2`, payload: '{"temperature":1}' }),
    });
    expect(await explained.json()).toMatchObject({ outcome: 'readings', readings: [{ device: 'thermo-2', routes: [{ route: 'all' }] }] });
    expect(await get('/api/devices')).toMatchObject({ total: 1 });

    await until('a plot', async () => (await get<{ points: { forwarded: number }[] }>('/api/history')).points.some(({ forwarded }) => forwarded > 0), WAIT_MS);
    end.abort();
    await read;
    expect(bugs).toEqual([]);
  } finally {
    end.abort();
    await app.stop(1000);
  }
});
