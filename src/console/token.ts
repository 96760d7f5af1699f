import { button, el, field } from './dom.ts';

/** For this tab and until it is closed: neither disk nor other tabs see it. */
const KEY = 'sluice-token';
let asking: Promise<string | undefined> | undefined;

export function token(): string | undefined {
  return sessionStorage.getItem(KEY) ?? undefined;
}

export function forgetToken(): void {
  sessionStorage.removeItem(KEY);
}

/** Asks for the token; undefined when it is not given. Who asks while a question is open gets the same answer. */
export async function askToken(why: string): Promise<string | undefined> {
  asking ??= ask(why).finally(() => {
    asking = undefined;
  });
  return await asking;
}

async function ask(why: string): Promise<string | undefined> {
  const input = el('input', { type: 'password', autocomplete: 'off', spellcheck: 'false', required: true });
  const cancel = button('Cancel', () => dialog.close());
  const form = el(
    'form',
    { method: 'dialog' },
    el('h2', { id: 'token-title' }, 'Token of the gateway'),
    el('p', {}, why),
    field('Value of http.token', input),
    el('p', { class: 'quiet' }, 'Kept in this tab only, until you close it.'),
    el('div', { class: 'buttons' }, cancel, el('button', { class: 'primary' }, 'Use it')),
  );
  const dialog = el('dialog', { 'aria-labelledby': 'token-title' }, form);
  let given: string | undefined;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    given = input.value.trim();
    if (given !== '') sessionStorage.setItem(KEY, given);
    dialog.close();
  });
  await shown(dialog);
  return given === '' ? undefined : given;
}

/** Shows a dialog and waits until it is closed; the focus goes back where it was. */
export async function shown(dialog: HTMLDialogElement): Promise<void> {
  document.body.append(dialog);
  await new Promise<void>((resolve) => {
    dialog.addEventListener('close', () => resolve());
    dialog.showModal();
  });
  dialog.remove();
}

/** Asks before something is done; answers whether it may be. */
export async function confirmed(title: string, text: readonly string[], action: string, dangerous: boolean): Promise<boolean> {
  let yes = false;
  const dialog: HTMLDialogElement = el(
    'dialog',
    { 'aria-labelledby': 'confirm-title' },
    el('h2', { id: 'confirm-title' }, title),
    ...text.map((line) => el('p', {}, line)),
    el(
      'div',
      { class: 'buttons' },
      button('Cancel', () => dialog.close()),
      button(
        action,
        () => {
          yes = true;
          dialog.close();
        },
        dangerous ? 'danger' : 'primary',
      ),
    ),
  );
  await shown(dialog);
  return yes;
}
