import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import { DEFAULT_LIMITS } from '../../../src/domain/profile.ts';
import { api } from '../../../src/http/api.ts';
import { config, type ConfigInForce } from '../../../src/http/config.ts';
import { devices } from '../../../src/http/devices.ts';
import { explain } from '../../../src/http/explain.ts';
import { reload } from '../../../src/http/reload.ts';
import type { ReloadReport } from '../../../src/http/ports.ts';
import { live } from '../../../src/http/live.ts';
import { LiveSampler } from '../../../src/http/live-sampler.ts';
import { openapi } from '../../../src/http/openapi.ts';
import { RateSampler } from '../../../src/http/rates.ts';
import { buildHttp } from '../../../src/http/server.ts';
import { EventStreams } from '../../../src/http/sse.ts';
import { tap } from '../../../src/http/tap.ts';
import { trackStatus } from '../../../src/http/tracker.ts';
import { DeviceRegistry } from '../../../src/pipeline/device-registry.ts';
import { Explainer } from '../../../src/pipeline/explainer.ts';
import { watchMessages } from '../../../src/pipeline/onlooker.ts';
import { TapHub } from '../../../src/pipeline/tap-hub.ts';
import { publishTo, rule } from '../pipeline/fixtures.ts';
import { profile } from '../pipeline/normalise-support.ts';
import { fakeProvider, METRICS } from './fake-provider.ts';

export const TOKEN = 'a-token-of-24-characters';

const IN_FORCE: ConfigInForce = {
  version: 'abc123',
  loadedAt: 1,
  file: 'sluice.yaml',
  settings: { rabbitmq: { urls: ['amqp://u:***@h'] }, http: { token: '***' } },
  warnings: [{ severity: 'warning', path: 'http.host', file: 'sluice.yaml', line: 3, column: 4, message: 'look' }],
  reload: {
    ok: true,
    outcome: 'applied',
    at: 1,
    version: 'abc123',
    problems: [],
    warnings: [],
    changes: ['routes[rest]: new'],
    trial: { messages: 2, same: 1, changes: [{ from: 'dead-lettered NO_ROUTE', to: 'filtered route rest', messages: 1, topic: 'd/1' }] },
  },
};

/** All of `/api` of a gateway that tests feed by hand, save the dead letters. */
export function gatewayApi(
  options: { readonly host?: string; readonly token?: string; readonly requestTimeoutMs?: number; readonly plugins?: readonly FastifyPluginAsync[] } = {},
) {
  const { host = '127.0.0.1', token } = options;
  const provider = fakeProvider();
  const { clock } = provider;
  const registry = new DeviceRegistry({ entries: 1000, historyBytes: 1_000_000 });
  const routes = [rule('readings', publishTo('out')), rule('rest', { kind: 'drop' })];
  const explainer = new Explainer({
    profiles: [profile({ name: 'p' }), profile({ name: 'births', topics: ['spBv1/0/#'], codec: 'sparkplug', device: '$.device', values: '$.values' })],
    limits: DEFAULT_LIMITS,
    routes,
  });
  const hub = new TapHub({
    monotonic: () => clock.monotonic,
    deviceOf: (topic) => registry.ownerOf(topic)?.device,
    profileOf: (topic) => explainer.profileOf(topic),
  });
  const troubles: unknown[] = [];
  const onlooker = watchMessages(registry, hub, (error) => troubles.push(error));
  const tracker = trackStatus({ components: [], sessions: [] }, () => clock.wall);
  const flow = {
    queue: 'in',
    prefetch: 100,
    routes: [
      { name: 'readings', exchange: 'out' },
      { name: 'rest', exchange: undefined },
    ],
    deadLetters: { exchange: 'dead', queue: 'dead' },
  };
  const sampler = new LiveSampler({ provider, batches: tracker.batches, flow: () => flow, loopP99Ms: () => 1.25 });
  const streams = new EventStreams(() => clock.monotonic);
  const now = (): number => clock.wall;
  const plugins = [
    devices(registry, now),
    live(sampler, streams),
    tap(hub, streams),
    explain(explainer, now),
    config(() => IN_FORCE),
    reload(async () => await Promise.resolve(IN_FORCE.reload as ReloadReport)),
    openapi('1.2.3'),
    ...(options.plugins ?? []),
  ];
  const bugs: Error[] = [];
  const app: FastifyInstance = buildHttp(
    {
      host,
      port: 0,
      status: provider,
      metrics: METRICS,
      plugins: [api({ host, token, streams, plugins })],
      onError: (error) => bugs.push(error),
      ...(options.requestTimeoutMs === undefined ? {} : { requestTimeoutMs: options.requestTimeoutMs }),
    },
    new RateSampler(provider),
  );
  return { app, provider, clock, registry, explainer, hub, onlooker, tracker, sampler, streams, bugs, troubles };
}

export type GatewayApi = ReturnType<typeof gatewayApi>;

/** Throws what a handler or an onlooker threw. */
export function noBugs({ bugs, troubles }: GatewayApi): void {
  for (const bug of [...bugs, ...troubles]) throw bug;
}
