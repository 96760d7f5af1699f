import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { type Accounts, newAccounts } from '../../src/local/credentials.ts';
import { localDefinitions, NO_TOPOLOGY } from '../../src/local/definitions.ts';
import { sweepRuns } from '../../src/local/stale-node.ts';
import { startBroker } from '../../src/local/start-broker.ts';

/** What the tests of project `broker` get from `inject('broker')`. */
export interface TestBroker {
  readonly kind: 'private' | 'external';
  /** As the gateway's account. */
  readonly amqpUrl: string;
  /** AMQP as an administrator. */
  readonly adminUrl: string;
  readonly mqttUrl: string;
  readonly wsUrl: string;
  readonly managementUrl: string;
  readonly users: Accounts;
}

declare module 'vitest' {
  interface ProvidedContext {
    broker: TestBroker;
  }
}

const ROOT = join(import.meta.dirname, '..', '..', '.sluice');

/** A broker of the caller's own: one account plays every part there, as far as its rights reach. */
function external(amqpUrl: string, env: NodeJS.ProcessEnv): TestBroker {
  const url = new URL(amqpUrl);
  const account = { name: decodeURIComponent(url.username || 'guest'), password: decodeURIComponent(url.password || 'guest') };
  const host = url.hostname;
  return {
    kind: 'external',
    amqpUrl,
    adminUrl: amqpUrl,
    mqttUrl: env['SLUICE_MQTT_URL'] ?? `mqtt://${host}:1883`,
    wsUrl: env['SLUICE_WS_URL'] ?? `ws://${host}:15675/ws`,
    managementUrl: env['SLUICE_MANAGEMENT_URL'] ?? `http://${host}:15672`,
    users: { admin: account, gateway: account, consumer: account, device: account },
  };
}

/** One private node for all files of the project, on free ports so that it runs beside `npm start`; or `SLUICE_AMQP_URL`. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['SLUICE_AMQP_URL'];
  if (given !== undefined && given !== '') {
    project.provide('broker', external(given, process.env));
    return async () => undefined;
  }
  mkdirSync(ROOT, { recursive: true, mode: 0o700 });
  await sweepRuns(ROOT, 'test-');
  const dir = mkdtempSync(join(ROOT, `test-${process.pid}-`));
  const users = newAccounts();
  const node = await startBroker({ dir, name: 'sluice-test', ports: 'free', definitions: localDefinitions(users, NO_TOPOLOGY) });
  const { ports } = node;
  project.provide('broker', {
    kind: 'private',
    amqpUrl: node.amqpUrl(users.gateway),
    adminUrl: node.amqpUrl(users.admin),
    mqttUrl: `mqtt://127.0.0.1:${ports.mqtt}`,
    wsUrl: `ws://127.0.0.1:${ports.webMqtt}/ws`,
    managementUrl: `http://127.0.0.1:${ports.management}`,
    users,
  });
  return async () => await node.remove();
}
