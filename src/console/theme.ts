import { el, setText } from './dom.ts';

const KEY = 'sluice-theme';
const THEMES = ['auto', 'dark', 'light'] as const;
type Theme = (typeof THEMES)[number];

const listeners = new Set<() => void>();

function stored(): Theme {
  const value = localStorage.getItem(KEY);
  return THEMES.find((theme) => theme === value) ?? 'auto';
}

function apply(theme: Theme): void {
  document.documentElement.dataset['theme'] = theme;
}

/** Canvases do not follow style sheets: who draws is told. */
export function onTheme(listener: () => void, signal: AbortSignal): void {
  listeners.add(listener);
  signal.addEventListener('abort', () => listeners.delete(listener));
}

function tell(): void {
  for (const each of listeners) each();
}

/** As the system has it, unless the button says otherwise; the choice is kept. */
export function themeSwitch(): HTMLButtonElement {
  let theme = stored();
  apply(theme);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', tell);
  const label = el('span', {});
  const node = el('button', { type: 'button', class: 'theme' }, el('span', { 'aria-hidden': 'true', class: 'theme-icon' }), label);
  const name = (): void => {
    setText(label, theme === 'auto' ? 'Auto' : theme === 'dark' ? 'Dark' : 'Light');
    node.setAttribute('aria-label', `Colours: ${label.textContent ?? ''}. Change`);
  };
  name();
  node.addEventListener('click', () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'auto';
    localStorage.setItem(KEY, theme);
    apply(theme);
    name();
    tell();
  });
  return node;
}

/** A colour of the style sheet as a canvas wants it. */
export function colour(name: string): string {
  const probe = el('span', { class: `probe colour-${name}` });
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}
