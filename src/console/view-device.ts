import type { DeviceDetail } from './api.ts';
import { el, fill, link, setText, timed } from './dom.ts';
import { pretty } from './exact-json.ts';
import { ago, clock, count, duration, measured, plural, scalar, short, visible } from './format.ts';
import { ApiError, get, repeat } from './net.ts';
import { Chip, section, tag, trouble } from './parts.ts';
import { hashOf } from './place.ts';
import { Plot } from './plot.ts';
import type { Context, View } from './view.ts';

const REFRESH_MS = 1000;
/** The gateway keeps 60 points, 5 s apart or more. */
const LEAST_SPAN_MS = 300_000;
const MOST_PLOTS = 12;

/** Everything known of one device. */
export function device(context: Context): View {
  const { place, signal } = context;
  const { name } = place;
  const state = new Chip('wait', 'loading');
  const seen = el('span', { class: 'quiet' });
  const failed = el('div', {});
  const facts = el('div', {});
  const plots = el('div', { class: 'plots' });
  const others = el('dl', { class: 'facts' });
  const otherValues = section('Other values', others);
  const topics = el('ul', { class: 'plain' });
  const reading = el('pre', { class: 'code' });
  const charts = new Map<string, Plot>();
  otherValues.hidden = true;

  const show = (detail: DeviceDetail): void => {
    const { history, values, units } = detail;
    state.set(detail.silent ? 'bad' : 'ok', detail.silent ? 'silent' : 'sending');
    const every = detail.intervalMs === null ? '' : `, usually every ${duration(detail.intervalMs)}`;
    setText(seen, `last message ${ago(detail.silentForMs)}${every}`);
    fill(facts, factsOf(detail));
    const known = [...new Set([...history.names, ...Object.keys(values)])];
    const numeric = known.filter((each) => isPlotted(history, each)).slice(0, MOST_PLOTS);
    for (const each of numeric) plotOf(each, units[each]).set(history.at, [columnOf(history, each)]);
    const rest = known.filter((each) => !numeric.includes(each) && values[each] !== undefined);
    otherValues.hidden = rest.length === 0;
    fill(others, ...rest.map((each) => el('div', {}, el('dt', {}, visible(each)), el('dd', {}, visible(measured(values[each], units[each]))))));
    writeOnce(topics, detail.topics, () => detail.topics.map((topic) => el('li', {}, link(hashOf('tap', '', { topic }), visible(topic)))));
    setText(reading, detail.lastReading === null || detail.lastReading === undefined ? 'none yet' : pretty(detail.lastReading));
  };

  const plotOf = (each: string, code: string | undefined): Plot => {
    const made = charts.get(each);
    if (made !== undefined) return made;
    const format = (value: number | null | undefined): string => measured(value, code);
    // On the axis the digits matter and the unit stands above.
    const axis = (value: number | null | undefined): string => (Math.abs(value ?? 0) >= 10_000_000 ? short(value) : scalar(value));
    const plot = new Plot({
      title: visible(each),
      lines: [{ name: visible(each), colour: '1' }],
      height: 120,
      spanMs: LEAST_SPAN_MS,
      format,
      axis,
      signal,
      small: true,
    });
    charts.set(each, plot);
    plots.append(plot.element);
    return plot;
  };

  repeat(REFRESH_MS, signal, async () => {
    try {
      const detail = await get<DeviceDetail>(`api/devices/${encodeURIComponent(name)}`, signal);
      fill(failed);
      timed('sluice:device', () => show(detail));
    } catch (error) {
      if (signal.aborted) return;
      const unknown = error instanceof ApiError && error.status === 404;
      state.set('off', unknown ? 'not seen' : 'unknown');
      fill(
        failed,
        unknown
          ? el(
              'p',
              { class: 'empty' },
              'The gateway has not seen this device since it started, or has forgotten it to make room for others. It shows up here with its next message.',
            )
          : trouble(error),
      );
    }
  });

  return {
    title: visible(name),
    element: el(
      'div',
      {},
      el(
        'p',
        { class: 'bar' },
        state.element,
        seen,
        el('span', { class: 'grow' }),
        link(hashOf('tap', '', { device: name }), 'Watch in the tap'),
        link(hashOf('letters', '', { device: name }), 'Its dead letters'),
      ),
      failed,
      facts,
      section('Values, last minutes', plots),
      otherValues,
      el('div', { class: 'two' }, section('Topics', topics), section('Last reading', reading)),
    ),
  };
}

type Past = DeviceDetail['history'];

function columnOf(history: Past, name: string): (number | null)[] {
  const column = history.values[history.names.indexOf(name)] ?? [];
  return column.map((value) => (typeof value === 'number' ? value : typeof value === 'bigint' ? Number(value) : null));
}

function isPlotted(history: Past, name: string): boolean {
  return columnOf(history, name).some((value) => value !== null);
}

function factsOf(detail: DeviceDetail): HTMLElement {
  const now = Date.now();
  const flags = Object.entries(detail.flags).map(([flag, n]) => tag(`${visible(flag)} ${count(n)}`, plural(n, 'reading')));
  const pairs: readonly (readonly [string, Node | string])[] = [
    ['Profile', visible(detail.profile)],
    ['Measured at', clock(detail.measuredAt, now)],
    ['Seen since', clock(detail.firstSeenAt, now)],
    ['Readings', count(detail.readings)],
    ['Late', count(detail.late)],
    ['Refused', count(detail.refused)],
    ['Flags', flags.length === 0 ? 'none' : el('span', { class: 'flags' }, ...flags)],
  ];
  return el('dl', { class: 'facts card' }, ...pairs.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value))));
}

/** Links keep their focus while nothing has changed. */
function writeOnce(node: HTMLElement, state: unknown, children: () => Node[]): void {
  const text = JSON.stringify(state);
  if (node.dataset['state'] === text) return;
  node.dataset['state'] = text;
  fill(node, ...children());
}
