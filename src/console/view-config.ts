import type { ConfigProblem, ConfigView, ReloadView } from './api.ts';
import { button, el, facts, fill } from './dom.ts';
import { pretty } from './exact-json.ts';
import { clock, plural, visible } from './format.ts';
import { ApiError, get, post } from './net.ts';
import { chip, trouble } from './parts.ts';
import { confirmed, forgetToken, token } from './token.ts';
import { tryPayload } from './try-payload.ts';
import type { Context, View } from './view.ts';
import { section } from './view-overview.ts';

/** The settings in force, what is odd about them, and a bench to try a payload on. */
export function config(context: Context): View {
  const { place, signal } = context;
  const about = el('div', {}, el('p', { class: 'quiet' }, 'Asking the gateway …'));
  const warnings = el('div', {});
  const settings = el('div', { class: 'settings' });
  const result = el('div', { class: 'result', role: 'status' });
  const forget = button('Forget the token', () => {
    forgetToken();
    forget.hidden = true;
  });
  forget.hidden = token() === undefined;

  async function load(): Promise<void> {
    try {
      show(await get<ConfigView>('api/config', signal));
    } catch (error) {
      if (!signal.aborted) fill(about, trouble(error));
    }
  }

  function show(view: ConfigView): void {
    const now = Date.now();
    fill(
      about,
      facts([
        ['Version', view.version],
        ['File', view.file === null ? 'unknown' : visible(view.file)],
        ['In force since', clock(view.loadedAt, now)],
        ['Last reload', view.reload === null ? 'none since the start' : reloadWords(view.reload, now)],
      ]),
      view.reload === null || view.reload.ok ? undefined : problems(view.reload.problems, 'bad'),
    );
    fill(warnings, view.warnings.length === 0 ? el('p', {}, 'None.') : problems(view.warnings, 'warn'));
    fill(settings, ...settingsParts(view.settings));
  }

  async function reload(): Promise<void> {
    if (
      !(await confirmed(
        'Reload the configuration?',
        ['The gateway reads its file again. Where the file is wrong, the settings in force stay.'],
        'Reload',
        false,
      ))
    )
      return;
    try {
      const answer = await post<ReloadView>('config/reload', {});
      fill(result, ...reloadParts(answer));
      forget.hidden = token() === undefined;
    } catch (error) {
      const missing = error instanceof ApiError && (error.status === 404 || error.status === 405);
      fill(result, missing ? el('p', { class: 'trouble' }, 'This gateway cannot reload: restart it to take another configuration.') : trouble(error));
    }
    await load();
  }

  void load();
  return {
    title: 'Configuration',
    element: el(
      'div',
      {},
      section('In force', about, el('div', { class: 'bar' }, button('Reload the file …', reload), forget), result),
      section('Warnings', warnings),
      section('Try a payload', tryPayload(place.query)),
      section('Settings', el('p', { class: 'quiet' }, 'As they are in force, defaults included. Secrets are hidden by the gateway.'), settings),
    ),
  };
}

function reloadWords({ at, ok, version }: ReloadView, now: number): HTMLElement {
  return el('span', {}, chip(ok ? 'ok' : 'bad', ok ? 'taken' : 'refused'), ` ${at === undefined ? '' : `${clock(at, now)}, `}version ${version}`);
}

function reloadParts(answer: ReloadView): HTMLElement[] {
  if (!answer.ok)
    return [
      el('p', { class: 'trouble' }, `Refused, because of ${plural(answer.problems.length, 'problem')}. The settings of before stay in force.`),
      problems(answer.problems, 'bad'),
    ];
  const { changes = [] } = answer;
  return [
    el(
      'p',
      { class: 'done' },
      changes.length === 0 ? `Version ${answer.version} is in force; nothing has changed.` : `Version ${answer.version} is in force. Changed:`,
    ),
    ...(changes.length === 0 ? [] : [el('ul', {}, ...changes.map((change) => el('li', {}, visible(typeof change === 'string' ? change : pretty(change)))))]),
    ...(answer.problems.length === 0 ? [] : [problems(answer.problems, 'warn')]),
  ];
}

function problems(list: readonly (ConfigProblem | string)[], level: 'warn' | 'bad'): HTMLElement {
  return el(
    'ul',
    { class: 'problems' },
    ...list.map((each) => {
      if (typeof each === 'string') return el('li', {}, chip(level, level === 'bad' ? 'problem' : 'warning'), ' ', visible(each));
      const { severity, path, file, line, column, message } = each;
      const position = line === null || line === undefined ? '' : `${file ?? ''}:${line}${column === null || column === undefined ? '' : `:${column}`}`;
      return el(
        'li',
        {},
        chip(severity === 'error' ? 'bad' : level, severity ?? (level === 'bad' ? 'problem' : 'warning')),
        el(
          'span',
          {},
          path ? el('code', {}, visible(path)) : undefined,
          path ? ': ' : '',
          visible(message),
          position === '' ? undefined : el('span', { class: 'position' }, ` ${visible(position)}`),
        ),
      );
    }),
  );
}

function settingsParts(settings: unknown): HTMLElement[] {
  if (typeof settings !== 'object' || settings === null) return [el('pre', { class: 'code' }, pretty(settings))];
  return Object.entries(settings).map(([name, value]) =>
    el(
      'details',
      {},
      el('summary', {}, visible(name), ' ', el('span', { class: 'quiet' }, sizeOf(value))),
      el('pre', { class: 'code', tabindex: 0, role: 'region', 'aria-label': name }, pretty(value)),
    ),
  );
}

function sizeOf(value: unknown): string {
  if (Array.isArray(value)) return plural(value.length, 'entry', 'entries');
  return typeof value === 'object' && value !== null ? '' : visible(pretty(value));
}
