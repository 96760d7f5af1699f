import type { Conversion } from './conversion.ts';
import { compileNamePattern, NameTable } from './name-pattern.ts';
import { compileSource, type PayloadPath } from './payload-path.ts';
import type { TextNumbers } from './text-number.ts';

/**
 * What a profile says of values by name, or by pattern over names (`*` one level, `**` the rest). Names are those after
 * `rename`. They are applied in this order: missing, rename, map, textNumbers, sentinels, convert, ranges.
 */
export interface ValueRulesSpec {
  /** Name -> unit, or the path (`$...`) of the place that names it. */
  readonly units?: Readonly<Record<string, string>> | undefined;
  /** Flattened name -> new name; `{1}` is what the first star took. */
  readonly rename?: Readonly<Record<string, string>> | undefined;
  /** Name -> (value as text -> value). */
  readonly map?: Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>> | undefined;
  /** Texts that mean: no value. */
  readonly missing?: readonly string[] | undefined;
  /** For all values, or by name. */
  readonly textNumbers?: TextNumbers | Readonly<Record<string, TextNumbers>> | undefined;
  /** Name -> numbers, in the unit of the device, that are no measurement. */
  readonly sentinels?: Readonly<Record<string, readonly number[]>> | undefined;
  /** Name -> lowest and highest believable value, in the unit that is handed on. */
  readonly ranges?: Readonly<Record<string, readonly number[]>> | undefined;
  readonly convert?: Readonly<Record<string, Conversion>> | undefined;
}

export interface RulesProblem {
  readonly at: readonly (string | number)[];
  readonly message: string;
}

/** A new name with what the stars took filled in: literals[0] capture literals[1] ... */
export interface NewName {
  readonly literals: readonly string[];
  /** Counted from 0. */
  readonly captures: readonly number[];
}

export interface ValueRules {
  readonly units: NameTable<string | PayloadPath>;
  readonly rename: NameTable<NewName>;
  readonly map: NameTable<ReadonlyMap<string, string | number | boolean>>;
  /** undefined: says nothing, so that the rules behind decide. */
  readonly missing: ReadonlySet<string> | undefined;
  readonly textNumbers: NameTable<TextNumbers>;
  readonly sentinels: NameTable<readonly number[]>;
  readonly ranges: NameTable<readonly [number, number]>;
  readonly convert: NameTable<Conversion>;
}

/** Most rules say nothing of most things. */
const NOTHING = new NameTable<never>([], '.', () => {});

/** Finds every problem; where there are any, the rules are not fit for use. */
export function compileRules(spec: ValueRulesSpec): { readonly rules: ValueRules; readonly problems: readonly RulesProblem[] } {
  const problems: RulesProblem[] = [];
  const report =
    (...at: (string | number)[]) =>
    (message: string) =>
      problems.push({ at, message });
  const table = <S, T>(
    key: string,
    entries: Readonly<Record<string, S>> | undefined,
    compile: (value: S, problem: (message: string) => void, name: string) => T,
  ): NameTable<T> =>
    entries === undefined
      ? NOTHING
      : new NameTable<T>(
          Object.entries(entries).map(([name, value]) => [name, compile(value, report(key, name), name)]),
          '.',
          (name, message) => report(key, name)(message),
        );
  const text = spec.textNumbers;
  const rules: ValueRules = {
    units: table('units', spec.units, unitOrPath),
    rename: table('rename', spec.rename, newName),
    map: table('map', spec.map, (entries, problem) => {
      if (Object.keys(entries).length === 0) problem('the table is empty');
      return new Map(Object.entries(entries));
    }),
    missing: spec.missing === undefined ? undefined : new Set(spec.missing),
    textNumbers: table('textNumbers', typeof text === 'string' ? { '**': text } : text, (mode) => mode),
    sentinels: table('sentinels', spec.sentinels, (numbers, problem) => {
      if (numbers.length === 0) problem('the list is empty');
      return numbers;
    }),
    ranges: table('ranges', spec.ranges, range),
    convert: table('convert', spec.convert, (conversion) => conversion),
  };
  return { rules, problems };
}

/** Whether the plain way, with a table of units by exact name, does everything that the rules ask. */
export function isPlain(rules: ValueRules, spec: ValueRulesSpec): boolean {
  const { units, rename, map, missing, textNumbers, sentinels, ranges, convert } = rules;
  const tables = [rename, map, textNumbers, sentinels, ranges, convert];
  const stated = Object.values(spec.units ?? {}).some((unit) => unitPath(unit) !== undefined);
  return !units.hasPatterns && !stated && (missing?.size ?? 0) === 0 && tables.every((table) => table.size === 0);
}

/** The path that stands for a unit; undefined for a unit, also for one that begins with `$`, as a currency may. */
export function unitPath(text: string): ReturnType<typeof compileSource> | undefined {
  return /^\$\$?[.[]/.test(text) ? compileSource(text) : undefined;
}

function unitOrPath(text: string, problem: (message: string) => void): string | PayloadPath {
  const source = unitPath(text);
  if (source === undefined) {
    if (text === '') problem('the unit is empty');
    return text;
  }
  if (!source.ok) {
    problem(source.problem);
    return text;
  }
  return source.value.kind === 'path' ? source.value : text;
}

const CAPTURE = /\{(\d{1,2})\}/;

function newName(text: string, problem: (message: string) => void, pattern: string): NewName {
  const literals: string[] = [];
  const captures: number[] = [];
  const compiledPattern = compileNamePattern(pattern, '.');
  const stars = compiledPattern.ok ? compiledPattern.value.captures : 0;
  for (const [i, piece] of text.split(CAPTURE).entries()) {
    if (i % 2 === 0) {
      literals.push(piece);
      if (/[{}*]/.test(piece)) problem(`"${text}": captures look like {1}, and a new name has no *`);
      continue;
    }
    const capture = Number(piece);
    if (capture < 1 || capture > stars) problem(`"${text}": there is no {${piece}}: "${pattern}" has ${stars === 1 ? 'one star' : `${stars} stars`}`);
    captures.push(capture - 1);
  }
  if (text === '') problem('the new name is empty');
  return { literals, captures };
}

function range(bounds: readonly number[], problem: (message: string) => void): readonly [number, number] {
  const [low = Number.NaN, high = Number.NaN] = bounds;
  if (bounds.length !== 2 || !(low <= high)) problem('must be two numbers, the lower one first: [-40, 85]');
  return [low, high];
}

/** Names of a table that can only be meant for one value. */
export function exactNames(table: Readonly<Record<string, unknown>> | undefined): string[] {
  return Object.keys(table ?? {}).filter((name) => !name.includes('*'));
}
