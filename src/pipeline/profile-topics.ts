import { emptyBag } from '../domain/bag.ts';
import { excerpt } from '../domain/excerpt.ts';
import { type Fault, fault } from '../domain/fault.ts';
import { escapeKey } from '../domain/flatten.ts';
import { type CompiledSource, type Document, readPath, renderTemplate } from '../domain/payload-path.ts';
import type { ProfilePlan } from '../domain/profile-plan.ts';
import { topicProblem } from '../domain/topic.ts';
import { setStem, type Stem } from '../domain/reading-id.ts';
import { type KnownTopic, knownTopic } from '../domain/topic-memory.ts';
import { type TopicTemplate, TopicTree } from '../domain/topic-template.ts';
import type { NamedSource, TableEntry } from '../domain/values-plan.ts';
import type { ReadyProfile, Recipe, Said } from './recipes.ts';

type Texts = Readonly<Record<string, string>>;

/** Everything about a reading that its topic alone decides, but for the device. Topics that say the same share it. */
export interface TopicKind {
  readonly ok: true;
  /** Of which `ProfileTopics`. */
  readonly of: object;
  /** Name of the profile. */
  readonly profile: string;
  readonly recipe: Recipe;
  /** Empty where nothing asks for them with each message. */
  readonly captures: Texts;
  /** The topic names the device. */
  readonly named: boolean;
  /** Tags that come from the topic. */
  readonly tags: Texts | undefined;
  /** Name of the value of a bare scalar. */
  readonly scalar: string | undefined;
  /** Where `values` is a table: its entries, with their names complete. */
  readonly entries: readonly NamedSource[];
}

/** No message of this topic passes; `fault` is undefined where a profile says that they are to be ignored. */
interface Refusal {
  readonly ok: false;
  readonly of: object;
  readonly fault: Fault | undefined;
}

/** A topic that is read: a view of its `KnownTopic`. */
export interface TopicEntry extends Stem {
  readonly kind: TopicKind;
  /** The device that the topic names, or else the one that spoke last; the stem is of this one. */
  device: string | undefined;
  /** Of the last reading, where it can be kept. */
  said: Said | undefined;
}

/** A topic that is not read. */
export interface RefusedTopic {
  readonly kind: Refusal;
}

export function isRefused(topic: TopicEntry | RefusedTopic): topic is RefusedTopic {
  return !topic.kind.ok;
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
  private readonly ignored: Refusal = { ok: false, of: this.mark, fault: undefined };
  /** By the tags that they have: those of the topics that have nothing else of their own. */
  private readonly kinds: Map<ReadyProfile, WeakMap<Texts, TopicKind>> = new Map();

  constructor(profiles: readonly ReadyProfile[]) {
    this.tree = new TopicTree(profiles.flatMap(targets));
  }

  get(topic: string): TopicEntry | RefusedTopic {
    const known = knownTopic(topic);
    const kept = known.kind as TopicKind | Refusal | undefined;
    if (kept?.of !== this.mark) {
      known.kind = this.enter(known);
      known.said = undefined;
    }
    return known as TopicEntry | RefusedTopic;
  }

  private enter(known: KnownTopic): TopicKind | Refusal {
    const { topic } = known;
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
    const { profile } = match.value;
    const device = deviceOf(profile, topic, match.captures);
    if (typeof device === 'object') {
      return this.refused(device);
    }
    if (device !== undefined && device !== known.device) {
      speaks(known, topic, device);
    }
    const kind = describe(this.mark, topic, profile, match.captures, device !== undefined);
    return 'code' in kind ? this.refused(kind) : this.shared(profile, kind);
  }

  /** The kind that says the same, where it is known. */
  private shared(profile: ReadyProfile, kind: TopicKind): TopicKind {
    const { plan, tags } = profile.recipe;
    const of = kind.tags ?? NO_TEXTS;
    if (kind.captures !== NO_TEXTS || kind.named !== (plan.device.kind === 'template') || kind.scalar !== plan.scalar || kind.entries !== entriesOf(plan))
      return kind;
    // Of tags that are too many to be kept there may be as many as topics.
    if (kind.tags !== undefined && !tags.keeps(kind.tags)) return kind;
    let kinds = this.kinds.get(profile);
    if (kinds === undefined) {
      kinds = new WeakMap();
      this.kinds.set(profile, kinds);
    }
    const known = kinds.get(of);
    if (known !== undefined) return known;
    kinds.set(of, kind);
    return kind;
  }

  private refused(why: Fault): Refusal {
    return { ok: false, of: this.mark, fault: why };
  }
}

/** Another device than before speaks under the topic. */
export function speaks(entry: Pick<TopicEntry, 'device'> & Stem, topic: string, device: string): void {
  entry.device = device;
  setStem(entry, topic, device);
}

export function readSource(source: CompiledSource, entry: TopicEntry, own: Document, whole: Document): Document | undefined {
  return source.kind === 'path' ? readPath(source, own, whole) : renderTemplate(source, entry.kind.captures);
}

/** The device that the topic names, if any. A fault where it should. */
function deviceOf({ name, recipe }: ReadyProfile, topic: string, captures: Texts): string | Fault | undefined {
  const { device, deviceElse } = recipe.plan;
  if (device.kind !== 'template') {
    return undefined;
  }
  const named = renderTemplate(device, captures);
  if (named === undefined && deviceElse === undefined) {
    return fault('DEVICE_MISSING', `profile "${name}": a level that names the device is empty in "${excerpt(topic, 255)}"`);
  }
  return named;
}

/** What the topic says, or why nothing under it can be read. `of`, `named`: see `TopicKind`. */
function describe(of: object, topic: string, { name, recipe }: ReadyProfile, captures: Texts, named: boolean): TopicKind | Fault {
  const { plan } = recipe;
  const entries = tableEntries(plan, captures);
  if (new Set(entries.map((entry) => entry.name)).size < entries.length) {
    return fault('SCHEMA_MISMATCH', `profile "${name}": two values would have one name under "${excerpt(topic, 255)}"`);
  }
  return {
    ok: true,
    of,
    profile: name,
    recipe,
    captures: plan.asksCaptures ? captures : NO_TEXTS,
    named,
    tags: topicTags(recipe, captures),
    scalar: typeof plan.scalar === 'object' ? renderTemplate(plan.scalar, asNames(captures)) : plan.scalar,
    entries,
  };
}

const NO_TEXTS: Texts = emptyBag();

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

const NO_ENTRIES: readonly TableEntry[] = [];

/** Those of the table of values. */
function entriesOf({ values }: ProfilePlan): readonly TableEntry[] {
  return values.kind === 'table' ? values.entries : NO_ENTRIES;
}

/** The table of values for this topic; an entry whose name the topic cannot complete is left out. */
function tableEntries(plan: ProfilePlan, captures: Texts): readonly NamedSource[] {
  const entries = entriesOf(plan);
  if (entries.every(({ template }) => template === undefined)) {
    return entries;
  }
  const names = asNames(captures);
  return entries.flatMap(({ name, source, template }) => {
    const full = template === undefined ? name : renderTemplate(template, names);
    return full === undefined ? [] : [{ name: full, source }];
  });
}
