import type { Dashboard } from './model.ts';
import { about, increase, NONE_IS_GOOD, of, rate } from './parts.ts';

/** Gateways with a listener, and no others. */
const EDGE = { name: 'instance', label: 'Edge', query: 'label_values(sluice_edge_connected, instance)' };

/** Devices, what is kept on disk, and what RabbitMQ takes of it. */
export const EDGE_BOARD: Dashboard = {
  uid: 'sluice-edge',
  title: 'Sluice: edge',
  description: 'Gateways next to the devices: who is connected, what is kept on disk while RabbitMQ is away, and what goes out.',
  variables: [EDGE],
  rows: [
    {
      title: 'Is all well?',
      panels: [
        {
          title: 'Connected to RabbitMQ',
          description: about('sluice_edge_connected'),
          unit: 'none',
          kind: 'stat',
          queries: [{ expr: of('sluice_edge_connected'), legend: '{{instance}}' }],
          thresholds: [['orange'], ['green', 1]],
          words: { 0: 'away', 1: 'connected' },
        },
        {
          title: 'Spool full to',
          description: 'Bytes of the spool by edge.spool.maxBytes. When it is full devices are not acknowledged and wait.',
          unit: 'percentunit',
          kind: 'stat',
          queries: [{ expr: `${of('sluice_edge_spool_bytes')} / ${of('sluice_edge_spool_limit_bytes')}`, legend: '{{instance}}' }],
          thresholds: [['green'], ['orange', 0.5], ['red', 0.8]],
        },
        {
          title: 'Oldest message',
          description: about('sluice_edge_spool_oldest_seconds'),
          unit: 's',
          kind: 'stat',
          queries: [{ expr: of('sluice_edge_spool_oldest_seconds'), legend: '{{instance}}' }],
          thresholds: [['green'], ['orange', 900], ['red', 14_400]],
        },
        {
          title: 'Takes nothing',
          description: about('sluice_edge_spool_refusing'),
          unit: 'none',
          kind: 'stat',
          queries: [{ expr: `sum by (instance) (${of('sluice_edge_spool_refusing')})`, legend: '{{instance}}' }],
          thresholds: NONE_IS_GOOD,
          words: { 0: 'no', 1: 'yes' },
        },
        {
          title: 'Lost to damage',
          description: about('sluice_edge_spool_lost_total'),
          unit: 'short',
          kind: 'stat',
          queries: [{ expr: of('sluice_edge_spool_lost_total'), legend: '{{instance}}' }],
          thresholds: NONE_IS_GOOD,
        },
        {
          title: 'Held topics',
          description: about('sluice_edge_topics_held'),
          unit: 'short',
          kind: 'stat',
          queries: [{ expr: of('sluice_edge_topics_held'), legend: '{{instance}}' }],
          thresholds: NONE_IS_GOOD,
        },
      ],
    },
    {
      title: 'In and out',
      panels: [
        {
          title: 'Messages in and out',
          description: 'What devices publish, and what RabbitMQ has confirmed. Out is above in while a backlog is sent.',
          unit: 'mps',
          queries: [
            { expr: rate('sluice_edge_publishes_total', 'instance'), legend: 'in {{instance}}' },
            { expr: rate('sluice_messages_settled_total', 'instance', 'outcome="forwarded"'), legend: 'out {{instance}}' },
          ],
        },
        {
          title: 'Publishes by QoS',
          description: about('sluice_edge_publishes_total'),
          unit: 'mps',
          queries: [{ expr: rate('sluice_edge_publishes_total', 'qos'), legend: 'QoS {{qos}}' }],
          stacked: true,
        },
        {
          title: 'Where they wait first',
          description: about('sluice_edge_kept_total'),
          unit: 'mps',
          queries: [
            { expr: rate('sluice_edge_kept_total', 'where'), legend: '{{where}}' },
            { expr: rate('sluice_edge_copied_total', 'instance'), legend: 'copied {{instance}}' },
            { expr: rate('sluice_edge_late_total', 'instance'), legend: 'late {{instance}}' },
          ],
        },
        {
          title: 'Refused for now, by reason',
          description: about('sluice_edge_setbacks_total'),
          unit: 'short',
          queries: [{ expr: increase('sluice_edge_setbacks_total', 'code'), legend: '{{code}}' }],
          thresholds: NONE_IS_GOOD,
        },
        {
          title: 'Not acknowledged yet',
          description: about('sluice_edge_held_messages'),
          unit: 'short',
          queries: [
            { expr: of('sluice_edge_held_messages'), legend: 'held {{instance}}' },
            { expr: of('sluice_edge_waiting_for_room'), legend: 'without room in the spool {{instance}}' },
          ],
        },
        {
          title: 'Kept apart',
          description: about('sluice_edge_refused_messages_total'),
          unit: 'short',
          queries: [{ expr: increase('sluice_edge_refused_messages_total', 'instance'), legend: '{{instance}}' }],
          thresholds: NONE_IS_GOOD,
        },
      ],
    },
    {
      title: 'Spool',
      panels: [
        {
          title: 'Messages in the spool',
          description: about('sluice_edge_spool_messages'),
          unit: 'short',
          queries: [{ expr: of('sluice_edge_spool_messages'), legend: '{{instance}}' }],
        },
        {
          title: 'Bytes of the spool',
          description: about('sluice_edge_spool_bytes'),
          unit: 'bytes',
          queries: [
            { expr: of('sluice_edge_spool_bytes'), legend: 'used {{instance}}' },
            { expr: of('sluice_edge_spool_limit_bytes'), legend: 'limit {{instance}}' },
          ],
        },
        {
          title: 'Age of the oldest message',
          description: about('sluice_edge_spool_oldest_seconds'),
          unit: 's',
          queries: [{ expr: of('sluice_edge_spool_oldest_seconds'), legend: '{{instance}}' }],
        },
        {
          title: 'Writes forced to the disk',
          description: about('sluice_edge_spool_syncs_total'),
          unit: 'cps',
          queries: [
            { expr: rate('sluice_edge_spool_syncs_total', 'instance'), legend: 'forced {{instance}}' },
            { expr: rate('sluice_edge_spool_failures_total', 'instance'), legend: 'failed {{instance}}' },
          ],
        },
        {
          title: 'Duration of a forced write',
          description: about('sluice_edge_spool_sync_seconds'),
          unit: 's',
          queries: [{ expr: of('sluice_edge_spool_sync_seconds'), legend: '{{instance}}' }],
          thresholds: [['green'], ['orange', 0.1], ['red', 1]],
        },
        {
          title: 'Dropped and damaged',
          description: 'Messages that were too old, that made room (QoS 0), or that damage has cost, and damaged places. None of them comes back.',
          unit: 'short',
          queries: [
            { expr: increase('sluice_edge_spool_expired_total', 'instance'), legend: 'too old {{instance}}' },
            { expr: increase('sluice_edge_spool_dropped_qos0_total', 'instance'), legend: 'QoS 0 for room {{instance}}' },
            { expr: increase('sluice_edge_spool_lost_total', 'instance'), legend: 'lost to damage {{instance}}' },
            { expr: of('sluice_edge_spool_damaged_total'), legend: 'damaged places {{instance}}' },
          ],
          thresholds: NONE_IS_GOOD,
        },
      ],
    },
    {
      title: 'Devices',
      panels: [
        {
          title: 'Connected devices',
          description: about('sluice_edge_clients'),
          unit: 'short',
          queries: [{ expr: of('sluice_edge_clients'), legend: '{{instance}}' }],
        },
        {
          title: 'Connections a second',
          description: about('sluice_edge_connections_total'),
          unit: 'cps',
          queries: [
            { expr: rate('sluice_edge_connections_total', 'instance'), legend: 'let in {{instance}}' },
            { expr: rate('sluice_edge_taken_over_total', 'instance'), legend: 'taken over {{instance}}' },
          ],
        },
        {
          title: 'Refusals, by reason',
          description: about('sluice_edge_refusals_total'),
          unit: 'short',
          queries: [{ expr: `${increase('sluice_edge_refusals_total', 'reason')} > 0`, legend: '{{reason}}' }],
        },
        {
          title: 'Sessions',
          description: about('sluice_edge_sessions'),
          unit: 'short',
          queries: [
            { expr: of('sluice_edge_sessions'), legend: 'sessions {{instance}}' },
            { expr: of('sluice_edge_subscriptions'), legend: 'subscriptions {{instance}}' },
            { expr: of('sluice_edge_retained_messages'), legend: 'retained messages {{instance}}' },
          ],
        },
        {
          title: 'Messages for devices that are away',
          description: about('sluice_edge_queued_messages'),
          unit: 'short',
          queries: [{ expr: of('sluice_edge_queued_messages'), legend: '{{instance}}' }],
        },
        {
          title: 'Cost of the bounds, by reason',
          description: `${about('sluice_edge_session_losses_total')} Slow clients are subscribers that were closed.`,
          unit: 'short',
          queries: [
            { expr: `${increase('sluice_edge_session_losses_total', 'reason')} > 0`, legend: '{{reason}}' },
            { expr: increase('sluice_edge_slow_clients_total', 'instance'), legend: 'slow clients {{instance}}' },
          ],
        },
      ],
    },
  ],
};
