import type { GatewayEvent, Observer } from '../domain/events.ts';

/**
 * One observer out of several, in order. What one throws is a bug of ours but must not unwind the pipeline in the
 * middle of a settlement: it goes to `onError`, and the others still see the event.
 */
export function fanOut(observers: readonly Observer[], onError: (error: unknown, event: GatewayEvent) => void): Observer {
  return (event) => {
    for (const observer of observers) {
      try {
        observer(event);
      } catch (error) {
        onError(error, event);
      }
    }
  };
}
