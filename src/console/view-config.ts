import type { ConfigView, ReloadView } from './api.ts';
import { button, el, facts, fill } from './dom.ts';
import { pretty } from './exact-json.ts';
import { clock, plural, visible } from './format.ts';
import { get } from './net.ts';
import { chip, section, trouble } from './parts.ts';
import { problemList } from './problem-list.ts';
import { reloadButton } from './reload-view.ts';
import { forgetToken, token } from './token.ts';
import { tryPayload } from './try-payload.ts';
import type { Context, View } from './view.ts';

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
      view.reload === null || view.reload.ok ? undefined : problemList(view.reload.problems, 'bad'),
    );
    fill(warnings, view.warnings.length === 0 ? el('p', {}, 'None.') : problemList(view.warnings, 'warn'));
    fill(settings, ...settingsParts(view.settings));
  }

  void load();
  return {
    title: 'Configuration',
    element: el(
      'div',
      {},
      section(
        'In force',
        about,
        el(
          'div',
          { class: 'bar' },
          reloadButton(result, async () => {
            forget.hidden = token() === undefined;
            await load();
          }),
          forget,
        ),
        result,
      ),
      section('Warnings', warnings),
      section('Try a payload', tryPayload(place.query)),
      section('Settings', el('p', { class: 'quiet' }, 'As they are in force, defaults included. Secrets are hidden by the gateway.'), settings),
    ),
  };
}

function reloadWords({ at, ok, outcome, version }: ReloadView, now: number): HTMLElement {
  return el('span', {}, chip(ok ? 'ok' : 'bad', outcome), ` ${clock(at, now)}, version ${version}`);
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
