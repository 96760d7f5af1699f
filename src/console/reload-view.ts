import type { ReloadView, TrialView } from './api.ts';
import { button, el, fill } from './dom.ts';
import { plural, visible } from './format.ts';
import { ApiError, post } from './net.ts';
import { trouble } from './parts.ts';
import { problemList } from './problem-list.ts';
import { confirmed } from './token.ts';

/** Lines of changes that a question shows. */
const MOST_LINES = 12;

/** Reads the file again: says first what would change, and for which of the last messages, and asks. `result` shows what came of it. */
export function reloadButton(result: HTMLElement, done: () => Promise<void>): HTMLButtonElement {
  return button('Reload the file …', async () => {
    fill(result, el('p', { class: 'quiet' }, 'Reading the file …'));
    try {
      const tried = await post<ReloadView>('config/reload', { dryRun: true });
      if (tried.outcome === 'unchanged') fill(result, el('p', { class: 'done' }, `The file says what is in force already: version ${tried.version}.`));
      else if (await confirmed('Take these settings over?', question(tried), 'Take over', false)) {
        fill(result, ...takenOver(await post<ReloadView>('config/reload', {})));
      } else fill(result, el('p', {}, 'Nothing was changed.'));
    } catch (error) {
      fill(result, ...refusal(error));
    }
    await done();
  });
}

function question({ changes, trial }: ReloadView): string[] {
  return [
    `${plural(changes.length, 'change')}: ${few(changes.map(visible), '; ')}`,
    ...trialLines(trial),
    'They decide from the next message on. No connection is lost, and nothing that waits.',
  ];
}

function trialLines(trial: TrialView | undefined): string[] {
  if (trial === undefined || trial.messages === 0) return ['No message has come yet that they could be tried on.'];
  const { messages, same, changes } = trial;
  if (same === messages) return [`The last ${plural(messages, 'message')} would fare as they did.`];
  const lines = changes.slice(0, MOST_LINES).map(({ from, to, messages: n, topic }) => `${n}: ${visible(from)} → ${visible(to)} (as on ${visible(topic)})`);
  return [`Of the last ${plural(messages, 'message')}, ${messages - same} would fare differently:`, ...lines];
}

function takenOver({ version, changes, warnings }: ReloadView): HTMLElement[] {
  return [
    el('p', { class: 'done' }, `Version ${version} is in force: ${few(changes.map(visible), '; ')}`),
    ...(warnings.length === 0 ? [] : [problemList(warnings, 'warn')]),
  ];
}

function refusal(error: unknown): HTMLElement[] {
  const { problems } = (error instanceof ApiError ? error.body : {}) as Partial<ReloadView>;
  if (problems === undefined) return [trouble(error)];
  return [
    el('p', { class: 'trouble' }, `Refused, because of ${plural(problems.length, 'problem')}. The settings of before stay in force.`),
    problemList(problems, 'bad'),
  ];
}

function few(texts: readonly string[], between: string): string {
  const rest = texts.length - MOST_LINES;
  return rest <= 0 ? texts.join(between) : `${texts.slice(0, MOST_LINES).join(between)}${between}and ${rest} more`;
}
