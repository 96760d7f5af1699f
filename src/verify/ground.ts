import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Settings } from '../settings/load.ts';
import type { Outlet } from './outlet-reader.ts';
import type { DeviceDoor } from './field.ts';
import { TcpProxy } from './proxy.ts';
import { outletsOf } from './outlets.ts';
import { PrivateSite } from './site.ts';

/** A broker and a gateway of our own. */
export interface PrivateTarget {
  readonly mode: 'private';
  /** Settings file of the gateway. */
  readonly config: string;
  /** Folder for the run's own folder. */
  readonly root: string;
  /** Built `main.js` of the gateway under test; default this build's. */
  readonly gateway?: string | undefined;
}

/** The user's own, which run already. */
export interface UserTarget {
  readonly mode: 'user';
  readonly settings: Settings;
  readonly root: string;
  readonly amqpUrl: string;
  readonly mqttUrl: string | undefined;
  readonly wsUrl: string | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Of the gateway's HTTP server. */
  readonly httpUrl: string;
  readonly topicSite: string;
}

/** What a run stands on. */
export interface Ground {
  readonly site: PrivateSite | undefined;
  /** Ledgers and logs. */
  readonly dir: string;
  readonly door: DeviceDoor;
  readonly deviceProxies: readonly TcpProxy[];
  readonly gatewayUrl: string;
  /** Of the nodes of one cluster: one is enough. */
  readonly auditUrls: readonly string[];
  readonly outlets: readonly Outlet[];
  /** Whether a topic can only be of this run. */
  ours(topic: string): boolean;
  /** Ends what the run has started; `keep` leaves logs and ledgers. */
  close(keep: boolean): Promise<void>;
}

const PREFIX = 'verify-';
const ANSWER_MS = 10_000;

/** Something that the run stands on is not there; the message says what. */
export class GroundError extends Error {
  override readonly name = 'GroundError';
}

/** `cluster`: the broker is one of three nodes. `edge`: devices publish to an edge. `direct`: to the gateway itself. */
export type GroundKind = 'node' | 'cluster' | 'edge' | 'direct';

export async function privateGround(target: PrivateTarget, kind: GroundKind, signal: AbortSignal): Promise<Ground> {
  const { config, root, gateway } = target;
  const cluster = kind === 'cluster';
  const site = await PrivateSite.start({
    settings: config,
    root,
    prefix: PREFIX,
    gateway,
    cluster,
    edge: kind === 'edge' || kind === 'direct' ? kind : undefined,
    signal,
  });
  const { edge } = site;
  return {
    site,
    dir: site.dir,
    door: {
      mqttUrl: edge === undefined ? site.doors.map(({ mqtt }) => `mqtt://127.0.0.1:${mqtt.port}`) : `mqtt://127.0.0.1:${edge.mqttPort}`,
      // Not in a cluster: RabbitMQ 3.10.8 PUBACKs over WebSocket what the queue has refused while it had no leader (docs/operations.md).
      wsUrl: edge === undefined ? (cluster ? undefined : site.doors.map(({ ws }) => `ws://127.0.0.1:${ws.port}/ws`)) : `ws://127.0.0.1:${edge.wsPort}/ws`,
      username: site.users.device.name,
      password: site.users.device.password,
      site: site.users.device.name,
      prefix: PREFIX,
    },
    deviceProxies: edge === undefined ? site.doors.flatMap(({ mqtt, ws }) => [mqtt, ws]) : [],
    gatewayUrl: site.gateway.url,
    auditUrls: site.auditUrls,
    outlets: outletsOf(site.settings, false),
    // Nobody else is there.
    ours: () => true,
    close: async (keep) => await site.stop(keep),
  };
}

export async function userGround(target: UserTarget, id: string): Promise<Ground> {
  const { settings, amqpUrl, httpUrl, username, password, topicSite, mqttUrl, wsUrl } = target;
  await fetch(`${httpUrl}/status`, { signal: AbortSignal.timeout(ANSWER_MS) }).catch((error: unknown) => {
    const { cause } = error as { cause?: { message?: string } };
    throw new GroundError(`the gateway does not answer at ${httpUrl} (${cause?.message ?? String(error)}); start it, or say where it is with --http`);
  });
  const root = resolve(target.root);
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const dir = mkdtempSync(join(root, `${PREFIX}${process.pid}-`));
  const deviceProxies: TcpProxy[] = [];
  // Past TLS a proxy would need the broker's certificate: such a door is used as it is, and its connections cannot be reset.
  const through = async (url: string | undefined, scheme: string, port: number): Promise<string | undefined> => {
    if (url === undefined) return undefined;
    if (new URL(url).protocol !== scheme) return url;
    const proxy = await TcpProxy.before(url, port);
    deviceProxies.push(proxy);
    return proxy.via(url);
  };
  const prefix = `${PREFIX}${id}-`;
  const ours = `devices/${topicSite}/${prefix}`;
  return {
    site: undefined,
    dir,
    door: {
      mqttUrl: await through(mqttUrl, 'mqtt:', 1883),
      wsUrl: await through(wsUrl, 'ws:', 80),
      username,
      password,
      site: topicSite,
      prefix,
    },
    deviceProxies,
    gatewayUrl: httpUrl,
    auditUrls: [amqpUrl],
    outlets: outletsOf(settings, true),
    ours: (topic) => topic.startsWith(ours),
    close: async (keep) => {
      for (const proxy of deviceProxies) await proxy.close();
      if (!keep) rmSync(dir, { recursive: true, force: true });
    },
  };
}
