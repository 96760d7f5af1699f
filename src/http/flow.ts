import type { LaneStatus } from '../pipeline/ports.ts';
import type { StatusProvider } from './ports.ts';

/** What of the settings the picture of the flow is drawn by. */
export interface FlowSettings {
  readonly queue: string;
  readonly prefetch: number;
  readonly routes: readonly { readonly name: string; readonly exchange: string | undefined }[];
  readonly deadLetters: { readonly exchange: string; readonly queue: string };
}

/** The name under which the graveyard stands among the lanes. */
const DEAD_LETTER_LANE = '(dead letters)';

/** The way of the messages through the gateway, part by part. `rates`: items forwarded a second, by route. */
export function flowOf(provider: StatusProvider, settings: FlowSettings, rates: ReadonlyMap<string, number>): object {
  const { ledger } = provider;
  const lanes = new Map<string, LaneStatus[]>();
  for (const lane of provider.lanes()) {
    const list = lanes.get(lane.route);
    if (list === undefined) lanes.set(lane.route, [lane]);
    else list.push(lane);
  }
  const inFlight = provider.inFlight();
  const passed = ledger.passedOn();
  return {
    sessions: provider.sessions().map(({ name, state, address, reason }) => ({ name, state, address: address ?? null, reason: reason ?? null })),
    components: provider.components().map(({ name, phase, reason }) => ({ name, phase, reason: reason ?? null })),
    source: { queue: settings.queue, prefetch: settings.prefetch, unsettled: inFlight.messages },
    routes: settings.routes.map(({ name, exchange }) => {
      return {
        route: name,
        kind: exchange === undefined ? 'drop' : 'publish',
        exchange: exchange ?? null,
        ...stateOf(lanes.get(name) ?? []),
        items: inFlight.routes.get(name) ?? 0,
        forwarded: passed.get(name) ?? 0,
        rate: rates.get(name) ?? 0,
      };
    }),
    deadLetters: {
      exchange: settings.deadLetters.exchange,
      queue: settings.deadLetters.queue,
      buried: ledger.items.deadLettered,
      waiting: (lanes.get(DEAD_LETTER_LANE) ?? []).reduce((sum, { items }) => sum + items, 0),
    },
  };
}

/** The worst of the lanes of one route. */
function stateOf(lanes: readonly LaneStatus[]): object {
  const held = lanes.filter(({ state }) => state === 'held').sort((a, b) => (b.heldSinceMs ?? 0) - (a.heldSinceMs ?? 0))[0];
  const state = held !== undefined ? 'held' : lanes.some((lane) => lane.state === 'sending') ? 'sending' : lanes.length > 0 ? 'waiting' : 'idle';
  return {
    state,
    lanes: lanes.length,
    heldMs: held?.heldSinceMs === undefined ? null : Math.round(held.heldSinceMs),
    code: held?.code ?? null,
    message: held?.message ?? null,
  };
}
