import { BATCH_METRICS } from './batch-metrics.ts';
import { EDGE_METRICS } from './edge-metrics.ts';
import { EVENT_METRICS } from './event-metrics.ts';
import { PROCESS_METRICS } from './process-metrics.ts';
import { READ_METRICS } from './read-metrics.ts';

/**
 * Every metric of the gateway. METRICS.md is written from this table, and src/observe/metrics.ts must fill each entry
 * (the compiler insists). Names follow the Prometheus rules: counters end in `_total`, units are base units in the name.
 */
export const METRICS = { ...READ_METRICS, ...BATCH_METRICS, ...EVENT_METRICS, ...EDGE_METRICS, ...PROCESS_METRICS } as const;

export type MetricName = keyof typeof METRICS;
type ReadName = keyof typeof READ_METRICS | keyof typeof BATCH_METRICS | keyof typeof PROCESS_METRICS;
/** Names of the histograms that are read at scrape time. */
export type ReadDistribution = { [N in ReadName]: (typeof METRICS)[N]['type'] extends 'histogram' ? N : never }[ReadName];
/** Names of the other metrics that are read at scrape time. */
export type ReadMetric = Exclude<ReadName, ReadDistribution>;
/** Names of the metrics that events move. */
export type EventMetric = keyof typeof EVENT_METRICS;
