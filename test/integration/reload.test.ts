import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { App } from '../../src/app.ts';
import { freePorts } from '../../src/local/ports.ts';
import { loadSettings, type LoadResult } from '../../src/settings/load.ts';
import { Hand, unique, until } from '../support/rabbit.ts';

const broker = inject('broker');
const TOKEN = 'a-token-of-24-characters';
const name = `sluice.test.${unique()}`;
const [old, fresh] = [`${name}.old`, `${name}.new`];
const dir = mkdtempSync(join(tmpdir(), 'sluice-reload-'));
const file = join(dir, 'settings.yaml');
let hand: Hand;

beforeAll(async () => {
  hand = await Hand.open(broker.adminUrl);
});

afterAll(async () => {
  rmSync(dir, { recursive: true, force: true });
  for (const queue of [name, `${name}.dead`, old, fresh]) await hand.channel.deleteQueue(queue);
  for (const exchange of [`${name}.dead`, old, fresh]) await hand.channel.deleteExchange(exchange);
  await hand.close();
});

/** Readings go to an exchange and a queue of the name `out`. */
function settings(port: number, out: string, rest = ''): string {
  return `
rabbitmq: { url: '${broker.amqpUrl}' }
source: { queue: ${name}, topics: ['${name}/#'] }
deadLetters: { exchange: ${name}.dead, queue: ${name}.dead }
profiles: [{ name: any, topics: ['${name.replaceAll('.', '/')}/{device}'], device: '{device}', sequence: n }]
exchanges: [{ name: ${out}, type: topic }]
queues: [{ name: ${out}, bindings: [{ exchange: ${out}, routingKey: '#' }] }]
routes: [{ name: readings, exchange: ${out}, batch: { count: 1 }${rest} }]
http: { port: ${port}, token: ${TOKEN} }
log: { level: silent }
`;
}

it('sends what a broken destination holds where new settings say, in its order, and refuses wrong ones with their line', async () => {
  const { management: port } = await freePorts();
  const write = (text: string): void => writeFileSync(file, text);
  write(settings(port, old));
  const load = async (): Promise<LoadResult> => await loadSettings(file, {});
  const start = await load();
  if (!start.ok) throw new Error(JSON.stringify(start.problems));
  const bugs: unknown[] = [];
  const app = new App({ start, load, configFile: file, makeEdge: undefined, version: '0', logFormat: 'json', onBug: (error) => bugs.push(error) });
  const url = `http://127.0.0.1:${port}`;
  const signal = AbortSignal.timeout(120_000);
  const reasons = async (): Promise<string> => JSON.stringify(((await (await fetch(`${url}/readyz`, { signal })).json()) as { reasons: string[] }).reasons);
  const reload = async (): Promise<{ status: number; body: Record<string, unknown> }> => {
    const response = await fetch(`${url}/config/reload`, { method: 'POST', headers: { authorization: `Bearer ${TOKEN}` }, signal });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const publish = (n: number): void => {
    hand.channel.publish('amq.topic', `${name}.d${n % 2}`, Buffer.from(JSON.stringify({ n })), { deliveryMode: 2 });
  };
  try {
    await app.start(signal);
    await hand.channel.deleteQueue(old);
    for (let n = 1; n <= 20; n += 1) publish(n);
    await until('the route is held', async () => (await reasons()).includes('UNROUTABLE'), 30_000);

    write(settings(port, fresh, ", when: 'valeus.n > 1'"));
    const refused = await reload();
    expect(refused).toMatchObject({
      status: 422,
      body: { ok: false, outcome: 'refused', version: start.version, problems: [{ file, line: 8, path: 'routes[0].when' }] },
    });
    write(settings(port, fresh).replace('level: silent', 'level: silent, pretty: true'));
    expect(await reload()).toMatchObject({ status: 422, body: { problems: [{ file, line: 10, path: 'log.pretty' }] } });

    write(settings(port, fresh));
    const applied = await reload();
    expect(applied).toMatchObject({ status: 200, body: { ok: true, outcome: 'applied', trial: { messages: 20, same: 0 } } });
    for (let n = 21; n <= 30; n += 1) publish(n);
    const { version } = applied.body as { version: string };
    const came: { topic: string; n: number; config: unknown }[] = [];
    await until(
      'all readings have come out',
      async () => {
        for (let got = await hand.channel.get(fresh, { noAck: true }); got !== false; got = await hand.channel.get(fresh, { noAck: true })) {
          const { readings } = JSON.parse(got.content.toString()) as { readings: { topic: string; values: { n: number } }[] };
          const { headers } = got.properties as { headers?: Record<string, unknown> };
          for (const { topic, values } of readings) came.push({ topic, n: values.n, config: headers?.['sluice-config'] });
        }
        return new Set(came.map(({ n }) => n)).size === 30;
      },
      60_000,
    );
    for (const device of [0, 1]) {
      const first = [...new Set(came.filter(({ topic }) => topic.endsWith(`d${device}`)).map(({ n }) => n))];
      expect(first).toEqual(Array.from({ length: 15 }, (_, i) => 2 * i + (device === 0 ? 2 : 1)));
    }
    expect(new Set(came.map(({ config }) => config))).toEqual(new Set([version]));
    await until('ready', async () => (await reasons()) === '[]', 30_000);
    const status = (await (await fetch(`${url}/status`, { signal })).json()) as Record<string, unknown>;
    expect(status).toMatchObject({ configVersion: version, imbalance: { messages: 0, items: 0 } });
    const config = (await (await fetch(`${url}/api/config`, { signal })).json()) as Record<string, unknown>;
    expect(config).toMatchObject({ version, file, reload: { ok: true, outcome: 'applied' } });
    expect(JSON.stringify(config)).not.toContain(TOKEN);
    expect(bugs).toEqual([]);
  } finally {
    await app.stop(1000);
  }
});
