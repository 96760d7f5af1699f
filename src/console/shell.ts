import { button, el, fill, setAttribute, setText } from './dom.ts';
import { short, visible } from './format.ts';
import { askAgain, get } from './net.ts';
import { Chip, type Level } from './parts.ts';
import { hashOf } from './place.ts';
import type { Pulse } from './pulse.ts';
import { themeSwitch } from './theme.ts';
import { askToken } from './token.ts';
import type { Verdict } from './verdict.ts';

/** A view: its name in the address, its name, and a shorter one for a phone or none. */
export type Tab = readonly [view: string, name: string, short: string];

const LEVELS: Readonly<Record<Verdict['level'], Level>> = { wait: 'wait', ok: 'ok', bad: 'bad', away: 'bad' };
/** Seconds are not news: a banner whose age counts up is written, and not read aloud, each time. */
const AGE = /What you see is .* old\./;

/** What stands around every view: names, the way to the others, and the state of it all. */
export class Shell {
  readonly main = el('main', { id: 'main', tabindex: -1 });
  private readonly links = new Map<string, HTMLAnchorElement>();
  private readonly notes = new Map<string, HTMLElement>();
  private readonly state = new Chip('wait', 'Connecting');
  private readonly banner = el('div', { class: 'banner', hidden: true });
  private readonly title = el('strong', {});
  private readonly reasons = el('ul', {});
  private readonly spoken = el('div', { class: 'hidden', 'aria-live': 'polite' });
  private readonly give = button('Give the token', async () => {
    askAgain();
    if ((await askToken('The gateway wants its token for everything it shows here.')) !== undefined) location.reload();
  });
  private readonly pulse: Pick<Pulse<unknown>, 'freshness' | 'verdict'>;
  private said = '';

  constructor(pulse: Pick<Pulse<unknown>, 'freshness' | 'verdict' | 'onTick'>, tabs: readonly Tab[]) {
    this.pulse = pulse;
    const items = tabs.map(([view, name, short]) => {
      const names = short === '' ? [name] : [el('span', { class: 'long' }, name), el('span', { class: 'short' }, short)];
      const note = el('span', { class: 'badge', hidden: true, title: 'since the start of the gateway' });
      const node = el('a', { href: hashOf(view) }, ...names, note);
      this.links.set(view, node);
      this.notes.set(view, note);
      return el('li', {}, node);
    });
    const name = el('span', { class: 'gateway-name' });
    this.banner.append(el('span', { class: 'banner-icon', 'aria-hidden': 'true' }, '✕'), el('div', {}, this.title, this.reasons, this.give));
    document.body.prepend(
      el('a', { class: 'skip', href: '#main' }, 'To the content'),
      el(
        'header',
        { class: 'top' },
        el('div', { class: 'brand' }, el('a', { href: hashOf('') }, 'Sluice'), name),
        el('nav', { 'aria-label': 'Views' }, el('ul', {}, ...items)),
        el('div', { class: 'corner' }, this.state.element, themeSwitch()),
      ),
      el('div', { role: 'region', 'aria-label': 'State of the gateway' }, this.banner),
      this.spoken,
      this.main,
    );
    document.querySelector('.skip')?.addEventListener('click', (event) => {
      event.preventDefault();
      this.main.focus();
    });
    pulse.onTick(() => this.tick());
    get<{ name: string; version: string }>('status')
      .then((status) => {
        setText(name, visible(status.name));
        setAttribute(name, 'title', `Sluice ${status.version}`);
      })
      .catch(() => {});
  }

  /** Shows a view under its heading. */
  show(view: string, title: string, element: HTMLElement): void {
    for (const [each, node] of this.links) setAttribute(node, 'aria-current', each === view ? 'page' : undefined);
    document.title = `${title} – Sluice`;
    fill(this.main, el('h1', { tabindex: -1 }, title), element);
  }

  focusHeading(): void {
    this.main.querySelector('h1')?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }

  say(text: string): void {
    setText(this.spoken, text);
  }

  /** A number beside the name of a view, unless it is 0. */
  note(view: string, n: number): void {
    const note = this.notes.get(view);
    if (note === undefined) return;
    if (note.hidden === n > 0) note.hidden = n === 0;
    setText(note, short(n));
  }

  private tick(): void {
    const now = this.pulse.verdict();
    this.state.set(LEVELS[now.level], now.word);
    const shown = now.level === 'bad' || now.level === 'away';
    if (this.banner.hidden === shown) this.banner.hidden = !shown;
    setText(this.title, now.title);
    const reasons = JSON.stringify(now.reasons);
    if (this.reasons.dataset['state'] !== reasons) {
      this.reasons.dataset['state'] = reasons;
      fill(this.reasons, ...now.reasons.map((reason) => el('li', {}, visible(reason))));
    }
    this.give.hidden = this.pulse.freshness.status !== 401;
    this.main.classList.toggle('stale', now.level === 'away');
    const words = `${now.title.replace(AGE, '')} ${now.level === 'bad' ? now.reasons.join('. ') : ''}`.trim();
    if (words === this.said) return;
    // The first state of a page that opens is part of it.
    if (this.said !== '' && now.level !== 'wait') this.say(words);
    this.said = words;
  }
}
