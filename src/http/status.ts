import type { FastifyPluginAsync } from 'fastify';
import type { FaultCode } from '../domain/fault.ts';
import type { Tally } from '../domain/ledger.ts';
import type { LaneStatus } from '../pipeline/ports.ts';
import type { SessionStatus, StatusProvider } from './ports.ts';
import type { Rates, RateSampler } from './rates.ts';
import { MOST_LANES, readiness } from './readiness.ts';

interface Pair {
  readonly messages: number;
  readonly items: number;
}

/** The answer of `/status`. Times are ISO 8601, durations milliseconds unless the name says otherwise. */
export interface Status {
  readonly name: string;
  readonly version: string;
  readonly configVersion: string;
  readonly startedAt: string;
  readonly uptimeSeconds: number;
  readonly ready: boolean;
  readonly reasons: readonly string[];
  readonly ledger: { readonly messages: Tally; readonly items: Tally };
  readonly inFlight: Pair;
  /** 0 or a bug of the gateway. */
  readonly imbalance: Pair;
  /** Items by route; routes that balance are left out. */
  readonly routeImbalance: Readonly<Record<string, number>>;
  readonly readings: number;
  readonly taps: { readonly sent: number; readonly dropped: number };
  /** Dead letters by code. */
  readonly faults: Readonly<Partial<Record<FaultCode, number>>>;
  readonly routes: Readonly<Record<string, Tally>>;
  /** Held ones first, at most 100. */
  readonly lanes: readonly LaneStatus[];
  readonly laneCount: number;
  readonly sessions: readonly (Omit<SessionStatus, 'since'> & { readonly since: string })[];
  readonly components: ReturnType<typeof readiness>['components'];
  readonly rates: Rates;
  readonly lagMs: number | null;
}

function rank(lane: LaneStatus): number {
  return lane.state === 'held' ? 0 : lane.state === 'sending' ? 1 : 2;
}

export function statusOf(provider: StatusProvider, sampler: RateSampler, startedAt: { readonly wall: number; readonly monotonic: number }): Status {
  const { ledger } = provider;
  const inFlight = provider.inFlight();
  const lanes = provider.lanes();
  const { ready, reasons, components } = readiness(provider);
  return {
    name: provider.name,
    version: provider.version,
    configVersion: provider.configVersion(),
    startedAt: new Date(startedAt.wall).toISOString(),
    uptimeSeconds: Math.round((provider.monotonic() - startedAt.monotonic) / 1000),
    ready,
    reasons,
    ledger: { messages: { ...ledger.messages }, items: { ...ledger.items } },
    inFlight: { messages: inFlight.messages, items: inFlight.items },
    imbalance: ledger.imbalance(inFlight.messages, inFlight.items),
    routeImbalance: Object.fromEntries(ledger.routeImbalance(inFlight.routes)),
    readings: ledger.readings,
    taps: { ...ledger.taps },
    faults: Object.fromEntries(ledger.faults),
    routes: Object.fromEntries(ledger.routes),
    lanes: lanes.toSorted((a, b) => rank(a) - rank(b) || (b.heldSinceMs ?? 0) - (a.heldSinceMs ?? 0) || b.items - a.items).slice(0, MOST_LANES),
    laneCount: lanes.length,
    sessions: provider.sessions().map((session) => ({ ...session, since: new Date(session.since).toISOString() })),
    components,
    rates: sampler.rates(),
    lagMs: provider.lagMs() ?? null,
  };
}

/** `/status`: everything at a glance, for a person, the console and `sluice status`. */
export function status(provider: StatusProvider, sampler: RateSampler): FastifyPluginAsync {
  return async (app) => {
    const startedAt = { wall: provider.now(), monotonic: provider.monotonic() };
    app.get('/status', () => statusOf(provider, sampler, startedAt));
  };
}
