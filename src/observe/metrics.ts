import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { AnomalyCounts } from '../codec/anomalies.ts';
import type { Observer } from '../domain/events.ts';
import type { InFlight, Ledger, Outcome, Tally } from '../domain/ledger.ts';
import type { DedupeStats } from '../pipeline/dedupe.ts';
import type { LaneStatus } from '../pipeline/ports.ts';
import { METRICS, type ReadMetric } from './definitions.ts';
import { DEAD_LETTER_LANE, LANE_STATES, type LabelValues, type MetricDefinition, NO_ROUTE, OTHER, PERMANENT_CODES } from './labels.ts';
import { metricsObserver } from './metrics-observer.ts';
import type { RuntimeStats } from './runtime.ts';

export interface MetricsOptions {
  readonly ledger: Ledger;
  readonly inFlight: () => InFlight;
  readonly lanes: () => readonly LaneStatus[];
  readonly dedupe: () => DedupeStats;
  /** What codecs have noticed since the start. */
  readonly anomalies: () => Readonly<AnomalyCounts>;
  /** Names of the routes in the settings: the only values, beside `(none)`, `(dead letters)` and `(other)`, that the label `route` takes. */
  readonly routes: readonly string[];
  /** Names of the connections to the broker. */
  readonly sessions: readonly string[];
  readonly components: readonly string[];
  /** Usually `RuntimeMonitor.read`. */
  readonly runtime: () => RuntimeStats;
  /** Usually `Logging.stats`. */
  readonly logging: () => { readonly suppressed: number; readonly writeFailures: number };
  readonly version: string;
}

export interface Metrics {
  readonly registry: Registry;
  readonly observer: Observer;
  /** The scrape: one consistent moment, since every number is read before the first `await` inside prom-client. */
  readonly render: () => Promise<string>;
  readonly contentType: string;
}

type Labels = Record<string, string>;
/** Hands one number of a metric over; called several times with equal labels, the numbers add up. */
export type Add = (value: number, labels?: Labels) => void;

/** The one place that keeps label values bounded: what the settings do not name becomes `(other)`. */
export interface Names {
  readonly route: (name: string) => string;
  readonly session: (name: string) => string;
  readonly component: (name: string) => string;
}

function within(known: readonly string[]): (name: string) => string {
  const set = new Set(known);
  return (name) => (set.has(name) ? name : OTHER);
}

const OUTCOME_FIELD: Readonly<Record<Outcome, keyof Tally>> = {
  forwarded: 'forwarded',
  'dead-lettered': 'deadLettered',
  filtered: 'filtered',
  deduplicated: 'deduplicated',
  abandoned: 'abandoned',
};
const OUTCOME_FIELDS = Object.entries(OUTCOME_FIELD) as readonly [Outcome, keyof Tally][];

/** Calls `make` at most once until the current synchronous run ends: all numbers of one scrape are from one call. */
function oncePerScrape<T>(make: () => T): () => T {
  let kept: { value: T } | undefined;
  return () => {
    if (kept === undefined) {
      kept = { value: make() };
      queueMicrotask(() => {
        kept = undefined;
      });
    }
    return kept.value;
  };
}

function readers(options: MetricsOptions, names: Names): Record<ReadMetric, (add: Add) => void> {
  const { ledger } = options;
  const runtime = oncePerScrape(options.runtime);
  const lanes = oncePerScrape(options.lanes);
  const inFlight = oncePerScrape(options.inFlight);
  const laneRoutes = [...options.routes, DEAD_LETTER_LANE];
  const itemRoutes = [...options.routes, NO_ROUTE];

  return {
    sluice_build_info: (add) => add(1, { version: options.version, node: process.version }),
    sluice_messages_received_total: (add) => add(ledger.messages.received),
    sluice_messages_settled_total: (add) => {
      for (const [outcome, field] of OUTCOME_FIELDS) add(ledger.messages[field], { outcome });
    },
    sluice_messages_in_flight: (add) => add(inFlight().messages),
    sluice_items_received_total: (add) => {
      for (const route of itemRoutes) add(0, { route });
      for (const [route, tally] of ledger.routes) add(tally.received, { route: names.route(route) });
    },
    sluice_items_settled_total: (add) => {
      for (const [outcome, field] of OUTCOME_FIELDS) {
        for (const route of itemRoutes) add(0, { route, outcome });
        for (const [route, tally] of ledger.routes) add(tally[field], { route: names.route(route), outcome });
      }
    },
    sluice_items_in_flight: (add) => add(inFlight().items),
    sluice_ledger_imbalance: (add) => {
      const held = inFlight();
      const { messages, items } = ledger.imbalance(held.messages, held.items);
      add(messages, { unit: 'messages' });
      add(items, { unit: 'items' });
    },
    sluice_ledger_route_imbalance: (add) => {
      for (const route of itemRoutes) add(0, { route });
      for (const [route, by] of ledger.routeImbalance(inFlight().routes)) add(by, { route: names.route(route) });
    },
    sluice_readings_total: (add) => add(ledger.readings),
    sluice_dead_letters_total: (add) => {
      for (const code of PERMANENT_CODES) add(0, { code });
      for (const [code, n] of ledger.faults) add(n, { code });
    },
    sluice_tap_readings_total: (add) => {
      add(ledger.taps.sent, { outcome: 'sent' });
      add(ledger.taps.dropped, { outcome: 'dropped' });
    },
    sluice_dedupe_entries: (add) => add(options.dedupe().entries),
    sluice_dedupe_evicted_early_total: (add) => add(options.dedupe().evictedEarly),
    sluice_codec_anomalies_total: (add) => {
      for (const [kind, n] of Object.entries(options.anomalies())) add(n, { kind });
    },
    sluice_lanes: (add) => {
      for (const route of laneRoutes) for (const state of LANE_STATES) add(0, { route, state });
      for (const lane of lanes()) add(1, { route: names.route(lane.route), state: lane.state });
    },
    sluice_lane_items: (add) => {
      for (const route of laneRoutes) add(0, { route });
      for (const lane of lanes()) add(lane.items, { route: names.route(lane.route) });
    },
    sluice_lane_held_seconds: (add) => {
      const longest = new Map<string, number>(laneRoutes.map((route) => [route, 0]));
      for (const lane of lanes()) {
        const route = names.route(lane.route);
        longest.set(route, Math.max(longest.get(route) ?? 0, lane.heldSinceMs ?? 0));
      }
      for (const [route, ms] of longest) add(ms / 1000, { route });
    },
    sluice_log_lines_suppressed_total: (add) => add(options.logging().suppressed),
    sluice_log_write_failures_total: (add) => add(options.logging().writeFailures),
    nodejs_eventloop_lag_mean_seconds: (add) => add(runtime().loopDelay.mean),
    nodejs_eventloop_lag_p99_seconds: (add) => add(runtime().loopDelay.p99),
    nodejs_eventloop_lag_max_seconds: (add) => add(runtime().loopDelay.max),
    nodejs_eventloop_busy_seconds_total: (add) => add(runtime().loopBusySeconds),
    process_cpu_user_seconds_total: (add) => add(runtime().cpuUserSeconds),
    process_cpu_system_seconds_total: (add) => add(runtime().cpuSystemSeconds),
    process_cpu_seconds_total: (add) => add(runtime().cpuUserSeconds + runtime().cpuSystemSeconds),
    process_start_time_seconds: (add) => add(runtime().startTimeSeconds),
    process_resident_memory_bytes: (add) => add(runtime().residentBytes),
    process_open_fds: (add) => {
      const fds = runtime().openFds;
      // NaN is how Prometheus writes "not known"; leaving an unlabelled gauge out is not possible.
      add(fds ?? Number.NaN);
    },
    nodejs_heap_size_total_bytes: (add) => add(runtime().heapTotalBytes),
    nodejs_heap_size_used_bytes: (add) => add(runtime().heapUsedBytes),
    nodejs_external_memory_bytes: (add) => add(runtime().externalBytes),
  };
}

/**
 * Metrics that are read at scrape time. prom-client has no `set` for counters; `reset` and then `inc` by the absolute
 * number is the same and cannot be seen half done: `collect` is synchronous, and each collection makes new sample
 * objects, so a scrape that is still being printed keeps its own. Monotonic as long as the number that is read is.
 */
function register(registry: Registry, name: string, definition: MetricDefinition, read: ((add: Add) => void) | undefined): void {
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
      registry.registerMetric(new Histogram({ ...config, registers: [], buckets: [...(definition.buckets ?? [])] }));
      break;
  }
}

/** Builds a registry of its own (nothing global), so that several gateways can live in one process. Starts nothing. */
export function createMetrics(options: MetricsOptions): Metrics {
  const names: Names = {
    route: within([...options.routes, NO_ROUTE, DEAD_LETTER_LANE]),
    session: within(options.sessions),
    component: within(options.components),
  };
  const registry = new Registry();
  const read: Partial<Record<string, (add: Add) => void>> = readers(options, names);
  for (const [name, definition] of Object.entries(METRICS)) register(registry, name, definition, read[name]);
  const observer = metricsObserver(registry, names);
  startAtZero(registry, options);
  for (const session of options.sessions) observer({ type: 'session-state', session, state: 'idle', reason: undefined });
  for (const component of options.components) observer({ type: 'component-phase', component, phase: 'idle', reason: undefined });
  return { registry, observer, render: () => registry.metrics(), contentType: registry.contentType };
}

/** A series that appears with its first event hides that event from `rate()`: the ones that are known beforehand start at 0. */
function startAtZero(registry: Registry, options: MetricsOptions): void {
  const known: Partial<Record<Exclude<LabelValues, readonly string[]>, readonly string[]>> = {
    routes: options.routes,
    sessions: options.sessions,
    components: options.components,
  };
  for (const [name, definition] of Object.entries(METRICS as Record<string, MetricDefinition>)) {
    if (definition.by === 'read' || 'code' in definition.labels || definition.unknownAtStart === true) continue;
    const metric = registry.getSingleMetric(name);
    for (const labels of combinations(definition.labels, known)) {
      if (metric instanceof Histogram) metric.zero(labels);
      else if (metric instanceof Counter || metric instanceof Gauge) metric.inc(labels, 0);
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
