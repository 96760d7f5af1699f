/** `$${` (a literal `${`), or `${` up to its closing brace, or a `${` that is never closed. */
const TOKEN = /\$\$\{|\$\{([^}]*)\}|\$\{/g;
const VARIABLE = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([^]*))?$/;

export interface InterpolationError {
  /** Where in the text it stands, and how it is written there. */
  readonly index: number;
  readonly token: string;
  readonly message: string;
  readonly hint?: string;
}

export interface Interpolated {
  readonly text: string;
  /** Something was taken from outside: the text may hold what must not be shown. */
  readonly foreign: boolean;
  readonly errors: readonly InterpolationError[];
}

export interface Sources {
  variable(name: string): string | undefined;
  /** Content of a file, or why it cannot be had. */
  file(path: string): { readonly ok: true; readonly text: string } | { readonly ok: false; readonly reason: string };
}

/** Paths of all `${file:PATH}` in a text, so that they can be read beforehand. */
export function fileReferences(text: string): string[] {
  const paths: string[] = [];
  for (const [, inner] of text.matchAll(TOKEN)) {
    if (inner?.startsWith('file:') === true && inner.length > 5) paths.push(inner.slice(5));
  }
  return paths;
}

/**
 * Replaces `${NAME}`, `${NAME:-default}` (also where NAME is empty, as in a shell) and `${file:PATH}` (without its
 * last line end). Once: what is inserted is not looked at again. A default cannot hold a `}`.
 */
export function interpolate(text: string, from: Sources): Interpolated {
  const errors: InterpolationError[] = [];
  let foreign = false;
  const out = text.replaceAll(TOKEN, (token: string, inner: string | undefined, index: number) => {
    const wrong = (message: string, hint?: string): string => {
      errors.push(hint === undefined ? { index, token, message } : { index, token, message, hint });
      return '';
    };
    if (token === '$${') return '${';
    if (inner === undefined) return wrong('"${" is not closed', 'write $${ for a literal ${');
    if (inner.startsWith('file:')) {
      const path = inner.slice(5);
      if (path === '') return wrong('${file:} names no file');
      const content = from.file(path);
      if (!content.ok) return wrong(`\${file:${path}}: ${content.reason}`, 'the path is relative to the file that names it');
      foreign = true;
      return content.text.replace(/\r?\n$/, '');
    }
    const [, name, fallback] = VARIABLE.exec(inner) ?? [];
    if (name === undefined) return wrong('this is not a variable: ${NAME}, ${NAME:-default} or ${file:PATH}', 'write $${ for a literal ${');
    const value = from.variable(name);
    if (fallback !== undefined && (value === undefined || value === '')) return fallback;
    if (value === undefined) return wrong(`environment variable ${name} is not set`, `set it, or give a default: \${${name}:-...}`);
    foreign = true;
    return value;
  });
  return { text: out, foreign, errors };
}
