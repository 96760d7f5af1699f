import type { Phase, ReloadOutcome, SealReason, SessionState } from '../domain/events.ts';
import { FAULTS, type FaultCode } from '../domain/fault.ts';
import type { LaneStatus } from '../pipeline/ports.ts';

/** The values that a label can have: a closed list, or names that the settings (never the devices) give. */
export type LabelValues = readonly string[] | 'routes' | 'sessions' | 'addresses' | 'components' | 'queues' | 'build';

export interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** What one step of the value is. Base units only: seconds, bytes, or the thing that is counted. */
  readonly unit: string;
  readonly labels: Readonly<Record<string, LabelValues>>;
  /** `read`: a plain number, read when somebody scrapes. `event`: moved by events, rarer than once per batch. */
  readonly by: 'read' | 'event';
  readonly buckets?: readonly number[];
  /** No series until the first event: 0 would say something, and be wrong. */
  readonly unknownAtStart?: true;
  /** About this session alone: no series where there is none of the name, as at an edge, which consumes nothing. */
  readonly session?: string;
  readonly help: string;
  /** What makes a person look; `-` where it only explains other numbers. */
  readonly worry: string;
}

/** Buckets of a histogram that is kept in milliseconds and shown in seconds. */
export function inSeconds(boundsMs: readonly number[]): readonly number[] {
  return boundsMs.map((ms) => ms / 1000);
}

/** Routes with series of their own, the first ones of the settings; the others share `(other)`. A scrape stops everything else, by 3.5 s for a million series: a tenth of that. */
export const ROUTES_BY_NAME = 1000;

/** A series that appears with its first event hides that event from `rate()`: so those of routes begin at 0, up to so many routes. Beyond that most would never be anything else. */
export const ROUTES_AT_ZERO = 100;

/** Of all routes, those whose series begin at 0. */
export function routesAtZero(routes: readonly string[]): readonly string[] {
  return routes.length <= ROUTES_AT_ZERO ? routes : [];
}

/** Every member of a union, so that a new one does not compile until it is listed. */
function every<T extends string>(members: Readonly<Record<T, true>>): readonly T[] {
  return Object.keys(members) as T[];
}

export const PHASES = every<Phase>({ idle: true, starting: true, ready: true, degraded: true, draining: true, closed: true });
export const SESSION_STATES = every<SessionState>({ idle: true, connecting: true, ready: true, blocked: true, draining: true, closed: true });
export const SEAL_REASONS = every<SealReason>({ count: true, bytes: true, age: true, prefetch: true, drain: true, split: true });
/** Of reloads; dry runs are not counted. */
export const RELOAD_OUTCOMES = every<Exclude<ReloadOutcome, 'would-apply'>>({ applied: true, unchanged: true, refused: true });
export const LANE_STATES = every<LaneStatus['state']>({ sending: true, held: true, waiting: true });
export const CODES = Object.keys(FAULTS) as readonly FaultCode[];
export const RETRYABLE_CODES = CODES.filter((code) => FAULTS[code].kind === 'retryable');
export const PERMANENT_CODES = CODES.filter((code) => FAULTS[code].kind === 'permanent');
/** Values of `route` that no setting names: nothing took it, the lane of dead letters, and (a bug, but a bounded one) anything else. */
export const NO_ROUTE = '(none)';
export const DEAD_LETTER_LANE = '(dead letters)';
export const OTHER = '(other)';
