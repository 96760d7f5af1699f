import type { LiveEvent } from './api.ts';
import type { Freshness } from './freshness.ts';
import { silence, type Verdict } from './verdict.ts';

/** What the page of a gateway says at its top. */
export function gatewayVerdict(freshness: Freshness, now: number, live: LiveEvent | undefined): Verdict {
  const silent = silence(freshness, now, 'gateway');
  if (silent !== undefined) return silent;
  if (live === undefined || live.reasons.length === 0) return { level: 'ok', word: 'Ready', title: 'Ready', reasons: [] };
  const away = live.flow.sessions.filter(({ state }) => state !== 'ready');
  const held = live.flow.routes.filter(({ state }) => state === 'held').length;
  const draining = live.flow.components.some(({ phase }) => phase === 'draining');
  const [word, title] = draining
    ? ['Stopping', 'The gateway is stopping.']
    : away.some(({ state }) => state === 'blocked')
      ? ['Blocked', 'The broker blocks its publishers: it is short of memory or disk.']
      : away.length > 0
        ? [
            'Broker away',
            `The broker is away. ${live.ready ? 'What devices publish here is kept' : 'Devices wait at the broker'}; the gateway goes on by itself when it is back.`,
          ]
        : held > 0
          ? ['Held', `${held === 1 ? 'One route is' : `${held} routes are`} held. Nothing is lost: the queue waits.`]
          : ['Not ready', 'The gateway is not ready.'];
  return { level: 'bad', word, title, reasons: live.reasons };
}
