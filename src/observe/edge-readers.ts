import { EDGE_REFUSALS, EDGE_SESSION_LOSSES, type EdgeState } from '../domain/edge-state.ts';
import type { EDGE_METRICS } from './edge-metrics.ts';
import { CODES, RETRYABLE_CODES } from './labels.ts';
import { type Add, oncePerScrape } from './readers.ts';

/** How each metric of an edge is read; nothing while it is starting. */
export function edgeReaders(ask: () => EdgeState | undefined, now: () => number): Record<keyof typeof EDGE_METRICS, (add: Add) => void> {
  const edge = oncePerScrape(ask);
  const of =
    (value: (state: EdgeState) => number): ((add: Add) => void) =>
    (add) => {
      const state = edge();
      if (state !== undefined) add(value(state));
    };
  return {
    sluice_edge_connected: of(({ connected }) => (connected ? 1 : 0)),
    sluice_edge_clients: of(({ connections }) => connections),
    sluice_edge_connections_total: of(({ connectionsAccepted }) => connectionsAccepted),
    sluice_edge_refusals_total: (add) => {
      const state = edge();
      for (const reason of EDGE_REFUSALS) add(state?.refusals[reason] ?? 0, { reason });
    },
    sluice_edge_publishes_total: (add) => {
      const state = edge();
      for (const qos of [0, 1, 2] as const) add(state?.publishes[qos] ?? 0, { qos: String(qos) });
    },
    sluice_edge_held_messages: of(({ heldMessages }) => heldMessages),
    sluice_edge_held_bytes: of(({ heldBytes }) => heldBytes),
    sluice_edge_slow_clients_total: of(({ slowClients }) => slowClients),
    sluice_edge_taken_over_total: of(({ tookOver }) => tookOver),
    sluice_edge_kept_total: (add) => {
      const state = edge();
      add(state?.live ?? 0, { where: 'memory' });
      add(state?.spooled ?? 0, { where: 'spool' });
    },
    sluice_edge_copied_total: of(({ copied }) => copied),
    sluice_edge_late_total: of(({ late }) => late),
    sluice_edge_setbacks_total: (add) => {
      const setbacks = edge()?.setbacks ?? {};
      for (const code of CODES) {
        const count = setbacks[code] ?? 0;
        // Those that are to be expected begin at 0, so that `rate()` sees the first.
        if (count > 0 || RETRYABLE_CODES.includes(code)) add(count, { code });
      }
    },
    sluice_edge_topics_held: of(({ topicsHeld }) => topicsHeld),
    sluice_edge_waiting_for_room: of(({ waitingForRoom }) => waitingForRoom),
    sluice_edge_spool_messages: of(({ spool }) => spool.messages),
    sluice_edge_spool_bytes: of(({ spool }) => spool.bytes),
    sluice_edge_spool_limit_bytes: of(({ spool }) => spool.maxBytes),
    sluice_edge_spool_oldest_seconds: of(({ spool }) => (spool.oldestAt === undefined ? 0 : Math.max(0, now() - spool.oldestAt) / 1000)),
    sluice_edge_spool_refusing: (add) => {
      const refusing = edge()?.spool.refusing;
      for (const reason of ['full', 'unwritable']) add(refusing === reason ? 1 : 0, { reason });
    },
    sluice_edge_spool_lost_total: of(({ spool }) => spool.lost),
    sluice_edge_spool_damaged_total: of(({ spool }) => spool.damagedRegions),
    sluice_edge_spool_expired_total: of(({ spool }) => spool.expired),
    sluice_edge_spool_dropped_qos0_total: of(({ spool }) => spool.droppedQos0),
    sluice_edge_spool_syncs_total: of(({ spool }) => spool.syncs),
    sluice_edge_spool_sync_seconds: of(({ spool }) => spool.lastSyncMs / 1000),
    sluice_edge_spool_failures_total: of(({ spool }) => spool.failures),
    sluice_edge_refused_messages_total: of(({ refused }) => refused),
    sluice_edge_sessions: of(({ sessions }) => sessions.sessions),
    sluice_edge_subscriptions: of(({ sessions }) => sessions.subscriptions),
    sluice_edge_queued_messages: of(({ sessions }) => sessions.queuedMessages),
    sluice_edge_retained_messages: of(({ sessions }) => sessions.retained),
    sluice_edge_session_losses_total: (add) => {
      const state = edge();
      for (const reason of EDGE_SESSION_LOSSES) add(state?.sessions.losses[reason] ?? 0, { reason });
    },
  };
}
