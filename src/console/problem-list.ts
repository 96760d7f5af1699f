import type { ConfigProblem } from './api.ts';
import { el } from './dom.ts';
import { visible } from './format.ts';
import { chip } from './parts.ts';

/** What is wrong with settings, each with its place. */
export function problemList(list: readonly ConfigProblem[], level: 'warn' | 'bad'): HTMLElement {
  return el(
    'ul',
    { class: 'problems' },
    ...list.map(({ severity, path, file, line, column, message, hint }) => {
      // Line 0: it is about no place in a file.
      const position = line ? ` ${visible(`${file}:${line}:${column}`)}` : '';
      return el(
        'li',
        {},
        chip(severity === 'error' ? 'bad' : level, severity),
        el(
          'span',
          {},
          path ? el('code', {}, visible(path)) : undefined,
          path ? ': ' : '',
          visible(message),
          hint ? el('span', { class: 'quiet' }, ` (${visible(hint)})`) : undefined,
          position === '' ? undefined : el('span', { class: 'position' }, position),
        ),
      );
    }),
  );
}
