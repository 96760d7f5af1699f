import { deadLetterPages } from './dead-letter-pages.ts';
import type { InFlight, Ledger } from './domain/ledger.ts';
import { consolePages } from './http/console.ts';
import type { MetricsProvider } from './http/ports.ts';
import { createHttpServer, type HttpServer } from './http/server.ts';
import type { StatusTracker } from './http/tracker.ts';
import type { LaneStatus, Scheduler } from './pipeline/ports.ts';
import type { Session } from './rabbit/session.ts';
import type { Settings } from './settings/load.ts';

export interface GatewayHttpParts {
  readonly settings: Settings;
  /** Digest of the settings in force. */
  readonly configVersion: string;
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
  const { settings, configVersion, version, instance, ledger, tracker, metrics, inFlight, lanes, consuming, publishing, scheduler, logger, onBug } = parts;
  const { gateway, http } = settings;
  return createHttpServer({
    host: http.host,
    allowedHosts: http.allowedHosts,
    port: http.port,
    status: {
      name: gateway.name,
      version,
      configVersion,
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
    plugins: [deadLetterPages({ settings, instance, consuming, publishing, scheduler, logger }), consolePages()],
    onError: onBug,
  });
}
