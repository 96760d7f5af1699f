import { setMaxListeners } from 'node:events';
import { announcer, urlOf } from './app/announce.ts';
import type { MakeDirectEdge } from './app/edge-loader.ts';
import { followEvents, followSessions } from './app/follow.ts';
import { type Component, namesOf, type SessionName } from './app/names.ts';
import { gatewayHttp } from './app/http.ts';
import { buildPipeline, type Pipeline } from './app/pipeline.ts';
import { gatewayWatch } from './app/watch.ts';
import { queuesOf, queueWatchOf } from './app/broker-probe.ts';
import { Declarations } from './app/declarations.ts';
import { addressOf } from './domain/broker-url.ts';
import type { Observer, Phase } from './domain/events.ts';
import { type InFlight, Ledger } from './domain/ledger.ts';
import type { ReloadTrigger } from './http/ports.ts';
import type { HttpServer } from './http/server.ts';
import { type StatusTracker, trackStatus } from './http/tracker.ts';
import { ingestBindings } from './app/ingest-bindings.ts';
import { fanOut } from './observe/fan-out.ts';
import { Logging } from './observe/logging.ts';
import { createMetrics } from './observe/metrics.ts';
import { RuntimeMonitor } from './observe/runtime.ts';
import { BooksWatch, type Holdings, inFlightOf } from './pipeline/books-watch.ts';
import { Dedupe } from './pipeline/dedupe.ts';
import { instanceName } from './pipeline/ids.ts';
import type { LaneStatus } from './pipeline/ports.ts';
import { systemScheduler } from './pipeline/scheduler.ts';
import type { BindingWatch } from './rabbit/binding-watch.ts';
import type { QueueWatch } from './rabbit/queue-watch.ts';
import { Session } from './rabbit/session.ts';
import { AmqpSource } from './rabbit/source.ts';
import { buildTopology } from './rabbit/topology.ts';
import { type InForce, Reloader } from './app/reloader.ts';
import { sessionOptions } from './app/session-options.ts';
import type { LoadResult } from './settings/load.ts';
import { topologyOptions } from './app/topology-options.ts';

/** For every single answer of the broker that is not a confirm: opening a channel, declaring, consuming. */
const ANSWER_MS = 10_000;
/** How long closing a connection in good order may take before it is cut. */
const CLOSE_MS = 1500;
/** Between two checks of the books. */
const BOOKS_MS = 5000;

export interface AppOptions {
  /** What the gateway starts with. */
  readonly start: Omit<InForce, 'since'>;
  /** Reads the settings again; undefined where they come from no file. */
  readonly load?: (() => Promise<LoadResult>) | undefined;
  /** Where they are from; undefined where they come from no file. */
  readonly configFile?: string | undefined;
  /** See `directEdgeOf`. */
  readonly makeEdge: MakeDirectEdge | undefined;
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
  private readonly runtime = new RuntimeMonitor();
  private readonly tracker: StatusTracker;
  private readonly observer: Observer;
  private readonly http: HttpServer;
  private readonly reloader: Reloader;
  private readonly declarations: Declarations;
  private readonly consuming: Session;
  private readonly publishing: Session;
  private readonly pipeline: Pipeline;
  private readonly source: AmqpSource;
  /** Aborted when nothing more may be waited for: lanes give back what they hold. */
  private readonly abandon = new AbortController();
  private readonly books: BooksWatch;
  private readonly bindings: BindingWatch;
  private readonly queues: QueueWatch | undefined;
  private readonly edge: ReturnType<MakeDirectEdge> | undefined;
  private draining = false;
  private readonly components: readonly Component[];
  private readonly phase: (component: Component, phase: Phase, reason?: string) => void;

  constructor(options: AppOptions) {
    const { start, version } = options;
    const { settings } = start;
    const scheduler = systemScheduler;
    // Every lane that waits listens: their number is bounded by the prefetch, not by ten.
    setMaxListeners(0, this.abandon.signal);
    const { gateway, routes, dedupe } = settings;
    this.logging = new Logging({ name: gateway.name, level: settings.log.level, format: settings.log.pretty ? 'text' : options.logFormat });
    const names = namesOf(settings.edge);
    this.components = names.components;
    const edge = settings.edge.mode === 'direct' ? () => this.edge?.state() : undefined;
    this.tracker = trackStatus(names, () => scheduler.now());
    const holdings = (): Holdings => ({ messages: this.unsettled, ...this.pipeline.forwarder.holdings() });
    const inFlight = (): InFlight => inFlightOf(holdings());
    const remembered = new Dedupe({ entries: dedupe.enabled ? dedupe.entries : 0, windowMs: dedupe.windowSeconds * 1000 });
    const watch = gatewayWatch(settings, scheduler, this.logging.logger);
    const lanes = (): LaneStatus[] => this.pipeline.forwarder.lanesStatus();
    this.queues = queueWatchOf(settings, (message) => this.logging.logger.warn(message));
    const metrics = createMetrics({
      ledger: this.ledger,
      prefetch: settings.source.prefetch,
      queues: this.queues,
      inFlight,
      dedupe: () => remembered.stats(),
      devices: () => watch.devices.counts(scheduler.now()),
      anomalies: () => this.pipeline.surroundings.environment.counts,
      lanes,
      routes: routes.map((route) => route.name),
      ...names,
      addresses: settings.rabbitmq.urls.map(addressOf),
      edge,
      runtime: () => this.runtime.read(),
      logging: () => this.logging.stats(),
      version,
      config: () => this.reloader.inForce.version,
    });
    const follow = followEvents(
      (...phase) => this.phase(...phase),
      () => this.source.suspicion,
    );
    this.observer = fanOut([metrics.observer, this.tracker.observer, this.logging.observer, follow], options.onBug);
    const { observer } = this;
    this.phase = announcer(this.tracker, observer, () => this.draining);
    this.books = new BooksWatch({ ledger: this.ledger, holdings, scheduler, observer, everyMs: BOOKS_MS });
    const instance = instanceName();
    // An edge keeps what comes, whatever is wrong with the broker: it waits.
    const session = (name: SessionName): Session => new Session({ ...sessionOptions(settings, name), failFast: edge === undefined, observer, scheduler });
    this.consuming = session('consume');
    this.publishing = session('publish');
    const shared = { settings, ledger: this.ledger, scheduler, observer };
    this.pipeline = buildPipeline({
      ...shared,
      configVersion: start.version,
      instance,
      session: this.publishing,
      dedupe: remembered,
      onlooker: watch.onlooker,
      signal: this.abandon.signal,
      answerMs: ANSWER_MS,
      warn: (message) => this.logging.logger.warn(message),
      takeBack: async () => {
        const reason = 'what waits was decided under earlier settings and does not get through: it is decided anew';
        this.edge?.renew(reason);
        await this.source.renew(reason);
      },
    });
    const topology = buildTopology(topologyOptions(settings));
    this.declarations = new Declarations({
      ...shared,
      topology,
      session: this.consuming,
      phase: (phase, reason) => this.phase('topology', phase, reason),
      missing: () => this.bindings.reason,
      answerMs: ANSWER_MS,
    });
    this.bindings = ingestBindings({ ...shared, topology, session: this.consuming });
    this.source = new AmqpSource({
      ...shared,
      session: this.consuming,
      queue: settings.source.queue,
      prefetch: settings.source.prefetch,
      prepare: async (connection) => await this.declarations.declare(connection),
      onBug: options.onBug,
      timeoutMs: ANSWER_MS,
      beforeAcks: () => this.pipeline.surroundings.keep(),
      deliveryLimit: settings.source.type === 'quorum' ? settings.source.deliveryLimit : 0,
      settleSoon: () => this.pipeline.forwarder.flush(),
    });
    this.edge = options.makeEdge?.({
      ...shared,
      accept: (delivery) => this.pipeline.forwarder.accept(delivery),
      beforeAcks: () => this.pipeline.surroundings.keep(),
      session: this.publishing,
      phase: this.phase,
      logging: this.logging,
      onBug: options.onBug,
      booksMs: BOOKS_MS,
    });
    this.reloader = new Reloader({
      start,
      load: options.load,
      recent: () => this.pipeline.recent.list(),
      declare: async (topology) => await this.declarations.tryOut(topology),
      apply: (newer, configVersion, topology) => {
        this.pipeline.use(newer, configVersion);
        watch.explainer.use(newer);
        this.declarations.use(topology);
        this.logging.logger.level = newer.log.level;
        metrics.addRoutes(newer.routes.map((route) => route.name));
        this.queues?.watch(queuesOf(newer));
      },
      ...shared,
    });
    this.http = gatewayHttp({
      ...shared,
      reloader: this.reloader,
      configFile: options.configFile,
      version,
      onBug: options.onBug,
      instance,
      tracker: this.tracker,
      metrics,
      inFlight,
      lanes,
      consuming: this.consuming,
      publishing: this.publishing,
      watch,
      edge,
      needed: names.needed,
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
    const bound = await this.http.start();
    this.phase('http', 'ready');
    this.phase('ledger', 'ready');
    this.books.start();
    this.queues?.start();
    this.logging.logger.info({ url: urlOf(bound) }, 'HTTP is listening');
    await this.edge?.start(signal);
    this.phase('broker', 'starting', 'connecting');
    followSessions([this.consuming, this.publishing], this.phase);
    await Promise.all([this.consuming.start(signal), this.publishing.start(signal)]);
    this.phase('topology', 'starting');
    await this.declarations.first(this.reloader.inForce.settings, this.logging.logger, signal);
    this.bindings.start();
    this.phase('source', 'starting');
    this.edge?.open();
    await this.source.start((delivery) => this.pipeline.forwarder.accept(delivery), signal);
    const { settings, version } = this.reloader.inForce;
    this.logging.logger.info({ queue: settings.source.queue, configVersion: version }, 'the gateway is ready');
  }

  /** Reads the settings again and takes them over, where they are good; the log tells. */
  async reload(trigger: ReloadTrigger): Promise<void> {
    await this.reloader.reload(trigger);
  }

  /** Stops taking messages, sends out what it holds, and closes. Answers whether everything had settled by the deadline. */
  async stop(deadlineMs: number): Promise<boolean> {
    if (this.draining) return false;
    this.draining = true;
    for (const component of this.components) if (component !== 'http') this.phase(component, 'draining');
    const left = (): { itemsLeft: number; messagesLeft: number } => ({ itemsLeft: this.pipeline.forwarder.itemsInFlight, messagesLeft: this.unsettled });
    this.bindings.close();
    this.observer({ type: 'drain', step: 'begin', ...left() });
    this.source.pause();
    this.pipeline.forwarder.flush();
    const deadline = AbortSignal.timeout(deadlineMs);
    await this.edge?.halt(deadlineMs / 2);
    const settled = await this.pipeline.forwarder.drain(this.edge?.patience(deadline) ?? deadline);
    const inQueue = this.source.unsettled;
    this.observer({ type: 'drain', step: settled ? 'flushed' : 'deadline', ...left() });
    this.abandon.abort();
    // Parts that were given up settle in microtasks; only then are the books what they will stay.
    await new Promise((resolve) => setImmediate(resolve));
    // What the edge gets back goes to the disk: that is not unfinished.
    const done = this.edge === undefined ? settled : (await this.edge.stop()) && inQueue === 0;
    this.books.check();
    await this.source.close();
    await this.pipeline.close(CLOSE_MS);
    await Promise.all([this.consuming.close(CLOSE_MS), this.publishing.close(CLOSE_MS)]);
    this.observer({ type: 'drain', step: 'done', ...left() });
    await this.close();
    return done;
  }

  /** What is open whether or not the start got far. */
  async close(): Promise<void> {
    this.abandon.abort();
    await this.edge?.close();
    this.books.close();
    this.bindings.close();
    this.queues?.close();
    await this.pipeline.surroundings.close(CLOSE_MS);
    await Promise.all([this.consuming.close(CLOSE_MS), this.publishing.close(CLOSE_MS)]);
    await this.http.close();
    this.runtime.close();
    await this.logging.close();
  }

  /** Messages that were taken and are not settled. */
  private get unsettled(): number {
    return this.source.unsettled + (this.edge?.unsettled ?? 0);
  }
}
