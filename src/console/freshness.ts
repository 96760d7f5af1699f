import type { LiveEvent } from './api.ts';
import { duration } from './format.ts';

/** The gateway speaks once a second: silent for this long, it is not believed to be there. */
export const LATE_MS = 3500;

export type Reach = 'connecting' | 'live' | 'late' | 'away';

/** Whether what the page shows is the present. Times are of one clock that does not jump, in milliseconds. */
export class Freshness {
  private heardAt: number | undefined;
  private lost = false;
  /** Why the connection ended, or the last attempt failed. */
  why: string | undefined;
  /** Its HTTP status, where there was one. */
  status: number | undefined;

  heard(at: number): void {
    this.heardAt = at;
    this.lost = false;
    this.why = undefined;
    this.status = undefined;
  }

  ended(why: string, status?: number): void {
    this.lost = true;
    this.why = why;
    this.status = status;
  }

  /** Nobody looks any more; when somebody does again it begins anew. */
  rest(): void {
    this.heardAt = undefined;
    this.lost = false;
    this.why = undefined;
    this.status = undefined;
  }

  /** Age of the newest data; undefined before the first. */
  age(now: number): number | undefined {
    return this.heardAt === undefined ? undefined : Math.max(0, now - this.heardAt);
  }

  reach(now: number): Reach {
    if (this.lost) return 'away';
    const age = this.age(now);
    return age === undefined ? 'connecting' : age > LATE_MS ? 'late' : 'live';
  }
}

export interface Verdict {
  readonly level: 'wait' | 'ok' | 'bad' | 'away';
  /** Two words for the corner of the page. */
  readonly word: string;
  /** One line for the banner. */
  readonly title: string;
  readonly reasons: readonly string[];
}

/** What the page says at its top. */
export function verdict(freshness: Freshness, now: number, live: LiveEvent | undefined): Verdict {
  const reach = freshness.reach(now);
  const age = freshness.age(now);
  const kept = age === undefined ? '' : ` What you see is ${duration(Math.floor(age / 1000) * 1000)} old.`;
  if (reach === 'connecting') return { level: 'wait', word: 'Connecting', title: 'Connecting to the gateway', reasons: [] };
  if (reach === 'away' && freshness.status !== undefined && freshness.status < 500)
    return { level: 'away', word: 'No access', title: 'The gateway shows nothing.', reasons: [freshness.why ?? ''] };
  if (reach === 'away') {
    return {
      level: 'away',
      word: 'No answer',
      title: `The gateway does not answer.${kept}`,
      reasons: [freshness.why ?? '', 'The page tries again by itself.'].filter(Boolean),
    };
  }
  if (reach === 'late') return { level: 'away', word: 'No data', title: `The gateway has gone silent.${kept}`, reasons: ['The page tries again by itself.'] };
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
