import type { CodecEnvironment, CodecOptions, CodecRegistry, PayloadDecoder } from '../codec/registry.ts';
import { firstOf } from '../codec/first-of.ts';
import { emptyBag } from '../domain/bag.ts';
import { BoundedCache } from '../domain/bounded-cache.ts';
import { excerpt } from '../domain/excerpt.ts';
import { type Fault, fault } from '../domain/fault.ts';
import { escapeKey, type Places } from '../domain/flatten.ts';
import { type CompiledSource, type Document, readPath, renderTemplate } from '../domain/payload-path.ts';
import { optionsByCodec, type ProfileSpec } from '../domain/profile.ts';
import { compileProfile, type ProfilePlan } from '../domain/profile-plan.ts';
import { TOPICS_KEPT, topicProblem } from '../domain/topic.ts';
import type { CodecMemory } from './codec-memory.ts';
import { type TopicMatch, type TopicTemplate, TopicTree } from '../domain/topic-template.ts';
import { SharedTexts } from '../domain/shared-texts.ts';
import type { NamedSource } from '../domain/values-plan.ts';

/** Of topics that are kept ready, about 0.8 kB each. An AMQP routing key has at most 255 bytes. */
const TOPIC_LENGTH = 512;

/** A profile and the decoder of the codec that it names. */
export interface Recipe {
  readonly plan: ProfilePlan;
  readonly decoder: PayloadDecoder;
  readonly places: Places;
  /** Tags that come from the payload. */
  readonly payloadTags: readonly NamedSource[];
}

/** Everything about a reading that its topic alone decides. */
export interface TopicEntry {
  readonly ok: true;
  readonly recipe: Recipe;
  readonly captures: Readonly<Record<string, string>>;
  /** Set where the device's name comes from the topic. */
  readonly device: string | undefined;
  /** Tags that come from the topic. */
  readonly tags: Readonly<Record<string, string>> | undefined;
  /** Name of the value of a bare scalar. */
  readonly scalar: string | undefined;
  /** Where `values` is a table: its entries, with their names complete. */
  readonly entries: readonly NamedSource[];
  /** Ids of the device that spoke last under this topic begin with it; mostly there is one. */
  lastDevice: string | undefined;
  lastStem: string;
  readonly sharedUnits: SharedTexts;
  readonly sharedTags: SharedTexts;
  /** What the payload of the last reading said for its tags, in their order, and what they came to. */
  said: { readonly values: readonly (Document | undefined)[]; readonly tags: Readonly<Record<string, string>> } | undefined;
}

/** No message of this topic passes; `fault` is undefined where a profile says that they are to be ignored. */
export interface RefusedTopic {
  readonly ok: false;
  readonly fault: Fault | undefined;
}

const IGNORED: RefusedTopic = { ok: false, fault: undefined };

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
      recipes.push({ plan: result.value, decoder: firstOf(decoders), places: [], payloadTags });
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
  private readonly entries: BoundedCache<TopicEntry | RefusedTopic> = new BoundedCache(TOPICS_KEPT, TOPIC_LENGTH);

  constructor(recipes: readonly Recipe[]) {
    this.tree = new TopicTree(recipes.flatMap(targets));
  }

  get(topic: string): TopicEntry | RefusedTopic {
    let entry = this.entries.get(topic);
    if (entry === undefined) {
      entry = this.enter(topic);
      this.entries.set(topic, entry);
    }
    return entry;
  }

  private enter(topic: string): TopicEntry | RefusedTopic {
    const problem = topicProblem(topic);
    if (problem !== undefined) {
      return { ok: false, fault: fault('BAD_TOPIC', problem) };
    }
    const match = this.tree.find(topic);
    if (match === undefined) {
      return { ok: false, fault: fault('NO_PROFILE', `no profile has a topic template for "${excerpt(topic, 255)}"`) };
    }
    return match.value.ignored ? IGNORED : describe(topic, match);
  }
}

export function readSource(source: CompiledSource, entry: TopicEntry, own: Document, whole: Document): Document | undefined {
  return source.kind === 'path' ? readPath(source, own, whole) : renderTemplate(source, entry.captures);
}

function describe(topic: string, { value: { recipe }, captures }: TopicMatch<Target>): TopicEntry | RefusedTopic {
  const { plan } = recipe;
  const device = plan.device.kind === 'template' ? renderTemplate(plan.device, captures) : undefined;
  if (plan.device.kind === 'template' && device === undefined && plan.deviceElse === undefined) {
    return { ok: false, fault: fault('DEVICE_MISSING', `profile "${plan.name}": a level that names the device is empty in "${excerpt(topic, 255)}"`) };
  }
  const tags = emptyBag<string>();
  let tagged = false;
  for (const tag of plan.tags) {
    if (tag.source.kind === 'path') continue;
    const text = renderTemplate(tag.source, captures);
    if (text !== undefined) {
      tags[tag.name] = text;
      tagged = true;
    }
  }
  const entries = tableEntries(plan, captures);
  if (new Set(entries.map((entry) => entry.name)).size < entries.length) {
    return { ok: false, fault: fault('SCHEMA_MISMATCH', `profile "${plan.name}": two values would have one name under "${excerpt(topic, 255)}"`) };
  }
  const scalar = typeof plan.scalar === 'object' ? renderTemplate(plan.scalar, asNames(captures)) : plan.scalar;
  const last = { lastDevice: undefined, lastStem: '', sharedUnits: new SharedTexts(), sharedTags: new SharedTexts(), said: undefined };
  return { ok: true, recipe, captures, device, tags: tagged ? tags : undefined, scalar, entries, ...last };
}

/** In the name of a value the levels of a topic are levels: `relay/0/power` is `relay.0.power`. */
function asNames(captures: Readonly<Record<string, string>>): Record<string, string> {
  const names = emptyBag<string>();
  for (const name in captures) {
    names[name] = (captures[name] as string).split('/').map(escapeKey).join('.');
  }
  return names;
}

const NO_ENTRIES: readonly NamedSource[] = [];

/** The table of values for this topic; an entry whose name the topic cannot complete is left out. */
function tableEntries({ values }: ProfilePlan, captures: Readonly<Record<string, string>>): readonly NamedSource[] {
  if (values.kind !== 'table') {
    return NO_ENTRIES;
  }
  const names = asNames(captures);
  return values.entries.flatMap(({ name, source, template }) => {
    const full = template === undefined ? name : renderTemplate(template, names);
    return full === undefined ? [] : [{ name: full, source }];
  });
}
