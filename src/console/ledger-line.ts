import type { Tally } from './api.ts';
import { el, setAttribute, setText } from './dom.ts';
import { count, plural } from './format.ts';
import { Chip } from './parts.ts';

/** One side of the books against the other. */
export interface Book {
  /** `messages`, `items`: what it counts. */
  readonly what: string;
  readonly tally: Tally;
  /** Counted where they are. */
  readonly owed: number;
  /** By how much the two do not agree. */
  readonly off: number;
}

type Owner = 'gateway' | 'edge';
type End = 'deadLettered' | 'filtered' | 'deduplicated' | 'abandoned';

/** How what is not forwarded has ended, and what is owed. */
const WORDS: Readonly<Record<Owner, Readonly<Record<End | 'owed', string>>>> = {
  gateway: { deadLettered: 'dead-lettered', filtered: 'filtered', deduplicated: 'deduplicated', abandoned: 'given back', owed: 'under way' },
  edge: { deadLettered: 'kept apart', filtered: 'given up for age or room', deduplicated: 'deduplicated', abandoned: 'lost to damage', owed: 'kept' },
};
const ENDS: readonly End[] = ['deadLettered', 'filtered', 'deduplicated', 'abandoned'];

/** The books in one line: the first one, and the others where the pointer rests. */
export class LedgerLine {
  readonly element: HTMLElement;
  private readonly chip = new Chip('wait', 'Ledger');
  private readonly text = el('span', {});

  constructor() {
    this.element = el('p', { class: 'ledger' }, this.chip.element, this.text);
  }

  /** `who` keeps the books; `note` goes behind the first one. */
  set(who: Owner, [first, ...others]: readonly Book[], note = ''): void {
    if (first === undefined) return;
    const wrong = [first, ...others].filter(({ off }) => off !== 0);
    this.chip.set(wrong.length === 0 ? 'ok' : 'bad', wrong.length === 0 ? 'Ledger balanced' : 'Ledger does not balance');
    const by = wrong.map(({ what, off }) => plural(off, what.replace(/s$/, ''))).join(' and ');
    const off = by === '' ? '' : ` Off by ${by}: a bug of the ${who}; please report it.`;
    setText(this.text, ` ${line(who, first)}${note}.${off}`);
    setAttribute(this.element, 'title', others.length === 0 ? undefined : others.map((book) => line(who, book)).join('\n'));
  }
}

function line(who: Owner, { what, tally, owed }: Book): string {
  const words = WORDS[who];
  const rest = [...ENDS.map((end) => [tally[end], words[end]] as const), [owed, words.owed] as const];
  const shown = rest.filter(([n]) => n > 0).map(([n, name]) => ` + ${count(n)} ${name}`);
  return `${count(tally.received)} ${what} received = ${count(tally.forwarded)} forwarded${shown.join('')}`;
}
