import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, inject, it } from 'vitest';
import { App } from '../../src/app.ts';
import { freePorts } from '../../src/local/ports.ts';
import { loadSettings } from '../../src/settings/load.ts';
import { Hand, unique, until } from '../support/rabbit.ts';

const broker = inject('broker');
const name = `sluice.test.${unique()}`;
const dir = mkdtempSync(join(tmpdir(), 'sluice-books-'));

afterAll(async () => {
  rmSync(dir, { recursive: true, force: true });
  const hand = await Hand.open(broker.adminUrl);
  for (const queue of [name, `${name}.dead`]) await hand.channel.deleteQueue(queue);
  await hand.channel.deleteExchange(`${name}.dead`);
  await hand.close();
});

it('turns the gateway unready when the books do not balance, says why, and is ready again when they do', async () => {
  const { management: port } = await freePorts();
  const file = join(dir, 'settings.yaml');
  writeFileSync(
    file,
    `
rabbitmq: { url: '${broker.amqpUrl}' }
source: { queue: ${name}, topics: ['${name}/#'] }
deadLetters: { exchange: ${name}.dead, queue: ${name}.dead }
profiles: [{ name: any, topics: ['#'], device: 'd' }]
routes: [{ name: readings, exchange: amq.fanout, batch: { count: 1 } }]
http: { port: ${port} }
log: { level: silent }
`,
  );
  const loaded = await loadSettings(file, {});
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const bugs: unknown[] = [];
  const app = new App({ start: loaded, makeEdge: undefined, version: '0', logFormat: 'json', onBug: (error) => bugs.push(error) });
  const ask = async (path: string): Promise<Response> => await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(5000) });
  const ready = async (): Promise<boolean> => (await ask('/readyz')).ok;
  try {
    await app.start(AbortSignal.timeout(30_000));
    await until('ready', ready, 20_000);

    app.ledger.itemsReceived('readings', 2);
    await until('not ready', async () => !(await ready()), 30_000);
    const { reasons } = (await (await ask('/readyz')).json()) as { reasons: string[] };
    expect(reasons.join()).toMatch(/^ledger is degraded: items: 2 neither settled nor held .*route readings: 2 neither settled nor held/);
    expect(await (await ask('/metrics')).text()).toMatch(/^sluice_ledger_route_imbalance\{route="readings"\} 2$/m);
    expect(await (await ask('/status')).json()).toMatchObject({ routeImbalance: { readings: 2 } });

    app.ledger.itemsSettled('readings', 'abandoned', 2);
    await until('ready again', ready, 30_000);
    expect(bugs).toEqual([]);
  } finally {
    await app.stop(1000);
  }
});
