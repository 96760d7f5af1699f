import type { DevicePage, DeviceSummary } from './api.ts';
import { DeviceTable, type Sort } from './device-table.ts';
import { button, el, field, fill, select, setText, timed } from './dom.ts';
import { count, plural } from './format.ts';
import { get, repeat } from './net.ts';
import { Chip, trouble } from './parts.ts';
import { hashOf } from './place.ts';
import { pages, TableModel } from './table-model.ts';
import type { Context, View } from './view.ts';

const REFRESH_MS = 1000;
const SUMMARY_MS = 10_000;
const LIMITS = [25, 50, 100, 200] as const;
const TYPING_MS = 250;

/**
 * The server searches and sorts, and a page of it is a table of real rows: ten thousand devices cost the browser as much
 * as fifty, and search in the page, screen readers and links to a page work as everywhere.
 */
export function devices(context: Context): View {
  const { signal, place, keep, say } = context;
  const given = place.query;
  const search = el('input', { type: 'search', value: given.get('search') ?? '', placeholder: 'Name or topic', autocomplete: 'off', spellcheck: 'false' });
  const profile = select([['', 'all']], '');
  const flag = select([['', 'any']], '');
  const silent = el('input', { type: 'checkbox', checked: given.get('silent') === 'true' });
  const limit = select(
    LIMITS.map((n) => [String(n), String(n)]),
    LIMITS.find((n) => String(n) === given.get('limit'))?.toString() ?? '50',
  );
  const wanted = { profile: given.get('profile') ?? '', flag: given.get('flag') ?? '' };
  let sort: Sort = { by: given.get('sort') ?? 'device', descending: given.get('order') === 'desc' };
  let offset = Number.parseInt(given.get('offset') ?? '0', 10) || 0;

  const found = el('p', { class: 'found' });
  const held = new Chip('wait', 'order held while you point at it');
  const pager = el('nav', { class: 'pager', 'aria-label': 'Pages' });
  const failed = el('div', {});
  const empty = el('p', { class: 'empty', hidden: true });
  const model = new TableModel<DevicePage['devices'][number]>((row) => row.device);
  const table = new DeviceTable((by) => {
    sort = { by, descending: sort.by === by ? !sort.descending : by !== 'device' };
    table.sorted(sort);
    changed();
  });
  table.sorted(sort);
  let fresh = true;
  let round = 0;

  const query = (): Record<string, string | undefined> => ({
    search: search.value.trim(),
    profile: wanted.profile,
    flag: wanted.flag,
    silent: silent.checked ? 'true' : undefined,
    sort: sort.by === 'device' && !sort.descending ? undefined : sort.by,
    order: sort.descending ? 'desc' : undefined,
    limit: limit.value === '50' ? undefined : limit.value,
    offset: offset === 0 ? undefined : String(offset),
  });

  const load = async (): Promise<void> => {
    const asked = round;
    const known = Object.entries({ ...query(), sort: sort.by, order: sort.descending ? 'desc' : 'asc', limit: limit.value }).filter(
      (pair): pair is [string, string] => Boolean(pair[1]),
    );
    try {
      const page = await get<DevicePage>(`api/devices?${new URLSearchParams(known).toString()}`, signal);
      // Asked before the conditions changed: the next answer is on its way.
      if (asked !== round) return;
      fill(failed);
      timed('sluice:devices', () => show(page));
    } catch (error) {
      if (signal.aborted) return;
      fill(failed, trouble(error));
    }
  };

  function show(page: DevicePage): void {
    if (page.total > 0 && page.offset >= page.total) return goTo(Math.max(0, Math.floor((page.total - 1) / page.limit) * page.limit));
    table.show(model.set(page.devices, fresh));
    const answer = fresh && round > 0;
    fresh = false;
    const { from, to, before, after } = pages(page.offset, page.limit, page.total);
    const forgotten = page.forgotten === 0 ? '' : `; ${count(page.forgotten)} more were forgotten to make room`;
    setText(
      found,
      page.total === page.known ? `${plural(page.known, 'device')}${forgotten}` : `${count(page.total)} of ${plural(page.known, 'device')}${forgotten}`,
    );
    // What somebody asked for; that the fleet grows meanwhile is no news.
    if (answer) say(`${found.textContent ?? ''}, from ${count(from)}`);
    empty.hidden = page.total > 0;
    setText(
      empty,
      page.known === 0 ? 'No device has published anything since the gateway started. The first one shows up here by itself.' : 'No device matches.',
    );
    const state = `${from} ${to} ${page.total}`;
    if (pager.dataset['state'] === state) return;
    pager.dataset['state'] = state;
    const focused = pager.contains(document.activeElement) ? document.activeElement?.textContent : undefined;
    const turn = (label: string, to: number | undefined): HTMLButtonElement => {
      const node = button(label, () => goTo(to ?? 0));
      node.disabled = to === undefined;
      return node;
    };
    fill(pager, turn('Previous', before), el('span', {}, `${count(from)}–${count(to)} of ${count(page.total)}`), turn('Next', after));
    for (const node of pager.querySelectorAll('button')) if (node.textContent === focused) node.focus();
  }

  function goTo(to: number): void {
    offset = to;
    changed(false);
  }

  function changed(first = true): void {
    if (first) offset = 0;
    fresh = true;
    round += 1;
    keep(hashOf('devices', '', query()));
    // At once, beside the rhythm.
    void load();
  }

  let typing: ReturnType<typeof setTimeout> | undefined;
  search.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(changed, TYPING_MS);
  });
  for (const control of [silent, limit]) control.addEventListener('change', () => changed());
  for (const [name, control] of Object.entries({ profile, flag }) as ['profile' | 'flag', HTMLSelectElement][])
    control.addEventListener('change', () => {
      wanted[name] = control.value;
      changed();
    });

  const hold = (): void => {
    model.held = table.element.matches(':hover') || table.element.contains(document.activeElement);
    held.element.hidden = !model.held || sort.by === 'device';
  };
  for (const event of ['pointerenter', 'pointerleave', 'focusin', 'focusout'] as const)
    table.body.addEventListener(event, () => queueMicrotask(hold), { signal });
  hold();

  repeat(SUMMARY_MS, signal, async () => {
    const { byProfile, byFlag } = await get<DeviceSummary>('api/devices/summary', signal);
    choices(profile, 'all', byProfile, wanted.profile);
    choices(flag, 'any', byFlag, wanted.flag);
  });
  repeat(REFRESH_MS, signal, load);

  const filters = el(
    'form',
    { class: 'filters', role: 'search', 'aria-label': 'Devices' },
    field('Search', search, 'grow'),
    field('Profile', profile),
    field('Flag', flag),
    el('label', { class: 'field check' }, silent, el('span', {}, 'silent only')),
    field('Per page', limit),
  );
  filters.addEventListener('submit', (event) => event.preventDefault());
  return { title: 'Devices', element: el('div', {}, filters, el('div', { class: 'bar' }, found, held.element), failed, table.element, empty, pager) };
}

/** Writes the options anew where they have changed, and keeps what is chosen. */
function choices(control: HTMLSelectElement, none: string, counts: Readonly<Record<string, number>>, chosen: string): void {
  const names = [...new Set([...Object.keys(counts), ...(chosen === '' ? [] : [chosen])])].sort();
  const state = JSON.stringify(names);
  if (control.dataset['state'] === state || control === document.activeElement) return;
  control.dataset['state'] = state;
  fill(control, el('option', { value: '' }, none), ...names.map((name) => el('option', { value: name }, name)));
  control.value = chosen;
}
