import type { CodecEnvironment, CodecOptions, CodecRegistry, PayloadDecoder } from '../codec/registry.ts';
import { firstOf } from '../codec/first-of.ts';
import { emptyBag } from '../domain/bag.ts';
import { excerpt } from '../domain/excerpt.ts';
import { type Fault, fault } from '../domain/fault.ts';
import { escapeKey, type Places } from '../domain/flatten.ts';
import { type CompiledSource, type Document, readPath, renderTemplate } from '../domain/payload-path.ts';
import { optionsByCodec, type ProfileSpec } from '../domain/profile.ts';
import { compileProfile, type ProfilePlan } from '../domain/profile-plan.ts';
import { topicProblem } from '../domain/topic.ts';
import { knownTopic } from '../domain/topic-memory.ts';
import type { CodecMemory } from './codec-memory.ts';
import { type TopicMatch, type TopicTemplate, TopicTree } from '../domain/topic-template.ts';
import { SharedTexts } from '../domain/shared-texts.ts';
import type { NamedSource } from '../domain/values-plan.ts';

/** A profile and the decoder of the codec that it names. */
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

type Texts = Readonly<Record<string, string>>;

/** What the payload of a reading said for its tags, in their order, and what they came to. */
export interface Said {
  readonly values: readonly (Document | undefined)[];
  readonly tags: Texts;
}

/** Everything about a reading that its topic alone decides, about 0.2 kB: what topics have in common they share. */
export interface TopicEntry {
  readonly ok: true;
  /** Of which `ProfileTopics`. */
  readonly of: object;
  readonly recipe: Recipe;
  /** Empty where nothing asks for them with each message. */
  readonly captures: Texts;
  /** Set where the device's name comes from the topic. */
  readonly device: string | undefined;
  /** Tags that come from the topic. */
  readonly tags: Texts | undefined;
  /** Name of the value of a bare scalar. */
  readonly scalar: string | undefined;
  /** Where `values` is a table: its entries, with their names complete. */
  readonly entries: readonly NamedSource[];
  /** Ids of the device that spoke last under this topic begin with it; mostly there is one. */
  lastDevice: string | undefined;
  lastStem: string;
  /** Of the last reading, where it can be kept. */
  said: Said | undefined;
}

/** No message of this topic passes; `fault` is undefined where a profile says that they are to be ignored. */
export interface RefusedTopic {
  readonly ok: false;
  readonly of: object;
  readonly fault: Fault | undefined;
}

/** Checks all profiles at once. Throws an Error with one line for each problem; `checkProfile` would have found them before. */
export function compileRecipes(profiles: readonly ProfileSpec[], codecs: CodecRegistry, environment: CodecEnvironment, memory: CodecMemory): Recipe[] {
  const problems: string[] = [];
  const recipes: Recipe[] = [];
  const names = new Set<string>();
  for (const spec of profiles) {
    const result = compileProfile(spec);
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
    if (result.ok && wrong.length === 0) {
      const decoders = [...options].flatMap(([name, own]) => {
        const codec = codecs.get(name);
        return codec === undefined ? [] : memory.decoder(spec.name, name, own, () => codec.create(own, ownState(environment, spec.name, name)));
      });
      const payloadTags = result.value.tags.filter(({ source }) => source.kind === 'path');
      recipes.push({
        plan: result.value,
        decoder: firstOf(decoders),
        places: [],
        payloadTags,
        units: new SharedTexts(),
        tags: new SharedTexts(),
        said: new WeakMap(),
      });
    }
  }
  if (problems.length > 0) {
    throw new Error(problems.join('\n'));
  }
  memory.settle();
  return recipes;
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

interface Target {
  readonly recipe: Recipe;
  /** The template is one of `ignore`. */
  readonly ignored: boolean;
}

/** What a profile ignores stands before what it reads. */
function targets(recipe: Recipe): { readonly template: TopicTemplate; readonly value: Target }[] {
  const { plan } = recipe;
  const entries = (templates: readonly TopicTemplate[], ignored: boolean) => templates.map((template) => ({ template, value: { recipe, ignored } }));
  return [...entries(plan.ignored, true), ...entries(plan.templates, false)];
}

/** Topic -> profile, and what the topic says of its readings; kept ready for the topics in use. */
export class ProfileTopics {
  private readonly tree: TopicTree<Target>;
  /** Stands for these profiles in what topics keep, which may outlive them. */
  private readonly mark = {};
  private readonly ignored: RefusedTopic = { ok: false, of: this.mark, fault: undefined };

  constructor(recipes: readonly Recipe[]) {
    this.tree = new TopicTree(recipes.flatMap(targets));
  }

  get(topic: string): TopicEntry | RefusedTopic {
    const known = knownTopic(topic);
    const kept = known.profile as TopicEntry | RefusedTopic | undefined;
    if (kept !== undefined && kept.of === this.mark) {
      return kept;
    }
    const entry = this.enter(topic);
    known.profile = entry;
    return entry;
  }

  private enter(topic: string): TopicEntry | RefusedTopic {
    const problem = topicProblem(topic);
    if (problem !== undefined) {
      return this.refused(fault('BAD_TOPIC', problem));
    }
    const match = this.tree.find(topic);
    if (match === undefined) {
      return this.refused(fault('NO_PROFILE', `no profile has a topic template for "${excerpt(topic, 255)}"`));
    }
    if (match.value.ignored) {
      return this.ignored;
    }
    const entry = describe(this.mark, topic, match);
    return 'code' in entry ? this.refused(entry) : entry;
  }

  private refused(why: Fault): RefusedTopic {
    return { ok: false, of: this.mark, fault: why };
  }
}

export function readSource(source: CompiledSource, entry: TopicEntry, own: Document, whole: Document): Document | undefined {
  return source.kind === 'path' ? readPath(source, own, whole) : renderTemplate(source, entry.captures);
}

/** What the topic says, or why nothing under it can be read. `of`: see `TopicEntry`. */
function describe(of: object, topic: string, { value: { recipe }, captures }: TopicMatch<Target>): TopicEntry | Fault {
  const { plan } = recipe;
  const device = plan.device.kind === 'template' ? renderTemplate(plan.device, captures) : undefined;
  if (plan.device.kind === 'template' && device === undefined && plan.deviceElse === undefined) {
    return fault('DEVICE_MISSING', `profile "${plan.name}": a level that names the device is empty in "${excerpt(topic, 255)}"`);
  }
  const entries = tableEntries(plan, captures);
  if (new Set(entries.map((entry) => entry.name)).size < entries.length) {
    return fault('SCHEMA_MISMATCH', `profile "${plan.name}": two values would have one name under "${excerpt(topic, 255)}"`);
  }
  return {
    ok: true,
    of,
    recipe,
    captures: plan.asksCaptures ? captures : NO_CAPTURES,
    device,
    tags: topicTags(recipe, captures),
    scalar: typeof plan.scalar === 'object' ? renderTemplate(plan.scalar, asNames(captures)) : plan.scalar,
    entries,
    lastDevice: undefined,
    lastStem: '',
    said: undefined,
  };
}

const NO_CAPTURES: Texts = emptyBag();

function topicTags({ plan, tags: shared }: Recipe, captures: Texts): Texts | undefined {
  let tags: Record<string, string> | undefined;
  for (const { name, source } of plan.tags) {
    const text = source.kind === 'path' ? undefined : renderTemplate(source, captures);
    if (text !== undefined) (tags ??= emptyBag<string>())[name] = text;
  }
  return tags === undefined ? undefined : shared.of(tags);
}

/** In the name of a value the levels of a topic are levels: `relay/0/power` is `relay.0.power`. */
function asNames(captures: Texts): Record<string, string> {
  const names = emptyBag<string>();
  for (const name in captures) {
    names[name] = (captures[name] as string).split('/').map(escapeKey).join('.');
  }
  return names;
}

const NO_ENTRIES: readonly NamedSource[] = [];

/** The table of values for this topic; an entry whose name the topic cannot complete is left out. */
function tableEntries({ values }: ProfilePlan, captures: Texts): readonly NamedSource[] {
  if (values.kind !== 'table') {
    return NO_ENTRIES;
  }
  if (values.entries.every(({ template }) => template === undefined)) {
    return values.entries;
  }
  const names = asNames(captures);
  return values.entries.flatMap(({ name, source, template }) => {
    const full = template === undefined ? name : renderTemplate(template, names);
    return full === undefined ? [] : [{ name: full, source }];
  });
}
