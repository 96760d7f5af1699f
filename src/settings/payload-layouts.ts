import path from 'node:path';
import { compileLayout, missingParameters } from '../domain/layout/compile.ts';
import { extended, type LayoutSpec } from '../domain/layout/spec.ts';
import { Checker } from './check-value.ts';
import type { Opened } from './document.ts';
import type { Path, Places, Problems } from './problem.ts';
import { LayoutSchema, type RawProfile } from './schema.ts';
import { shapeOf } from './shape.ts';
import { shippedFolder, shippedNames } from './shipped.ts';
import { hintFor } from './suggest.ts';

/** A layout that somebody names, and where. */
export interface Asked {
  readonly at: Path;
  readonly name: string;
}

/** A layout as its file has it, and where it stands among all settings. */
interface FoundLayout {
  readonly at: Path;
  readonly spec: LayoutSpec;
}

interface LayoutSource {
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
export function layoutNames({ payload }: Pick<RawProfile, 'payload'>): Asked[] {
  if (payload === undefined) return [];
  if (typeof payload === 'string') return [{ at: ['payload'], name: payload }];
  return Object.entries(payload).map(([device, name]) => ({ at: ['payload', device], name }));
}

/** Every layout that is asked for and every one of the user's, whole and checked. What is wrong is told; a layout with errors is left out. */
async function gatherLayouts(asked: readonly Asked[], source: LayoutSource): Promise<Layouts> {
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

/** How further files are read and told of. */
export interface FileReader {
  readonly places: Places;
  readonly problems: Problems;
  /** undefined: it cannot be read, or was read before. */
  open(at: Path, name: string): Promise<Opened | undefined>;
  matching(at: Path, pattern: string): Promise<string[]>;
}

/** The layouts of `payloadFiles`, and those that come with Sluice and are asked for. */
export async function readLayouts(patterns: readonly (string | undefined)[], asked: readonly Asked[], reader: FileReader): Promise<Layouts> {
  const { places, problems } = reader;
  const own = new Map<string, FoundLayout | undefined>();
  const read = async (at: Path, name: string): Promise<FoundLayout | undefined> => {
    const opened = await reader.open(at, name);
    return opened === undefined ? undefined : layoutIn(opened, places, problems);
  };
  for (const [i, pattern] of patterns.entries()) {
    if (pattern === undefined) continue;
    const at = ['payloadFiles', i];
    for (const name of await reader.matching(at, pattern)) {
      const found = await read(at, name);
      if (found === undefined) continue;
      if (own.has(found.spec.name))
        problems.add('error', places.of([...found.at, 'name']), [...found.at, 'name'], `the name "${found.spec.name}" is taken already`);
      own.set(found.spec.name, problems.failedAt(found.at) ? undefined : found);
    }
  }
  const shipped = asked.length === 0 && own.size === 0 ? [] : await shippedNames('payloads');
  return gatherLayouts(asked, {
    own,
    shipped,
    open: async (name) => read([], path.join(shippedFolder('payloads'), `${name}.yaml`)),
    error: (at, message, hint) => problems.add('error', places.of(at), at, message, hint),
  });
}

/** A file of a layout; undefined where it is not even one with a name. */
function layoutIn({ yaml, sources }: Opened, places: Places, problems: Problems): FoundLayout | undefined {
  const at: Path = ['payloadFiles', yaml.file];
  const found = new Checker(yaml, sources, places, problems, (below) => [...at, ...below]).check(shapeOf(LayoutSchema), yaml.document.contents, []);
  const spec = found as LayoutSpec | undefined;
  return spec?.name === undefined || problems.failedAt(at) ? undefined : { at, spec };
}
