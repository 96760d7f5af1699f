import type { LetterChanges, LetterPlan } from './api.ts';
import { el, fill } from './dom.ts';
import { count, plural, visible } from './format.ts';
import { post } from './net.ts';
import { trouble } from './parts.ts';
import { confirmed } from './token.ts';

/** Which letters: the body of a request to replay or drop them. */
export type LetterScope = Readonly<Record<string, string | readonly string[] | true>>;

/** Most at once: the walk holds what it looks at. */
const MOST = 10_000;
const PATH = 'api/dead-letters';

/** Looks, replays and drops; says what came of it in one place of the page. */
export class LetterActions {
  readonly result = el('div', { class: 'result', role: 'status' });
  private readonly after: () => void;
  private busy = false;

  constructor(after: () => void) {
    this.after = after;
  }

  /** What would become of them under the settings of today; nothing is sent. */
  async plan(scope: LetterScope): Promise<void> {
    await this.run(async () => fill(this.result, planPart(await dryRun('replay', scope))));
  }

  async replay(scope: LetterScope): Promise<void> {
    await this.run(async () => {
      const { matched, plan } = await dryRun('replay', scope);
      if (matched === 0) return this.none();
      const outcomes = Object.entries(plan?.outcomes ?? {}).map(([outcome, n]) => `${count(n)} ${outcomeWords(outcome)}`);
      const text = [`They go back to the ingest queue. Today's settings make of them: ${outcomes.join(', ')}.`, ...more(matched)];
      const n = Math.min(matched, MOST);
      if (await confirmed(`Replay ${plural(n, 'dead letter')}?`, text, `Replay ${count(n)}`, false))
        this.changed('replayed', await this.change('replay', scope, n));
    });
  }

  async drop(scope: LetterScope): Promise<void> {
    await this.run(async () => {
      const { matched } = await dryRun('drop', scope);
      if (matched === 0) return this.none();
      const n = Math.min(matched, MOST);
      const text = ['They are removed for good, with the bytes that the devices sent. Nothing brings them back.', ...more(matched)];
      if (await confirmed(`Drop ${plural(n, 'dead letter')}?`, text, `Drop ${count(n)}`, true)) this.changed('dropped', await this.change('drop', scope, n));
    });
  }

  private async change(verb: 'replay' | 'drop', scope: LetterScope, limit: number): Promise<LetterChanges> {
    // No more than was agreed to, however many have come since.
    return await post<LetterChanges>(`${PATH}/${verb}`, { ...scope, limit });
  }

  private none(): void {
    fill(this.result, el('p', {}, 'No dead letter matches any more.'));
  }

  private changed(verb: string, { done, matched, skipped, uncertain, stopped }: LetterChanges): void {
    const left = Object.entries(skipped).filter(([, n]) => n > 0);
    const parts = [
      `${plural(done, 'dead letter')} ${verb}${done === matched ? '' : ` of ${count(matched)}`}.`,
      ...left.map(([why, n]) => `${count(n)} left alone: ${SKIPPED[why] ?? why}.`),
      ...(uncertain > 0 ? [`${count(uncertain)} of them may still be in the queue: the connection ended before the broker confirmed.`] : []),
      ...(stopped === undefined ? [] : [`It ended early: ${visible(stopped)}. The rest is still in the queue.`]),
    ];
    fill(this.result, el('p', { class: 'done' }, parts.join(' ')));
    this.after();
  }

  private async run(work: () => Promise<void>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    fill(this.result, el('p', { class: 'asking quiet' }, 'Asking the gateway …'));
    try {
      await work();
      if (this.result.querySelector('.asking') !== null) fill(this.result);
    } catch (error) {
      fill(this.result, trouble(error));
    } finally {
      this.busy = false;
    }
  }
}

async function dryRun(verb: 'replay' | 'drop', scope: LetterScope): Promise<LetterPlan> {
  return await post<LetterPlan>(`${PATH}/${verb}`, { ...scope, dryRun: true, limit: MOST });
}

function more(matched: number): string[] {
  return matched >= MOST ? [`At most ${count(MOST)} at once; the rest stays.`] : [];
}

const SKIPPED: Readonly<Record<string, string>> = {
  'max-replays': 'replayed as often as is allowed',
  stranger: 'nobody knows what it was before it lay in the queue',
  refused: 'the broker refuses it',
};

/** `forwarded`, `dead-lettered NO_ROUTE`, `skipped max-replays` as the gateway writes them. */
function outcomeWords(key: string): string {
  const [outcome = '', code] = key.split(' ', 2);
  if (code === undefined) return outcome;
  return outcome === 'skipped'
    ? `left alone (${SKIPPED[code] ?? code})`
    : `${outcome} again (${key.slice(outcome.length + 1)})`.replace('filtered again', 'filtered');
}

function planPart({ plan, matched }: LetterPlan): HTMLElement {
  if (plan === undefined || matched === 0) return el('p', {}, 'No dead letter matches any more.');
  const routes = Object.entries(plan.routes);
  return el(
    'div',
    { class: 'plan' },
    el('p', {}, el('strong', {}, `Replayed today, ${plural(plan.letters, 'dead letter')} would be:`)),
    el('ul', {}, ...Object.entries(plan.outcomes).map(([outcome, n]) => el('li', {}, `${count(n)} ${outcomeWords(outcome)}`))),
    routes.length > 0 &&
      el('p', {}, `${plural(plan.readings, 'reading')}, by route: ${routes.map(([route, n]) => `${visible(route)} ${count(n)}`).join(', ')}`),
    el('p', { class: 'quiet' }, 'Nothing was sent.'),
  );
}
