import { deadLetterPages } from './dead-letter-pages.ts';
import type { InFlight, Ledger } from './domain/ledger.ts';
import type { MetricsProvider } from './http/ports.ts';
import { reload } from './http/reload.ts';
import { createHttpServer, type HttpServer } from './http/server.ts';
import type { StatusTracker } from './http/tracker.ts';
import type { LaneStatus, Scheduler } from './pipeline/ports.ts';
import type { Session } from './rabbit/session.ts';
import type { Reloader } from './reloader.ts';
import { detachedRulesInForce } from './rules-of.ts';

export interface GatewayHttpParts {
  readonly reloader: Reloader;
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
  readonly logger: { info(fields: object, message: string): void };
  /** An exception in our own code. */
  readonly onBug: (error: unknown) => void;
}

/** The pages of a gateway: what its parts show over HTTP. Listens only when it is started. */
export function gatewayHttp(parts: GatewayHttpParts): HttpServer {
  const { reloader, version, instance, ledger, tracker, metrics, inFlight, lanes, consuming, publishing, scheduler, logger, onBug } = parts;
  // What this needs of them cannot change while the gateway runs.
  const { settings } = reloader.inForce;
  const { gateway, http } = settings;
  return createHttpServer({
    host: http.host,
    allowedHosts: http.allowedHosts,
    port: http.port,
    status: {
      name: gateway.name,
      version,
      configVersion: () => reloader.inForce.version,
      ledger,
      now: () => scheduler.now(),
      monotonic: () => scheduler.monotonic(),
      inFlight,
      components: () => tracker.components(),
      sessions: () => tracker.sessions(),
      lanes,
      lagMs: () => tracker.lagMs(),
    },
    metrics,
    plugins: [
      deadLetterPages({ settings, rules: detachedRulesInForce(() => reloader.inForce, `${instance}-dry`), instance, consuming, publishing, scheduler, logger }),
      reload({ reload: async (dryRun) => await reloader.reload('http', dryRun), token: http.token }),
    ],
    onError: onBug,
  });
}
