import { Counter, Gauge, Registry } from 'prom-client';
import type { AnomalyCounts } from '../codec/anomalies.ts';
import type { EdgeState } from '../domain/edge-state.ts';
import type { Observer } from '../domain/events.ts';
import type { InFlight, Ledger } from '../domain/ledger.ts';
import type { QueueState } from '../domain/queue-state.ts';
import type { DedupeStats } from '../pipeline/dedupe.ts';
import type { LaneStatus } from '../pipeline/ports.ts';
import { BatchStats } from './batch-stats.ts';
import { METRICS } from './definitions.ts';
import { EDGE_METRICS } from './edge-metrics.ts';
import { edgeReaders } from './edge-readers.ts';
import { DEAD_LETTER_LANE, type LabelValues, type MetricDefinition, NO_ROUTE, OTHER, ROUTES_BY_NAME, routesAtZero } from './labels.ts';
import { metricsObserver } from './metrics-observer.ts';
import { ReadHistogram } from './read-histogram.ts';
import { type Add, distributions, type Hand, type Labels, readers } from './readers.ts';
import type { RuntimeStats } from './runtime.ts';

export interface MetricsOptions {
  readonly ledger: Ledger;
  /** Most deliveries in flight (`source.prefetch`). */
  readonly prefetch: number;
  /** What the broker says of the queues of the settings; undefined where nobody asks it. */
  readonly queues: { readonly states: readonly QueueState[]; readonly looks: { readonly ok: number; readonly failed: number } } | undefined;
  readonly inFlight: () => InFlight;
  readonly lanes: () => readonly LaneStatus[];
  readonly dedupe: () => DedupeStats;
  /** Devices that are known, and how many of them are silent. */
  readonly devices: () => { readonly known: number; readonly silent: number };
  /** What codecs have noticed since the start. */
  readonly anomalies: () => Readonly<AnomalyCounts>;
  /** Names of the routes in the settings: the first thousand, with those of `addRoutes`, are the only values, beside `(none)`, `(dead letters)` and `(other)`, that the label `route` takes. */
  readonly routes: readonly string[];
  /** Names of the connections to the broker. */
  readonly sessions: readonly string[];
  /** `host:port` of each URL in the settings. */
  readonly addresses: readonly string[];
  readonly components: readonly string[];
  /** Usually `RuntimeMonitor.read`. */
  readonly runtime: () => RuntimeStats;
  /** Usually `Logging.stats`. */
  readonly logging: () => { readonly suppressed: number; readonly writeFailures: number };
  readonly version: string;
  /** Digest of the settings in force. */
  readonly config: () => string;
  /** Of an edge; undefined where the process is none, and answers undefined while it is starting. */
  readonly edge?: (() => EdgeState | undefined) | undefined;
}

export interface Metrics {
  readonly registry: Registry;
  readonly observer: Observer;
  /** The scrape: one consistent moment, since every number is read before the first `await` inside prom-client. */
  readonly render: () => Promise<string>;
  readonly contentType: string;
  /** Other settings are in force: the series of new routes begin at 0, those of routes that are gone stay. */
  readonly addRoutes: (routes: readonly string[]) => void;
}

/** The one place that keeps label values bounded: what the settings do not name becomes `(other)`. */
export interface Names {
  readonly route: (name: string) => string;
  readonly session: (name: string) => string;
  readonly address: (name: string) => string;
  readonly component: (name: string) => string;
}

function within(known: ReadonlySet<string>): (name: string) => string {
  return (name) => (known.has(name) ? name : OTHER);
}

/**
 * Metrics that are read at scrape time. prom-client has no `set` for counters; `reset` and then `inc` by the absolute
 * number is the same and cannot be seen half done: `collect` is synchronous, and each collection makes new sample
 * objects, so a scrape that is still being printed keeps its own. Monotonic as long as the number that is read is.
 */
function register(
  registry: Registry,
  name: string,
  definition: MetricDefinition,
  read: ((add: Add) => void) | undefined,
  hand: ((hand: Hand) => void) | undefined,
): void {
  const config = { name, help: definition.help, labelNames: Object.keys(definition.labels), registers: [registry] };
  switch (definition.type) {
    case 'counter': {
      const counter: Counter = new Counter(
        read === undefined
          ? config
          : {
              ...config,
              collect: () => {
                counter.reset();
                read((value, labels = {}) => counter.inc(labels, value));
              },
            },
      );
      break;
    }
    case 'gauge': {
      const gauge: Gauge = new Gauge(
        read === undefined
          ? config
          : {
              ...config,
              collect: () => {
                gauge.reset();
                read((value, labels = {}) => gauge.inc(labels, value));
              },
            },
      );
      break;
    }
    case 'histogram':
      if (hand === undefined) throw new Error(`${name}: histograms are read, and nobody reads this one`);
      new ReadHistogram(name, definition, hand).register(registry);
      break;
  }
}

/** Builds a registry of its own (nothing global), so that several gateways can live in one process. Starts nothing. */
export function createMetrics(options: MetricsOptions): Metrics {
  const routes = options.routes.slice(0, ROUTES_BY_NAME);
  const labels = new Set([...routes, NO_ROUTE, DEAD_LETTER_LANE]);
  const names: Names = {
    route: within(labels),
    session: within(new Set(options.sessions)),
    address: within(new Set(options.addresses)),
    component: within(new Set(options.components)),
  };
  const registry = new Registry();
  const batches = new BatchStats();
  const read: Partial<Record<string, (add: Add) => void>> = {
    ...readers({ ...options, routes }, names, batches),
    ...(options.edge === undefined ? {} : edgeReaders(options.edge, Date.now)),
  };
  const hand: Partial<Record<string, (hand: Hand) => void>> = distributions({ ...options, routes }, names, batches);
  for (const [name, definition] of Object.entries(METRICS)) {
    if (options.edge === undefined && Object.hasOwn(EDGE_METRICS, name)) continue;
    register(registry, name, definition, read[name], hand[name]);
  }
  const observer = metricsObserver(registry, names, batches);
  startAtZero(registry, options, routesAtZero(routes));
  const addRoutes = (all: readonly string[]): void => {
    const added = all.filter((name) => !labels.has(name)).slice(0, ROUTES_BY_NAME - routes.length);
    routes.push(...added);
    for (const name of added) labels.add(name);
    // Those without a route have their zeros already; adding 0 to them changes nothing.
    if (added.length > 0 && routesAtZero(routes).length > 0) startAtZero(registry, options, added);
  };
  for (const session of options.sessions) observer({ type: 'session-state', session, state: 'idle', address: undefined, reason: undefined });
  for (const component of options.components) observer({ type: 'component-phase', component, phase: 'idle', reason: undefined });
  return { registry, observer, render: () => registry.metrics(), contentType: registry.contentType, addRoutes };
}

/** A series that appears with its first event hides that event from `rate()`: the ones that are known beforehand start at 0 (see `routesAtZero`). */
function startAtZero(registry: Registry, options: MetricsOptions, routes: readonly string[]): void {
  const known: Partial<Record<Exclude<LabelValues, readonly string[]>, readonly string[]>> = {
    routes,
    sessions: options.sessions,
    addresses: options.addresses,
    components: options.components,
  };
  for (const [name, definition] of Object.entries(METRICS as Record<string, MetricDefinition>)) {
    if (definition.by === 'read' || 'code' in definition.labels || definition.unknownAtStart === true) continue;
    const metric = registry.getSingleMetric(name);
    if (definition.session !== undefined && !options.sessions.includes(definition.session)) {
      // What has no labels begins at 0 by itself.
      if (metric instanceof Gauge) metric.remove();
      continue;
    }
    for (const labels of combinations(definition.labels, known)) {
      if (metric instanceof Counter || metric instanceof Gauge) metric.inc(labels, 0);
    }
  }
}

function combinations(labels: Readonly<Record<string, LabelValues>>, known: Partial<Record<string, readonly string[]>>): Labels[] {
  let all: Labels[] = [{}];
  for (const [label, values] of Object.entries(labels)) {
    const list = typeof values === 'string' ? (known[values] ?? []) : values;
    all = all.flatMap((base) => list.map((value) => ({ ...base, [label]: value })));
  }
  return all;
}
