import type { Problem } from '../settings/load.ts';

/** Control characters would let a settings file write to the terminal. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, (c) => `\\u${(c.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`);
}

/** `FILE:LINE:COLUMN: error: TEXT`, and the hint on a line of its own. */
export function formatProblem(p: Problem): string {
  const key = p.path === '' ? '' : `${p.path}: `;
  const hint = p.hint === undefined ? '' : `\n    hint: ${printable(p.hint)}`;
  return `${printable(`${p.file}:${p.line}:${p.column}: ${p.severity}: ${key}${p.message}`)}${hint}`;
}
