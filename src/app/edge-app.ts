import { setMaxListeners } from 'node:events';
import { noAnomalies } from '../codec/anomalies.ts';
import { addressOf } from '../domain/broker-url.ts';
import type { Observer, Phase } from '../domain/events.ts';
import { type InFlight, Ledger } from '../domain/ledger.ts';
import { consolePages } from '../http/console.ts';
import { edge as edgePage } from '../http/edge.ts';
import { createHttpServer, type HttpServer } from '../http/server.ts';
import { type StatusTracker, trackStatus } from '../http/tracker.ts';
import { edgeMessagePrefix } from '../domain/message.ts';
import { fanOut } from '../observe/fan-out.ts';
import { Logging } from '../observe/logging.ts';
import { createMetrics } from '../observe/metrics.ts';
import { RuntimeMonitor } from '../observe/runtime.ts';
import { BooksWatch, type Holdings, inFlightOf, messagesAlone } from '../pipeline/books-watch.ts';
import { instanceName } from '../pipeline/ids.ts';
import { systemScheduler } from '../pipeline/scheduler.ts';
import { AmqpBridge } from '../rabbit/bridge.ts';
import { Session } from '../rabbit/session.ts';
import type { Settings } from '../settings/load.ts';
import { announcer, urlOf } from './announce.ts';
import { EdgeRunning } from './edge-running.ts';
import { type Component, namesOf } from './names.ts';
import { sessionOptions } from './session-options.ts';

/** For every single answer of the broker that is not a confirm. */
const ANSWER_MS = 10_000;
const CLOSE_MS = 1500;
/** Between two checks of the books. */
const WATCH_MS = 5000;
const NO_ANOMALIES = noAnomalies();

export interface EdgeAppOptions {
  readonly settings: Settings;
  readonly configVersion: string;
  readonly version: string;
  readonly logFormat: 'auto' | 'json' | 'text';
  /** An exception in our own code: the owner ends the process; what was acknowledged is on the disk or in RabbitMQ. */
  readonly onBug: (error: unknown) => void;
}

/**
 * The composition root of an edge (`edge.mode: bridge`): listener, keeper, spool and bridge. It is ready when devices can publish and
 * what they publish is kept, whether or not RabbitMQ is there.
 */
export class EdgeApp {
  readonly logging: Logging;
  readonly ledger: Ledger = new Ledger();
  private readonly options: EdgeAppOptions;
  private readonly runtime = new RuntimeMonitor();
  private readonly tracker: StatusTracker;
  private readonly observer: Observer;
  private readonly http: HttpServer;
  private readonly session: Session;
  private readonly bridge: AmqpBridge;
  private readonly stopping = new AbortController();
  private readonly books: BooksWatch;
  private running: EdgeRunning | undefined;
  private draining = false;
  private readonly components: readonly Component[];
  private readonly phase: (component: Component, phase: Phase, reason?: string) => void;

  constructor(options: EdgeAppOptions) {
    this.options = options;
    const { settings, version, configVersion } = options;
    const { gateway, edge, rabbitmq } = settings;
    const scheduler = systemScheduler;
    setMaxListeners(0, this.stopping.signal);
    this.logging = new Logging({ name: gateway.name, level: settings.log.level, format: settings.log.pretty ? 'text' : options.logFormat });
    const names = namesOf(edge);
    this.components = names.components;
    this.tracker = trackStatus(names, () => scheduler.now());
    const holdings = (): Holdings => messagesAlone(this.running?.books.held() ?? 0);
    const inFlight = (): InFlight => inFlightOf(holdings());
    const metrics = createMetrics({
      ledger: this.ledger,
      prefetch: edge.bridge.inFlight,
      queues: undefined,
      inFlight,
      dedupe: () => ({ entries: 0, evictedEarly: 0 }),
      devices: () => ({ known: 0, silent: 0 }),
      anomalies: () => NO_ANOMALIES,
      lanes: () => [],
      routes: [],
      ...names,
      addresses: rabbitmq.urls.map(addressOf),
      runtime: () => this.runtime.read(),
      logging: () => this.logging.stats(),
      version,
      config: () => configVersion,
      edge: () => this.running?.state(),
    });
    this.observer = fanOut([metrics.observer, this.tracker.observer, this.logging.observer], options.onBug);
    const { observer } = this;
    this.phase = announcer(this.tracker, observer, () => this.draining);
    this.books = new BooksWatch({
      ledger: this.ledger,
      holdings,
      scheduler,
      observer,
      everyMs: WATCH_MS,
    });
    const instance = instanceName();
    this.session = new Session({ ...sessionOptions(settings, 'publish'), failFast: false, observer, scheduler });
    this.bridge = new AmqpBridge({
      session: this.session,
      exchange: edge.bridge.exchange,
      instance: `${edgeMessagePrefix(gateway.name)}${instance}`,
      window: edge.bridge.inFlight,
      perTopic: edge.bridge.inFlightPerTopic,
      mandatory: edge.bridge.unroutable === 'hold',
      confirmTimeoutMs: rabbitmq.confirmTimeoutSeconds * 1000,
      channelTimeoutMs: ANSWER_MS,
      maxMessageBytes: rabbitmq.maxMessageBytes,
      scheduler,
    });
    this.http = createHttpServer({
      host: settings.http.host,
      allowedHosts: settings.http.allowedHosts,
      port: settings.http.port,
      status: {
        name: gateway.name,
        version,
        configVersion: () => configVersion,
        ledger: this.ledger,
        now: () => scheduler.now(),
        monotonic: () => scheduler.monotonic(),
        inFlight,
        components: () => this.tracker.components(),
        sessions: () => this.tracker.sessions(),
        lanes: () => [],
        lagMs: () => undefined,
      },
      metrics,
      plugins: [edgePage(() => this.running?.state()), consolePages('edge')],
      onError: options.onBug,
    });
  }

  /** Resolves when devices can connect. Rejects where a port, or the folder of the spool, is not to be had. */
  async start(signal: AbortSignal): Promise<void> {
    const { logger } = this.logging;
    this.logging.start();
    this.runtime.start();
    this.phase('http', 'starting');
    const bound = await this.http.start();
    this.phase('http', 'ready');
    logger.info({ url: urlOf(bound) }, 'HTTP is listening');
    const { bridge, ledger, logging, observer, phase } = this;
    this.running = new EdgeRunning({ ...this.options, outlet: bridge, ledger, logging, observer, phase });
    this.phase('ledger', 'ready');
    this.books.start();
    this.bridge.start();
    // Waits for RabbitMQ as long as it takes: that is what an edge is for. It rejects only when it is stopped.
    this.session.start(AbortSignal.any([signal, this.stopping.signal])).catch(() => undefined);
    await this.running.listen(signal);
  }

  /** An edge takes other settings over only when it starts: says so. */
  async reload(_trigger: string): Promise<void> {
    this.logging.logger.warn('an edge takes other settings over when it starts: restart it; devices that are connected come back by themselves');
  }

  /** Lets devices go, sends out what is under way, and writes the rest to the disk. Answers whether everything is safe. */
  async stop(deadlineMs: number): Promise<boolean> {
    if (this.draining) return false;
    this.draining = true;
    for (const component of this.components) if (component !== 'http') this.phase(component, 'draining');
    const left = (): { itemsLeft: number; messagesLeft: number } => ({ itemsLeft: 0, messagesLeft: this.running?.unsafe() ?? 0 });
    this.observer({ type: 'drain', step: 'begin', ...left() });
    const safe = (await this.running?.stop(deadlineMs)) ?? true;
    this.observer({ type: 'drain', step: safe ? 'flushed' : 'deadline', ...left() });
    this.books.check();
    this.observer({ type: 'drain', step: 'done', ...left() });
    await this.close();
    return safe;
  }

  /** What is open whether or not the start got far. */
  async close(): Promise<void> {
    this.stopping.abort();
    this.books.close();
    await this.bridge.close(CLOSE_MS);
    await this.session.close(CLOSE_MS);
    await this.running?.close();
    await this.http.close();
    this.runtime.close();
    await this.logging.close();
  }
}
