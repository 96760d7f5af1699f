import { EDGE_REFUSALS, EDGE_SESSION_LOSSES, type EdgeState } from '../../../src/domain/edge-state.ts';
import type { GatewayEvent, GatewayEventType } from '../../../src/domain/events.ts';
import type { EventOf } from '../../../src/observe/log-table.ts';
import type { RuntimeStats } from '../../../src/observe/runtime.ts';

/** One event of each type; a new type does not compile until it has one here. */
export const SAMPLES: { readonly [T in GatewayEventType]: EventOf<T> } = {
  'session-state': { type: 'session-state', session: 'publish', state: 'ready', address: 'rabbit-1:5672', reason: undefined },
  'session-failover': { type: 'session-failover', session: 'publish', from: 'rabbit-1:5672', to: 'rabbit-2:5672', reason: 'connect ECONNREFUSED' },
  'session-retry': { type: 'session-retry', session: 'publish', attempt: 2, delayMs: 400, address: 'rabbit-2:5672', reason: 'connect ECONNREFUSED' },
  'certificate-expiry': {
    type: 'certificate-expiry',
    session: 'publish',
    certificate: 'broker',
    subject: 'CN=broker',
    expiresAt: 1_800_000_000_000,
    daysLeft: 12,
    when: 'soon',
  },
  'source-attached': { type: 'source-attached', queue: 'sluice.ingest', epoch: 1 },
  'source-detached': { type: 'source-detached', queue: 'sluice.ingest', epoch: 1, reason: 'channel closed', unsettled: 7 },
  'poison-suspected': { type: 'poison-suspected', queue: 'sluice.ingest', deaths: 3, reason: 'a topic longer than 255 bytes?' },
  'poison-cleared': { type: 'poison-cleared', queue: 'sluice.ingest', how: 'moved', suspectedMs: 18_000 },
  'stale-ack': { type: 'stale-ack', epoch: 1, count: 3 },
  'batch-sealed': { type: 'batch-sealed', route: 'readings', by: 'count', items: 500, bytes: 70000 },
  'batch-forwarded': {
    type: 'batch-forwarded',
    route: 'readings',
    items: 500,
    bytes: 70000,
    attempts: 1,
    publishMs: 4,
    oldestReceivedAt: 1000,
    at: 1120,
  },
  'publish-failed': {
    type: 'publish-failed',
    route: 'readings',
    destination: 'sluice.readings a.b',
    code: 'UNROUTABLE',
    message: 'no queue is bound',
    attempt: 1,
    retryMs: 100,
  },
  'lane-held': { type: 'lane-held', route: 'readings', destination: 'sluice.readings a.b', code: 'UNROUTABLE', message: 'no queue is bound' },
  'lane-resumed': { type: 'lane-resumed', route: 'readings', destination: 'sluice.readings a.b', heldMs: 2500, attempts: 5 },
  'batch-split': { type: 'batch-split', route: 'readings', items: 500, code: 'TOO_LARGE' },
  'dead-lettered': { type: 'dead-lettered', code: 'DECODE_INVALID', stage: 'decode', topic: 'devices/a/b/telemetry', message: 'line 1, column 3' },
  'topology-asserted': { type: 'topology-asserted', exchanges: 5, queues: 5, bindings: 7, away: 'sluice.out.alarms' },
  'topology-repaired': { type: 'topology-repaired', what: 'queue sluice.ingest', reason: 'it was deleted' },
  'binding-missing': {
    type: 'binding-missing',
    queue: 'sluice.ingest',
    missing: "exchange 'amq.topic' with key '#'",
    atMostMs: 5020,
    reason: "queue 'sluice.ingest' was not bound",
  },
  'binding-restored': { type: 'binding-restored', queue: 'sluice.ingest', atMostMs: 5040 },
  'bindings-watched': { type: 'bindings-watched', queue: 'sluice.ingest', state: 'full', reason: undefined },
  'rule-failed': { type: 'rule-failed', route: 'late', message: 'no such key: x' },
  'ledger-imbalance': { type: 'ledger-imbalance', messagesOff: 0, itemsOff: 2, reason: 'items: 2 neither settled nor held' },
  'ledger-balanced': { type: 'ledger-balanced' },
  'component-phase': { type: 'component-phase', component: 'source', phase: 'ready', reason: undefined },
  'config-reload': {
    type: 'config-reload',
    trigger: 'signal',
    outcome: 'refused',
    from: 'abc123abc123',
    version: 'abc123abc123',
    changes: 'routes[alarms].when',
    tried: 1000,
    differing: 12,
    reason: 'sluice.yaml:12:3: routes[0].when: unknown variable',
  },
  drain: { type: 'drain', step: 'begin', itemsLeft: 12, messagesLeft: 10 },
  'edge-held': { type: 'edge-held', topic: 'devices/a/t', attempt: 1, code: 'BROKER_NACK', message: 'the broker refused a message' },
  'edge-refused': { type: 'edge-refused', reason: 'bad-credentials', clientId: 'a', address: '10.0.0.7', detail: 'log-in' },
  'edge-slow-client': { type: 'edge-slow-client', clientId: 'a', address: '10.0.0.7', waitingBytes: 4_194_305 },
  'edge-fault': { type: 'edge-fault', clientId: 'a', message: 'packet received not valid' },
};

export const EVERY_EVENT: readonly GatewayEvent[] = Object.values(SAMPLES);

export const RUNTIME: RuntimeStats = {
  cpuUserSeconds: 1.5,
  cpuSystemSeconds: 0.5,
  startTimeSeconds: 1_700_000_000,
  residentBytes: 100,
  heapTotalBytes: 60,
  heapUsedBytes: 50,
  externalBytes: 10,
  openFds: 20,
  loopBusySeconds: 2,
  loopDelay: { mean: 0.001, p99: 0.01, max: 0.02 },
};

function zeros<T extends string>(names: readonly T[]): Record<T, number> {
  return Object.fromEntries(names.map((name) => [name, 0])) as Record<T, number>;
}

/** An edge whose spool is full. */
export const EDGE: EdgeState = {
  connected: true,
  away: undefined,
  connections: 5,
  connectionsAccepted: 9,
  refusals: { ...zeros(EDGE_REFUSALS), 'bad-credentials': 3 },
  ledger: { received: 60, forwarded: 50, deadLettered: 0, filtered: 2, deduplicated: 0, abandoned: 0 },
  owed: 8,
  imbalance: 0,
  publishes: [10, 20, 30],
  heldMessages: 2,
  heldBytes: 1100,
  slowClients: 1,
  tookOver: 1,
  live: 50,
  spooled: 7,
  copied: 3,
  late: 2,
  setbacks: { BROKER_NACK: 5 },
  topicsHeld: 1,
  waitingForRoom: 1,
  spool: {
    messages: 6,
    bytes: 33_554_432,
    maxBytes: 33_554_432,
    oldestAt: undefined,
    refusing: 'full',
    lost: 0,
    damagedRegions: 0,
    expired: 0,
    droppedQos0: 0,
    syncs: 12,
    lastSyncMs: 2.5,
    failures: 0,
  },
  sessions: { sessions: 1, subscriptions: 2, queuedMessages: 3, retained: 4, losses: { ...zeros(EDGE_SESSION_LOSSES), 'queue-full': 4 } },
  refused: 0,
};

/** An edge as it should be, with a few messages on its disk. */
export const WELL_EDGE: EdgeState = {
  ...EDGE,
  topicsHeld: 0,
  waitingForRoom: 0,
  setbacks: {},
  spool: { ...EDGE.spool, refusing: undefined, bytes: 4096, oldestAt: Date.UTC(2026, 0, 2) },
};
