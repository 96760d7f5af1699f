import type { TapMessage } from './api.ts';
import { button, el, field, fill, select, setText } from './dom.ts';
import { count, plural } from './format.ts';
import { ApiError, readStream } from './net.ts';
import { Chip, trouble } from './parts.ts';
import { hashOf } from './place.ts';
import { MOST_SHOWN, TapList } from './tap-list.ts';
import type { Context, View } from './view.ts';

/** The server says at least every 15 s that it is alive. */
const IDLE_MS = 25_000;
const RETRY_MS = 2000;
const RATES = ['1', '5', '20', '50', '200'] as const;

/** Messages as they come, how they were read, and where they went. */
export function tap(context: Context): View {
  const { place, signal, keep, live } = context;
  const given = place.query;
  const device = el('input', { type: 'text', value: given.get('device') ?? '', autocomplete: 'off', spellcheck: 'false' });
  const topic = el('input', {
    type: 'text',
    value: given.get('topic') ?? '',
    placeholder: 'devices/+/telemetry, plant/#',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  const routes = live.last?.flow.routes.map(({ route }) => route) ?? [];
  const asked = given.get('route') ?? '';
  const route = select([['', 'any'], ...[...new Set([...routes, ...(asked === '' ? [] : [asked])])].map((name) => [name, name] as const)], asked);
  const outcome = select(
    [
      ['', 'any'],
      ['readings', 'readings'],
      ['filtered', 'filtered'],
      ['dead-lettered', 'dead-lettered'],
    ],
    given.get('outcome') ?? '',
  );
  const rate = select(
    RATES.map((n) => [n, `${n}/s`] as const),
    RATES.find((n) => n === given.get('rate')) ?? '20',
  );
  const state = new Chip('wait', 'connecting');
  const news = el('span', { class: 'quiet' });
  const failed = el('div', {});
  const empty = el('p', { class: 'empty' }, 'No message yet that matches. The tap shows what arrives from now on.');
  let waiting: TapMessage[] = [];
  let missed = 0;
  let paused = false;
  let seen = 0;
  let stream: AbortController | undefined;

  const list = new TapList(() => pause(true));
  const toggle = button('Pause', () => pause(!paused), 'primary');

  function write(): void {
    setText(toggle, paused ? 'Resume' : 'Pause');
    const parts = [
      plural(seen, 'message'),
      paused && waiting.length > 0 ? `${count(waiting.length)}${waiting.length === MOST_SHOWN ? ' or more' : ''} wait` : '',
      missed > 0 ? `${count(missed)} passed by unseen (more than ${rate.value}/s)` : '',
    ];
    setText(news, parts.filter((part) => part !== '').join(', '));
    empty.hidden = seen > 0;
  }

  function pause(on: boolean): void {
    if (paused === on) return;
    paused = on;
    state.set(on ? 'wait' : 'ok', on ? 'paused' : 'live');
    if (!on) list.add(waiting.splice(0));
    write();
  }

  let drawing = false;
  const draw = (): void => {
    drawing = false;
    if (!paused) list.add(waiting.splice(0));
    write();
  };

  const event = (name: string, data: unknown): void => {
    if (name === 'skipped') missed += (data as { count: number }).count;
    else if (name === 'message') {
      seen += 1;
      waiting.push(data as TapMessage);
      if (waiting.length > MOST_SHOWN) waiting.shift();
    }
    if (drawing) return;
    drawing = true;
    requestAnimationFrame(draw);
  };

  const filters = (): Record<string, string | undefined> => ({
    device: device.value.trim(),
    topic: topic.value.trim(),
    route: route.value,
    outcome: outcome.value,
    rate: rate.value,
  });

  async function run(own: AbortSignal): Promise<void> {
    const query = new URLSearchParams(Object.entries(filters()).filter((pair): pair is [string, string] => Boolean(pair[1])));
    while (!own.aborted) {
      try {
        const open = (): void => {
          fill(failed);
          state.set(paused ? 'wait' : 'ok', paused ? 'paused' : 'live');
        };
        await readStream(`api/tap?${query.toString()}`, { open, event, idleMs: IDLE_MS }, own);
      } catch (error) {
        if (own.aborted) return;
        state.set('bad', 'not connected');
        fill(failed, trouble(error));
        // A filter that is wrong stays wrong.
        if (error instanceof ApiError && error.status === 400) return;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  function start(): void {
    stream?.abort();
    stream = new AbortController();
    seen = 0;
    missed = 0;
    waiting = [];
    list.clear();
    fill(failed);
    pause(false);
    state.set('wait', 'connecting');
    write();
    keep(hashOf('tap', '', { ...filters(), rate: rate.value === '20' ? undefined : rate.value }));
    void run(stream.signal);
  }

  signal.addEventListener('abort', () => stream?.abort());
  const form = el(
    'form',
    { class: 'filters', role: 'search', 'aria-label': 'Tap' },
    field('Device', device, 'grow'),
    field('Topic filter', topic, 'grow'),
    field('Route', route),
    field('Outcome', outcome),
    field('At most', rate),
    el('button', { class: 'apply' }, 'Apply'),
  );
  form.addEventListener('submit', (submitted) => {
    submitted.preventDefault();
    start();
  });
  for (const control of [route, outcome, rate]) control.addEventListener('change', start);
  start();
  return { title: 'Tap', element: el('div', {}, form, el('div', { class: 'bar' }, toggle, state.element, news), failed, empty, list.element) };
}
