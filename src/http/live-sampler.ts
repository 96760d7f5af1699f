import type { EpochMs } from '../domain/message.ts';
import { type FlowSettings, flowOf } from './flow.ts';
import { countsOf, type BatchLatencies, type Percentiles, percentilesOf, WINDOW_MS } from './latencies.ts';
import type { StatusProvider } from './ports.ts';
import { readiness } from './readiness.ts';

/** Between two samples. */
export const STEP_MS = 1000;
/** Points kept: ten minutes. */
const POINTS = 600;
const SNAPSHOTS = Math.ceil(WINDOW_MS / STEP_MS);

const COUNTERS = ['received', 'forwarded', 'deadLettered', 'filtered', 'deduplicated', 'readings', 'bytes'] as const;
type Counters = Record<(typeof COUNTERS)[number], number>;

export interface LivePoint {
  readonly at: EpochMs;
  /** A second, since the point before. */
  readonly received: number;
  readonly forwarded: number;
  readonly deadLettered: number;
  readonly filtered: number;
  readonly gatewayP50: number | null;
  readonly gatewayP99: number | null;
}

export interface LiveOptions {
  readonly provider: StatusProvider;
  readonly batches: BatchLatencies;
  readonly flow: () => FlowSettings;
  /** Delay of the event loop, 99th percentile, in milliseconds. */
  readonly loopP99Ms: () => number;
}

interface Sample {
  readonly monotonic: number;
  readonly cpuMicros: number;
  readonly counters: Counters;
  /** What each route has passed on so far. */
  readonly routes: ReadonlyMap<string, number>;
  readonly delays: readonly number[];
}

/**
 * What happened in the last second, and the plots of the last ten minutes. Times are measured, so a busy event loop that
 * samples late does not bend the rates.
 */
export class LiveSampler {
  readonly points: LivePoint[] = [];
  private readonly options: LiveOptions;
  /** The newest last. */
  private readonly samples: Sample[] = [];

  constructor(options: LiveOptions) {
    this.options = options;
  }

  /** Once a second. */
  sample(): void {
    this.samples.push(this.read());
    if (this.samples.length > SNAPSHOTS + 1) this.samples.shift();
    if (this.samples.length < 2) return;
    const { received, forwarded, deadLettered, filtered } = this.rates();
    const latency = this.gateway();
    const at = this.options.provider.now();
    this.points.push({ at, received, forwarded, deadLettered, filtered, gatewayP50: latency?.p50 ?? null, gatewayP99: latency?.p99 ?? null });
    if (this.points.length > POINTS) this.points.shift();
  }

  /** The event `live`. */
  event(): object {
    const { provider, flow, loopP99Ms } = this.options;
    const { ready, reasons } = readiness(provider);
    const inFlight = provider.inFlight();
    return {
      at: provider.now(),
      ready,
      reasons,
      rates: this.rates(),
      latencyMs: { gateway: this.gateway(), device: this.device() },
      lagMs: provider.lagMs() ?? null,
      inFlight: { messages: inFlight.messages, items: inFlight.items },
      imbalance: provider.ledger.imbalance(inFlight.messages, inFlight.items),
      process: { rssBytes: process.memoryUsage.rss(), cpu: this.cpu(), loopP99Ms: tenth(loopP99Ms()) },
      flow: flowOf(provider, flow(), this.routeRates()),
    };
  }

  private gateway(): Percentiles | null {
    return this.options.batches.percentiles(this.options.provider.now());
  }

  private device(): Percentiles | null {
    const first = this.samples[0];
    const { bounds, counts } = countsOf(this.options.provider.ledger.delays.toConfirm.values());
    return percentilesOf(
      bounds,
      counts.map((n, i) => n - (first?.delays[i] ?? 0)),
    );
  }

  private rates(): Counters {
    const rates = {} as Counters;
    for (const name of COUNTERS) rates[name] = this.perSecond(({ counters }) => counters[name]);
    return rates;
  }

  private routeRates(): Map<string, number> {
    const names = this.samples.at(-1)?.routes.keys() ?? [];
    return new Map([...names].map((name) => [name, this.perSecond(({ routes }) => routes.get(name) ?? 0)]));
  }

  private cpu(): number {
    return Math.round(this.perSecond(({ cpuMicros }) => cpuMicros / 1e6, 1000) * 1000) / 1000;
  }

  /** How fast a number rose between the last two samples. */
  private perSecond(of: (sample: Sample) => number, precision = 10): number {
    const last = this.samples.at(-1);
    const before = this.samples.at(-2);
    if (last === undefined || before === undefined || last.monotonic <= before.monotonic) return 0;
    return Math.round((((of(last) - of(before)) * 1000) / (last.monotonic - before.monotonic)) * precision) / precision;
  }

  private read(): Sample {
    const { provider, batches } = this.options;
    const { ledger } = provider;
    const { forwarded, deadLettered, filtered, deduplicated } = ledger.items;
    const { user, system } = process.cpuUsage();
    return {
      monotonic: provider.monotonic(),
      cpuMicros: user + system,
      counters: { received: ledger.messages.received, forwarded, deadLettered, filtered, deduplicated, readings: ledger.readings, bytes: batches.bytes },
      routes: ledger.passedOn(),
      delays: countsOf(ledger.delays.toConfirm.values()).counts,
    };
  }
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}
