import { Counter, Gauge, type Registry } from 'prom-client';
import type { GatewayEvent, Observer } from '../domain/events.ts';
import type { BatchStats } from './batch-stats.ts';
import { type EventMetric, METRICS } from './definitions.ts';
import { PHASES, SESSION_STATES } from './labels.ts';
import type { Names } from './metrics.ts';

type OfType<T extends string> = { [N in EventMetric]: (typeof METRICS)[N]['type'] extends T ? N : never }[EventMetric];

/** Moves the metrics that are fed by events, and has `batches` count those of each batch. */
export function metricsObserver(registry: Registry, names: Names, batches: BatchStats): Observer {
  const get = (name: string): unknown => registry.getSingleMetric(name);
  const counter = (name: OfType<'counter'>): Counter => {
    const metric = get(name);
    if (!(metric instanceof Counter)) throw new Error(`${name} is not a counter of this registry`);
    return metric;
  };
  const gauge = (name: OfType<'gauge'>): Gauge => {
    const metric = get(name);
    if (!(metric instanceof Gauge)) throw new Error(`${name} is not a gauge of this registry`);
    return metric;
  };

  const splits = counter('sluice_batches_split_total');
  const publishFailures = counter('sluice_publish_failures_total');
  const holds = counter('sluice_lane_holds_total');
  const holdSeconds = counter('sluice_lane_hold_seconds_total');
  const ruleFailures = counter('sluice_rule_failures_total');
  const sessionState = gauge('sluice_session_state');
  const connections = counter('sluice_session_connections_total');
  const addresses = gauge('sluice_session_address');
  const failovers = counter('sluice_session_failovers_total');
  const retries = counter('sluice_session_retries_total');
  const certificates = gauge('sluice_tls_certificate_expiry_timestamp_seconds');
  const attached = gauge('sluice_source_attached');
  const detached = counter('sluice_source_detached_total');
  const lostDeliveries = counter('sluice_source_lost_deliveries_total');
  const poison = gauge('sluice_poison_suspected');
  const poisonTimes = counter('sluice_poison_suspicions_total');
  const staleAcks = counter('sluice_stale_acks_total');
  const repairs = counter('sluice_topology_repairs_total');
  const watched = gauge('sluice_ingest_bindings_watched');
  const unbound = gauge('sluice_ingest_unbound');
  const unboundTimes = counter('sluice_ingest_unbound_total');
  const unboundSeconds = counter('sluice_ingest_unbound_seconds_total');
  const reloads = counter('sluice_config_reloads_total');
  const reloaded = gauge('sluice_config_last_reload_successful');
  reloaded.set(1);
  const phases = gauge('sluice_component_phase');
  const connectedSessions = new Set<string>();
  const addressOf = new Map<string, string>();

  return (event: GatewayEvent): void => {
    switch (event.type) {
      case 'batch-sealed':
        batches.sealed(names.route(event.route), event);
        break;
      case 'batch-forwarded':
        batches.forwarded(names.route(event.route), event);
        break;
      case 'batch-split':
        splits.inc({ route: names.route(event.route), code: event.code });
        break;
      case 'publish-failed':
        publishFailures.inc({ route: names.route(event.route), code: event.code });
        break;
      case 'lane-held':
        holds.inc({ route: names.route(event.route), code: event.code });
        break;
      case 'lane-resumed':
        holdSeconds.inc({ route: names.route(event.route) }, Math.max(0, event.heldMs) / 1000);
        break;
      case 'rule-failed':
        ruleFailures.inc({ route: names.route(event.route) });
        break;
      case 'session-state': {
        const session = names.session(event.session);
        for (const state of SESSION_STATES) sessionState.set({ session, state }, state === event.state ? 1 : 0);
        // `blocked -> ready` is the same connection; only what went through another state is a new one.
        if (event.state === 'ready' && !connectedSessions.has(event.session)) {
          connectedSessions.add(event.session);
          connections.inc({ session });
        } else if (event.state !== 'ready' && event.state !== 'blocked') {
          connectedSessions.delete(event.session);
        }
        const before = addressOf.get(session);
        if (before !== undefined) addresses.set({ session, address: before }, 0);
        addressOf.delete(session);
        if (event.address !== undefined && connectedSessions.has(event.session)) {
          const address = names.address(event.address);
          addresses.set({ session, address }, 1);
          addressOf.set(session, address);
        }
        break;
      }
      case 'session-failover':
        failovers.inc({ session: names.session(event.session) });
        break;
      case 'session-retry':
        retries.inc({ session: names.session(event.session) });
        break;
      case 'certificate-expiry':
        certificates.set({ certificate: event.certificate }, event.expiresAt / 1000);
        break;
      case 'source-attached':
        attached.set(1);
        break;
      case 'source-detached':
        attached.set(0);
        detached.inc();
        lostDeliveries.inc(event.unsettled);
        break;
      case 'poison-suspected':
        poison.set(1);
        poisonTimes.inc();
        break;
      case 'poison-cleared':
        poison.set(0);
        break;
      case 'stale-ack':
        staleAcks.inc(event.count);
        break;
      case 'topology-repaired':
        repairs.inc();
        break;
      case 'bindings-watched':
        watched.set(event.state === 'full' ? 1 : 0);
        break;
      case 'binding-missing':
        unbound.set(1);
        unboundTimes.inc();
        break;
      case 'binding-restored':
        unbound.set(0);
        unboundSeconds.inc(event.atMostMs / 1000);
        break;
      case 'component-phase': {
        const component = names.component(event.component);
        for (const phase of PHASES) phases.set({ component, phase }, phase === event.phase ? 1 : 0);
        break;
      }
      case 'config-reload':
        reloads.inc({ outcome: event.outcome });
        reloaded.set(event.outcome === 'refused' ? 0 : 1);
        break;
      case 'ledger-imbalance': // read from the ledger
      case 'ledger-balanced':
      case 'dead-lettered': // counted in the ledger
      case 'topology-asserted':
      case 'drain':
      case 'edge-held': // counted by the keeper
      case 'edge-refused': // counted by the listener
      case 'edge-slow-client':
      case 'edge-fault':
        break;
    }
  };
}
