import { firstOf } from '../codec/first-of.ts';
import type { CodecEnvironment, CodecOptions, CodecRegistry, PayloadDecoder } from '../codec/registry.ts';
import type { Places } from '../domain/flatten.ts';
import type { Document } from '../domain/payload-path.ts';
import { optionsByCodec, type ProfileSpec } from '../domain/profile.ts';
import type { CompiledProfile, ProfilePlan } from '../domain/profile-plan.ts';
import { SharedPlans } from '../domain/shared-plans.ts';
import { SharedTexts } from '../domain/shared-texts.ts';
import type { NamedSource } from '../domain/values-plan.ts';
import type { CodecMemory } from './codec-memory.ts';

type Texts = Readonly<Record<string, string>>;

/** How payloads are read, and what is remembered of them. Profiles that say the same of their payloads have one. */
export interface Recipe {
  readonly plan: ProfilePlan;
  readonly decoder: PayloadDecoder;
  readonly places: Places;
  /** Tags that come from the payload. */
  readonly payloadTags: readonly NamedSource[];
  /** Units and tags of all its readings; those of one kind of device say the same. */
  readonly units: SharedTexts;
  readonly tags: SharedTexts;
  readonly said: WeakMap<Texts, Said>;
}

/** What the payload of a reading said for its tags, in their order, and what they came to. */
export interface Said {
  readonly values: readonly (Document | undefined)[];
  readonly tags: Texts;
}

/** A profile that payloads can be read with. */
export interface ReadyProfile extends Omit<CompiledProfile, 'plan'> {
  readonly recipe: Recipe;
}

/** Checks all profiles at once. Throws an Error with one line for each problem; `checkProfile` would have found them before. */
export function compileRecipes(profiles: readonly ProfileSpec[], codecs: CodecRegistry, environment: CodecEnvironment, memory: CodecMemory): ReadyProfile[] {
  const problems: string[] = [];
  const ready: ReadyProfile[] = [];
  const names = new Set<string>();
  const plans = new SharedPlans();
  const recipes = new Map<ProfilePlan, Recipe>();
  for (const spec of profiles) {
    const result = plans.compile(spec);
    if (!result.ok) {
      problems.push(...result.problems.map((problem) => `profile "${spec.name}": ${problem}`));
    }
    const options = optionsByCodec(spec);
    const wrong = [...options].flatMap(([name, own]) => codecProblems(codecs, name, own));
    problems.push(...wrong.map((problem) => `profile "${spec.name}": ${problem}`));
    if (names.has(spec.name)) {
      problems.push(`profile "${spec.name}": the name is taken`);
    }
    names.add(spec.name);
    if (!result.ok || wrong.length > 0) {
      continue;
    }
    const { name, templates, ignored, plan } = result.value;
    const recipe = recipes.get(plan) ?? recipeOf(plan, firstOf(decodersOf(spec.name, options, codecs, environment, memory)));
    // What a codec remembers belongs to the profile.
    if (![...options.keys()].some((codec) => codecs.get(codec)?.stateful === true)) {
      recipes.set(plan, recipe);
    }
    ready.push({ name, templates, ignored, recipe });
  }
  if (problems.length > 0) {
    throw new Error(problems.join('\n'));
  }
  memory.settle();
  return ready;
}

function recipeOf(plan: ProfilePlan, decoder: PayloadDecoder): Recipe {
  const payloadTags = plan.tags.filter(({ source }) => source.kind === 'path');
  return { plan, decoder, places: [], payloadTags, units: new SharedTexts(), tags: new SharedTexts(), said: new WeakMap() };
}

function decodersOf(
  profile: string,
  options: ReadonlyMap<string, CodecOptions>,
  codecs: CodecRegistry,
  environment: CodecEnvironment,
  memory: CodecMemory,
): PayloadDecoder[] {
  return [...options].flatMap(([name, own]) => {
    const codec = codecs.get(name);
    return codec === undefined ? [] : memory.decoder(profile, name, own, () => codec.create(own, ownState(environment, profile, name)));
  });
}

/** Two profiles with one codec do not share a memory, whatever a device puts into the name of a state. */
function ownState(environment: CodecEnvironment, profile: string, codec: string): CodecEnvironment {
  const prefix = `${codec}/${profile.replaceAll('%', '%25').replaceAll('/', '%2F')}/`;
  const own = (name: string): string => prefix + name;
  return {
    instance: environment.instance,
    command: (topic, body) => environment.command(topic, body),
    load: (name) => environment.load(own(name)),
    save: (name, state) => environment.save(own(name), state),
    now: () => environment.now(),
    counts: environment.counts,
  };
}

function codecProblems(codecs: CodecRegistry, name: string, options: CodecOptions): string[] {
  const codec = codecs.get(name);
  if (codec === undefined) {
    return [`codec: there is no "${name}"; there are ${codecs.names.join(', ')}`];
  }
  return codec.checkOptions(options).map((problem) => `codecOptions.${problem}`);
}
