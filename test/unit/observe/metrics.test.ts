import { describe, expect, it } from 'vitest';
import { ANOMALY_KINDS, type Anomaly, noAnomalies } from '../../../src/codec/anomalies.ts';
import { Ledger } from '../../../src/domain/ledger.ts';
import { METRICS } from '../../../src/observe/definitions.ts';
import type { MetricDefinition } from '../../../src/observe/labels.ts';
import { createMetrics, type Metrics, type MetricsOptions } from '../../../src/observe/metrics.ts';
import { RuntimeMonitor } from '../../../src/observe/runtime.ts';
import type { LaneStatus } from '../../../src/pipeline/ports.ts';
import { reading } from '../pipeline/fixtures.ts';
import { type Exposition, parseExposition } from './exposition.ts';
import { EDGE, EVERY_EVENT, RUNTIME, SAMPLES } from './samples.ts';

const DEFINITIONS = Object.entries(METRICS as Readonly<Record<string, MetricDefinition>>);

function setUp(changes: Partial<MetricsOptions> = {}): { ledger: Ledger; metrics: Metrics; scrape: () => Promise<Exposition> } {
  const ledger = new Ledger();
  const metrics = createMetrics({
    ledger,
    prefetch: 2000,
    queues: undefined,
    inFlight: () => ({ messages: 0, items: 0, routes: new Map() }),
    dedupe: () => ({ entries: 0, evictedEarly: 0 }),
    devices: () => ({ known: 0, silent: 0 }),
    anomalies: noAnomalies,
    lanes: () => [],
    routes: ['readings', 'late'],
    sessions: ['consume', 'publish'],
    addresses: ['rabbit-1:5672', 'rabbit-2:5672'],
    components: ['source', 'http'],
    runtime: () => RUNTIME,
    config: () => 'abc123abc123',
    logging: () => ({ suppressed: 0, writeFailures: 0 }),
    version: '1.2.3',
    ...changes,
  });
  return { ledger, metrics, scrape: async () => parseExposition(await metrics.render()) };
}

function lane(changes: Partial<LaneStatus>): LaneStatus {
  return {
    route: 'readings',
    destination: 'd',
    state: 'sending',
    items: 1,
    batches: 1,
    attempts: 1,
    heldSinceMs: undefined,
    code: undefined,
    message: undefined,
    ...changes,
  };
}

describe('table of metrics', () => {
  it.each(DEFINITIONS)('%s obeys the naming rules', (name, definition) => {
    expect(name).toMatch(/^(sluice|process|nodejs)_[a-z0-9]+(_[a-z0-9]+)*$/);
    expect(name.endsWith('_total')).toBe(definition.type === 'counter');
    const base = name.replace(/_total$/, '');
    expect([definition.unit === 'seconds', definition.unit === 'bytes']).toEqual([base.endsWith('_seconds'), base.endsWith('_bytes')]);
    // Base units only, and no suffix that prom-client or Prometheus adds itself.
    expect(name).not.toMatch(/_(ms|millis|milliseconds|minutes|kb|kilobytes|percent|count|sum|bucket)(_|$)/);
    expect(definition.help).toMatch(/^[A-Z0-9].*\.$/);
    expect(definition.buckets !== undefined).toBe(definition.type === 'histogram');
    const buckets = definition.buckets ?? [];
    expect([...buckets].sort((a, b) => a - b)).toEqual(buckets);
  });
});

describe('scrape', () => {
  it('parses, names every metric of the table with its type, and no other', async () => {
    const { scrape } = setUp({ edge: () => EDGE });
    const { types } = await scrape();
    expect(Object.fromEntries(types)).toEqual(Object.fromEntries(DEFINITIONS.map(([name, { type }]) => [name, type])));
  });

  it('has those of an edge at an edge alone, and from its start on', async () => {
    const { types } = await setUp().scrape();
    expect([...types.keys()].filter((name) => name.startsWith('sluice_edge_'))).toEqual([]);
    const starting = await setUp({ edge: () => undefined }).metrics.render();
    expect(starting).toContain('sluice_edge_refusals_total{reason="bad-credentials"} 0');
    expect(starting).toContain('sluice_edge_setbacks_total{code="UNROUTABLE"} 0');
    expect(starting).not.toContain('sluice_edge_setbacks_total{code="TOO_LARGE"}');
    const running = await setUp({ edge: () => EDGE }).metrics.render();
    for (const line of [
      'sluice_edge_connected 1',
      'sluice_edge_refusals_total{reason="bad-credentials"} 3',
      'sluice_edge_publishes_total{qos="1"} 20',
      'sluice_edge_kept_total{where="spool"} 7',
      'sluice_edge_setbacks_total{code="BROKER_NACK"} 5',
      'sluice_edge_topics_held 1',
      'sluice_edge_spool_refusing{reason="full"} 1',
      'sluice_edge_spool_sync_seconds 0.0025',
      'sluice_edge_session_losses_total{reason="queue-full"} 4',
    ]) {
      expect(running.split('\n')).toContain(line);
    }
  });

  it('says nothing of a source where there is no connection to consume with', async () => {
    const source = async (sessions: string[]): Promise<number | undefined> => (await setUp({ sessions }).scrape()).value('sluice_source_attached');
    expect([await source(['consume', 'publish']), await source(['publish'])]).toEqual([0, undefined]);
  });

  it('has no default of prom-client and is not registered globally: two gateways in one process do not meet', async () => {
    const one = setUp();
    const two = setUp();
    one.ledger.messageReceived();
    expect((await one.scrape()).value('sluice_messages_received_total')).toBe(1);
    expect((await two.scrape()).value('sluice_messages_received_total')).toBe(0);
  });

  it('shows what codecs noticed, every kind from the start', async () => {
    const counts = noAnomalies();
    const { scrape } = setUp({ anomalies: () => counts });
    const value = async (kind: Anomaly): Promise<number | undefined> => (await scrape()).value('sluice_codec_anomalies_total', { kind });
    for (const kind of ANOMALY_KINDS) expect(await value(kind)).toBe(0);
    counts['sequence-gap'] += 3;
    expect(await value('sequence-gap')).toBe(3);
  });

  it('shows ledger counters as they are, scrape after scrape, and never lets one fall', async () => {
    const { ledger, scrape } = setUp();
    let before: Exposition | undefined;
    for (let round = 1; round <= 4; round += 1) {
      ledger.messageReceived();
      ledger.messageSettled(round % 2 === 0 ? 'forwarded' : 'dead-lettered');
      ledger.itemsReceived('readings', 10);
      ledger.itemsSettled('readings', 'forwarded', 10);
      ledger.faulted('DECODE_INVALID');
      ledger.readings += 3;
      ledger.taps.dropped += 2;
      const now = await scrape();
      expect(now.value('sluice_messages_received_total')).toBe(round);
      expect(now.value('sluice_items_settled_total', { route: 'readings', outcome: 'forwarded' })).toBe(round * 10);
      expect(now.value('sluice_dead_letters_total', { code: 'DECODE_INVALID' })).toBe(round);
      expect(now.value('sluice_readings_total')).toBe(round * 3);
      expect(now.value('sluice_tap_readings_total', { outcome: 'dropped' })).toBe(round * 2);
      const counters = (before?.series ?? []).filter(({ name }) => now.types.get(name) === 'counter');
      expect(counters.filter(({ name, labels, value }) => (now.value(name, labels) ?? -1) < value)).toEqual([]);
      before = now;
    }
  });

  it('is not disturbed by another scrape at the same time', async () => {
    const { ledger, metrics } = setUp();
    ledger.messageReceived();
    const first = metrics.render();
    ledger.messageReceived();
    const second = metrics.render();
    expect(parseExposition(await first).value('sluice_messages_received_total')).toBe(1);
    expect(parseExposition(await second).value('sluice_messages_received_total')).toBe(2);
  });

  it('is one moment: messages that arrive and settle while it is being written do not unbalance it', async () => {
    const ledger = new Ledger();
    let inFlight = 0;
    const { metrics } = setUp({ ledger, inFlight: () => ({ messages: inFlight, items: 0, routes: new Map() }) });
    const text = metrics.render();
    let moved = 0;
    const move = (): void => {
      ledger.messageReceived();
      if (moved % 2 === 0) inFlight += 1;
      else ledger.messageSettled('forwarded');
      moved += 1;
      if (moved < 500) queueMicrotask(move);
    };
    queueMicrotask(move);
    const exposition = parseExposition(await text);
    expect(moved).toBeGreaterThan(1);
    const settled = exposition.series.filter(({ name }) => name === 'sluice_messages_settled_total').reduce((sum, { value }) => sum + value, 0);
    expect(exposition.value('sluice_messages_received_total')).toBe(settled + (exposition.value('sluice_messages_in_flight') ?? Number.NaN));
    expect(exposition.value('sluice_ledger_imbalance', { unit: 'messages' })).toBe(0);
  });

  it('shows an imbalance of either sign', async () => {
    const { ledger, scrape } = setUp({ inFlight: () => ({ messages: 0, items: 5, routes: new Map([['readings', 5]]) }) });
    ledger.messageReceived();
    const exposition = await scrape();
    expect(exposition.value('sluice_ledger_imbalance', { unit: 'messages' })).toBe(1);
    expect(exposition.value('sluice_ledger_imbalance', { unit: 'items' })).toBe(-5);
  });

  it('sums lanes per route and tells how long the longest is held', async () => {
    let lanes = [
      lane({ items: 10 }),
      lane({ state: 'held', items: 20, heldSinceMs: 1500 }),
      lane({ state: 'held', items: 30, heldSinceMs: 2500 }),
      lane({ route: '(dead letters)', state: 'held', items: 1, heldSinceMs: 10 }),
    ];
    const { scrape } = setUp({ lanes: () => lanes });
    const exposition = await scrape();
    expect(exposition.value('sluice_lanes', { route: 'readings', state: 'held' })).toBe(2);
    expect(exposition.value('sluice_lanes', { route: 'readings', state: 'sending' })).toBe(1);
    expect(exposition.value('sluice_lane_items', { route: 'readings' })).toBe(60);
    expect(exposition.value('sluice_lane_held_seconds', { route: 'readings' })).toBe(2.5);
    expect(exposition.value('sluice_lane_held_seconds', { route: '(dead letters)' })).toBe(0.01);
    expect(exposition.value('sluice_lane_held_seconds', { route: 'late' })).toBe(0);
    lanes = [];
    expect((await scrape()).value('sluice_lanes', { route: 'readings', state: 'held' })).toBe(0);
  });

  it('shows delays in seconds, cumulative, and every route from the start', async () => {
    const { ledger, scrape } = setUp();
    const name = 'sluice_device_to_confirm_seconds';
    expect((await scrape()).value(`${name}_count`, { route: 'late' })).toBe(0);
    const received = 1_700_000_000_000;
    for (const delay of [40, 45, 800, 90_000_000]) ledger.delays.confirmed('late', received - delay, received);
    ledger.delays.arrived(reading({ t: 1 }, { measuredAt: received - 300, receivedAt: received }));
    const exposition = await scrape();
    const bucket = (le: string): number | undefined => exposition.value(`${name}_bucket`, { le, route: 'late' });
    expect(['0.01', '0.05', '0.5', '1', '86400', '+Inf'].map(bucket)).toEqual([0, 2, 2, 3, 3, 4]);
    expect(exposition.value(`${name}_sum`, { route: 'late' })).toBe(90_000.885);
    expect(exposition.value(`${name}_count`, { route: 'readings' })).toBe(0);
    expect(exposition.value('sluice_device_to_gateway_seconds_sum')).toBe(0.3);
    const buckets = exposition.series
      .filter((series) => series.name === `${name}_bucket` && series.labels['route'] === 'late')
      .map(({ labels }) => labels['le']);
    expect(buckets).toEqual([...METRICS[name].buckets.map(String), '+Inf']);
  });

  it('shows bytes, the limit of what is in flight, and why items were filtered', async () => {
    const { ledger, scrape } = setUp();
    ledger.messageReceived(100);
    ledger.messageReceived(20);
    for (const reason of ['empty', 'route', 'route', 'old-death', 'toString']) ledger.filteredFor(reason);
    const exposition = await scrape();
    expect(exposition.value('sluice_received_bytes_total')).toBe(120);
    expect(exposition.value('sluice_messages_in_flight_limit')).toBe(2000);
    const filtered = (reason: string): number | undefined => exposition.value('sluice_items_filtered_total', { reason });
    expect(['empty', 'ignored', 'missing', 'no-readings', 'route'].map(filtered)).toEqual([1, 0, 0, 2, 2]);
  });

  it('has no series of queues that nobody asks for or whose numbers are not known, and 0 where it is 0', async () => {
    const queueSeries = ({ series }: Exposition): unknown[] =>
      series.filter(({ name }) => name.startsWith('sluice_queue_')).map(({ name, labels }) => [name, labels]);
    expect(queueSeries(await setUp().scrape())).toEqual([]);
    const queue = { name: 'q', role: 'output', ready: 0, unacked: 3, consumers: undefined, taken: 7 } as const;
    const unknown = { name: 'new', role: 'ingest', ready: undefined, unacked: undefined, consumers: undefined, taken: undefined } as const;
    const exposition = await setUp({ queues: { states: [queue, unknown], looks: { ok: 2, failed: 1 } } }).scrape();
    const of = { queue: 'q', role: 'output' };
    expect(exposition.value('sluice_queue_messages', { ...of, state: 'ready' })).toBe(0);
    expect(exposition.value('sluice_queue_messages', { ...of, state: 'unacked' })).toBe(3);
    expect(exposition.value('sluice_queue_taken_messages_total', of)).toBe(7);
    expect(exposition.value('sluice_queue_looks_total', { outcome: 'failed' })).toBe(1);
    expect(queueSeries(exposition)).toHaveLength(5);
  });

  it('keeps labels bounded: what the settings do not name becomes (other)', async () => {
    const { ledger, metrics, scrape } = setUp({ lanes: () => [lane({ route: 'x1' }), lane({ route: 'x2' })] });
    const before = (await scrape()).series.length;
    for (let i = 0; i < 200; i += 1) {
      metrics.observer({ ...SAMPLES['batch-sealed'], route: `route-${i}` });
      metrics.observer({ ...SAMPLES['session-state'], session: `session-${i}` });
      metrics.observer({ ...SAMPLES['component-phase'], component: `component-${i}` });
      ledger.itemsReceived(`route-${i}`, 1);
    }
    const exposition = await scrape();
    expect(exposition.value('sluice_batches_sealed_total', { route: '(other)', reason: 'count' })).toBe(200);
    expect(exposition.value('sluice_items_received_total', { route: '(other)' })).toBe(200);
    expect(exposition.value('sluice_lanes', { route: '(other)', state: 'sending' })).toBe(2);
    expect(exposition.series.length - before).toBeLessThan(100);
  });

  it('makes no series for the routes of a long table before something happened on them, and of the first thousand alone', async () => {
    const routes = Array.from({ length: 10_000 }, (_, i) => `route-${i}`);
    const few = setUp({ routes: [] });
    const { ledger, metrics, scrape } = setUp({ routes });
    const before = (await scrape()).series.length;
    expect(before).toBe((await few.scrape()).series.length);
    for (const route of ['route-7', 'route-999', 'route-1000', 'route-9999']) {
      ledger.itemsReceived(route, 1);
      ledger.delays.confirmed(route, 0, 20);
      metrics.observer({ type: 'batch-sealed', route, by: 'count', items: 1, bytes: 100 });
    }
    const exposition = await scrape();
    for (const [route, n] of [
      ['route-7', 1],
      ['route-999', 1],
      ['(other)', 2],
    ] as const) {
      expect(exposition.value('sluice_items_received_total', { route })).toBe(n);
      expect(exposition.value('sluice_device_to_confirm_seconds_count', { route })).toBe(n);
      expect(exposition.value('sluice_device_to_confirm_seconds_bucket', { route, le: '0.05' })).toBe(n);
      expect(exposition.value('sluice_device_to_confirm_seconds_sum', { route })).toBe(n * 0.02);
      expect(exposition.value('sluice_batches_sealed_total', { route, reason: 'count' })).toBe(n);
    }
    expect(exposition.series.filter(({ labels }) => labels['route'] === 'route-1000')).toEqual([]);
  });

  it('leaves the histograms of the routes before as they are when other settings add some', async () => {
    const { metrics, scrape } = setUp();
    metrics.observer(SAMPLES['batch-forwarded']);
    metrics.addRoutes(['readings', 'new']);
    const exposition = await scrape();
    expect(exposition.value('sluice_batch_publish_seconds_count', { route: 'readings' })).toBe(1);
    expect(exposition.value('sluice_batch_publish_seconds_count', { route: 'new' })).toBe(0);
    metrics.addRoutes(Array.from({ length: 2000 }, (_, i) => `more-${i}`));
    expect((await scrape()).value('sluice_batch_publish_seconds_count', { route: 'more-0' })).toBeUndefined();
  });

  it('starts every known series at 0, so that the first event is an increase', async () => {
    const exposition = await setUp().scrape();
    expect(exposition.value('sluice_batches_sealed_total', { route: 'late', reason: 'age' })).toBe(0);
    expect(exposition.value('sluice_batch_publish_seconds_count', { route: 'late' })).toBe(0);
    expect(exposition.value('sluice_dead_letters_total', { code: 'TOO_LARGE' })).toBe(0);
    expect(exposition.value('sluice_items_settled_total', { route: '(none)', outcome: 'filtered' })).toBe(0);
    expect(exposition.value('sluice_session_state', { session: 'publish', state: 'idle' })).toBe(1);
    expect(exposition.value('sluice_component_phase', { component: 'http', phase: 'idle' })).toBe(1);
  });
});

describe('events', () => {
  it('make the series of a certificate, which is not there without TLS: 0 would say that it expired in 1970', async () => {
    const { metrics, scrape } = setUp();
    const name = 'sluice_tls_certificate_expiry_timestamp_seconds';
    expect((await scrape()).series.filter((series) => series.name === name)).toEqual([]);
    metrics.observer(SAMPLES['certificate-expiry']);
    expect((await scrape()).series.filter((series) => series.name === name)).toEqual([{ name, labels: { certificate: 'broker' }, value: 1_800_000_000 }]);
  });

  it('move every metric that the table gives to events', async () => {
    const { metrics, scrape } = setUp();
    const before = await scrape();
    for (const event of EVERY_EVENT.toReversed()) metrics.observer(event);
    const after = await scrape();
    const still = DEFINITIONS.filter(
      ([name, { by }]) => by === 'event' && !after.series.some((s) => s.name === name && s.value !== (before.value(s.name, s.labels) ?? 0)),
    );
    expect(still.map(([name]) => name)).toEqual([]);
  });

  it('count batches by what sealed them, and in the bucket of their size', async () => {
    const { metrics, scrape } = setUp();
    const seal = (by: 'count' | 'age', items: number, bytes: number): void => metrics.observer({ ...SAMPLES['batch-sealed'], by, items, bytes });
    seal('count', 100, 256);
    seal('age', 101, 257);
    seal('age', 3, 20_000_000);
    const exposition = await scrape();
    const sealed = (reason: string): number | undefined => exposition.value('sluice_batches_sealed_total', { route: 'readings', reason });
    expect(['count', 'age', 'bytes'].map(sealed)).toEqual([1, 2, 0]);
    const below = (name: string, le: string): number | undefined => exposition.value(`${name}_bucket`, { route: 'readings', le });
    expect(['2', '5', '100', '200'].map((le) => below('sluice_batch_items', le))).toEqual([0, 1, 2, 3]);
    expect(['256', '1024', '16777216', '+Inf'].map((le) => below('sluice_batch_size_bytes', le))).toEqual([1, 2, 2, 3]);
  });

  it('give seconds and bytes', async () => {
    const { metrics, scrape } = setUp();
    for (const event of EVERY_EVENT) metrics.observer(event);
    const exposition = await scrape();
    expect(exposition.value('sluice_batch_publish_seconds_sum', { route: 'readings' })).toBe(0.004);
    expect(exposition.value('sluice_batch_age_seconds_sum', { route: 'readings' })).toBe(0.12);
    expect(exposition.value('sluice_batch_size_bytes_sum', { route: 'readings' })).toBe(70000);
    expect(exposition.value('sluice_forwarded_bytes_total', { route: 'readings' })).toBe(70000);
    expect(exposition.value('sluice_batch_items_sum', { route: 'readings' })).toBe(500);
    expect(exposition.value('sluice_lane_hold_seconds_total', { route: 'readings' })).toBe(2.5);
    expect(exposition.value('sluice_stale_acks_total')).toBe(3);
    expect(exposition.value('sluice_source_lost_deliveries_total')).toBe(7);
  });

  it('count a connection once, whether it was blocked in between or not', async () => {
    const { metrics, scrape } = setUp();
    const states = ['connecting', 'ready', 'blocked', 'ready', 'closed', 'connecting', 'ready'] as const;
    for (const state of states) metrics.observer({ type: 'session-state', session: 'publish', state, address: undefined, reason: undefined });
    const exposition = await scrape();
    expect(exposition.value('sluice_session_connections_total', { session: 'publish' })).toBe(2);
    expect(exposition.value('sluice_session_connections_total', { session: 'consume' })).toBe(0);
    expect(exposition.value('sluice_session_state', { session: 'publish', state: 'ready' })).toBe(1);
    expect(exposition.value('sluice_session_state', { session: 'publish', state: 'blocked' })).toBe(0);
  });

  it('name the address of each connection, and only one', async () => {
    const { metrics, scrape } = setUp();
    const say = (state: 'connecting' | 'ready' | 'blocked', address: string): void =>
      metrics.observer({ type: 'session-state', session: 'publish', state, address, reason: undefined });
    const at = async (): Promise<unknown> => {
      const exposition = await scrape();
      return ['rabbit-1:5672', 'rabbit-2:5672'].map((address) => exposition.value('sluice_session_address', { session: 'publish', address }));
    };
    expect(await at()).toEqual([0, 0]);
    say('connecting', 'rabbit-1:5672');
    expect(await at()).toEqual([0, 0]);
    say('ready', 'rabbit-1:5672');
    say('blocked', 'rabbit-1:5672');
    expect(await at()).toEqual([1, 0]);
    say('connecting', 'rabbit-2:5672');
    expect(await at()).toEqual([0, 0]);
    say('ready', 'rabbit-2:5672');
    expect(await at()).toEqual([0, 1]);
    metrics.observer(SAMPLES['session-failover']);
    expect((await scrape()).value('sluice_session_failovers_total', { session: 'publish' })).toBe(1);
  });

  it('do not count a negative age when the wall clock steps back', async () => {
    const { metrics, scrape } = setUp();
    metrics.observer({ ...SAMPLES['batch-forwarded'], oldestReceivedAt: 5000, at: 1000 });
    expect((await scrape()).value('sluice_batch_age_seconds_sum', { route: 'readings' })).toBe(0);
  });
});

describe('RuntimeMonitor', () => {
  it('reads the process in base units and can be stopped', async () => {
    const monitor = new RuntimeMonitor();
    monitor.start();
    try {
      const { scrape } = setUp({ runtime: () => monitor.read() });
      const exposition = await scrape();
      expect(exposition.value('process_resident_memory_bytes')).toBeGreaterThan(10_000_000);
      expect(exposition.value('process_start_time_seconds')).toBeGreaterThan(1_600_000_000);
      expect(exposition.value('process_start_time_seconds')).toBeLessThanOrEqual(Date.now() / 1000);
      expect(exposition.value('process_cpu_seconds_total')).toBeGreaterThan(0);
      expect(exposition.value('nodejs_eventloop_lag_max_seconds')).toBeGreaterThanOrEqual(0);
    } finally {
      monitor.close();
    }
    expect(monitor.read().loopDelay).toEqual({ mean: 0, p99: 0, max: 0 });
  });
});
