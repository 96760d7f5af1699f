import type { Observer } from '../domain/events.ts';
import type { EpochMs } from '../domain/message.ts';
import { BatchLatencies } from './latencies.ts';
import type { ComponentStatus, SessionStatus, StatusProvider } from './ports.ts';

/** The part of a `StatusProvider` that events tell. */
export interface StatusTracker extends Pick<StatusProvider, 'components' | 'sessions' | 'lagMs'> {
  /** The batches that were confirmed. */
  readonly batches: BatchLatencies;
  readonly observer: Observer;
}

/**
 * Remembers the last phase of each component, the last state of each session, and the lag of the last batch. Components
 * and sessions that are named here count as `idle` until they say otherwise, so a component that never starts is seen.
 */
export function trackStatus(names: { readonly components: readonly string[]; readonly sessions: readonly string[] }, now: () => EpochMs): StatusTracker {
  const since = now();
  const components = new Map<string, ComponentStatus>(names.components.map((name) => [name, { name, phase: 'idle', reason: undefined, since }]));
  const sessions = new Map<string, SessionStatus>(names.sessions.map((name) => [name, { name, state: 'idle', address: undefined, reason: undefined, since }]));
  const batches = new BatchLatencies();
  let lagMs: number | undefined;

  return {
    batches,
    components: () => [...components.values()],
    sessions: () => [...sessions.values()],
    lagMs: () => lagMs,
    observer: (event) => {
      if (event.type === 'batch-forwarded') {
        lagMs = Math.max(0, event.at - event.oldestReceivedAt);
        batches.add(event.at, lagMs, event.items, event.bytes);
      } else if (event.type === 'component-phase') {
        const { component: name, phase, reason } = event;
        const before = components.get(name);
        components.set(name, { name, phase, reason, since: before?.phase === phase ? before.since : now() });
      } else if (event.type === 'session-state') {
        const { session: name, state, address, reason } = event;
        const before = sessions.get(name);
        sessions.set(name, { name, state, address, reason, since: before?.state === state ? before.since : now() });
      }
    },
  };
}
