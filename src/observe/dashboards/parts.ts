import { METRICS, type MetricName } from '../definitions.ts';
import type { Query, Threshold, Variable } from './model.ts';

export const INSTANCE: Variable = { name: 'instance', label: 'Gateway', query: 'label_values(sluice_build_info, instance)' };
export const ROUTE: Variable = { name: 'route', label: 'Route', query: 'label_values(sluice_items_received_total{instance=~"$instance"}, route)' };
export const QUEUE: Variable = { name: 'queue', label: 'Queue', query: 'label_values(queue:sluice_queue_messages_ready:max, queue)' };
export const NODE: Variable = { name: 'node', label: 'RabbitMQ', query: 'label_values(up{job="rabbitmq"}, instance)' };

/** Red as soon as there is one. */
export const NONE_IS_GOOD: readonly Threshold[] = [['green'], ['red', 1]];

/** What the table of metrics says of it, with when to worry. */
export function about(name: MetricName): string {
  const { help, worry } = METRICS[name];
  return worry === '-' ? help : `${help} Worry when: ${worry}`;
}

/** `name{instance=~"$instance"}`, with more label matchers. */
export function of(name: MetricName, matchers = ''): string {
  return `${name}{instance=~"$instance"${matchers === '' ? '' : `, ${matchers}`}}`;
}

/** Per second, summed by these labels. */
export function rate(name: MetricName, by: string, matchers = ''): string {
  return `sum by (${by}) (rate(${of(name, matchers)}[$__rate_interval]))`;
}

/** Over the last rate interval, summed by these labels. */
export function increase(name: MetricName, by: string, matchers = ''): string {
  return `sum by (${by}) (increase(${of(name, matchers)}[$__rate_interval]))`;
}

type HistogramName = { [N in MetricName]: (typeof METRICS)[N]['type'] extends 'histogram' ? N : never }[MetricName];

/** A quantile of a histogram, by these labels. */
function quantile(q: number, name: HistogramName, by = '', matchers = ''): string {
  const more = matchers === '' ? '' : `, ${matchers}`;
  const labels = by === '' ? 'le' : `le, ${by}`;
  return `histogram_quantile(${q}, sum by (${labels}) (rate(${name}_bucket{instance=~"$instance"${more}}[$__rate_interval])))`;
}

/** Quantiles of a histogram, a line each. */
export function spread(name: HistogramName, by = '', matchers = '', quantiles: readonly number[] = [0.5, 0.95, 0.99]): readonly Query[] {
  const suffix = by === '' ? '' : ` {{${by}}}`;
  return quantiles.map((q) => ({ expr: quantile(q, name, by, matchers), legend: `p${q * 100}${suffix}` }));
}
