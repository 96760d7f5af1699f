import type { CodecRegistry, PayloadCodec } from '../codec/registry.ts';
import { emptyBag } from '../domain/bag.ts';
import { BoundedCache } from '../domain/bounded-cache.ts';
import { excerpt } from '../domain/excerpt.ts';
import { type Fault, fault } from '../domain/fault.ts';
import { renderTemplate } from '../domain/payload-path.ts';
import type { ProfileSpec } from '../domain/profile.ts';
import { compileProfile, type NamedSource, type ProfilePlan } from '../domain/profile-plan.ts';
import { topicProblem } from '../domain/topic.ts';
import { type TopicMatch, TopicTree } from '../domain/topic-template.ts';

/** Topics that are kept ready; an AMQP routing key has at most 255 bytes. */
const TOPICS = 10_000;
const TOPIC_LENGTH = 512;

/** A profile and the codec that it names. */
export interface Recipe {
  readonly plan: ProfilePlan;
  readonly codec: PayloadCodec;
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
  /** Tags that come from the payload. */
  readonly payloadTags: readonly NamedSource[];
}

/** No message of this topic passes. */
export interface RefusedTopic {
  readonly ok: false;
  readonly fault: Fault;
}

/** Checks all profiles at once. Throws an Error with one line for each problem; `checkProfile` would have found them before. */
export function compileRecipes(profiles: readonly ProfileSpec[], codecs: CodecRegistry): Recipe[] {
  const problems: string[] = [];
  const recipes: Recipe[] = [];
  const names = new Set<string>();
  for (const spec of profiles) {
    const result = compileProfile(spec);
    const codec = codecs.get(spec.codec);
    if (!result.ok) {
      problems.push(...result.problems.map((problem) => `profile "${spec.name}": ${problem}`));
    }
    if (codec === undefined) {
      problems.push(`profile "${spec.name}": codec: there is no "${spec.codec}"; there are ${codecs.names.join(', ')}`);
    }
    if (names.has(spec.name)) {
      problems.push(`profile "${spec.name}": the name is taken`);
    }
    names.add(spec.name);
    if (result.ok && codec !== undefined) {
      recipes.push({ plan: result.value, codec });
    }
  }
  if (problems.length > 0) {
    throw new Error(problems.join('\n'));
  }
  return recipes;
}

/** Topic -> profile, and what the topic says of its readings; kept ready for the topics in use. */
export class ProfileTopics {
  private readonly tree: TopicTree<Recipe>;
  private readonly entries: BoundedCache<TopicEntry | RefusedTopic> = new BoundedCache(TOPICS, TOPIC_LENGTH);

  constructor(recipes: readonly Recipe[]) {
    this.tree = new TopicTree(recipes.flatMap((recipe) => recipe.plan.templates.map((template) => ({ template, value: recipe }))));
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
    return describe(topic, match);
  }
}

function describe(topic: string, { value: recipe, captures }: TopicMatch<Recipe>): TopicEntry | RefusedTopic {
  const { plan } = recipe;
  const device = plan.device.kind === 'template' ? renderTemplate(plan.device, captures) : undefined;
  if (plan.device.kind === 'template' && device === undefined) {
    return { ok: false, fault: fault('DEVICE_MISSING', `profile "${plan.name}": a level that names the device is empty in "${excerpt(topic, 255)}"`) };
  }
  const tags = emptyBag<string>();
  const payloadTags: NamedSource[] = [];
  let tagged = false;
  for (const tag of plan.tags) {
    if (tag.source.kind === 'path') {
      payloadTags.push(tag);
      continue;
    }
    const text = renderTemplate(tag.source, captures);
    if (text !== undefined) {
      tags[tag.name] = text;
      tagged = true;
    }
  }
  return { ok: true, recipe, captures, device, tags: tagged ? tags : undefined, payloadTags };
}
