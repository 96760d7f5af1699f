import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { Fleet } from '../../devices/fleet.ts';
import type { EdgeStand } from '../../src/verify/edge-stand.ts';
import { queriesOf, shippedDashboards } from '../support/dashboards.ts';
import { type FiringAlert, PROMETHEUS, Prometheus, promtool, rulesOf, SHIPPED } from '../support/prometheus.ts';
import { until } from '../support/rabbit.ts';
import { Rig } from './rig.ts';

// The shipped rules and dashboards against a real Prometheus, RabbitMQ and gateway under a light load: every query
// answers, and alerts fire and resolve as things break and are mended.

/** As in $__rate_interval: Grafana makes four scrape intervals of it; here some more for a machine that is busy. */
const RATE_INTERVAL = '30s';
/** For anything that Prometheus has to notice. */
const NOTICED_MS = 60_000;

/** Alerts that a machine with other work may raise by itself. */
const OF_SPEED = ['SluiceEventLoopBusy', 'SluiceSlow'];

/** Panels that are empty while all is well, and what will fill them. */
const EMPTY_WHEN_WELL: Readonly<Record<string, 'held' | 'odd messages' | 'never here'>> = {
  // Series by fault code begin with their first fault.
  'sluice-overview: Failed publishes, by reason A': 'held',
  'sluice-routes: Holds, by reason A': 'held',
  'sluice-routes: Failed publishes, by reason A': 'held',
  // Shows only what is above 0.
  'sluice-overview: Dead letters, by reason A': 'odd messages',
  'sluice-devices: Dead letters, by reason A': 'odd messages',
  'sluice-devices: Readings with a flag A': 'odd messages',
  // By fault code too; it takes a reading larger than the broker accepts.
  'sluice-routes: Batches that were cut in two A': 'never here',
  // Shows only what is above 0.
  'sluice-edge: Refusals, by reason A': 'never here',
  'sluice-edge: Cost of the bounds, by reason A': 'never here',
  // The connection here is without TLS.
  'sluice-broker: Certificates expire in A': 'never here',
};

/** The shipped configuration with other addresses, and a clock that goes faster. */
function configuration(dir: string, gateway: string, edge: string, rabbitmq: string): string {
  const config = parse(readFileSync(join(SHIPPED, 'prometheus.yml'), 'utf8')) as {
    global: object;
    rule_files: string[];
    scrape_configs: { job_name: string; static_configs: { targets: string[] }[]; scrape_interval?: string; scrape_timeout?: string }[];
  };
  config.global = { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' };
  const addresses: Record<string, string> = { 'gateway:9600': gateway, 'rabbitmq:15692': rabbitmq };
  for (const job of config.scrape_configs) {
    for (const one of job.static_configs) one.targets = one.targets.map((target) => addresses[target] ?? `unknown ${target}`);
    // RabbitMQ takes its time on a machine with other work.
    if (job.job_name !== 'sluice') Object.assign(job, { scrape_interval: '3s', scrape_timeout: '3s' });
  }
  config.scrape_configs.push({ job_name: 'sluice-edge', static_configs: [{ targets: [edge] }] });
  writeFileSync(join(dir, 'prometheus.yml'), stringify(config));
  const faster = (text: string): string => text.replace(/\bfor: \w+/g, 'for: 1s').replace(/\[\d+[smhd]/g, `[${RATE_INTERVAL}`);
  for (const file of config.rule_files) writeFileSync(join(dir, file), faster(readFileSync(join(SHIPPED, file), 'utf8')));
  return join(dir, 'prometheus.yml');
}

function filledIn(expr: string): string {
  return expr.replaceAll('$__rate_interval', RATE_INTERVAL).replace(/\$(?:instance|route|queue|node)\b/g, '.*');
}

const QUERIES = shippedDashboards().flatMap(({ json }) => queriesOf(json));

describe.skipIf(!PROMETHEUS)('rules and dashboards', () => {
  let rig: Rig;
  let edge: EdgeStand;
  let prometheus: Prometheus;
  const cleanUp: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    rig = await Rig.start('config/sluice.yaml', [], 'edge');
    cleanUp.push(async () => await rig.stop());
    const { node, users } = rig;
    await rig.gateway.start();
    edge = rig.edge as EdgeStand;
    await edge.process.start();
    const dir = join(rig.dir, 'prometheus');
    mkdirSync(dir);
    prometheus = await Prometheus.start(
      dir,
      configuration(dir, new URL(rig.gateway.url).host, new URL(edge.process.url).host, `127.0.0.1:${node.ports.prometheus}`),
    );
    cleanUp.push(async () => await prometheus.stop());
    const account = { username: users.device.name, password: users.device.password };
    for (const more of [
      { mqttUrl: rig.mqttUrl, devices: 12, rate: 30, seed: 1 },
      { mqttUrl: `mqtt://127.0.0.1:${edge.mqttPort}`, prefix: 'edge-', devices: 4, rate: 8, seed: 2 },
    ]) {
      const fleet = new Fleet({ ...account, ...more });
      await fleet.start();
      cleanUp.push(async () => await fleet.stop(1000));
    }
  }, 240_000);

  afterAll(async () => {
    for (const end of cleanUp.reverse()) await end();
  }, 60_000);

  const answers = async (expr: string): Promise<boolean> => (await prometheus.query(filledIn(expr))).some(({ value }) => Number.isFinite(value));

  const firing = async (name: string, labels: FiringAlert['labels'] = {}): Promise<FiringAlert | undefined> =>
    (await prometheus.alerts()).find(
      (one) => one.state === 'firing' && one.labels['alertname'] === name && Object.entries(labels).every(([label, value]) => one.labels[label] === value),
    );
  const fires = async (name: string, labels?: FiringAlert['labels']): Promise<FiringAlert> => {
    let found: FiringAlert | undefined;
    await until(`${name} fires`, async () => (found = await firing(name, labels)) !== undefined, NOTICED_MS);
    return found as unknown as FiringAlert;
  };
  const resolves = async (name: string, labels?: FiringAlert['labels']): Promise<void> =>
    await until(`${name} resolves`, async () => (await firing(name, labels)) === undefined, 2 * NOTICED_MS);
  /** All panels that this fills. */
  const filled = async (by: 'held' | 'odd messages'): Promise<void> => {
    for (const { where, expr } of QUERIES.filter(({ where }) => EMPTY_WHEN_WELL[where] === by))
      await until(`${where} has data`, async () => await answers(expr), NOTICED_MS);
  };

  it('have data for every recording rule and every panel', { timeout: 180_000 }, async () => {
    expect(Object.keys(EMPTY_WHEN_WELL).filter((name) => !QUERIES.some(({ where }) => where === name))).toEqual([]);
    const wanted = [
      ...QUERIES.filter(({ where }) => EMPTY_WHEN_WELL[where] === undefined),
      ...rulesOf('recording.yml').map(({ record = '' }) => ({ where: record, expr: record })),
    ];
    let missing = wanted;
    const left = async (): Promise<boolean> => {
      const still: typeof wanted = [];
      for (const one of missing) if (!(await answers(one.expr))) still.push(one);
      missing = still;
      return missing.length === 0;
    };
    await until('every query has data', left, 90_000).catch(() => undefined);
    expect(missing.map(({ where, expr }) => `${where}: ${filledIn(expr)}`)).toEqual([]);
    // Those without data must be right all the same: a query that is not throws.
    for (const { where, expr } of QUERIES) if (EMPTY_WHEN_WELL[where] !== undefined) await prometheus.query(filledIn(expr));
    const sick = (await prometheus.rules()).filter(({ health, lastError = '' }) => health !== 'ok' || lastError !== '');
    expect(sick).toEqual([]);
  });

  it('raise no alert while all is well, and the metrics pass promtool', { timeout: 120_000 }, async () => {
    const unwanted = async (): Promise<string[]> =>
      (await prometheus.alerts()).map(({ labels }) => labels['alertname'] ?? '').filter((name) => !OF_SPEED.includes(name));
    await until('all is well', async () => (await unwanted()).length === 0, NOTICED_MS).catch(() => undefined);
    expect(await unwanted()).toEqual([]);
    expect((await prometheus.query('instance:sluice_ready:min{job="sluice"}')).map(({ value }) => value)).toEqual([1]);
    expect(await promtool(['check', 'metrics'], { input: await rig.gateway.metrics() })).toEqual({ code: 0, output: '' });
  });

  it('tell of a route that is held, and that it goes on', { timeout: 240_000 }, async () => {
    await rig.admin(async (channel) => await channel.unbindQueue('sluice.out.readings', 'sluice.readings', '#'));
    const { annotations } = await fires('SluiceLaneHeld', { route: 'readings' });
    expect(annotations['summary']).toBe(`Route readings of ${new URL(rig.gateway.url).host} is held`);
    expect(await answers('instance:sluice_ready:min == 0')).toBe(true);
    await filled('held');
    await rig.admin(async (channel) => await channel.bindQueue('sluice.out.readings', 'sluice.readings', '#'));
    await resolves('SluiceLaneHeld');
  });

  it('tell of dead letters, by reason, and when nothing more goes wrong', { timeout: 300_000 }, async () => {
    await rig.admin(async (channel) => {
      // One that is cut short, and one without a time.
      for (const body of ['{"values":', '{"values":{"temperature":21.5}}']) channel.publish('amq.topic', 'devices.plant-1.bench.telemetry', Buffer.from(body));
      // Behind them on the channel: once this is answered the broker has both. Closing alone may overtake them.
      await channel.checkExchange('amq.topic');
    });
    expect((await fires('SluiceDeadLetters', { code: 'DECODE_INVALID' })).labels['severity']).toBe('warning');
    await filled('odd messages');
    await fires('SluiceDeadLettersWaiting', { queue: 'sluice.dead' });
    await rig.admin(async (channel) => await channel.purgeQueue('sluice.dead'));
    await resolves('SluiceDeadLetters');
    await resolves('SluiceDeadLettersWaiting');
  });

  it('tell of a broker that is away, and of its return', { timeout: 300_000 }, async () => {
    await rig.proxies.amqp.down();
    const [{ annotations }] = await Promise.all([
      fires('SluiceBrokerConnectionLost', { session: 'publish' }),
      fires('SluiceBrokerConnectionLost', { session: 'consume' }),
      fires('SluiceSourceDetached'),
      fires('SluiceNotReady', { component: 'broker' }),
    ]);
    expect(annotations['summary']).toBe(`${new URL(rig.gateway.url).host} has no connection to the broker (publish)`);
    await rig.proxies.amqp.up();
    for (const name of ['SluiceBrokerConnectionLost', 'SluiceSourceDetached', 'SluiceNotReady', 'SluiceLaneHeld']) await resolves(name);
  });

  it('tell of an edge that is away, which is no lost connection of a gateway, of one that is gone, and of its return', { timeout: 300_000 }, async () => {
    await edge.link.down();
    expect((await fires('SluiceEdgeAway')).labels).toMatchObject({ job: 'sluice-edge', severity: 'warning' });
    expect(await firing('SluiceBrokerConnectionLost')).toBeUndefined();
    await edge.link.up();
    await resolves('SluiceEdgeAway');
    await edge.process.end('SIGTERM', 60_000);
    await fires('SluiceEdgeDown');
    await edge.process.start(120_000);
    await resolves('SluiceEdgeDown');
  });

  it('tell of a gateway that is gone, and of its return', { timeout: 300_000 }, async () => {
    await rig.gateway.end('SIGTERM', 60_000);
    await fires('SluiceDown');
    await rig.gateway.start(120_000);
    await resolves('SluiceDown');
    expect((await rig.gateway.status()).imbalance).toEqual({ messages: 0, items: 0 });
  });
});
