import { duration } from './format.ts';
import type { Freshness } from './freshness.ts';

/** What the page says at its top. */
export interface Verdict {
  readonly level: 'wait' | 'ok' | 'bad' | 'away';
  /** Two words for the corner of the page. */
  readonly word: string;
  /** One line for the banner. */
  readonly title: string;
  readonly reasons: readonly string[];
}

/** What it says while it does not know how things are; undefined where it does. */
export function silence(freshness: Freshness, now: number, who: 'gateway' | 'edge'): Verdict | undefined {
  const reach = freshness.reach(now);
  const age = freshness.age(now);
  const kept = age === undefined ? '' : ` What you see is ${duration(Math.floor(age / 1000) * 1000)} old.`;
  if (reach === 'connecting') return { level: 'wait', word: 'Connecting', title: `Connecting to the ${who}`, reasons: [] };
  if (reach === 'away' && freshness.status !== undefined && freshness.status < 500)
    return { level: 'away', word: 'No access', title: `The ${who} shows nothing.`, reasons: [freshness.why ?? ''] };
  if (reach === 'away') {
    return {
      level: 'away',
      word: 'No answer',
      title: `The ${who} does not answer.${kept}`,
      reasons: [freshness.why ?? '', 'The page tries again by itself.'].filter(Boolean),
    };
  }
  if (reach === 'late') return { level: 'away', word: 'No data', title: `The ${who} has gone silent.${kept}`, reasons: ['The page tries again by itself.'] };
  return undefined;
}
