import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { CHROMIUM, openBrowser, PAGE_MS, Watched } from '../support/browser.ts';
import { until } from '../support/rabbit.ts';
import { Rig } from './rig.ts';

const TOKEN = 'a-token-of-24-characters';
const DEVICE = 'weather/d1';

function settings(): string {
  return stringify({
    gateway: { name: 'console' },
    rabbitmq: { url: '${SLUICE_AMQP_URL}' },
    profiles: [{ name: 'weather', topics: ['weather/{device}'], device: 'weather/{device}', values: '$.v', units: { temperature: 'Cel' } }],
    exchanges: [{ name: 'sluice.a', type: 'topic' }],
    queues: [{ name: 'sluice.out.a', bindings: [{ exchange: 'sluice.a', routingKey: '#' }] }],
    routes: [{ name: 'to-a', exchange: 'sluice.a', routingKey: '{profile}', batch: { count: 1 } }],
    retry: { baseMs: 50, capMs: 300 },
    http: { port: '${SLUICE_HTTP_PORT}', token: TOKEN },
  });
}

describe.skipIf(!CHROMIUM)('the console of a gateway', { timeout: 600_000 }, () => {
  let rig: Rig;
  let browser: Browser;
  let watched: Watched;
  let device: MqttClient;

  const publish = async (topic: string, body: string): Promise<void> => {
    await device.publishAsync(topic, body, { qos: 1 });
  };

  beforeAll(async () => {
    rig = await Rig.start((dir) => {
      const file = join(dir, 'settings.yaml');
      writeFileSync(file, settings());
      return file;
    });
    await rig.gateway.start(PAGE_MS);
    const { name: username, password } = rig.users.admin;
    device = await connectAsync(rig.mqttUrl, { username, password, clientId: 'console-test', protocolVersion: 4 });
    device.on('error', () => {});
    browser = await openBrowser();
    watched = await Watched.open(browser, `${rig.gateway.url}/`);
    await watched.shows('.top .chip', 'Ready');
  }, 600_000);

  afterAll(async () => {
    await browser?.close();
    await device?.endAsync(true).catch(() => {});
    await rig?.stop();
  }, PAGE_MS);

  it('shows a device within seconds of its first message', async () => {
    await watched.go('#/devices');
    await watched.shows('.empty', 'No device has published');
    const from = performance.now();
    await publish(DEVICE, '{"v":{"temperature":21.5}}');
    await watched.shows('tbody .value', 'temperature21.5 °C');
    console.log(`from publish to page: ${((performance.now() - from) / 1000).toFixed(1)} s`);
    await watched.go(`#/devices/${encodeURIComponent(DEVICE)}`);
    await watched.shows('.chip', 'sending');
    await watched.shows('.plain li', DEVICE);
    expect(await watched.wrongs()).toEqual([]);
  });

  it('shows in the tap what a message became, and its route', async () => {
    await watched.go(`#/tap?device=${encodeURIComponent(DEVICE)}`);
    await watched.shows('.bar .chip', 'live');
    await publish(DEVICE, '{"v":{"temperature":22.5}}');
    await watched.shows('.tap summary', /weather\/d1.*1 reading.*→ to-a/);
    await watched.page.locator('.tap summary').first().click();
    await watched.shows('.tap pre', '{"v":{"temperature":22.5}}');
    await watched.shows('.reading', /22\.5 °C.*to-a → sluice\.a, key weather/);
    await watched.shows('.bar .chip', 'paused');
    expect(await watched.wrongs()).toEqual([]);
  });

  it('finds a bad payload among the dead letters with its reason, and replays it', async () => {
    const { page } = watched;
    await publish('weather/d2', '{"v":{"temperature":');
    await until('it is buried', async () => (await rig.gateway.status()).ledger.messages.deadLettered === 1, PAGE_MS);
    await watched.go('#/letters');
    await watched.shows('tbody tr', /DECODE_INVALID.*weather\/d2/);
    await page.locator('tbody th a').first().click();
    await watched.shows('.facts', 'weather/d2');
    await watched.shows('pre', '{"v":{"temperature":');
    await page.getByRole('button', { name: 'What would happen today' }).click();
    await page.getByRole('dialog').getByLabel('Value of http.token').fill(TOKEN);
    await page.getByRole('dialog').getByRole('button', { name: 'Use it' }).click();
    await watched.shows('.plan', '1 dead-lettered again (DECODE_INVALID)');
    await page.getByRole('button', { name: 'Replay it' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Replay 1', exact: true }).click();
    await watched.shows('.result', '1 dead letter replayed.');
    // It is as broken as before, and comes back as a letter of its own.
    await until('it is buried again', async () => (await rig.gateway.status()).ledger.messages.deadLettered === 2, PAGE_MS);
    await watched.go('#/letters?code=DECODE_INVALID');
    await watched.shows('tbody tr', 'replayed 1×');
    expect(await watched.wrongs()).toEqual([]);
  });

  it('tells what the settings in force would make of a payload', async () => {
    const { page } = watched;
    await watched.go('#/config');
    await watched.shows('.facts', 'settings.yaml');
    await page.getByLabel('Topic', { exact: true }).fill('weather/d9');
    await page.getByLabel('Payload', { exact: true }).fill('{"v":{"temperature":1}}');
    await page.getByRole('button', { name: 'Try it' }).click();
    await watched.shows('.result', /1 reading.*to-a → sluice\.a/);
    expect(await watched.value('document.body.textContent')).not.toContain(TOKEN);
  });

  it('says that the broker has stopped, and that it is back', async () => {
    await watched.go('#/');
    await watched.shows('.ledger', 'Ledger balanced');
    await rig.node.kill();
    await watched.shows('.banner', 'The broker is away');
    await watched.shows('.top .chip', 'Broker away');
    await rig.node.restart(300_000);
    await watched.shows('.top .chip', 'Ready');
    await watched.becomes('no banner', "document.querySelector('.banner').hidden");
    await watched.shows('.ledger', 'Ledger balanced');
    expect(await watched.wrongs()).toEqual([]);
  });

  it('says that the gateway has stopped, and that it is back', async () => {
    await rig.gateway.end('SIGTERM', PAGE_MS);
    await watched.shows('.banner', 'The gateway does not answer');
    await rig.gateway.start(PAGE_MS);
    await watched.shows('.top .chip', 'Ready');
    await watched.becomes('no banner', "document.querySelector('.banner').hidden");
    expect(await watched.wrongs()).toEqual([]);
  });
});
