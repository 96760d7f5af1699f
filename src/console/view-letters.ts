import type { LetterPage, LetterView } from './api.ts';
import { button, el, field, fill, link, setText } from './dom.ts';
import { ago, bytes, clock, count, plural, visible } from './format.ts';
import { LetterActions, type LetterScope } from './letter-actions.ts';
import { get } from './net.ts';
import { trouble } from './parts.ts';
import { hashOf } from './place.ts';
import { pages } from './table-model.ts';
import type { Context, View } from './view.ts';

const LIMIT = 50;
const FILTERS = [
  ['code', 'Reason', 'DECODE_INVALID'],
  ['device', 'Device', ''],
  ['topic', 'Topic filter', 'plant/#'],
  ['route', 'Route', ''],
] as const;

/** What could not pass, and why. Looked at when asked, not each second: the broker hands out every letter for it. */
export function letters(context: Context): View {
  const { place, signal, keep, live } = context;
  const inputs = FILTERS.map(([name, label, placeholder]) => {
    const input = el('input', { type: 'text', value: place.query.get(name) ?? '', placeholder, autocomplete: 'off', spellcheck: 'false' });
    return { name, label, input };
  });
  let offset = Number.parseInt(place.query.get('offset') ?? '0', 10) || 0;
  const found = el('p', { class: 'found', role: 'status' }, 'Asking the broker …');
  const news = el('p', { class: 'quiet' });
  const failed = el('div', {});
  const body = el('tbody', { role: 'rowgroup' });
  const head = ['Buried', 'Reason', 'From', 'What it says', 'Size'];
  const table = el(
    'table',
    // Its rows are blocks on a narrow screen: the roles say that it is a table all the same.
    { class: 'letters', role: 'table' },
    el('caption', { class: 'hidden' }, 'Dead letters'),
    el(
      'thead',
      { role: 'rowgroup' },
      el(
        'tr',
        { role: 'row' },
        ...head.map((name) => el('th', { scope: 'col', role: 'columnheader', class: name === 'Size' ? 'num c-size' : undefined }, name)),
      ),
    ),
    body,
  );
  const pager = el('nav', { class: 'pager', 'aria-label': 'Pages' });
  /** Letters that the gateway had buried when the list was made. */
  let known: number | undefined;
  const actions = new LetterActions(() => void load());

  const filters = (): Record<string, string> =>
    Object.fromEntries(inputs.map(({ name, input }) => [name, input.value.trim()] as const).filter(([, value]) => value !== ''));
  const scope = (): LetterScope => {
    const given = filters();
    return Object.keys(given).length === 0 ? { all: true } : given;
  };

  async function load(): Promise<void> {
    keep(hashOf('letters', '', { ...filters(), offset: offset === 0 ? undefined : String(offset) }));
    try {
      const page = await get<LetterPage>(
        `api/dead-letters?${new URLSearchParams({ ...filters(), limit: String(LIMIT), offset: String(offset) }).toString()}`,
        signal,
      );
      fill(failed);
      show(page);
    } catch (error) {
      if (signal.aborted) return;
      setText(found, '');
      fill(failed, trouble(error));
    }
  }

  function show(page: LetterPage): void {
    known = live.last?.flow.deadLetters.buried;
    const { from, to, before, after } = pages(page.offset, page.limit, page.matched);
    const held = page.otherReaders > 0 ? ` Another reader of the queue holds some of them.` : '';
    const cut =
      page.ended === 'lost' || page.ended === 'short' ? ` The list is not complete${page.reason === undefined ? '' : `: ${visible(page.reason)}`}.` : '';
    const all =
      page.matched === page.present
        ? `${count(page.present)} dead ${page.present === 1 ? 'letter' : 'letters'}`
        : `${count(page.matched)} of ${count(page.present)} dead letters`;
    setText(found, page.present === 0 ? 'No dead letters. Everything has passed.' : `${all}, at ${clock(Date.now(), Date.now())}.${held}${cut}`);
    fill(body, ...page.letters.map(row));
    table.hidden = page.letters.length === 0;
    for (const each of [replay, drop, plan]) each.disabled = page.matched === 0;
    const turn = (label: string, next: number | undefined): HTMLButtonElement => {
      const node = button(label, () => {
        offset = next ?? 0;
        void load();
      });
      node.disabled = next === undefined;
      return node;
    };
    fill(pager, turn('Previous', before), el('span', {}, `${count(from)}–${count(to)} of ${count(page.matched)}`), turn('Next', after));
    pager.hidden = page.matched <= page.limit;
    setText(news, '');
  }

  live.onEvent(({ flow }) => {
    const { buried } = flow.deadLetters;
    // Fewer: the gateway has started anew.
    if (known === undefined || buried < known) known = buried;
    setText(news, buried === known ? '' : `${plural(buried - known, 'more', 'more')} since then.`);
  }, signal);

  const plan = button('What would happen today', async () => await actions.plan(scope()));
  const replay = button('Replay these …', async () => await actions.replay(scope()));
  const drop = button('Drop these …', async () => await actions.drop(scope()), 'danger');
  const refresh = button('Look again', async () => await load());
  const form = el(
    'form',
    { class: 'filters', role: 'search', 'aria-label': 'Dead letters' },
    ...inputs.map(({ label, input }) => field(label, input, 'grow')),
    el('button', { class: 'apply' }, 'Filter'),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    offset = 0;
    void load();
  });
  void load();
  return {
    title: 'Dead letters',
    element: el(
      'div',
      {},
      form,
      el('div', { class: 'bar' }, found, news, refresh, el('span', { class: 'grow' }), plan, replay, drop),
      failed,
      actions.result,
      table,
      pager,
    ),
  };
}

function row(letter: LetterView): HTMLElement {
  const at = letter.buriedAt === undefined ? undefined : Date.parse(letter.buriedAt);
  return el(
    'tr',
    { role: 'row' },
    el(
      'th',
      { scope: 'row', role: 'rowheader', class: 'c-when' },
      link(hashOf('letters', letter.id), at === undefined ? 'unknown' : clock(at, Date.now())),
      at !== undefined && el('span', { class: 'topic' }, ago(Date.now() - at)),
    ),
    el(
      'td',
      { role: 'cell', class: 'c-code' },
      el('span', { class: 'code-name' }, visible(letter.code)),
      letter.replays > 0 && el('span', { class: 'quiet' }, ` replayed ${letter.replays}×`),
    ),
    el(
      'td',
      { role: 'cell', class: 'c-origin' },
      letter.device === undefined ? undefined : link(hashOf('devices', letter.device), visible(letter.device)),
      el('span', { class: 'topic' }, visible(letter.topic)),
    ),
    el('td', { role: 'cell', class: 'c-says' }, visible(letter.message)),
    el('td', { role: 'cell', class: 'num c-size' }, bytes(letter.size)),
  );
}
