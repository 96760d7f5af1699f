import type { Dashboard } from './model.ts';
import { about, increase, INSTANCE, NONE_IS_GOOD, of, rate, ROUTE, spread } from './parts.ts';

const CHOSEN = 'route=~"$route"';

/** Each route: what it sends, how fast, and why it is held. */
export const ROUTES: Dashboard = {
  uid: 'sluice-routes',
  title: 'Sluice: routes',
  description: 'Each route: what it takes and sends, its batches, its time to the confirm, and why it is held.',
  variables: [INSTANCE, ROUTE],
  rows: [
    {
      title: 'What it takes and sends',
      panels: [
        {
          title: 'Items in',
          description: about('sluice_items_received_total'),
          unit: 'cps',
          queries: [{ expr: rate('sluice_items_received_total', 'route', CHOSEN), legend: '{{route}}' }],
        },
        {
          title: 'Items by outcome',
          description: about('sluice_items_settled_total'),
          unit: 'cps',
          queries: [{ expr: rate('sluice_items_settled_total', 'route, outcome', CHOSEN), legend: '{{route}} {{outcome}}' }],
          stacked: true,
        },
        {
          title: 'Bytes forwarded',
          description: about('sluice_forwarded_bytes_total'),
          unit: 'Bps',
          queries: [{ expr: rate('sluice_forwarded_bytes_total', 'route', CHOSEN), legend: '{{route}}' }],
        },
        {
          title: 'Best-effort copies',
          description: about('sluice_tap_readings_total'),
          unit: 'cps',
          queries: [{ expr: rate('sluice_tap_readings_total', 'outcome'), legend: '{{outcome}}' }],
        },
        {
          title: 'Expressions that failed',
          description: about('sluice_rule_failures_total'),
          unit: 'short',
          queries: [{ expr: increase('sluice_rule_failures_total', 'route', CHOSEN), legend: '{{route}}' }],
          thresholds: NONE_IS_GOOD,
        },
        {
          title: 'Imbalance',
          description: about('sluice_ledger_route_imbalance'),
          unit: 'short',
          queries: [{ expr: `max by (route) (abs(${of('sluice_ledger_route_imbalance', CHOSEN)}))`, legend: '{{route}}' }],
          thresholds: NONE_IS_GOOD,
        },
      ],
    },
    {
      title: 'Batches',
      panels: [
        {
          title: 'Batches by what sealed them',
          description: about('sluice_batches_sealed_total'),
          unit: 'cps',
          queries: [{ expr: rate('sluice_batches_sealed_total', 'route, reason', CHOSEN), legend: '{{route}} {{reason}}' }],
        },
        {
          title: 'Readings in a batch',
          description: about('sluice_batch_items'),
          unit: 'short',
          queries: spread('sluice_batch_items', 'route', CHOSEN, [0.5, 0.95]),
        },
        {
          title: 'Size of a batch',
          description: about('sluice_batch_size_bytes'),
          unit: 'bytes',
          queries: spread('sluice_batch_size_bytes', 'route', CHOSEN, [0.5, 0.95]),
        },
      ],
    },
    {
      title: 'How long it takes',
      panels: [
        {
          title: 'Publish to confirm',
          description: about('sluice_batch_publish_seconds'),
          unit: 's',
          queries: spread('sluice_batch_publish_seconds', 'route', CHOSEN, [0.5, 0.99]),
          thresholds: [['green'], ['orange', 1], ['red', 10]],
        },
        {
          title: 'In the gateway',
          description: about('sluice_batch_age_seconds'),
          unit: 's',
          queries: spread('sluice_batch_age_seconds', 'route', CHOSEN, [0.5, 0.99]),
          thresholds: [['green'], ['orange', 1], ['red', 10]],
        },
        {
          title: 'End to end',
          description: about('sluice_device_to_confirm_seconds'),
          unit: 's',
          queries: spread('sluice_device_to_confirm_seconds', 'route', CHOSEN, [0.5, 0.95]),
        },
      ],
    },
    {
      title: 'Lanes',
      panels: [
        {
          title: 'Lanes by state',
          description: about('sluice_lanes'),
          unit: 'short',
          queries: [{ expr: `sum by (route, state) (${of('sluice_lanes', CHOSEN)})`, legend: '{{route}} {{state}}' }],
        },
        {
          title: 'Waiting items',
          description: about('sluice_lane_items'),
          unit: 'short',
          queries: [{ expr: `sum by (route) (${of('sluice_lane_items', CHOSEN)})`, legend: '{{route}}' }],
        },
        {
          title: 'Held for',
          description: about('sluice_lane_held_seconds'),
          unit: 's',
          queries: [{ expr: `max by (route) (${of('sluice_lane_held_seconds', CHOSEN)})`, legend: '{{route}}' }],
          thresholds: [['green'], ['orange', 10], ['red', 60]],
        },
        {
          title: 'Holds, by reason',
          description: about('sluice_lane_holds_total'),
          unit: 'short',
          queries: [{ expr: increase('sluice_lane_holds_total', 'route, code', CHOSEN), legend: '{{route}} {{code}}' }],
        },
        {
          title: 'Failed publishes, by reason',
          description: about('sluice_publish_failures_total'),
          unit: 'short',
          queries: [{ expr: increase('sluice_publish_failures_total', 'route, code', CHOSEN), legend: '{{route}} {{code}}' }],
        },
        {
          title: 'Batches that were cut in two',
          description: about('sluice_batches_split_total'),
          unit: 'short',
          queries: [{ expr: increase('sluice_batches_split_total', 'route, code', CHOSEN), legend: '{{route}} {{code}}' }],
        },
      ],
    },
  ],
};
