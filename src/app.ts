import { setMaxListeners } from 'node:events';
import { gatewayHttp } from './app-http.ts';
import { buildPipeline } from './app-pipeline.ts';
import { gatewayWatch } from './app-watch.ts';
import { queueWatchOf, reportBroker } from './broker-probe.ts';
import type { CodecSurroundings } from './codec-environment.ts';
import { addressOf } from './domain/broker-url.ts';
import type { Observer, Phase } from './domain/events.ts';
import { type InFlight, Ledger } from './domain/ledger.ts';
import type { HttpServer } from './http/server.ts';
import { type StatusTracker, trackStatus } from './http/tracker.ts';
import { ingestBindings } from './ingest-bindings.ts';
import { fanOut } from './observe/fan-out.ts';
import { Logging } from './observe/logging.ts';
import { createMetrics } from './observe/metrics.ts';
import { RuntimeMonitor } from './observe/runtime.ts';
import { BooksWatch, type Holdings, inFlightOf } from './pipeline/books-watch.ts';
import { Dedupe } from './pipeline/dedupe.ts';
import type { Forwarder } from './pipeline/forwarder.ts';
import { instanceName } from './pipeline/ids.ts';
import { systemScheduler } from './pipeline/scheduler.ts';
import { assertTopology, TopologyError } from './rabbit/assert-topology.ts';
import type { BindingWatch } from './rabbit/binding-watch.ts';
import type { Connection } from './rabbit/connection.ts';
import type { AmqpDeadLetters } from './rabbit/dead-letters.ts';
import { pause } from './rabbit/deadline.ts';
import type { QueueWatch } from './rabbit/queue-watch.ts';
import { Session } from './rabbit/session.ts';
import type { AmqpSink } from './rabbit/sink.ts';
import { AmqpSource } from './rabbit/source.ts';
import { buildTopology, type Topology } from './rabbit/topology.ts';
import { sessionOptions } from './session-options.ts';
import type { Problem, Settings } from './settings/load.ts';
import { topologyOptions } from './topology-options.ts';

/** For every single answer of the broker that is not a confirm: opening a channel, declaring, consuming. */
const ANSWER_MS = 10_000;
/** How long closing a connection in good order may take before it is cut. */
const CLOSE_MS = 1500;
const COMPONENTS = ['http', 'broker', 'topology', 'source', 'ledger'] as const;
/** Between two checks of the books. */
const BOOKS_MS = 5000;
const SESSIONS = ['consume', 'publish'] as const;

export interface AppOptions {
  readonly settings: Settings;
  /** Digest of the settings in force. */
  readonly configVersion: string;
  /** Where they are from, and what the loader has to say about them. */
  readonly configFile?: string;
  readonly configWarnings?: readonly Problem[];
  readonly version: string;
  readonly logFormat: 'auto' | 'json' | 'text';
  /** An exception in our own code: the owner ends the process, and the broker gives everything back. */
  readonly onBug: (error: unknown) => void;
}

/**
 * The composition root: the only file that knows every room. It builds the gateway from its settings, starts it in the
 * order topology, publisher, source, and stops it in the opposite one.
 */
export class App {
  readonly logging: Logging;
  readonly ledger: Ledger = new Ledger();
  private readonly options: AppOptions;
  private readonly runtime = new RuntimeMonitor();
  private readonly tracker: StatusTracker;
  private readonly observer: Observer;
  private readonly http: HttpServer;
  private readonly topology: Topology;
  private readonly consuming: Session;
  private readonly publishing: Session;
  private readonly sink: AmqpSink;
  private readonly deadLetters: AmqpDeadLetters;
  private readonly source: AmqpSource;
  private readonly forwarder: Forwarder;
  private readonly surroundings: CodecSurroundings;
  /** Aborted when nothing more may be waited for: lanes give back what they hold. */
  private readonly abandon = new AbortController();
  private readonly books: BooksWatch;
  private readonly bindings: BindingWatch;
  private readonly queues: QueueWatch | undefined;
  private draining = false;

  constructor(options: AppOptions) {
    const { settings, configVersion, version } = options;
    // Every lane that waits listens: their number is bounded by the prefetch, not by ten.
    setMaxListeners(0, this.abandon.signal);
    this.options = options;
    const { gateway, routes, dedupe } = settings;
    const scheduler = systemScheduler;
    this.logging = new Logging({ name: gateway.name, level: settings.log.level, format: settings.log.pretty ? 'text' : options.logFormat });
    this.tracker = trackStatus({ components: COMPONENTS, sessions: SESSIONS }, () => scheduler.now());
    const holdings = (): Holdings => ({ messages: this.source.unsettled, ...this.forwarder.holdings() });
    const inFlight = (): InFlight => inFlightOf(holdings());
    const remembered = new Dedupe({ entries: dedupe.enabled ? dedupe.entries : 0, windowMs: dedupe.windowSeconds * 1000 });
    const watch = gatewayWatch(settings, scheduler, this.logging.logger);
    const lanes = (): ReturnType<Forwarder['lanesStatus']> => this.forwarder.lanesStatus();
    this.queues = queueWatchOf(settings, (message) => this.logging.logger.warn(message));
    const metrics = createMetrics({
      ledger: this.ledger,
      prefetch: settings.source.prefetch,
      queues: this.queues,
      inFlight,
      dedupe: () => remembered.stats(),
      devices: () => watch.devices.counts(scheduler.now()),
      anomalies: () => this.surroundings.environment.counts,
      lanes,
      routes: routes.map((route) => route.name),
      sessions: SESSIONS,
      addresses: settings.rabbitmq.urls.map(addressOf),
      components: COMPONENTS,
      runtime: () => this.runtime.read(),
      logging: () => this.logging.stats(),
      version,
    });
    const follow: Observer = (event) => {
      if (event.type === 'ledger-imbalance') this.phase('ledger', 'degraded', event.reason);
      else if (event.type === 'ledger-balanced') this.phase('ledger', 'ready');
      else if (event.type === 'binding-missing') this.phase('topology', 'degraded', event.reason);
      else if (event.type === 'binding-restored') this.phase('topology', 'ready');
      else if (event.type === 'poison-suspected') this.phase('source', 'degraded', event.reason);
      else if (this.source.suspicion !== undefined) return;
      else if (event.type === 'source-attached') this.phase('source', 'ready');
      else if (event.type === 'source-detached') this.phase('source', 'degraded', event.reason);
    };
    this.observer = fanOut([metrics.observer, this.tracker.observer, this.logging.observer, follow], options.onBug);
    const { observer } = this;
    this.books = new BooksWatch({ ledger: this.ledger, holdings, scheduler, observer, everyMs: BOOKS_MS });

    const instance = instanceName();
    const session = (name: (typeof SESSIONS)[number]): Session => new Session({ ...sessionOptions(settings, name), observer, scheduler });
    this.consuming = session('consume');
    this.publishing = session('publish');
    const parts = buildPipeline({
      settings,
      configVersion,
      instance,
      session: this.publishing,
      ledger: this.ledger,
      dedupe: remembered,
      scheduler,
      observer,
      onlooker: watch.onlooker,
      signal: this.abandon.signal,
      answerMs: ANSWER_MS,
      warn: (message) => this.logging.logger.warn(message),
    });
    this.sink = parts.sink;
    this.deadLetters = parts.deadLetters;
    this.surroundings = parts.surroundings;
    this.forwarder = parts.forwarder;
    this.topology = buildTopology(topologyOptions(settings));
    this.bindings = ingestBindings({ settings, topology: this.topology, session: this.consuming, scheduler, observer });
    this.source = new AmqpSource({
      session: this.consuming,
      queue: settings.source.queue,
      prefetch: settings.source.prefetch,
      ledger: this.ledger,
      scheduler,
      observer,
      prepare: async (connection) => await this.declare(connection),
      onBug: options.onBug,
      timeoutMs: ANSWER_MS,
      beforeAcks: () => this.surroundings.keep(),
      deliveryLimit: settings.source.type === 'quorum' ? settings.source.deliveryLimit : 0,
      settleSoon: () => this.forwarder.flush(),
    });
    this.http = gatewayHttp({
      ...options,
      instance,
      ledger: this.ledger,
      tracker: this.tracker,
      metrics,
      inFlight,
      lanes,
      consuming: this.consuming,
      publishing: this.publishing,
      scheduler,
      watch,
      runtime: this.runtime,
      logger: this.logging.logger,
    });
  }

  /**
   * Resolves when readings flow. A broker that is not there yet is waited for, in plain sight of `/readyz`; what waiting
   * cannot mend (wrong password, a queue of another type, a port in use) rejects with an error that says what to do.
   */
  async start(signal: AbortSignal): Promise<void> {
    this.logging.start();
    this.runtime.start();
    this.phase('http', 'starting');
    const { address, port } = await this.http.start();
    this.phase('http', 'ready');
    this.phase('ledger', 'ready');
    this.books.start();
    this.queues?.start();
    this.logging.logger.info({ url: `http://${address.includes(':') ? `[${address}]` : address}:${port}` }, 'HTTP is listening');
    this.phase('broker', 'starting', 'connecting');
    this.followSessions();
    await Promise.all([this.consuming.start(signal), this.publishing.start(signal)]);
    this.phase('topology', 'starting');
    await this.firstTopology(signal);
    this.bindings.start();
    this.phase('source', 'starting');
    await this.source.start((delivery) => this.forwarder.accept(delivery), signal);
    this.logging.logger.info({ queue: this.options.settings.source.queue, configVersion: this.options.configVersion }, 'the gateway is ready');
  }

  /** Stops taking messages, sends out what it holds, and closes. Answers whether everything had settled by the deadline. */
  async stop(deadlineMs: number): Promise<boolean> {
    if (this.draining) return false;
    this.draining = true;
    for (const component of COMPONENTS) if (component !== 'http') this.phase(component, 'draining');
    const left = (): { itemsLeft: number; messagesLeft: number } => ({ itemsLeft: this.forwarder.itemsInFlight, messagesLeft: this.source.unsettled });
    this.bindings.close();
    this.observer({ type: 'drain', step: 'begin', ...left() });
    this.source.pause();
    const settled = await this.forwarder.drain(AbortSignal.timeout(deadlineMs));
    this.observer({ type: 'drain', step: settled ? 'flushed' : 'deadline', ...left() });
    this.abandon.abort();
    // Parts that were given up settle in microtasks; only then are the books what they will stay.
    await new Promise((resolve) => setImmediate(resolve));
    this.books.check();
    await this.source.close();
    await Promise.all([this.sink.close(CLOSE_MS), this.deadLetters.close(CLOSE_MS)]);
    await Promise.all([this.consuming.close(CLOSE_MS), this.publishing.close(CLOSE_MS)]);
    this.observer({ type: 'drain', step: 'done', ...left() });
    await this.close();
    return settled;
  }

  /** What is open whether or not the start got far. */
  async close(): Promise<void> {
    this.abandon.abort();
    this.books.close();
    this.bindings.close();
    this.queues?.close();
    await this.surroundings.close(CLOSE_MS);
    await Promise.all([this.consuming.close(CLOSE_MS), this.publishing.close(CLOSE_MS)]);
    await this.http.close();
    this.runtime.close();
    await this.logging.close();
  }

  /** The first declaration is different from later ones: what is wrong now is wrong in the settings or the rights. */
  private async firstTopology(signal: AbortSignal): Promise<void> {
    for (;;) {
      const connection = this.consuming.current;
      try {
        if (connection !== undefined) {
          await this.declare(connection);
          await reportBroker(connection, this.options.settings, this.topology, this.logging.logger);
          return;
        }
      } catch (error) {
        if (error instanceof TopologyError && error.code !== undefined && connection?.lost === false) throw error;
      }
      await pause(200, signal, systemScheduler);
      if (signal.aborted) throw new Error('stopped before the topology was declared');
    }
  }

  private async declare(connection: Connection): Promise<void> {
    try {
      await assertTopology(connection, this.topology, { timeoutMs: ANSWER_MS, scheduler: systemScheduler, observer: this.observer });
      // What was found missing is believed to be back when it is seen.
      if (this.bindings.reason === undefined) this.phase('topology', 'ready');
    } catch (error) {
      this.phase('topology', 'degraded', error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  private followSessions(): void {
    const follow = (): void => {
      const bad = [this.consuming, this.publishing].find((session) => session.state !== 'ready');
      if (bad === undefined) this.phase('broker', 'ready');
      else this.phase('broker', 'degraded', `${bad.name} connection is ${bad.state}${bad.reason === undefined ? '' : `: ${bad.reason}`}`);
    };
    this.consuming.onChange(follow);
    this.publishing.onChange(follow);
    follow();
  }

  private phase(component: (typeof COMPONENTS)[number], phase: Phase, reason?: string): void {
    if (this.draining && phase !== 'draining') return;
    const before = this.tracker.components().find((each) => each.name === component);
    if (before?.phase === phase && before.reason === reason) return;
    this.observer({ type: 'component-phase', component, phase, reason });
  }
}
