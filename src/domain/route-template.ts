import type { Reading } from './reading.ts';

type Piece = string | ((reading: Reading) => string);

/** A routing key or header template, ready to render. */
export interface RouteTemplate {
  /** Set when the template names nothing of the reading: always the same text. */
  readonly constant: string | undefined;
  render(reading: Reading): string;
}

const NAMED = /^(tags|values|units)\.(.+)$/;
const PLAIN = new Set(['device', 'profile', 'topic']);

/** What stands in for something that the reading does not have. */
export const MISSING = '_';

/** Problems of a template, as sentences; empty when it is good. */
export function checkRouteTemplate(text: string): string[] {
  const problems: string[] = [];
  for (const [, name = ''] of text.matchAll(/\{([^{}]*)\}/g)) {
    if (!PLAIN.has(name) && !NAMED.test(name)) {
      problems.push(`{${name}} is not known here; use {device}, {profile}, {topic}, {tags.NAME}, {values.NAME} or {units.NAME}`);
    }
  }
  if (/[{}]/.test(text.replaceAll(/\{[^{}]*\}/g, ''))) problems.push('a brace is not closed, or stands alone');
  return problems;
}

/**
 * `routing-key`: dots, `#` and `*` inside an inserted name become `_`, so that a device cannot choose the words of
 * its routing key; `{topic}` alone keeps its levels, as dots. `text` (headers): inserted as it is.
 * Throws on a template that `checkRouteTemplate` refuses.
 */
export function compileRouteTemplate(text: string, use: 'routing-key' | 'text'): RouteTemplate {
  const problems = checkRouteTemplate(text);
  if (problems.length > 0) throw new Error(`route template "${text}": ${problems.join('; ')}`);
  const safe = use === 'routing-key' ? oneWord : (s: string): string => s;
  const pieces: Piece[] = [];
  for (const part of text.split(/(\{[^{}]*\})/)) {
    if (part === '') continue;
    if (!part.startsWith('{')) {
      pieces.push(part);
      continue;
    }
    pieces.push(insertion(part.slice(1, -1), use, safe));
  }
  const literal = pieces.every((piece) => typeof piece === 'string');
  return {
    constant: literal ? pieces.join('') : undefined,
    render(reading) {
      let out = '';
      for (const piece of pieces) out += typeof piece === 'string' ? piece : piece(reading);
      return out;
    },
  };
}

function oneWord(text: string): string {
  return /[.#*]/.test(text) ? text.replaceAll(/[.#*]/g, '_') : text;
}

function insertion(name: string, use: 'routing-key' | 'text', safe: (s: string) => string): (reading: Reading) => string {
  if (name === 'device') return (reading) => safe(reading.device);
  if (name === 'profile') return (reading) => safe(reading.profile);
  if (name === 'topic') {
    return use === 'routing-key' ? (reading) => reading.topic.split('/').map(safe).join('.') : (reading) => reading.topic;
  }
  const [, table, field] = NAMED.exec(name) ?? [];
  if (field === undefined) throw new Error(`unknown insertion {${name}}`);
  return (reading) => {
    const from = table === 'tags' ? reading.tags : table === 'units' ? reading.units : reading.values;
    if (from === undefined || !Object.hasOwn(from, field)) return MISSING;
    const found = String(from[field]);
    return found === '' ? MISSING : safe(found);
  };
}
