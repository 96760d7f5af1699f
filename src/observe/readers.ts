import { DELAY_BOUNDS_MS } from '../domain/delays.ts';
import { Distribution } from '../domain/distribution.ts';
import { FLAGS } from '../domain/flags.ts';
import { FILTER_REASONS, type Outcome, type Tally } from '../domain/ledger.ts';
import { batchDistributions, batchReaders, type BatchStats } from './batch-stats.ts';
import type { ReadDistribution, ReadMetric } from './definitions.ts';
import { DEAD_LETTER_LANE, LANE_STATES, NO_ROUTE, PERMANENT_CODES, routesAtZero } from './labels.ts';
import type { MetricsOptions, Names } from './metrics.ts';

export type Labels = Record<string, string>;
/** Hands one number of a metric over; called several times with equal labels, the numbers add up. */
export type Add = (value: number, labels?: Labels) => void;
/** Hands one histogram over, of values in the unit of the metric; milliseconds where that is seconds. Equal labels come once. */
export type Hand = (distribution: Distribution, labels?: Labels) => void;

const NOTHING_YET = new Distribution(DELAY_BOUNDS_MS);

const OUTCOME_FIELD: Readonly<Record<Outcome, keyof Tally>> = {
  forwarded: 'forwarded',
  'dead-lettered': 'deadLettered',
  filtered: 'filtered',
  deduplicated: 'deduplicated',
  abandoned: 'abandoned',
};
const OUTCOME_FIELDS = Object.entries(OUTCOME_FIELD) as readonly [Outcome, keyof Tally][];

/** Calls `make` at most once until the current synchronous run ends: all numbers of one scrape are from one call. */
export function oncePerScrape<T>(make: () => T): () => T {
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

/** How each metric of the tables that is a plain number is read. */
export function readers(options: MetricsOptions, names: Names, batches: BatchStats): Record<ReadMetric, (add: Add) => void> {
  const { ledger } = options;
  const runtime = oncePerScrape(options.runtime);
  const lanes = oncePerScrape(options.lanes);
  const inFlight = oncePerScrape(options.inFlight);
  const devices = oncePerScrape(options.devices);
  // Asked anew each time: other settings may add routes.
  const laneRoutes = (): string[] => [...routesAtZero(options.routes), DEAD_LETTER_LANE];
  const itemRoutes = (): string[] => [...routesAtZero(options.routes), NO_ROUTE];

  return {
    ...batchReaders(batches, options.routes),
    sluice_config_info: (add) => add(1, { version: options.config() }),
    sluice_build_info: (add) => add(1, { version: options.version, node: process.version }),
    sluice_messages_received_total: (add) => add(ledger.messages.received),
    sluice_received_bytes_total: (add) => add(ledger.bytesReceived),
    sluice_messages_settled_total: (add) => {
      for (const [outcome, field] of OUTCOME_FIELDS) add(ledger.messages[field], { outcome });
    },
    sluice_messages_in_flight: (add) => add(inFlight().messages),
    sluice_messages_in_flight_limit: (add) => add(options.prefetch),
    sluice_items_received_total: (add) => {
      for (const route of itemRoutes()) add(0, { route });
      for (const [route, tally] of ledger.routes) add(tally.received, { route: names.route(route) });
    },
    sluice_items_settled_total: (add) => {
      for (const [outcome, field] of OUTCOME_FIELDS) {
        for (const route of itemRoutes()) add(0, { route, outcome });
        for (const [route, tally] of ledger.routes) add(tally[field], { route: names.route(route), outcome });
      }
    },
    sluice_items_in_flight: (add) => add(inFlight().items),
    sluice_items_filtered_total: (add) => {
      for (const reason of FILTER_REASONS) add(ledger.filtered[reason], { reason });
    },
    sluice_ledger_imbalance: (add) => {
      const held = inFlight();
      const { messages, items } = ledger.imbalance(held.messages, held.items);
      add(messages, { unit: 'messages' });
      add(items, { unit: 'items' });
    },
    sluice_ledger_route_imbalance: (add) => {
      for (const route of itemRoutes()) add(0, { route });
      for (const [route, by] of ledger.routeImbalance(inFlight().routes)) add(by, { route: names.route(route) });
    },
    sluice_readings_total: (add) => add(ledger.readings),
    sluice_readings_flagged_total: (add) => {
      for (const flag of FLAGS) add(ledger.delays.flags[flag], { flag });
    },
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
    sluice_devices_known: (add) => add(devices().known),
    sluice_devices_silent: (add) => add(devices().silent),
    sluice_codec_anomalies_total: (add) => {
      for (const [kind, n] of Object.entries(options.anomalies())) add(n, { kind });
    },
    sluice_lanes: (add) => {
      for (const route of laneRoutes()) for (const state of LANE_STATES) add(0, { route, state });
      for (const lane of lanes()) add(1, { route: names.route(lane.route), state: lane.state });
    },
    sluice_lane_items: (add) => {
      for (const route of laneRoutes()) add(0, { route });
      for (const lane of lanes()) add(lane.items, { route: names.route(lane.route) });
    },
    sluice_lane_held_seconds: (add) => {
      const longest = new Map<string, number>(laneRoutes().map((route) => [route, 0]));
      for (const lane of lanes()) {
        const route = names.route(lane.route);
        longest.set(route, Math.max(longest.get(route) ?? 0, lane.heldSinceMs ?? 0));
      }
      for (const [route, ms] of longest) add(ms / 1000, { route });
    },
    sluice_queue_messages: (add) => {
      for (const { name: queue, role, ready, unacked } of options.queues?.states ?? []) {
        if (ready !== undefined) add(ready, { queue, role, state: 'ready' });
        if (unacked !== undefined) add(unacked, { queue, role, state: 'unacked' });
      }
    },
    sluice_queue_consumers: (add) => {
      for (const { name: queue, role, consumers } of options.queues?.states ?? []) if (consumers !== undefined) add(consumers, { queue, role });
    },
    sluice_queue_taken_messages_total: (add) => {
      for (const { name: queue, role, taken } of options.queues?.states ?? []) if (taken !== undefined) add(taken, { queue, role });
    },
    sluice_queue_looks_total: (add) => {
      if (options.queues === undefined) return;
      add(options.queues.looks.ok, { outcome: 'ok' });
      add(options.queues.looks.failed, { outcome: 'failed' });
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

/** How each histogram of the tables that is kept in plain numbers is read. */
export function distributions({ ledger, routes }: MetricsOptions, names: Names, batches: BatchStats): Record<ReadDistribution, (hand: Hand) => void> {
  return {
    ...batchDistributions(batches, routes),
    sluice_device_to_gateway_seconds: (hand) => hand(ledger.delays.toGateway),
    sluice_device_to_confirm_seconds: (hand) => {
      const byName = new Map<string, Distribution>(routesAtZero(routes).map((route) => [route, NOTHING_YET]));
      for (const [route, distribution] of ledger.delays.toConfirm) {
        const name = names.route(route);
        byName.set(name, byName.get(name)?.plus(distribution) ?? distribution);
      }
      for (const [route, distribution] of byName) hand(distribution, { route });
    },
  };
}
