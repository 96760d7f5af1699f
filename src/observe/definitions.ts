import { EVENT_METRICS } from './event-metrics.ts';
import { PROCESS_METRICS, READ_METRICS } from './read-metrics.ts';

/**
 * Every metric of the gateway. METRICS.md is written from this table, and src/observe/metrics.ts must fill each entry
 * (the compiler insists). Names follow the Prometheus rules: counters end in `_total`, units are base units in the name.
 */
export const METRICS = { ...READ_METRICS, ...EVENT_METRICS, ...PROCESS_METRICS } as const;

export type MetricName = keyof typeof METRICS;
/** Names of the metrics that are read at scrape time. */
export type ReadMetric = keyof typeof READ_METRICS | keyof typeof PROCESS_METRICS;
/** Names of the metrics that events move. */
export type EventMetric = keyof typeof EVENT_METRICS;
