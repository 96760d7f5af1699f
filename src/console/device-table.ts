import type { DeviceRow } from './api.ts';
import { el, fill, link, setAttribute, setText, timed } from './dom.ts';
import { ago, count, duration, measured, visible } from './format.ts';
import { Chip, Spark, tag } from './parts.ts';
import { hashOf } from './place.ts';
import type { TableRows } from './table-model.ts';

export interface Sort {
  readonly by: string;
  readonly descending: boolean;
}

/** Shown of a device's values in the table; the rest is on its own page. */
const VALUES = 3;
const ROWS_A_FRAME = 40;

const COLUMNS: readonly { readonly name: string; readonly sort?: string; readonly kind: string }[] = [
  { name: 'Device', sort: 'device', kind: 'c-device' },
  { name: 'Profile', kind: 'c-profile' },
  { name: 'Last values', kind: 'c-values' },
  { name: 'Trend', kind: 'c-spark' },
  { name: 'Last seen', sort: 'lastSeen', kind: 'c-seen' },
  { name: 'Every', sort: 'rate', kind: 'c-rate num' },
  { name: 'Refused', sort: 'refused', kind: 'c-refused num' },
  { name: 'Late', sort: 'late', kind: 'c-late num' },
];

/** A row that is written over again and again: no node is made for a value that changes. */
class Row {
  readonly element: HTMLTableRowElement;
  private readonly device = link('#');
  private readonly topic = el('span', { class: 'topic' });
  private readonly profile = el('td', { class: 'c-profile' });
  private readonly values = el('td', { class: 'c-values' });
  private readonly spark = new Spark();
  private readonly seen = el('span', {});
  private readonly silent = new Chip('bad', 'silent');
  private readonly flags = el('span', { class: 'flags' });
  private readonly rate = el('td', { class: 'c-rate num' });
  private readonly refused = el('td', { class: 'c-refused num' });
  private readonly late = el('td', { class: 'c-late num' });
  private flagsShown = '';

  constructor() {
    this.element = el(
      'tr',
      {},
      el('th', { scope: 'row', class: 'c-device' }, this.device, this.topic),
      this.profile,
      this.values,
      el('td', { class: 'c-spark' }, this.spark.element),
      el('td', { class: 'c-seen' }, this.seen, ' ', this.silent.element, this.flags),
      this.rate,
      this.refused,
      this.late,
    );
  }

  set(row: DeviceRow): void {
    const name = visible(row.device);
    if (this.device.textContent !== name) {
      setText(this.device, name);
      setAttribute(this.device, 'href', hashOf('devices', row.device));
    }
    setText(this.topic, visible(row.topic));
    setText(this.profile, visible(row.profile));
    this.setValues(row);
    this.spark.set(row.spark?.values ?? []);
    setText(this.seen, ago(row.silentForMs));
    if (this.silent.element.hidden === row.silent) this.silent.element.hidden = !row.silent;
    setText(this.rate, duration(row.intervalMs));
    setText(this.refused, row.refused === 0 ? '' : count(row.refused));
    setText(this.late, row.late === 0 ? '' : count(row.late));
    const flags = row.lastFlags.join(' ');
    if (flags === this.flagsShown) return;
    this.flagsShown = flags;
    fill(this.flags, ...row.lastFlags.map((flag) => tag(visible(flag))));
  }

  private setValues({ values, units }: DeviceRow): void {
    const names = Object.keys(values);
    const shown = names.slice(0, VALUES);
    const more = names.length > VALUES ? 1 : 0;
    const nodes = this.values.children;
    while (nodes.length > shown.length + more) nodes[nodes.length - 1]?.remove();
    while (nodes.length < shown.length + more)
      this.values.append(el('span', { class: 'value' }, el('span', { class: 'value-name' }), el('span', { class: 'value-is' })));
    for (const [i, name] of shown.entries()) write(nodes[i], visible(name), visible(measured(values[name], units[name])));
    if (more === 1) write(nodes[VALUES], '', `and ${names.length - VALUES} more`);
  }
}

function write(node: Element | undefined, name: string, is: string): void {
  const [first, second] = node?.children ?? [];
  if (first !== undefined) setText(first, name);
  if (second !== undefined) setText(second, is);
}

export class DeviceTable {
  readonly element: HTMLElement;
  readonly body = el('tbody', {});
  private readonly heads = new Map<string, HTMLElement>();
  private readonly rows: Row[] = [];
  private frame = 0;

  constructor(onSort: (by: string) => void) {
    const heads = COLUMNS.map(({ name, sort, kind }) => {
      if (sort === undefined) return el('th', { scope: 'col', class: kind }, name);
      const control = el('button', { type: 'button', class: 'sort' }, name);
      control.addEventListener('click', () => onSort(sort));
      const head = el('th', { scope: 'col', class: kind }, control);
      this.heads.set(sort, head);
      return head;
    });
    this.element = el('table', { class: 'devices' }, el('caption', { class: 'hidden' }, 'Devices'), el('thead', {}, el('tr', {}, ...heads)), this.body);
  }

  sorted({ by, descending }: Sort): void {
    for (const [name, head] of this.heads) setAttribute(head, 'aria-sort', name === by ? (descending ? 'descending' : 'ascending') : undefined);
  }

  /**
   * Rows keep their place in the page; what stands in them is written over, some rows in each frame, so that nobody who
   * types or scrolls waits for all of them.
   */
  show({ keys, rows }: TableRows<DeviceRow>): void {
    cancelAnimationFrame(this.frame);
    while (this.rows.length > keys.length) this.rows.pop()?.element.remove();
    const write = (from: number): void => {
      for (const [i, key] of keys.slice(from, from + ROWS_A_FRAME).entries()) {
        const row = rows.get(key);
        if (row !== undefined) this.rowAt(from + i).set(row);
      }
      if (from + ROWS_A_FRAME < keys.length) this.frame = requestAnimationFrame(() => timed('sluice:rows', () => write(from + ROWS_A_FRAME)));
    };
    write(0);
  }

  private rowAt(index: number): Row {
    const known = this.rows[index];
    if (known !== undefined) return known;
    const row = new Row();
    this.rows.push(row);
    this.body.append(row.element);
    return row;
  }
}
