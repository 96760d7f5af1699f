import type { Reading } from './reading.ts';

type Insertion = (reading: Reading) => string;

/** A routing key or header template, ready to render. */
export interface RouteTemplate {
  render(reading: Reading): string;
  /** Readings with the same are rendered the same: what is inserted, where that is one text and at hand, and what `render` says else. */
  key(reading: Reading): string;
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
  const literals: string[] = [];
  const insertions: Insertion[] = [];
  const names: string[] = [];
  // Literals and names in turn.
  for (const [i, part] of text.split(/\{([^{}]*)\}/).entries()) {
    if (i % 2 === 0) literals.push(part);
    else {
      names.push(part);
      insertions.push(insertion(part));
    }
  }
  const safe = names.map((name) => safely(name, use));
  const render = (reading: Reading): string => {
    let out = literals[0] as string;
    for (const [i, insert] of insertions.entries()) out += (safe[i] as (text: string) => string)(insert(reading)) + (literals[i + 1] as string);
    return out;
  };
  const [first, ...others] = insertions;
  if (first === undefined) return { render, key: () => text };
  return { render, key: others.length === 0 ? first : render };
}

function oneWord(text: string): string {
  return /[.#*]/.test(text) ? text.replaceAll(/[.#*]/g, '_') : text;
}

function safely(name: string, use: 'routing-key' | 'text'): (text: string) => string {
  if (use === 'text') return (text) => text;
  return name === 'topic' ? (topic) => topic.split('/').map(oneWord).join('.') : oneWord;
}

/** What is inserted, before it is made fit. */
function insertion(name: string): Insertion {
  if (name === 'device') return (reading) => reading.device;
  if (name === 'profile') return (reading) => reading.profile;
  if (name === 'topic') return (reading) => reading.topic;
  const [, table, field] = NAMED.exec(name) ?? [];
  if (field === undefined) throw new Error(`unknown insertion {${name}}`);
  return (reading) => {
    const from = table === 'tags' ? reading.tags : table === 'units' ? reading.units : reading.values;
    if (from === undefined || !Object.hasOwn(from, field)) return MISSING;
    const found = String(from[field]);
    return found === '' ? MISSING : found;
  };
}
