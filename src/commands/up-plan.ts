import { join, resolve } from 'node:path';
import type { Account, BrokerNode } from '../local/broker-node.ts';
import { loadAccounts } from '../local/credentials.ts';
import { localDefinitions } from '../local/definitions.ts';
import { assertPortFree, freePorts } from '../local/ports.ts';
import { startBroker } from '../local/start-broker.ts';
import { buildTopology } from '../rabbit/topology.ts';
import type { Settings } from '../settings/load.ts';
import { topologyOptions } from '../app/topology-options.ts';
import { CommandError, EXIT } from './command.ts';
import { settingsOrExplain } from './settings.ts';

export interface UpOptions {
  readonly config: string;
  readonly dir: string;
  readonly freePorts: boolean;
  readonly simulate: boolean;
  readonly consume: boolean;
  readonly devices: number;
  /** Messages per second of all devices together. */
  readonly rate: number;
  readonly seconds: number | undefined;
}

/** What is known before anything runs. */
export interface Plan {
  readonly settings: Settings;
  readonly dir: string;
  /** Holds the token of the gateway's HTTP server; undefined where the environment does. */
  readonly tokenFile: string | undefined;
  readonly accountsFile: string;
  readonly freePorts: boolean;
  readonly httpPort: number;
  readonly gatewayUrl: string;
  /** How long the gateway may take to stop, its own closing included. */
  readonly drainMs: number;
  readonly consumerQueue: string | undefined;
  /** A broker of the user's own. */
  readonly external: { readonly amqpUrl: string; readonly mqttUrl: string | undefined; readonly wsUrl: string | undefined } | undefined;
}

/** Where everybody connects, once the broker runs. */
export interface Endpoints {
  readonly broker: string;
  readonly gatewayUrl: string;
  readonly consumerUrl: string;
  readonly mqttUrl: string;
  readonly wsUrl: string;
  readonly managementUrl: string | undefined;
  readonly brokerMetricsUrl: string | undefined;
  readonly adminName: string | undefined;
  readonly device: Account;
  readonly site: string;
}

const SITE = 'plant-1';
/** What the gateway needs after its drain, to close connections. */
const CLOSE_MS = 4000;

function given(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : value;
}

/** Reads the settings and decides; throws `CommandError` before anything has been started. */
export async function planOf(options: UpOptions, env: NodeJS.ProcessEnv): Promise<Plan> {
  const amqpUrl = given(env['SLUICE_AMQP_URL']);
  const port = given(env['SLUICE_HTTP_PORT']) ?? (options.freePorts ? String((await freePorts()).amqp) : undefined);
  const { settings } = await settingsOrExplain(options.config, {
    ...env,
    SLUICE_AMQP_URL: amqpUrl ?? 'amqp://127.0.0.1:5672',
    ...(port === undefined ? {} : { SLUICE_HTTP_PORT: port }),
  });
  const { http, queues, gateway } = settings;
  if (http.port === 0) throw new CommandError(EXIT.settings, `${options.config}: http.port is 0, any port; sluice up has to know it`);
  const blocked = await assertPortFree(http.port, 'HTTP server of the gateway').then(
    () => undefined,
    (error: unknown) => error,
  );
  if (blocked instanceof Error)
    throw new CommandError(EXIT.unavailable, `${blocked.message}. Stop that process, or take another port: SLUICE_HTTP_PORT=9601 npm start`);
  const dir = resolve(options.dir);
  // An address that means "all" is none to connect to.
  const host = http.host === '0.0.0.0' || http.host === '::' ? '127.0.0.1' : http.host;
  return {
    settings,
    dir,
    accountsFile: join(dir, 'accounts.json'),
    tokenFile: given(env['SLUICE_HTTP_TOKEN']) === undefined ? join(dir, 'http-token') : undefined,
    freePorts: options.freePorts,
    httpPort: http.port,
    gatewayUrl: `http://${host.includes(':') ? `[${host}]` : host}:${http.port}`,
    drainMs: gateway.drainSeconds * 1000 + CLOSE_MS,
    consumerQueue: (queues.find((queue) => queue.name === 'sluice.out.readings') ?? queues[0])?.name,
    external: amqpUrl === undefined ? undefined : { amqpUrl, mqttUrl: given(env['SLUICE_MQTT_URL']), wsUrl: given(env['SLUICE_WS_URL']) },
  };
}

/** URL without account, and the account. `fallback` where the URL names none. */
function split(url: string, fallback: Account): { readonly url: string; readonly account: Account } {
  const parsed = new URL(url);
  const account = parsed.username === '' ? fallback : { name: decodeURIComponent(parsed.username), password: decodeURIComponent(parsed.password) };
  parsed.username = '';
  parsed.password = '';
  return { url: parsed.href, account };
}

/** The user's own broker: nothing is started, the settings' topology is declared by the gateway. */
export function externalEndpoints(external: NonNullable<Plan['external']>): Endpoints {
  const amqp = split(external.amqpUrl, { name: 'guest', password: 'guest' });
  const host = new URL(external.amqpUrl).hostname;
  const mqtt = split(external.mqttUrl ?? `mqtt://${host}:1883`, amqp.account);
  const ws = split(external.wsUrl ?? `ws://${host}:15675/ws`, mqtt.account);
  return {
    broker: 'your own (SLUICE_AMQP_URL)',
    gatewayUrl: external.amqpUrl,
    consumerUrl: external.amqpUrl,
    mqttUrl: mqtt.url,
    wsUrl: ws.url,
    managementUrl: undefined,
    brokerMetricsUrl: undefined,
    adminName: undefined,
    device: mqtt.account,
    site: SITE,
  };
}

/** Starts the private node, or takes the user's broker as it is. */
export async function findBroker(plan: Plan, signal: AbortSignal): Promise<{ readonly node: BrokerNode | undefined; readonly endpoints: Endpoints }> {
  if (plan.external !== undefined) return { node: undefined, endpoints: externalEndpoints(plan.external) };
  const accounts = loadAccounts(plan.accountsFile);
  const topology = buildTopology(topologyOptions(plan.settings));
  const node = await startBroker({
    dir: join(plan.dir, 'node'),
    definitions: localDefinitions(accounts, topology),
    ...(plan.freePorts ? { ports: 'free' as const } : {}),
    signal,
  });
  const { ports } = node;
  return {
    node,
    endpoints: {
      broker: `private node, pid ${node.pid ?? '(container)'}, data in ${node.dir}`,
      gatewayUrl: node.amqpUrl(accounts.gateway),
      consumerUrl: node.amqpUrl(accounts.consumer),
      mqttUrl: `mqtt://127.0.0.1:${ports.mqtt}`,
      wsUrl: `ws://127.0.0.1:${ports.webMqtt}/ws`,
      managementUrl: `http://127.0.0.1:${ports.management}`,
      brokerMetricsUrl: `http://127.0.0.1:${ports.prometheus}/metrics`,
      adminName: accounts.admin.name,
      device: accounts.device,
      site: accounts.device.name,
    },
  };
}
