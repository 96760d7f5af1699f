import type { InboundMessage } from '../domain/message.ts';
import type { Reading } from '../domain/reading.ts';
import { readingsInScope, routingInScope } from './replay-scope.ts';
import type { Routing } from './router.ts';
import type { Rules } from './rules.ts';

/** What would become of a message. */
export interface MessagePlan {
  /** The worst of its parts, as in the ledger. */
  readonly outcome: 'forwarded' | 'filtered' | 'dead-lettered';
  /** Fault code, or why it is filtered. */
  readonly code: string | undefined;
  readonly message: string | undefined;
  /** Readings that would be sent. */
  readonly readings: number;
  /** Readings by route. */
  readonly routes: Readonly<Record<string, number>>;
}

/** Runs a message through the rules and sends nothing. `look` sees each reading with what the routing table says of it. */
export function planMessage(rules: Omit<Rules, 'config'>, message: InboundMessage, look: (reading: Reading, routing: Routing) => void = () => {}): MessagePlan {
  const result = rules.normaliser.normalise(message);
  if (result.kind === 'filtered') return planEnded('filtered', result.reason);
  if (result.kind === 'fault') return planEnded('dead-lettered', result.fault.code, result.fault.message);
  const readings = readingsInScope(result.readings, message.replay);
  if ('code' in readings) return planEnded('dead-lettered', readings.code, readings.message);
  const routes: Record<string, number> = {};
  let sent = 0;
  let dropped: string | undefined;
  let dead: MessagePlan | undefined;
  for (const reading of readings) {
    const routing = routingInScope(rules.router.route(reading), message.replay);
    look(reading, routing);
    if (routing.fault !== undefined) dead ??= planEnded('dead-lettered', routing.fault.code, routing.fault.message);
    else if (routing.droppedBy !== undefined) dropped ??= routing.droppedBy;
    else sent += 1;
    for (const { route } of routing.takers) routes[route] = (routes[route] ?? 0) + 1;
  }
  if (dead !== undefined) return { ...dead, readings: sent, routes };
  if (sent === 0) return planEnded('filtered', `route ${dropped ?? ''}`);
  return { outcome: 'forwarded', code: undefined, message: undefined, readings: sent, routes };
}

export function planEnded<O extends string>(
  outcome: O,
  code: string,
  message?: string,
): Pick<MessagePlan, 'message' | 'readings' | 'routes'> & { readonly outcome: O; readonly code: string } {
  return { outcome, code, message, readings: 0, routes: {} };
}
