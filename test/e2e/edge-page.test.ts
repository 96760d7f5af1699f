import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freePorts } from '../../src/local/ports.ts';
import { GatewayProcess } from '../../src/verify/gateway-process.ts';
import { CHROMIUM, openBrowser, PAGE_MS, Watched } from '../support/browser.ts';
import { HOSTILE } from '../support/fake-devices.ts';
import { FakeEdge } from '../support/fake-edge.ts';
import { FakeGateway } from '../support/fake-gateway.ts';
import { WELL_EDGE as WELL } from '../unit/observe/samples.ts';
import { GATEWAY } from './rig.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const NO_BANNER = "document.querySelector('.banner').hidden && !document.querySelector('main').classList.contains('stale')";

let browser: Browser;
beforeAll(async () => {
  if (CHROMIUM) browser = await openBrowser();
}, PAGE_MS);
afterAll(async () => {
  await browser?.close();
});

describe.skipIf(!CHROMIUM)('the page of an edge', { timeout: 600_000 }, () => {
  let edge: FakeEdge;
  let watched: Watched;

  beforeEach(async () => {
    edge = new FakeEdge();
    await edge.start();
    watched = await Watched.open(browser, edge.url);
    await watched.shows('.top .chip', 'Ready');
  }, 2 * PAGE_MS);

  afterEach(async () => {
    await watched?.close();
    await edge?.stop();
  });

  it('says how much is kept, since when, and how the books stand', async () => {
    await watched.shows('.gateway-name', 'gate-7');
    edge.state = { ...WELL, spool: { ...WELL.spool, messages: 1200, bytes: 30_000_000, oldestAt: Date.now() - 7_500_000 } };
    await watched.shows('.tile.warn', /On disk1,200messages, 30 MB of 33\.6 MB/);
    await watched.shows('.tile', /Oldest on disk2 h 5 min2 were late so far/);
    await watched.shows('.ledger', 'Ledger balanced 60 messages received = 50 forwarded + 2 given up for age or room + 8 kept.');
    await watched.shows('section[aria-label^="Not accepted"]', /bad-credentials3.*queue-full4/);
    edge.state = { ...edge.state, imbalance: 1 };
    await watched.shows('.ledger', 'Off by 1 message: a bug of the edge; please report it.');
    expect(await watched.wrongs()).toEqual([]);
  });

  it('shows rates out of what the counters gain', async () => {
    const more = setInterval(() => edge.published(100), 100);
    try {
      // A thousand a second, or somewhat less where the machine has other things to do.
      await watched.shows('.tile', /Published[1-9][\d,.]*\/s/);
      await watched.shows('.tile', /Forwarded[1-9][\d,.]*\/s/);
      await watched.shows('figure .legend', /published [1-9][\d,.]*forwarded [1-9]/);
    } finally {
      clearInterval(more);
    }
    await watched.shows('.tile', /Published0\/s/);
    // The counters of another process begin anew: that is no rate.
    edge.state = WELL;
    await watched.shows('.tile', /Published–\/s/);
    await watched.shows('.tile', /Published0\/s/);
    expect(await watched.wrongs()).toEqual([]);
  });

  it('says at once that RabbitMQ or the edge is away, keeps what it knew, and recovers by itself', async () => {
    edge.state = { ...WELL, connected: false, away: HOSTILE };
    await watched.shows('.banner', 'RabbitMQ is away. What devices publish is kept on disk');
    await watched.shows('.banner li', HOSTILE);
    await watched.shows('.tile.warn', 'RabbitMQaway');
    expect(await watched.value('[typeof window.taken, document.querySelectorAll("main img, .banner img").length]')).toEqual(['undefined', 0]);
    edge.state = { ...WELL, spool: { ...WELL.spool, refusing: 'full' } };
    await watched.shows('.banner', 'The spool is full. Devices wait');
    await watched.shows('[aria-live]', 'The spool is full.');
    edge.state = WELL;
    await watched.becomes('no banner', NO_BANNER);
    await edge.stop();
    await watched.shows('.banner', /The edge does not answer.*What you see is \d+ m?s old/);
    await watched.shows('.tile', 'On disk6messages');
    await edge.start();
    await watched.shows('.top .chip', 'Ready');
    await watched.becomes('no banner', NO_BANNER);
    expect(await watched.wrongs()).toEqual([]);
  });

  it('is well built: for assistive technology in both themes, on a phone, and by its own policy', async () => {
    const { page } = watched;
    edge.state = { ...edge.state, connected: false, away: 'ECONNREFUSED', topicsHeld: 2, setbacks: { BROKER_NACK: 5 } };
    await watched.shows('.banner', 'RabbitMQ is away');
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      expect(await watched.axe()).toEqual([]);
    }
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await watched.value('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    expect(await watched.wrongs()).toEqual([]);
  });
});

describe.skipIf(!CHROMIUM)('the console of a gateway', { timeout: 600_000 }, () => {
  it.each([
    ['with', true],
    ['without', false],
  ])('%s an edge has a view of it: %s', async (_what, withEdge) => {
    const gateway = new FakeGateway(10);
    if (withEdge) gateway.edge = WELL;
    await gateway.start();
    const watched = await Watched.open(browser, gateway.url);
    await watched.shows('.top .chip', 'Ready');
    expect(await watched.page.locator('nav a', { hasText: 'Edge' }).count()).toBe(withEdge ? 1 : 0);
    await watched.go('#/edge');
    await watched.shows('h1', withEdge ? 'Edge' : 'Overview');
    await watched.shows('.ledger', withEdge ? '8 kept' : 'Ledger balanced');
    expect(await watched.wrongs()).toEqual([]);
    await watched.close();
    await gateway.stop();
  });
});

describe.skipIf(!CHROMIUM)('an edge without RabbitMQ', { timeout: 600_000 }, () => {
  let folder: string;
  let edge: GatewayProcess;
  let device: MqttClient;

  beforeAll(async () => {
    mkdirSync(join(ROOT, '.sluice'), { recursive: true, mode: 0o700 });
    folder = mkdtempSync(join(ROOT, '.sluice', `test-${process.pid}-`));
    const ports = await freePorts();
    const settings = join(folder, 'edge.yaml');
    writeFileSync(
      settings,
      `gateway: { name: gate-9 }
edge:
  mode: bridge
  tcp: { host: 127.0.0.1, port: ${ports.mqtt} }
  anonymous: { publish: ['#'], subscribe: [] }
  spool: { dir: ${JSON.stringify(join(folder, 'kept'))} }
rabbitmq: { url: amqp://127.0.0.1:1 }
http: { port: ${ports.management} }
`,
    );
    edge = new GatewayProcess({ settings, httpPort: ports.management, env: {}, log: join(folder, 'edge.log'), entry: GATEWAY });
    await edge.start(PAGE_MS);
    device = await connectAsync(`mqtt://127.0.0.1:${ports.mqtt}`, { protocolVersion: 4, reconnectPeriod: 0, clientId: 'page' });
  }, PAGE_MS);

  afterAll(async () => {
    await device?.endAsync(true).catch(() => {});
    await edge?.end('SIGKILL').catch(() => {});
    rmSync(folder, { recursive: true, force: true });
  });

  it('shows in its page what it keeps, and why', async () => {
    const watched = await Watched.open(browser, `${edge.url}/`);
    await watched.shows('.banner', 'RabbitMQ is away. What devices publish is kept on disk');
    await watched.shows('.banner li', /127\.0\.0\.1/);
    await watched.shows('.gateway-name', 'gate-9');
    await watched.shows('.tile', 'On disk0messages');
    for (let i = 0; i < 3; i += 1) await device.publishAsync('hall/press', String(i), { qos: 1 });
    await watched.shows('.tile', 'On disk3messages');
    await watched.shows('.tile', 'Connected1');
    await watched.shows('.ledger', 'Ledger balanced 3 messages received = 0 forwarded + 3 kept.');
    await watched.shows('.facts', 'Published0 of QoS 0, 3 of QoS 1, 0 of QoS 2');
    expect(await watched.wrongs()).toEqual([]);
    await watched.close();
  });
});
