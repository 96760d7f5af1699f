import path from 'node:path';
import { isMap } from 'yaml';
import { Checker } from './check-value.ts';
import type { Opened } from './document.ts';
import type { KnownCodecs } from './lint/context.ts';
import { lint } from './lint.ts';
import { openYaml } from './open.ts';
import { type Path, Places, type Problem, Problems } from './problem.ts';
import { expand } from './profile-files.ts';
import { versionOf } from './redact.ts';
import { type FileReader, layoutNames, readLayouts } from './payload-layouts.ts';
import { ProfileFileSchema, ProfileSchema, type RawProfile, type RawSettings, type Settings, SettingsSchema } from './schema.ts';
import { shapeOf } from './shape.ts';
import { shippedFolder, shippedNames } from './shipped.ts';
import { hintFor } from './suggest.ts';
import { toSettings } from './to-domain.ts';
import { loadUnits } from './units.ts';

export type { Problem } from './problem.ts';
export { redact } from './redact.ts';
export type { Settings } from './schema.ts';

export type LoadResult =
  | {
      readonly ok: true;
      readonly settings: Settings;
      readonly warnings: readonly Problem[];
      /** Short hash of the effective settings, secrets left out. */
      readonly version: string;
      /** Where each key stands, for problems that are found later. */
      readonly places: Places;
      /** All that was read, the settings file first. */
      readonly files: readonly string[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly files: readonly string[] };

export interface LoadOptions {
  /** The codec registry, or the names in it (then options of codecs are not checked); without either a profile's codec is not looked up. */
  readonly codecs?: KnownCodecs | readonly string[];
  /** Layout of the bytes of all devices, whatever the profiles say. */
  readonly payload?: string | undefined;
}

/**
 * Reads, interpolates, checks and lints a settings file. Tells all problems at once (errors and warnings), in the order
 * of the file; never rejects for what a file holds or for a file that is not there.
 */
export async function loadSettings(file: string, env: NodeJS.ProcessEnv, options: LoadOptions = {}): Promise<LoadResult> {
  const problems = new Problems();
  const places = new Places({ file, line: 1, column: 1 });
  const files = [file];
  const opened = await openYaml(file, file, env, problems, { at: [], place: { file, line: 1, column: 1 } });
  if (opened === undefined) return { ok: false, problems: problems.list(files), files };
  const checker = new Checker(opened.yaml, opened.sources, places, problems);
  const raw = checker.check(shapeOf(SettingsSchema), opened.yaml.document.contents, []) as RawSettings | undefined;
  if (raw === undefined) return { ok: false, problems: problems.list(files), files };

  // Profiles of further files stand behind those of this one in the list, under numbers of their own.
  const profiles: (RawProfile | undefined)[] = [...(raw.profiles ?? [])];
  const reader: FileReader = {
    places,
    problems,
    open: async (at, name) => {
      const shown = display(file, name);
      if (files.includes(shown)) return undefined;
      files.push(shown);
      return openYaml(name, shown, env, problems, { at, place: places.of(at) });
    },
    matching: async (at, pattern) => {
      const found = await expand(path.dirname(file), pattern);
      if (found.length === 0) problems.add('warning', places.of(at), at, `no file matches ${JSON.stringify(pattern)}`);
      return found;
    },
  };
  const add = async (at: Path, name: string): Promise<void> => {
    const yaml = await reader.open(at, name);
    if (yaml !== undefined) profiles.push(...profilesIn(yaml, profiles.length, places, problems));
  };
  for (const [i, pattern] of (raw.profileFiles ?? []).entries()) {
    if (pattern === undefined) continue;
    const at = ['profileFiles', i];
    for (const name of await reader.matching(at, pattern)) await add(at, name);
  }
  const asked = profiles.flatMap((profile, i) => layoutNames(profile ?? {}).map(({ at, name }) => ({ at: ['profiles', i, ...at], name })));
  const shipped = (raw.useProfiles ?? []).length === 0 ? [] : await shippedNames('profiles');
  for (const [i, used] of (raw.useProfiles ?? []).entries()) {
    if (used === undefined) continue;
    const { name, payload } = typeof used === 'string' ? { name: used, payload: undefined } : used;
    if (name === undefined) continue;
    const at = typeof used === 'string' ? ['useProfiles', i] : ['useProfiles', i, 'name'];
    if (!shipped.includes(name)) {
      problems.add('error', places.of(at), at, `no profile "${name}" comes with Sluice`, hintFor(name, shipped));
      continue;
    }
    const from = profiles.length;
    await add(at, path.join(shippedFolder('profiles'), `${name}.yaml`));
    const profile = profiles[from];
    if (profile === undefined) continue;
    if (payload !== undefined && profile.payloadAt === undefined) {
      const above = ['useProfiles', i, 'payload'];
      problems.add('error', places.of(above), above, `profile "${name}" does not say where the bytes of a device stand`);
      continue;
    }
    const over = payload === undefined ? profile : { ...profile, payload };
    profiles[from] = over;
    const above = payload === undefined ? ['profiles', from] : ['useProfiles', i];
    asked.push(...layoutNames(over).map((each) => ({ at: [...above, ...each.at], name: each.name })));
  }
  if (options.payload !== undefined) {
    asked.push({ at: [], name: options.payload });
    for (const [i, profile] of profiles.entries()) if (profile?.payloadAt !== undefined) profiles[i] = { ...profile, payload: options.payload };
  }
  const layouts = await readLayouts(raw.payloadFiles ?? [], asked, reader);
  const units = profiles.some(converts) ? loadUnits() : undefined;
  lint({ raw, profiles, places, problems, codecs: knownCodecs(options.codecs), units });
  if (problems.failed) return { ok: false, problems: problems.list(files), files };
  const settings = toSettings(
    raw,
    profiles.filter((p) => p !== undefined),
    units,
    layouts,
  );
  return { ok: true, settings, warnings: problems.list(files), version: versionOf(settings), places, files };
}

function knownCodecs(codecs: LoadOptions['codecs']): KnownCodecs | undefined {
  if (codecs === undefined || 'names' in codecs) return codecs;
  return { names: codecs, get: (name) => (codecs.includes(name) ? { checkOptions: () => [] } : undefined) };
}

function converts(profile: RawProfile | undefined): boolean {
  return profile?.convert !== undefined || Object.values(profile?.devices ?? {}).some((rules) => rules?.convert !== undefined);
}

/** Beside the settings file as it was named, so that a message can be clicked on. */
function display(settingsFile: string, file: string): string {
  if (path.isAbsolute(settingsFile)) return file;
  return path.join(path.dirname(settingsFile), path.relative(path.resolve(path.dirname(settingsFile)), file));
}

/** A file of profiles is one profile, or holds a list of them. They get numbers from `offset` on. */
function profilesIn({ yaml, sources }: Opened, offset: number, places: Places, problems: Problems): (RawProfile | undefined)[] {
  const contents = yaml.document.contents;
  const own = (at: Path): Path => ['profileFiles', yaml.file, ...at];
  if (isMap(contents) && contents.has('profiles')) {
    const seenAs = (at: Path): Path => (typeof at[1] === 'number' ? ['profiles', offset + at[1], ...at.slice(2)] : own(at));
    const found = new Checker(yaml, sources, places, problems, seenAs).check(shapeOf(ProfileFileSchema), contents, []);
    return (found as { profiles?: (RawProfile | undefined)[] } | undefined)?.profiles ?? [];
  }
  const seenAs = (at: Path): Path => ['profiles', offset, ...at];
  return [new Checker(yaml, sources, places, problems, seenAs).check(shapeOf(ProfileSchema), contents, []) as RawProfile | undefined];
}
