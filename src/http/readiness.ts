import type { FaultCode } from '../domain/fault.ts';
import type { LaneStatus } from '../pipeline/ports.ts';
import type { ComponentStatus, StatusProvider } from './ports.ts';

/** Most lanes in one answer: destinations come from templates, so their number has no bound of its own. */
export const MOST_LANES = 100;

export interface HeldLane {
  readonly route: string;
  readonly destination: string;
  readonly code: FaultCode | undefined;
  readonly message: string | undefined;
  readonly attempts: number;
  readonly items: number;
  readonly heldMs: number;
  /** ISO 8601. */
  readonly since: string;
}

export interface Readiness {
  readonly ready: boolean;
  /** One line for each thing that stands in the way of forwarding; an edge is ready all the same while it keeps what comes. */
  readonly reasons: readonly string[];
  readonly components: readonly (Omit<ComponentStatus, 'since'> & { readonly since: string })[];
  /** The longest-held first, at most 100. */
  readonly heldLanes: readonly HeldLane[];
  readonly heldLaneCount: number;
}

function byHeld(a: LaneStatus, b: LaneStatus): number {
  return (b.heldSinceMs ?? 0) - (a.heldSinceMs ?? 0);
}

/**
 * Ready means: every component is `ready` and no lane is held; where only some are `needed`, that those are `ready`. A gateway without
 * components is not ready.
 */
export function readiness(provider: StatusProvider): Readiness {
  const now = provider.now();
  const components = provider.components();
  const held = provider.lanes().filter((lane) => lane.state === 'held');
  const heldLanes = held
    .toSorted(byHeld)
    .slice(0, MOST_LANES)
    .map((lane): HeldLane => {
      const heldMs = Math.max(0, Math.round(lane.heldSinceMs ?? 0));
      const { route, destination, code, message, attempts, items } = lane;
      return { route, destination, code, message, attempts, items, heldMs, since: new Date(now - heldMs).toISOString() };
    });
  const reasons = components
    .filter((component) => component.phase !== 'ready')
    .map(({ name, phase, reason }) => `${name} is ${phase}${reason === undefined ? '' : `: ${reason}`}`);
  if (components.length === 0) reasons.push('no component has been set up');
  for (const lane of heldLanes) reasons.push(`route ${lane.route} is held: ${lane.code ?? 'unknown'}${lane.message === undefined ? '' : `: ${lane.message}`}`);
  return {
    ready: provider.needed === undefined ? reasons.length === 0 : serves(provider.needed, components),
    reasons,
    components: components.map((component) => ({ ...component, since: new Date(component.since).toISOString() })),
    heldLanes,
    heldLaneCount: held.length,
  };
}

function serves(needed: readonly string[], components: readonly ComponentStatus[]): boolean {
  return needed.every((name) => components.some((component) => component.name === name && component.phase === 'ready'));
}
