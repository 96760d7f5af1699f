import { el, setAttribute, setClass, setText, svg } from './dom.ts';
import { sparkPath } from './spark-path.ts';

export type Level = 'ok' | 'warn' | 'bad' | 'wait' | 'off';

/** A shape for each, so that nobody has to tell colours apart. */
const ICONS: Readonly<Record<Level, string>> = { ok: '✓', warn: '!', bad: '✕', wait: '…', off: '–' };

/** State as colour, shape and word. */
export class Chip {
  readonly element = el('span', { class: 'chip' });
  private readonly icon = el('span', { class: 'chip-icon', 'aria-hidden': 'true' });
  private readonly label = el('span', {});

  constructor(level: Level = 'off', text = '') {
    this.element.append(this.icon, this.label);
    this.set(level, text);
  }

  set(level: Level, text: string): void {
    setClass(this.element, `chip ${level}`);
    setText(this.icon, ICONS[level]);
    setText(this.label, text);
  }
}

export function chip(level: Level, text: string): HTMLElement {
  return new Chip(level, text).element;
}

/** What is on its way is that; what is on its way because something failed is not well. */
export function levelOf(state: string, reason?: string | null): Level {
  if (reason && state !== 'ready' && state !== 'draining') return 'bad';
  if (state === 'ready' || state === 'sending') return 'ok';
  if (state === 'idle' || state === 'closed') return 'off';
  if (state === 'starting' || state === 'connecting' || state === 'waiting' || state === 'draining') return 'wait';
  return 'bad';
}

export function tag(text: string, title?: string): HTMLElement {
  return el('span', { class: 'tag', title }, text);
}

const WIDTH = 96;
const HEIGHT = 24;

/** The last values as a line without axes: a shape beside the number that says it. */
export class Spark {
  readonly element = svg('svg', { class: 'spark', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, 'aria-hidden': 'true', focusable: 'false' });
  private readonly path = svg('path', { class: 'spark-line' });

  constructor() {
    this.element.append(this.path);
  }

  set(values: readonly (number | null)[]): void {
    setAttribute(this.path, 'd', sparkPath(values, WIDTH, HEIGHT));
  }
}

/** One number with its name. */
export class Tile {
  readonly element: HTMLElement;
  private readonly value = el('span', { class: 'tile-value' });
  private readonly note = el('span', { class: 'tile-note' });

  constructor(name: string) {
    this.element = el('div', { class: 'tile' }, el('dt', {}, name), el('dd', {}, this.value, this.note));
  }

  set(value: string, note = '', level: Level = 'off'): void {
    setText(this.value, value);
    setText(this.note, note);
    setClass(this.element, level === 'off' ? 'tile' : `tile ${level}`);
  }
}

/** Names and what they are, written over each time; a name without a value is not shown. */
export class Facts {
  readonly element = el('dl', { class: 'facts' });
  private readonly rows = new Map<string, { readonly row: HTMLElement; readonly value: HTMLElement }>();

  set(pairs: readonly (readonly [name: string, value: string])[]): void {
    const left = new Set(this.rows.keys());
    for (const [name, value] of pairs) {
      left.delete(name);
      const { row, value: node } = this.rowOf(name);
      setText(node, value);
      row.hidden = value === '';
    }
    for (const name of left) this.rowOf(name).row.hidden = true;
  }

  private rowOf(name: string): { readonly row: HTMLElement; readonly value: HTMLElement } {
    const known = this.rows.get(name);
    if (known !== undefined) return known;
    const value = el('dd', {});
    const made = { row: el('div', {}, el('dt', {}, name), value), value };
    this.rows.set(name, made);
    this.element.append(made.row);
    return made;
  }
}

export function section(title: string, ...children: readonly (Node | undefined)[]): HTMLElement {
  return el('section', { class: 'card', 'aria-label': title }, el('h2', {}, title), ...children);
}

/** What went wrong with a request, where it was made. */
export function trouble(error: unknown): HTMLElement {
  return el('p', { class: 'trouble', role: 'alert' }, error instanceof Error ? error.message : String(error));
}
