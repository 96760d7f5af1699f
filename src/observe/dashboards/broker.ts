import type { Dashboard } from './model.ts';
import { about, increase, INSTANCE, NODE, NONE_IS_GOOD, of, QUEUE } from './parts.ts';

const ON_NODE = 'job="rabbitmq", instance=~"$node"';

/** Queues, the gateway's connections, and what RabbitMQ says of itself. */
export const BROKER: Dashboard = {
  uid: 'sluice-broker',
  title: 'Sluice: broker',
  description: "Queues and their readers, the gateway's connections, and what RabbitMQ says of itself (plugin rabbitmq_prometheus).",
  variables: [INSTANCE, QUEUE, NODE],
  rows: [
    {
      title: 'Queues',
      panels: [
        {
          title: 'Waiting messages',
          description: `Messages that wait for a consumer, as the gateway (rabbitmq.management) or else RabbitMQ's plugin tells. ${about('sluice_queue_messages')}`,
          unit: 'short',
          queries: [{ expr: 'max by (queue) (queue:sluice_queue_messages_ready:max{queue=~"$queue"})', legend: '{{queue}}' }],
          thresholds: [['green'], ['orange', 10_000]],
        },
        {
          title: 'Lag of the consumers',
          description:
            'Waiting messages divided by the rate at which consumers take them: how long until they have caught up. Only with rabbitmq.management, and only while something is taken.',
          unit: 's',
          queries: [{ expr: 'max by (queue) (queue:sluice_queue_lag_seconds:max{queue=~"$queue"})', legend: '{{queue}}' }],
          thresholds: [['green'], ['orange', 60], ['red', 600]],
        },
        {
          title: 'Taken messages',
          description: about('sluice_queue_taken_messages_total'),
          unit: 'mps',
          queries: [
            {
              expr: 'max by (queue) (rate(sluice_queue_taken_messages_total{instance=~"$instance", queue=~"$queue"}[5m]))',
              legend: '{{queue}}',
            },
          ],
        },
        {
          title: 'Consumers',
          description: about('sluice_queue_consumers'),
          unit: 'short',
          queries: [{ expr: 'max by (queue) (queue:sluice_queue_consumers:max{queue=~"$queue"})', legend: '{{queue}}' }],
        },
        {
          title: 'With a consumer, not acked',
          description:
            'Messages that were delivered and not acked yet, as RabbitMQ tells. On the ingest queue it is what the gateway holds: at most source.prefetch.',
          unit: 'short',
          queries: [{ expr: 'max by (queue) (rabbitmq_detailed_queue_messages_unacked{queue=~"$queue"})', legend: '{{queue}}' }],
        },
        {
          title: 'Looks at the queues that failed',
          description: about('sluice_queue_looks_total'),
          unit: 'short',
          queries: [{ expr: increase('sluice_queue_looks_total', 'instance', 'outcome="failed"'), legend: '{{instance}}' }],
          thresholds: NONE_IS_GOOD,
        },
      ],
    },
    {
      title: "The gateway's connections",
      panels: [
        {
          title: 'Connected',
          description: about('sluice_session_state'),
          unit: 'none',
          queries: [
            { expr: of('sluice_session_state', 'state="ready"'), legend: '{{session}} ready {{instance}}' },
            { expr: of('sluice_session_state', 'state="blocked"'), legend: '{{session}} blocked {{instance}}' },
          ],
          words: { 0: 'no', 1: 'yes' },
        },
        {
          title: 'Consuming',
          description: about('sluice_source_attached'),
          unit: 'none',
          queries: [{ expr: of('sluice_source_attached'), legend: '{{instance}}' }],
          words: { 0: 'no', 1: 'yes' },
        },
        {
          title: 'Connections and failed attempts',
          description: about('sluice_session_connections_total'),
          unit: 'short',
          queries: [
            { expr: increase('sluice_session_connections_total', 'session'), legend: 'connections {{session}}' },
            { expr: increase('sluice_session_retries_total', 'session'), legend: 'failed attempts {{session}}' },
            { expr: increase('sluice_source_detached_total', 'instance'), legend: 'no longer consuming {{instance}}' },
          ],
        },
        {
          title: 'Delivered again',
          description: about('sluice_source_lost_deliveries_total'),
          unit: 'short',
          queries: [
            { expr: increase('sluice_source_lost_deliveries_total', 'instance'), legend: 'unsettled at a loss {{instance}}' },
            { expr: increase('sluice_stale_acks_total', 'instance'), legend: 'settled too late, maybe duplicates {{instance}}' },
          ],
        },
        {
          title: 'Topology repairs',
          description: about('sluice_topology_repairs_total'),
          unit: 'short',
          queries: [{ expr: increase('sluice_topology_repairs_total', 'instance'), legend: '{{instance}}' }],
          thresholds: NONE_IS_GOOD,
        },
        {
          title: 'Certificates expire in',
          description: about('sluice_tls_certificate_expiry_timestamp_seconds'),
          unit: 's',
          queries: [{ expr: `${of('sluice_tls_certificate_expiry_timestamp_seconds')} - time()`, legend: '{{certificate}} {{instance}}' }],
          thresholds: [['red'], ['orange', 1_209_600], ['green', 2_592_000]],
        },
      ],
    },
    {
      title: 'RabbitMQ',
      panels: [
        {
          title: 'Messages',
          description: 'All that the broker gets, over MQTT and AMQP, and all that it delivers.',
          unit: 'mps',
          queries: [
            { expr: `sum by (protocol) (rate(rabbitmq_global_messages_received_total{${ON_NODE}}[$__rate_interval]))`, legend: 'in {{protocol}}' },
            { expr: `sum(rate(rabbitmq_global_messages_delivered_total{${ON_NODE}}[$__rate_interval]))`, legend: 'delivered' },
            { expr: `sum(rate(rabbitmq_global_messages_redelivered_total{${ON_NODE}}[$__rate_interval]))`, legend: 'delivered again' },
          ],
        },
        {
          title: 'Messages that no queue took',
          description:
            'Dropped: somebody publishes without asking whether a queue is bound, as devices over MQTT do; such messages are lost. Returned: the gateway asked, and holds them.',
          unit: 'mps',
          queries: [
            { expr: `sum(rate(rabbitmq_global_messages_unroutable_dropped_total{${ON_NODE}}[$__rate_interval]))`, legend: 'dropped' },
            { expr: `sum(rate(rabbitmq_global_messages_unroutable_returned_total{${ON_NODE}}[$__rate_interval]))`, legend: 'returned' },
          ],
          thresholds: [['green'], ['red', 0.001]],
        },
        {
          title: 'Connections',
          description: 'Open connections: devices, gateways and consumers.',
          unit: 'short',
          queries: [{ expr: `sum by (instance) (rabbitmq_connections{${ON_NODE}})`, legend: '{{instance}}' }],
        },
        {
          title: 'Memory',
          description: 'At the limit the broker has a memory alarm and takes nothing from anybody.',
          unit: 'bytes',
          queries: [
            { expr: `rabbitmq_process_resident_memory_bytes{${ON_NODE}}`, legend: 'used {{instance}}' },
            { expr: `rabbitmq_resident_memory_limit_bytes{${ON_NODE}}`, legend: 'limit {{instance}}' },
          ],
        },
        {
          title: 'Free disk',
          description: 'Below the limit the broker has a disk alarm and takes nothing from anybody.',
          unit: 'bytes',
          queries: [
            { expr: `rabbitmq_disk_space_available_bytes{${ON_NODE}}`, legend: 'free {{instance}}' },
            { expr: `rabbitmq_disk_space_available_limit_bytes{${ON_NODE}}`, legend: 'limit {{instance}}' },
          ],
        },
        {
          title: 'Alarms',
          description: 'While one is 1, the broker takes nothing from anybody.',
          unit: 'none',
          queries: [
            { expr: `rabbitmq_alarms_memory_used_watermark{${ON_NODE}}`, legend: 'memory {{instance}}' },
            { expr: `rabbitmq_alarms_free_disk_space_watermark{${ON_NODE}}`, legend: 'disk {{instance}}' },
          ],
          thresholds: NONE_IS_GOOD,
        },
      ],
    },
  ],
};
