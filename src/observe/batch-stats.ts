import { Distribution } from '../domain/distribution.ts';
import type { GatewayEvent, SealReason } from '../domain/events.ts';
import { routesAtZero, SEAL_REASONS } from './labels.ts';
import type { Add, Hand } from './readers.ts';

type Sealed = Extract<GatewayEvent, { readonly type: 'batch-sealed' }>;
type Forwarded = Extract<GatewayEvent, { readonly type: 'batch-forwarded' }>;

/** Bounds of `sluice_batch_items`. */
export const ITEM_BOUNDS: readonly number[] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000];
/** Of `sluice_batch_size_bytes`. */
export const BYTE_BOUNDS: readonly number[] = [256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216];
/** Of `sluice_batch_publish_seconds`, milliseconds. */
export const PUBLISH_BOUNDS_MS: readonly number[] = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000];
/** Of `sluice_batch_age_seconds`, milliseconds. */
export const AGE_BOUNDS_MS: readonly number[] = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 900_000];

/** What the batches of one route came to. */
class RouteBatches {
  readonly sealed: Record<SealReason, number> = Object.fromEntries(SEAL_REASONS.map((reason) => [reason, 0])) as Record<SealReason, number>;
  readonly items: Distribution = new Distribution(ITEM_BOUNDS);
  readonly bytes: Distribution = new Distribution(BYTE_BOUNDS);
  readonly publishMs: Distribution = new Distribution(PUBLISH_BOUNDS_MS);
  readonly ageMs: Distribution = new Distribution(AGE_BOUNDS_MS);
  forwardedBytes = 0;
}

/** Of a route that has sealed none yet. */
const NONE_YET = new RouteBatches();

/**
 * Batches in plain numbers, by the label of their route: where readings go out one by one, each is a batch, and prom-client took a twentieth of the
 * gateway's time for them and an eighth of its garbage (measured at 2,000 a second).
 */
export class BatchStats {
  private readonly routes = new Map<string, RouteBatches>();

  sealed(label: string, { by, items, bytes }: Sealed): void {
    const route = this.route(label);
    route.sealed[by] += 1;
    route.items.observe(items);
    route.bytes.observe(bytes);
  }

  forwarded(label: string, { bytes, publishMs, at, oldestReceivedAt }: Forwarded): void {
    const route = this.route(label);
    route.forwardedBytes += bytes;
    route.publishMs.observe(publishMs);
    // The wall clock can step back between arrival and confirm; an age below 0 would only spoil the sum.
    route.ageMs.observe(Math.max(0, at - oldestReceivedAt));
  }

  /** All that have sealed a batch, and those whose series begin at 0. */
  each(known: readonly string[], tell: (label: string, batches: RouteBatches) => void): void {
    for (const label of routesAtZero(known)) if (!this.routes.has(label)) tell(label, NONE_YET);
    for (const [label, batches] of this.routes) tell(label, batches);
  }

  private route(label: string): RouteBatches {
    let route = this.routes.get(label);
    if (route === undefined) {
      route = new RouteBatches();
      this.routes.set(label, route);
    }
    return route;
  }
}

/** How the numbers of batches are read; `known`: names of routes, asked anew each time. */
export function batchReaders(
  stats: BatchStats,
  known: readonly string[],
): Record<'sluice_batches_sealed_total' | 'sluice_forwarded_bytes_total', (add: Add) => void> {
  return {
    sluice_batches_sealed_total: (add) =>
      stats.each(known, (route, { sealed }) => {
        for (const reason of SEAL_REASONS) add(sealed[reason], { route, reason });
      }),
    sluice_forwarded_bytes_total: (add) => stats.each(known, (route, { forwardedBytes }) => add(forwardedBytes, { route })),
  };
}

type BatchDistribution = 'sluice_batch_items' | 'sluice_batch_size_bytes' | 'sluice_batch_publish_seconds' | 'sluice_batch_age_seconds';

/** The same for the histograms. */
export function batchDistributions(stats: BatchStats, known: readonly string[]): Record<BatchDistribution, (hand: Hand) => void> {
  return {
    sluice_batch_items: (hand) => stats.each(known, (route, { items }) => hand(items, { route })),
    sluice_batch_size_bytes: (hand) => stats.each(known, (route, { bytes }) => hand(bytes, { route })),
    sluice_batch_publish_seconds: (hand) => stats.each(known, (route, { publishMs }) => hand(publishMs, { route })),
    sluice_batch_age_seconds: (hand) => stats.each(known, (route, { ageMs }) => hand(ageMs, { route })),
  };
}
