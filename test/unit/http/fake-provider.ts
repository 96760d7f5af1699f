import { Ledger } from '../../../src/domain/ledger.ts';
import type { ComponentStatus, MetricsProvider, SessionStatus, StatusProvider } from '../../../src/http/ports.ts';
import type { LaneStatus } from '../../../src/pipeline/ports.ts';

/** A gateway that is what the test says. */
export interface FakeProvider extends StatusProvider {
  readonly clock: { wall: number; monotonic: number };
  held: { messages: number; items: number; routes?: ReadonlyMap<string, number> };
  componentList: ComponentStatus[];
  sessionList: SessionStatus[];
  laneList: LaneStatus[];
  lag: number | undefined;
}

export function fakeProvider(): FakeProvider {
  const clock = { wall: Date.UTC(2026, 0, 2, 3, 4, 5), monotonic: 0 };
  const fake: FakeProvider = {
    name: 'gate',
    version: '1.2.3',
    configVersion: () => 'abc123',
    ledger: new Ledger(),
    clock,
    held: { messages: 0, items: 0 },
    componentList: [{ name: 'source', phase: 'ready', reason: undefined, since: clock.wall }],
    sessionList: [{ name: 'publish', state: 'ready', address: 'rabbit-1:5672', reason: undefined, since: clock.wall }],
    laneList: [],
    lag: undefined,
    now: () => clock.wall,
    monotonic: () => clock.monotonic,
    inFlight: () => ({ routes: new Map(), ...fake.held }),
    components: () => fake.componentList,
    sessions: () => fake.sessionList,
    lanes: () => fake.laneList,
    lagMs: () => fake.lag,
  };
  return fake;
}

export function lane(changes: Partial<LaneStatus>): LaneStatus {
  return {
    route: 'readings',
    destination: 'sluice.readings a.b',
    state: 'sending',
    items: 1,
    batches: 1,
    attempts: 1,
    heldSinceMs: undefined,
    code: undefined,
    message: undefined,
    ...changes,
  };
}

export const METRICS: MetricsProvider = { contentType: 'text/plain; version=0.0.4; charset=utf-8', render: async () => 'up 1\n' };
