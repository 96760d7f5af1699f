import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { until } from '../support/rabbit.ts';
import { listen } from './outlets.ts';
import { Rig } from './rig.ts';

// Topics longer than 255 bytes over real MQTT: the broker PUBACKs and queues them, and each delivery kills the consumer.

const DEVICES = 4;
const GOOD = 200;
const LONG = `site/${'x'.repeat(300)}/data`;

let rig: Rig;
let device: MqttClient;
/** Sequence numbers by device, in the order in which they first came out. */
const out = new Map<string, number[]>();
const letters: { readonly key: string; readonly body: string }[] = [];
const cleanUp: (() => Promise<void>)[] = [];

function settings(dir: string): string {
  const file = join(dir, 'settings.yaml');
  const text = stringify({
    gateway: { name: 'poison' },
    rabbitmq: { url: '${SLUICE_AMQP_URL}' },
    profiles: [{ name: 'any', topics: ['site/{device}/data'], device: '{device}', sequence: 'n' }],
    exchanges: [{ name: 'sluice.readings', type: 'topic' }],
    queues: [{ name: 'sluice.out.readings', bindings: [{ exchange: 'sluice.readings', routingKey: '#' }] }],
    routes: [{ name: 'readings', exchange: 'sluice.readings', routingKey: '{profile}', batch: { count: 100, ageMs: 200 } }],
    http: { port: '${SLUICE_HTTP_PORT}' },
  });
  writeFileSync(file, text);
  return file;
}

function take(body: string): void {
  const { readings } = JSON.parse(body) as { readings: { device: string; values: { n: number } }[] };
  for (const { device: name, values } of readings) {
    const seen = out.get(name) ?? [];
    // At least once: what was confirmed when its channel died comes a second time.
    if (!seen.includes(values.n)) seen.push(values.n);
    out.set(name, seen);
  }
}

async function metric(name: string): Promise<number> {
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await rig.gateway.metrics())?.[1] ?? Number.NaN);
}

let sent = 0;
async function good(count: number): Promise<void> {
  for (const end = sent + count; sent < end; sent += 1) {
    await device.publishAsync(`site/d${sent % DEVICES}/data`, JSON.stringify({ n: Math.floor(sent / DEVICES) }), { qos: 1 });
  }
}

async function everythingOut(deadlineMs: number): Promise<void> {
  await until('all good messages are forwarded', () => [...out.values()].reduce((sum, seen) => sum + seen.length, 0) >= sent, deadlineMs);
  const all = Array.from({ length: sent / DEVICES }, (_, n) => n);
  expect([...out]).toEqual([...out.keys()].map((name) => [name, all]));
}

beforeAll(async () => {
  rig = await Rig.start(settings);
  cleanUp.push(async () => await rig.stop());
  const { name: username, password } = rig.users.admin;
  device = await connectAsync(`mqtt://127.0.0.1:${rig.node.ports.mqtt}`, { username, password, clientId: 'poisoner', protocolVersion: 4, reconnectPeriod: 0 });
  cleanUp.push(async () => await device.endAsync(true));
  await rig.gateway.start();
  cleanUp.push(await listen(rig, { batch: take, letter: ({ key, body }) => void letters.push({ key, body: body.toString() }) }));
});

afterAll(async () => {
  for (const end of cleanUp.reverse()) await end();
});

describe('a topic longer than 255 bytes', () => {
  it('is isolated and moved to the dead letters alone, named in an alarm, while all others are forwarded in order', { timeout: 240_000 }, async () => {
    await good(GOOD / 2);
    const began = performance.now();
    // Two of them, with good ones between and behind: the second must not be taken for the end of the first.
    await device.publishAsync(LONG, 'poison 1', { qos: 1 });
    await good(GOOD / 4);
    await device.publishAsync(LONG, 'poison 2', { qos: 1 });
    await good(GOOD / 4);

    await until('the alarm', async () => (await metric('sluice_poison_suspected')) === 1, 60_000);
    const { reasons } = (await rig.gateway.waitReady(false, 10_000)) as { reasons: string[] };
    expect(reasons.join('\n')).toMatch(/closes the connection at each delivery .*topic longer than 255 bytes/);

    await everythingOut(180_000);
    await until('both poisonous messages are dead letters', () => letters.length >= 2, 60_000);
    const seconds = (performance.now() - began) / 1000;
    // Nothing but them: their neighbours collected no deliveries.
    expect(letters).toEqual([
      { key: 'ingest.poison', body: 'poison 1' },
      { key: 'ingest.poison', body: 'poison 2' },
    ]);

    // Back to ordinary, with the books balanced.
    await rig.gateway.waitReady(true, 60_000);
    expect(await metric('sluice_poison_suspected')).toBe(0);
    expect(await metric('sluice_poison_suspicions_total')).toBeGreaterThan(0);
    await good(DEVICES);
    await everythingOut(30_000);
    await until('nothing is in flight', async () => (await rig.gateway.status()).inFlight.messages === 0, 30_000);
    const { imbalance, ledger } = await rig.gateway.status();
    expect(imbalance).toEqual({ messages: 0, items: 0 });
    expect(ledger.messages.deadLettered).toBe(0);
    const detached = await metric('sluice_source_detached_total');
    expect(detached).toBeGreaterThan(120);
    console.log(`two poisonous messages among ${sent} good ones: ${detached} connections lost, all over after ${seconds.toFixed(1)} s`);
  });
});
