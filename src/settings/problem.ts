import { redactCredentials } from '../domain/redact.ts';

/** Something that is wrong with the settings, and where. Lines and columns count from 1; a column is in UTF-16 units. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The key in question, `routes[2].batch.count`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
  readonly hint?: string;
  readonly severity: 'error' | 'warning';
}

export type Path = readonly (string | number)[];

export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export function formatPath(path: Path): string {
  let out = '';
  for (const step of path) {
    if (typeof step === 'number') out += `[${step}]`;
    else if (/^[A-Za-z_][\w-]*$/.test(step)) out += out === '' ? step : `.${step}`;
    else out += `[${JSON.stringify(step)}]`;
  }
  return out;
}

/** Where every key and value of the settings stands; profiles may stand in files of their own. */
export class Places {
  private readonly values = new Map<string, Place>();
  private readonly fallback: Place;

  constructor(fallback: Place) {
    this.fallback = fallback;
  }

  set(path: Path, place: Place): void {
    this.values.set(JSON.stringify(path), place);
  }

  /** Whether the key is written in a file, as opposed to filled in from its default. */
  written(path: Path): boolean {
    return this.values.has(JSON.stringify(path));
  }

  /** Of the value, or of the nearest thing around it that is written. */
  of(path: Path): Place {
    for (let length = path.length; length >= 0; length -= 1) {
      const place = this.values.get(JSON.stringify(path.slice(0, length)));
      if (place !== undefined) return place;
    }
    return this.fallback;
  }
}

/** Collects problems, keeps secrets out of them, and says which parts of the settings can still be believed. */
export class Problems {
  private readonly found: (Problem & { readonly at: Path })[] = [];
  private readonly secrets = new Set<string>();

  add(severity: Problem['severity'], place: Place, at: Path, message: string, hint?: string): void {
    const { file, line, column } = place;
    const problem = { file, line, column, path: formatPath(at), message, severity, at };
    this.found.push(hint === undefined ? problem : { ...problem, hint });
  }

  /** A text that no message may show. Shorter ones are not looked for: they would blot out words of the message itself. */
  hide(secret: string): void {
    if (secret.length >= 4) this.secrets.add(secret);
  }

  get failed(): boolean {
    return this.found.some((p) => p.severity === 'error');
  }

  /** An error at this path or below it. */
  failedAt(path: Path): boolean {
    return this.found.some((p) => p.severity === 'error' && path.every((step, i) => p.at[i] === step));
  }

  /**
   * By file (the settings file first, in the order of `files`), line and column; each once. In a file of profiles the
   * path begins at the profile, because its number in the list of all is nowhere to be seen.
   */
  list(files: readonly string[]): Problem[] {
    const rank = (file: string): number => (files.includes(file) ? files.indexOf(file) : files.length);
    const seen = new Set<string>();
    const out: Problem[] = [];
    for (const { at, ...problem } of this.found) {
      const elsewhere = problem.file !== files[0] && (at[0] === 'profiles' || at[1] === problem.file);
      const path = elsewhere ? formatPath(at.slice(2)) : problem.path;
      const clean = { ...problem, message: this.scrub(problem.message), path: this.scrub(path) };
      const shown = problem.hint === undefined ? clean : { ...clean, hint: this.scrub(problem.hint) };
      const key = JSON.stringify(shown);
      if (!seen.has(key)) out.push(shown);
      seen.add(key);
    }
    return out.sort((a, b) => rank(a.file) - rank(b.file) || a.line - b.line || a.column - b.column);
  }

  private scrub(text: string): string {
    let out = text;
    for (const secret of this.secrets) out = out.replaceAll(secret, '***');
    return redactCredentials(out);
  }
}
