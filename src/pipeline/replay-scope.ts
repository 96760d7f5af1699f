import { type Fault, fault } from '../domain/fault.ts';
import type { Replay } from '../domain/message.ts';
import type { Reading } from '../domain/reading.ts';
import { numberInMessage } from '../domain/reading-id.ts';
import type { Routing } from './router.ts';

/** The readings of a message that its replay is about, or why they cannot be told. */
export function readingsInScope(readings: readonly Reading[], replay: Replay | undefined): readonly Reading[] | Fault {
  if (replay === undefined || replay.scope === 'message') return readings;
  const { readingId, readings: then } = replay;
  const number = readingId === undefined ? undefined : numberInMessage(readingId);
  const found = number === undefined ? undefined : readings[number];
  if (found === undefined || (then !== undefined && then !== readings.length)) {
    return fault(
      'REPLAY_MISMATCH',
      `the dead letter is of reading ${readingId ?? '(unknown)'} of ${then ?? 'some'}; the message holds ${readings.length} today`,
    );
  }
  return [found];
}

/** What of a routing its replay is about. Live taps had their copy the first time. */
export function routingInScope(routing: Routing, replay: Replay | undefined): Routing {
  if (replay === undefined || replay.scope === 'message') return routing;
  if (replay.scope === 'reading' || routing.takers.length === 0) return { ...routing, taps: [] };
  const takers = routing.takers.filter(({ route }) => route === replay.route);
  if (takers.length > 0) return { ...routing, takers, taps: [] };
  const today = routing.takers.map(({ route }) => route).join(', ');
  const text = `the dead letter is of route "${replay.route ?? ''}", which does not take this reading any more; today it goes to ${today}`;
  return { takers: [], taps: [], droppedBy: undefined, fault: fault('REPLAY_MISMATCH', text), faultRoute: undefined };
}
