import type { Metric, Registry } from 'prom-client';
import type { Distribution } from '../domain/distribution.ts';
import type { MetricDefinition } from './labels.ts';
import type { Hand, Labels } from './readers.ts';

interface Sample {
  readonly metricName: string;
  readonly labels: Labels;
  readonly value: number;
}

/** A histogram whose numbers the gateway keeps itself. It keeps milliseconds where a scrape shows seconds. */
export class ReadHistogram {
  readonly name: string;
  readonly help: string;
  readonly type = 'histogram';
  private readonly read: (hand: Hand) => void;
  /** Of what is kept, in one of what is shown. */
  private readonly scale: number;

  constructor(name: string, definition: MetricDefinition, read: (hand: Hand) => void) {
    this.name = name;
    this.help = definition.help;
    this.read = read;
    this.scale = definition.unit === 'seconds' ? 1000 : 1;
  }

  /** prom-client asks a metric for no more than its name and `get`; its types ask for one of its own classes. */
  register(registry: Registry): void {
    registry.registerMetric(this as unknown as Metric);
  }

  /** Synchronous up to its answer, as every reader must be: all numbers of a scrape are from one moment. */
  get(): Promise<{ readonly name: string; readonly help: string; readonly type: 'histogram'; readonly values: readonly Sample[] }> {
    const values: Sample[] = [];
    this.read((distribution, labels = {}) => values.push(...this.samples(distribution, labels)));
    return Promise.resolve({ name: this.name, help: this.help, type: this.type, values });
  }

  private samples({ bounds, counts, sum }: Distribution, labels: Labels): Sample[] {
    let below = 0;
    const buckets = counts.map((count, at): Sample => {
      below += count;
      const bound = bounds[at];
      return { metricName: `${this.name}_bucket`, labels: { le: bound === undefined ? '+Inf' : String(bound / this.scale), ...labels }, value: below };
    });
    return [...buckets, { metricName: `${this.name}_sum`, labels, value: sum / this.scale }, { metricName: `${this.name}_count`, labels, value: below }];
  }
}
