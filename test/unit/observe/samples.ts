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
  drain: { type: 'drain', step: 'begin', itemsLeft: 12, messagesLeft: 10 },
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
