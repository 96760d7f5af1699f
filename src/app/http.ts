import type { GatewayWatch } from './watch.ts';
import { deadLetterPages } from './dead-letter-pages.ts';
import type { EdgeState } from '../domain/edge-state.ts';
import type { InFlight, Ledger } from '../domain/ledger.ts';
import { api } from '../http/api.ts';
import { config, type ConfigInForce } from '../http/config.ts';
import { devices } from '../http/devices.ts';
import { edge } from '../http/edge.ts';
import { explain } from '../http/explain.ts';
import type { FlowSettings } from '../http/flow.ts';
import { live } from '../http/live.ts';
import { LiveSampler } from '../http/live-sampler.ts';
import { openapi } from '../http/openapi.ts';
import type { MetricsProvider, StatusProvider } from '../http/ports.ts';
import { reload } from '../http/reload.ts';
import { consolePages } from '../http/console.ts';
import { createHttpServer, type HttpServer } from '../http/server.ts';
import { EventStreams } from '../http/sse.ts';
import { tap } from '../http/tap.ts';
import type { StatusTracker } from '../http/tracker.ts';
import type { LaneStatus, Scheduler } from '../pipeline/ports.ts';
import type { Session } from '../rabbit/session.ts';
import type { InForce, Reloader } from './reloader.ts';
import { detachedRules } from './rules-of.ts';
import { redact, type Settings } from '../settings/load.ts';

export interface GatewayHttpParts {
  readonly reloader: Reloader;
  /** Where the settings are from; undefined where they come from no file. */
  readonly configFile?: string | undefined;
  readonly version: string;
  readonly instance: string;
  readonly ledger: Ledger;
  readonly tracker: StatusTracker;
  readonly metrics: MetricsProvider;
  readonly inFlight: () => InFlight;
  readonly lanes: () => readonly LaneStatus[];
  readonly consuming: Session;
  readonly publishing: Session;
  readonly scheduler: Scheduler;
  readonly watch: GatewayWatch;
  /** Of a gateway that takes messages of devices itself. */
  readonly edge?: (() => EdgeState | undefined) | undefined;
  /** Components that readiness is about; undefined: all of them. */
  readonly needed?: readonly string[] | undefined;
  readonly runtime: { loopDelay(): { readonly p99: number } };
  readonly logger: { info(fields: object, message: string): void };
  /** An exception in our own code. */
  readonly onBug: (error: unknown) => void;
}

/** The pages of a gateway: what its parts show over HTTP. Listens only when it is started. */
export function gatewayHttp(parts: GatewayHttpParts): HttpServer {
  const { reloader, instance, tracker, metrics, consuming, publishing, scheduler, watch, runtime, logger, onBug } = parts;
  // What this needs of them cannot change while the gateway runs.
  const { settings } = reloader.inForce;
  const { http } = settings;
  const now = (): number => scheduler.now();
  const status = statusOf(parts);
  const streams = new EventStreams(() => scheduler.monotonic());
  const flow = inForceOnly(reloader, ({ settings: newer }) => flowOf(newer));
  const dryRules = inForceOnly(reloader, ({ settings: newer, version }) => detachedRules(newer, version, `${instance}-dry`));
  const shown = inForceOnly(reloader, (inForce) => shownConfig(inForce, parts.configFile));
  const sampler = new LiveSampler({ provider: status, batches: tracker.batches, flow, loopP99Ms: () => runtime.loopDelay().p99 * 1000 });
  const plugins = [
    deadLetterPages({ settings, rules: dryRules, instance, consuming, publishing, scheduler, logger }),
    devices(watch.devices, now),
    live(sampler, streams),
    tap(watch.taps, streams),
    explain(watch.explainer, now),
    config(() => ({ ...shown(), reload: reloader.last ?? null })),
    reload(async (dryRun) => await reloader.reload('http', dryRun)),
    openapi(parts.version),
  ];
  return createHttpServer({
    host: http.host,
    allowedHosts: http.allowedHosts,
    port: http.port,
    status,
    metrics,
    plugins: [
      api({ host: http.host, token: http.token, streams, plugins }),
      consolePages(parts.edge === undefined ? 'gateway' : 'gateway-with-edge'),
      ...(parts.edge === undefined ? [] : [edge(parts.edge)]),
    ],
    onError: onBug,
  });
}

function statusOf(parts: GatewayHttpParts): StatusProvider {
  const { reloader, version, ledger, tracker, needed, inFlight, lanes, scheduler } = parts;
  return {
    name: reloader.inForce.settings.gateway.name,
    version,
    configVersion: () => reloader.inForce.version,
    ledger,
    now: () => scheduler.now(),
    monotonic: () => scheduler.monotonic(),
    inFlight,
    components: () => tracker.components(),
    needed,
    sessions: () => tracker.sessions(),
    lanes,
    lagMs: () => tracker.lagMs(),
  };
}

/** Made when it is first asked for, and anew only when other settings are in force: some of it is asked for every second. */
function inForceOnly<T>(reloader: Reloader, make: (inForce: InForce) => T): () => T {
  let of: InForce | undefined;
  let made: T | undefined;
  return () => {
    const { inForce } = reloader;
    if (of !== inForce) {
      made = make(inForce);
      of = inForce;
    }
    return made as T;
  };
}

function shownConfig({ settings, version, warnings, since }: InForce, file: string | undefined): Omit<ConfigInForce, 'reload'> {
  return { version, loadedAt: since, file: file ?? null, settings: redact(settings), warnings };
}

function flowOf({ source, routes, deadLetters }: Settings): FlowSettings {
  return {
    queue: source.queue,
    prefetch: source.prefetch,
    routes: routes.map(({ name, action }) => ({ name, exchange: action.kind === 'publish' ? action.exchange : undefined })),
    deadLetters,
  };
}
