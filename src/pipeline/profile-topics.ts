import { emptyBag } from '../domain/bag.ts';
import { excerpt } from '../domain/excerpt.ts';
import { type Fault, fault } from '../domain/fault.ts';
import { escapeKey } from '../domain/flatten.ts';
import { type CompiledSource, type Document, readPath, renderTemplate } from '../domain/payload-path.ts';
import type { ProfilePlan } from '../domain/profile-plan.ts';
import { topicProblem } from '../domain/topic.ts';
import { knownTopic } from '../domain/topic-memory.ts';
import { type TopicMatch, type TopicTemplate, TopicTree } from '../domain/topic-template.ts';
import type { NamedSource } from '../domain/values-plan.ts';
import type { ReadyProfile, Recipe, Said } from './recipes.ts';

type Texts = Readonly<Record<string, string>>;

/** Everything about a reading that its topic alone decides, about 0.2 kB: what topics have in common they share. */
export interface TopicEntry {
  readonly ok: true;
  /** Of which `ProfileTopics`. */
  readonly of: object;
  /** Name of the profile. */
  readonly profile: string;
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

interface Target {
  readonly profile: ReadyProfile;
  /** The template is one of `ignore`. */
  readonly ignored: boolean;
}

/** What a profile ignores stands before what it reads. */
function targets(profile: ReadyProfile): { readonly template: TopicTemplate; readonly value: Target }[] {
  const entries = (templates: readonly TopicTemplate[], ignored: boolean) => templates.map((template) => ({ template, value: { profile, ignored } }));
  return [...entries(profile.ignored, true), ...entries(profile.templates, false)];
}

/** Topic -> profile, and what the topic says of its readings; kept ready for the topics in use. */
export class ProfileTopics {
  private readonly tree: TopicTree<Target>;
  /** Stands for these profiles in what topics keep, which may outlive them. */
  private readonly mark = {};
  private readonly ignored: RefusedTopic = { ok: false, of: this.mark, fault: undefined };

  constructor(profiles: readonly ReadyProfile[]) {
    this.tree = new TopicTree(profiles.flatMap(targets));
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
function describe(of: object, topic: string, { value: { profile }, captures }: TopicMatch<Target>): TopicEntry | Fault {
  const { name, recipe } = profile;
  const { plan } = recipe;
  const device = plan.device.kind === 'template' ? renderTemplate(plan.device, captures) : undefined;
  if (plan.device.kind === 'template' && device === undefined && plan.deviceElse === undefined) {
    return fault('DEVICE_MISSING', `profile "${name}": a level that names the device is empty in "${excerpt(topic, 255)}"`);
  }
  const entries = tableEntries(plan, captures);
  if (new Set(entries.map((entry) => entry.name)).size < entries.length) {
    return fault('SCHEMA_MISMATCH', `profile "${name}": two values would have one name under "${excerpt(topic, 255)}"`);
  }
  return {
    ok: true,
    of,
    profile: name,
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
