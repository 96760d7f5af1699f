import type { Dashboard } from './model.ts';
import { about, increase, INSTANCE, NONE_IS_GOOD, of, rate, spread } from './parts.ts';

/** Is all well, and if not, where to look. */
export const OVERVIEW: Dashboard = {
  uid: 'sluice-overview',
  title: 'Sluice: overview',
  description: 'Is all well, what comes in and goes out, how long it takes, and what does not pass.',
  variables: [INSTANCE],
  rows: [
    {
      title: 'Is all well?',
      panels: [
        {
          title: 'Ready',
          description: 'The answer of /readyz: every component is ready and no lane is held. With several gateways, the worst of them.',
          unit: 'none',
          kind: 'stat',
          queries: [{ expr: 'min(instance:sluice_ready:min{instance=~"$instance"})', legend: 'ready' }],
          thresholds: [['red'], ['green', 1]],
          words: { 0: 'no', 1: 'yes' },
        },
        {
          title: 'Alerts',
          description: 'Alerts of docker/prometheus/alerts.yml that fire now. docs/operations.md says what to do for each.',
          unit: 'short',
          kind: 'stat',
          queries: [{ expr: 'count(ALERTS{alertstate="firing", alertname=~"Sluice.+|Rabbitmq.+"}) or vector(0)', legend: 'firing' }],
          thresholds: NONE_IS_GOOD,
        },
        {
          title: 'Imbalance of the books',
          description: about('sluice_ledger_imbalance'),
          unit: 'short',
          kind: 'stat',
          queries: [{ expr: `max(abs(${of('sluice_ledger_imbalance')}))`, legend: 'off by' }],
          thresholds: NONE_IS_GOOD,
        },
        {
          title: 'Held lanes',
          description: about('sluice_lanes'),
          unit: 'short',
          kind: 'stat',
          queries: [{ expr: `sum(${of('sluice_lanes', 'state="held"')})`, legend: 'held' }],
          thresholds: NONE_IS_GOOD,
        },
        {
          title: 'Dead letters in an hour',
          description: about('sluice_dead_letters_total'),
          unit: 'short',
          kind: 'stat',
          queries: [{ expr: `sum(increase(${of('sluice_dead_letters_total')}[1h]))`, legend: 'dead letters' }],
          thresholds: [['green'], ['orange', 1]],
        },
        {
          title: 'Version',
          description: about('sluice_build_info'),
          unit: 'none',
          kind: 'stat',
          queries: [{ expr: `count by (version, node) (${of('sluice_build_info')})`, legend: '{{version}} (Node.js {{node}})' }],
          nameOnly: true,
        },
      ],
    },
    {
      title: 'What flows',
      panels: [
        {
          title: 'Messages in',
          description: about('sluice_messages_received_total'),
          unit: 'mps',
          queries: [{ expr: rate('sluice_messages_received_total', 'instance'), legend: '{{instance}}' }],
        },
        {
          title: 'Messages by outcome',
          description: about('sluice_messages_settled_total'),
          unit: 'mps',
          queries: [{ expr: rate('sluice_messages_settled_total', 'outcome'), legend: '{{outcome}}' }],
          stacked: true,
        },
        {
          title: 'Readings forwarded, by route',
          description: 'Items (one reading on one route) that the broker has confirmed.',
          unit: 'cps',
          queries: [{ expr: rate('sluice_items_settled_total', 'route', 'outcome="forwarded"'), legend: '{{route}}' }],
          stacked: true,
        },
        {
          title: 'Bytes',
          description: 'Bodies of messages that came in, and encoded readings that went out confirmed.',
          unit: 'Bps',
          queries: [
            { expr: `sum(rate(${of('sluice_received_bytes_total')}[$__rate_interval]))`, legend: 'in' },
            { expr: `sum(rate(${of('sluice_forwarded_bytes_total')}[$__rate_interval]))`, legend: 'out' },
          ],
        },
        {
          title: 'In flight',
          description: `${about('sluice_messages_in_flight')} Under full load it stands there too; then look whether messages settle.`,
          unit: 'short',
          queries: [
            { expr: `sum by (instance) (${of('sluice_messages_in_flight')})`, legend: '{{instance}}' },
            { expr: `max(${of('sluice_messages_in_flight_limit')})`, legend: 'limit' },
          ],
        },
        {
          title: 'Waiting in lanes',
          description: about('sluice_lane_items'),
          unit: 'short',
          queries: [{ expr: `sum by (route) (${of('sluice_lane_items')})`, legend: '{{route}}' }],
          stacked: true,
        },
      ],
    },
    {
      title: 'How long it takes',
      panels: [
        {
          title: 'Device to gateway',
          description: about('sluice_device_to_gateway_seconds'),
          unit: 's',
          queries: spread('sluice_device_to_gateway_seconds'),
        },
        {
          title: 'In the gateway, by route (p99)',
          description: about('sluice_batch_age_seconds'),
          unit: 's',
          queries: [{ expr: 'max by (route) (instance_route:sluice_batch_age_seconds:p99_5m{instance=~"$instance"})', legend: '{{route}}' }],
          thresholds: [['green'], ['orange', 1], ['red', 10]],
        },
        {
          title: 'End to end, by route (p95)',
          description: about('sluice_device_to_confirm_seconds'),
          unit: 's',
          queries: [{ expr: 'max by (route) (instance_route:sluice_device_to_confirm_seconds:p95_5m{instance=~"$instance"})', legend: '{{route}}' }],
        },
      ],
    },
    {
      title: 'What does not pass',
      panels: [
        {
          title: 'Dead letters, by reason',
          description: about('sluice_dead_letters_total'),
          unit: 'short',
          queries: [{ expr: `${increase('sluice_dead_letters_total', 'code')} > 0`, legend: '{{code}}' }],
        },
        {
          title: 'Filtered, by reason',
          description: about('sluice_items_filtered_total'),
          unit: 'cps',
          queries: [{ expr: rate('sluice_items_filtered_total', 'reason'), legend: '{{reason}}' }],
        },
        {
          title: 'Failed publishes, by reason',
          description: about('sluice_publish_failures_total'),
          unit: 'short',
          queries: [{ expr: increase('sluice_publish_failures_total', 'route, code'), legend: '{{route}} {{code}}' }],
        },
      ],
    },
    {
      title: 'Process',
      panels: [
        {
          title: 'Event loop busy',
          description: about('nodejs_eventloop_busy_seconds_total'),
          unit: 'percentunit',
          queries: [{ expr: 'instance:nodejs_eventloop_busy:ratio_rate5m{instance=~"$instance"}', legend: '{{instance}}' }],
          thresholds: [['green'], ['orange', 0.7], ['red', 0.9]],
        },
        {
          title: 'Event loop delay',
          description: about('nodejs_eventloop_lag_p99_seconds'),
          unit: 's',
          queries: [
            { expr: of('nodejs_eventloop_lag_p99_seconds', 'job="sluice"'), legend: 'p99 {{instance}}' },
            { expr: of('nodejs_eventloop_lag_max_seconds', 'job="sluice"'), legend: 'max {{instance}}' },
          ],
          thresholds: [['green'], ['orange', 0.1], ['red', 1]],
        },
        {
          title: 'Memory',
          description: about('process_resident_memory_bytes'),
          unit: 'bytes',
          queries: [
            { expr: of('process_resident_memory_bytes', 'job="sluice"'), legend: 'resident {{instance}}' },
            { expr: of('nodejs_heap_size_used_bytes', 'job="sluice"'), legend: 'heap {{instance}}' },
            { expr: of('nodejs_external_memory_bytes', 'job="sluice"'), legend: 'buffers {{instance}}' },
          ],
        },
        {
          title: 'CPU',
          description: 'Cores in use. One is all that the event loop can take; a little more is garbage collection and I/O.',
          unit: 'short',
          queries: [{ expr: `rate(${of('process_cpu_seconds_total', 'job="sluice"')}[$__rate_interval])`, legend: '{{instance}}' }],
          thresholds: [['green'], ['orange', 0.9]],
        },
        {
          title: 'Open files and sockets',
          description: about('process_open_fds'),
          unit: 'short',
          queries: [{ expr: of('process_open_fds', 'job="sluice"'), legend: '{{instance}}' }],
        },
        {
          title: 'Running since',
          description: 'Time since the process started. A line that falls to 0 is a restart.',
          unit: 's',
          queries: [{ expr: `time() - ${of('process_start_time_seconds', 'job="sluice"')}`, legend: '{{instance}}' }],
        },
      ],
    },
  ],
};
