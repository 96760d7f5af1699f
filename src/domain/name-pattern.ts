import { type Compiled, compiled, refused } from './compiled.ts';

/** One level: the literal texts around its stars; one text alone where it has none. */
type PatternLevel = readonly string[];

/** A pattern over names of several levels: `*` stands for one level or a part of one, `**` at the end for one level or more. */
export interface NamePattern {
  readonly text: string;
  readonly levels: readonly PatternLevel[];
  /** Ends with `**`. */
  readonly rest: boolean;
  /** How many texts a match captures. */
  readonly captures: number;
}

/** What divides the levels: `.` in flattened names (a backslash before it makes it part of the level), `/` in names of devices. */
export type Separator = '.' | '/';

export function splitLevels(name: string, separator: Separator): string[] {
  if (separator === '/' || !name.includes('\\')) {
    return name.split(separator);
  }
  const levels: string[] = [];
  let from = 0;
  for (let i = 0; i < name.length; i += 1) {
    if (name[i] === '\\') {
      i += 1;
    } else if (name[i] === '.') {
      levels.push(name.slice(from, i));
      from = i + 1;
    }
  }
  levels.push(name.slice(from));
  return levels;
}

export function compileNamePattern(text: string, separator: Separator): Compiled<NamePattern> {
  if (text === '') {
    return refused('the name is empty');
  }
  const parts = splitLevels(text, separator);
  const rest = parts.at(-1) === '**';
  const levels = (rest ? parts.slice(0, -1) : parts).map((part) => part.split('*'));
  const stars = levels.reduce((sum, pieces) => sum + pieces.length - 1, 0);
  return compiled({ text, levels, rest, captures: stars + (rest ? 1 : 0) });
}

/** What the stars took, in order; undefined where the name does not fit. A star takes at least one character. */
export function matchName(pattern: NamePattern, levels: readonly string[], separator: Separator): string[] | undefined {
  const { levels: wanted, rest } = pattern;
  if (rest ? levels.length <= wanted.length : levels.length !== wanted.length) {
    return undefined;
  }
  const captures: string[] = [];
  for (let i = 0; i < wanted.length; i += 1) {
    if (!matchLevel(wanted[i] as PatternLevel, levels[i] as string, captures)) {
      return undefined;
    }
  }
  if (rest) {
    captures.push(levels.slice(wanted.length).join(separator));
  }
  return captures;
}

/** Each star takes as little as it can, the last one the rest: no star is tried twice, so a hostile name costs no more than any other. */
function matchLevel(pieces: PatternLevel, level: string, captures: string[]): boolean {
  const first = pieces[0] as string;
  const last = pieces.length - 1;
  if (last === 0) {
    return level === first;
  }
  const end = level.length - (pieces[last] as string).length;
  if (!level.startsWith(first) || !level.endsWith(pieces[last] as string)) {
    return false;
  }
  let from = first.length;
  for (let i = 1; i < last; i += 1) {
    const piece = pieces[i] as string;
    const at = level.indexOf(piece, from + 1);
    if (at === -1) {
      return false;
    }
    captures.push(level.slice(from, at));
    from = at + piece.length;
  }
  captures.push(level.slice(from, end));
  return from < end;
}

export interface NameMatch<T> {
  readonly value: T;
  readonly captures: readonly string[];
}

/** Things by name or pattern: the exact name wins, then the first pattern in order. */
export class NameTable<T> {
  private readonly exact: Map<string, T> = new Map();
  private readonly patterns: { readonly pattern: NamePattern; readonly value: T }[] = [];
  private readonly separator: Separator;

  /** `problem` is told of every pattern that is none; those are left out. */
  constructor(entries: readonly (readonly [string, T])[], separator: Separator, problem: (name: string, message: string) => void) {
    this.separator = separator;
    for (const [name, value] of entries) {
      const pattern = compileNamePattern(name, separator);
      if (!pattern.ok) {
        problem(name, pattern.problem);
      } else if (pattern.value.captures === 0) {
        this.exact.set(name, value);
      } else {
        this.patterns.push({ pattern: pattern.value, value });
      }
    }
  }

  get size(): number {
    return this.exact.size + this.patterns.length;
  }

  get hasPatterns(): boolean {
    return this.patterns.length > 0;
  }

  find(name: string): NameMatch<T> | undefined {
    const value = this.exact.get(name);
    if (value !== undefined) {
      return { value, captures: [] };
    }
    if (this.patterns.length > 0) {
      const levels = splitLevels(name, this.separator);
      for (const { pattern, value: found } of this.patterns) {
        const captures = matchName(pattern, levels, this.separator);
        if (captures !== undefined) {
          return { value: found, captures };
        }
      }
    }
    return undefined;
  }
}
