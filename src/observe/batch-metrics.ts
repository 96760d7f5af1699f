import { AGE_BOUNDS_MS, BYTE_BOUNDS, ITEM_BOUNDS, PUBLISH_BOUNDS_MS } from './batch-stats.ts';
import { inSeconds, type MetricDefinition, SEAL_REASONS } from './labels.ts';

const read = { by: 'read', labels: {} } as const;

/** What became of batches: kept by `BatchStats`, and read at scrape time. */
export const BATCH_METRICS = {
  sluice_batches_sealed_total: {
    ...read,
    type: 'counter',
    unit: 'batches',
    labels: { route: 'routes', reason: SEAL_REASONS },
    help: 'Batches by what sealed them.',
    worry:
      'Under load nearly all are sealed by `age`: the batch limits do not fit the traffic. Many by `prefetch`: there are so many destinations that `source.prefetch` does not fill their batches.',
  },
  sluice_batch_items: {
    ...read,
    type: 'histogram',
    unit: 'items',
    labels: { route: 'routes' },
    buckets: ITEM_BOUNDS,
    help: 'Items in a batch when it was sealed.',
    worry: '-',
  },
  sluice_batch_size_bytes: {
    ...read,
    type: 'histogram',
    unit: 'bytes',
    labels: { route: 'routes' },
    buckets: BYTE_BOUNDS,
    help: 'Encoded readings in a batch when it was sealed.',
    worry: 'Close to `max_message_size` of the broker.',
  },
  sluice_forwarded_bytes_total: {
    ...read,
    type: 'counter',
    unit: 'bytes',
    labels: { route: 'routes' },
    help: 'Encoded readings in the batches that were confirmed.',
    worry: '-',
  },
  sluice_batch_publish_seconds: {
    ...read,
    type: 'histogram',
    unit: 'seconds',
    labels: { route: 'routes' },
    buckets: inSeconds(PUBLISH_BOUNDS_MS),
    help: 'From publish to confirm, for the attempt that was confirmed.',
    worry: 'The 99th percentile nears the confirm time-out.',
  },
  sluice_batch_age_seconds: {
    ...read,
    type: 'histogram',
    unit: 'seconds',
    labels: { route: 'routes' },
    buckets: inSeconds(AGE_BOUNDS_MS),
    help: 'From the arrival of the oldest reading of a batch at the gateway to the confirm of the batch.',
    worry: "Well above the route's `ageMs`.",
  },
} as const satisfies Record<string, MetricDefinition>;
