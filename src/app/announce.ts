import type { Observer, Phase } from '../domain/events.ts';
import type { StatusTracker } from '../http/tracker.ts';

/** Tells the phase of a component where it or its reason is another one; once a stop has begun, that it drains and nothing else. */
export function announcer(tracker: StatusTracker, observer: Observer, draining: () => boolean): (component: string, phase: Phase, reason?: string) => void {
  return (component, phase, reason) => {
    if (draining() && phase !== 'draining') return;
    const before = tracker.components().find((each) => each.name === component);
    if (before?.phase === phase && before.reason === reason) return;
    observer({ type: 'component-phase', component, phase, reason });
  };
}

/** Of an HTTP server. */
export function urlOf({ address, port }: { readonly address: string; readonly port: number }): string {
  return `http://${address.includes(':') ? `[${address}]` : address}:${port}`;
}
