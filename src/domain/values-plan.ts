import { exclude, exclusions, type Exclusions, escapeKey, splitFlatName } from './flatten.ts';
import { type CaptureTemplate, type CompiledSource, compileSource, type PayloadPath } from './payload-path.ts';
import type { ProfileSpec, Source } from './profile.ts';

export interface NamedSource {
  readonly name: string;
  readonly source: CompiledSource;
}

/** An entry of a table; `template` where its name holds captures of the topic. */
export interface TableEntry extends NamedSource {
  readonly template: CaptureTemplate | undefined;
}

export interface FieldsPart {
  readonly path: PayloadPath;
  readonly exclude: Exclusions | undefined;
  /** Of the value, where no object stands there. */
  readonly name: string;
  /** Goes before a name that an earlier part has taken. */
  readonly prefix: string;
}

/**
 * `fields`: what stands at a path, flattened. `merged`: the same at several paths. `table`: each value has its own place.
 * `pairs`: an array of elements that hold a name and a value.
 */
export type ValuesPlan =
  | { readonly kind: 'fields'; readonly path: PayloadPath; readonly exclude: Exclusions | undefined }
  | { readonly kind: 'merged'; readonly parts: readonly FieldsPart[] }
  | { readonly kind: 'table'; readonly entries: readonly TableEntry[] }
  | {
      readonly kind: 'pairs';
      readonly each: PayloadPath;
      readonly name: CompiledSource;
      readonly value: CompiledSource;
      readonly unit: CompiledSource | undefined;
    };

/** What the compiler of the profile as a whole lends. */
export interface ValuesCompiler {
  problem(at: readonly (string | number)[], message: string): void;
  /** Any source, checked against the topic templates. */
  source(at: readonly (string | number)[], text: Source): CompiledSource;
  /** A path; `NOWHERE` where it is none, after the problem was told. `used`: what stands there is not a value. */
  path(at: readonly (string | number)[], text: Source, used?: boolean): PayloadPath;
  /** A name that may hold captures; undefined for one without. */
  nameTemplate(at: readonly (string | number)[], text: string): CaptureTemplate | undefined;
  /** Paths that other keys read. */
  readonly used: readonly PayloadPath[];
}

/** Stands in for what could not be compiled; a plan that holds one is never handed out. */
export const NOWHERE: PayloadPath = { kind: 'path', root: 'own', steps: [] };

export function compileValues(spec: ProfileSpec, compiler: ValuesCompiler): ValuesPlan {
  const { values, pairs } = spec;
  if (pairs !== undefined) {
    noExclude(spec, compiler, 'the values are name/value pairs');
    return {
      kind: 'pairs',
      each: compiler.path(['values', 'each'], pairs.each),
      name: compiler.source(['values', 'name'], pairs.name),
      value: compiler.source(['values', 'value'], pairs.value),
      unit: pairs.unit === undefined ? undefined : compiler.source(['values', 'unit'], pairs.unit),
    };
  }
  if (typeof values === 'string') {
    const path = compiler.path(['values'], values);
    return { kind: 'fields', path, exclude: excluded(spec, path, compiler) };
  }
  if (isList(values)) {
    if (values.length === 0) {
      compiler.problem(['values'], 'the list is empty');
    }
    const parts = values.map((text, i): FieldsPart => {
      const path = compiler.path(['values', i], text);
      const keys = path.steps.map((step) => escapeKey(step.name ?? String(step.index)));
      return { path, exclude: excluded(spec, path, compiler), name: keys.at(-1) ?? 'value', prefix: keys.length === 0 ? '' : `${keys.join('.')}.` };
    });
    return { kind: 'merged', parts };
  }
  return table(spec, values, compiler);
}

function isList(values: ProfileSpec['values']): values is readonly Source[] {
  return Array.isArray(values);
}

function noExclude(spec: ProfileSpec, compiler: ValuesCompiler, why: string): void {
  if (spec.exclude.length > 0) {
    compiler.problem(['exclude'], `has no use where ${why}`);
  }
}

function table(spec: ProfileSpec, values: Readonly<Record<string, Source>>, compiler: ValuesCompiler): ValuesPlan {
  const names = Object.keys(values);
  if (names.length === 0) {
    compiler.problem(['values'], 'the table is empty');
  }
  noExclude(spec, compiler, 'values is a table; leave the entries out of the table');
  for (const name of names) {
    const parent = names.find((other) => name.startsWith(`${other}.`));
    if (parent !== undefined) {
      compiler.problem(['values'], `"${name}" could be written by "${parent}" too, whose nested values are named "${parent}."...`);
    }
    if (name === '') {
      compiler.problem(['values'], 'a name is empty');
    }
  }
  return {
    kind: 'table',
    entries: names.map((name) => ({
      name,
      source: compiler.source(['values', name], values[name] as Source),
      template: compiler.nameTemplate(['values', name], name),
    })),
  };
}

/** What is not a value below `path`: what the profile says, and what its other keys read. */
function excluded(spec: ProfileSpec, path: PayloadPath, compiler: ValuesCompiler): Exclusions | undefined {
  const tree = exclusions();
  for (const name of spec.exclude) {
    exclude(tree, splitFlatName(name));
  }
  for (const other of compiler.used) {
    const below = keysBelow(path, other, spec.each === undefined);
    if (below !== undefined && below.length > 0) {
      exclude(tree, below);
    }
  }
  return tree.below.size === 0 ? undefined : tree;
}

/** The keys from `path` down to `other`, if it lies below. Without `each`, `$` and `$$` are the same place. */
function keysBelow(path: PayloadPath, other: PayloadPath, oneRoot: boolean): string[] | undefined {
  const keys = other.steps.map((step) => step.name ?? String(step.index));
  const top = path.steps.map((step) => step.name ?? String(step.index));
  return (oneRoot || path.root === other.root) && top.every((key, i) => keys[i] === key) ? keys.slice(top.length) : undefined;
}

/** The captures in a name: `{sensor}`; undefined where it has none. */
export function captureTemplate(text: string): ReturnType<typeof compileSource> | undefined {
  return /\{[A-Za-z_][\w-]*\}/.test(text) && !text.startsWith('$') ? compileSource(text) : undefined;
}
