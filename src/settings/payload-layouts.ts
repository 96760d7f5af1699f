import { compileLayout, missingParameters } from '../domain/layout/compile.ts';
import { extended, type LayoutSpec } from '../domain/layout/spec.ts';
import type { Path } from './problem.ts';
import type { RawProfile } from './schema.ts';
import { hintFor } from './suggest.ts';

/** A layout as its file has it, and where it stands among all settings. */
export interface FoundLayout {
  readonly at: Path;
  readonly spec: LayoutSpec;
}

export interface LayoutSource {
  /** Layouts of `payloadFiles`; undefined for one that has errors. */
  readonly own: ReadonlyMap<string, FoundLayout | undefined>;
  /** Names of those that come with Sluice. */
  readonly shipped: readonly string[];
  /** One of those; undefined where it has errors, which are told. */
  open(name: string): Promise<FoundLayout | undefined>;
  error(at: Path, message: string, hint?: string): void;
}

export type Layouts = Pick<ReadonlyMap<string, LayoutSpec>, 'get'>;

/** Names of layouts in a profile, with the places where they stand below it. */
export function layoutNames({ payload }: Pick<RawProfile, 'payload'>): { readonly at: Path; readonly name: string }[] {
  if (payload === undefined) return [];
  if (typeof payload === 'string') return [{ at: ['payload'], name: payload }];
  return Object.entries(payload).map(([device, name]) => ({ at: ['payload', device], name }));
}

/** Every layout that is asked for and every one of the user's, whole and checked. What is wrong is told; a layout with errors is left out. */
export async function gatherLayouts(asked: readonly { readonly at: Path; readonly name: string }[], source: LayoutSource): Promise<Layouts> {
  const whole = new Map<string, LayoutSpec | undefined>();
  const find = async (name: string, at: Path, above: readonly string[]): Promise<LayoutSpec | undefined> => {
    if (above.includes(name)) {
      source.error(at, `layout "${name}" extends itself: ${[...above, name].join(', ')}`);
      return undefined;
    }
    if (whole.has(name)) return whole.get(name);
    const known = source.own.has(name);
    if (!known && !source.shipped.includes(name)) {
      source.error(at, `there is no layout "${name}"`, hintFor(name, [...source.own.keys(), ...source.shipped]));
      return undefined;
    }
    const found = known ? source.own.get(name) : await source.open(name);
    const spec = found === undefined ? undefined : await complete(found, [...above, name]);
    whole.set(name, spec);
    return spec;
  };
  const complete = async ({ at, spec }: FoundLayout, above: readonly string[]): Promise<LayoutSpec | undefined> => {
    const problems = [...compileLayout(spec).problems];
    if (spec.frames.length === 0 && spec.extends === undefined) problems.push({ at: ['frames'], message: 'at least one is needed' });
    for (const problem of problems) source.error([...at, ...problem.at], problem.message);
    const base = spec.extends === undefined ? undefined : await find(spec.extends, [...at, 'extends'], above);
    if (problems.length > 0 || (spec.extends !== undefined && base === undefined)) return undefined;
    if (base === undefined) return spec;
    const sum = extended(spec, base);
    const [mixed] = compileLayout(sum).problems;
    if (mixed !== undefined) source.error([...at, 'extends'], `does not go together with "${base.name}": ${mixed.at.join('.')}: ${mixed.message}`);
    return mixed === undefined ? sum : undefined;
  };
  for (const { at, name } of asked) {
    const spec = await find(name, at, []);
    const missing = spec === undefined ? [] : missingParameters(spec);
    if (missing.length > 0) {
      source.error(
        at,
        `layout "${name}" needs ${missing.join(', ')}: they differ from device to device`,
        'write a layout that extends it and has them under `parameters`',
      );
    }
  }
  for (const [name, found] of source.own) await find(name, found?.at ?? [], []);
  return new Map([...whole].flatMap(([name, spec]) => (spec === undefined ? [] : [[name, spec] as const])));
}
