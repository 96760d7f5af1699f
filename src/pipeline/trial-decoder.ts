import { type CodecRegistry, CodecRegistry as Registry, type Decoded, detachedEnvironment, type PayloadCodec } from '../codec/registry.ts';
import { bindingKeyFromFilter, type EpochMs, topicFromRoutingKey } from '../domain/message.ts';
import type { Limits, ProfileSpec } from '../domain/profile.ts';
import type { Reading } from '../domain/reading.ts';
import { compileTopicTemplate, type TopicTemplate, TopicTree } from '../domain/topic-template.ts';
import { compileNormaliser, type Normalised, type Normaliser } from './normaliser.ts';

export interface DecodeInput {
  /** MQTT form, as the device published it. */
  readonly topic: string | undefined;
  /** Only this one is tried. */
  readonly profile: string | undefined;
  readonly contentType?: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly body: Buffer;
  readonly receivedAt: EpochMs;
}

/** The template that took the topic. */
export interface Matched {
  readonly profile: ProfileSpec;
  readonly template: TopicTemplate;
  readonly captures: Readonly<Record<string, string>>;
  /** It is one of the profile's `ignore`. */
  readonly ignored: boolean;
}

/** What the gateway would make of one message, and what it saw on the way. */
export interface DecodeOutcome {
  readonly topic: string | undefined;
  /** What the gateway sees: the topic after its way through the broker, or one made up for the profile. */
  readonly seenTopic: string;
  readonly outcome: 'readings' | 'filtered' | 'dead-lettered';
  readonly match: Matched | undefined;
  /** Fault code, or why it was filtered. */
  readonly code: string | undefined;
  readonly message: string | undefined;
  readonly readings: readonly Reading[];
  /** What the codec made of the payload, where it could read it. */
  readonly decoded: Decoded | undefined;
  /** The same as the pipeline sees it. */
  readonly result: Normalised;
}

interface Engine {
  readonly profiles: readonly ProfileSpec[];
  readonly normaliser: Normaliser;
  readonly tree: TopicTree<Target>;
}

interface Target {
  readonly profile: ProfileSpec;
  readonly ignored: boolean;
}

/** Runs messages through the code of the gateway, without a broker. Remembers what its codecs remember (Sparkplug's births). */
export class Decoder {
  private readonly profiles: readonly ProfileSpec[];
  private readonly codecs: CodecRegistry;
  private readonly limits: Limits;
  private readonly engines: Map<string | undefined, Engine> = new Map();
  private lastDecoded: Decoded | undefined;

  constructor(profiles: readonly ProfileSpec[], codecs: CodecRegistry, limits: Limits) {
    this.profiles = profiles;
    this.codecs = new Registry(codecs.names.map((name) => this.watched(codecs.get(name) as PayloadCodec)));
    this.limits = limits;
  }

  get profileNames(): readonly string[] {
    return this.profiles.map((profile) => profile.name);
  }

  /** The profile that reads a topic, in the form that the gateway sees; undefined where none does, or one ignores it. */
  profileOf(topic: string): string | undefined {
    const found = this.engine(undefined).tree.find(topic)?.value;
    return found === undefined || found.ignored ? undefined : found.profile.name;
  }

  /** A topic or the name of a profile is needed. Throws only on a profile that does not exist: `profileNames` tells. */
  decode(input: DecodeInput): DecodeOutcome {
    const engine = this.engine(input.profile);
    const seenTopic = input.topic === undefined ? madeUpTopic(engine.profiles[0] as ProfileSpec) : throughBroker(input.topic);
    this.lastDecoded = undefined;
    const result = engine.normaliser.normalise({
      topic: seenTopic,
      routingKey: bindingKeyFromFilter(seenTopic),
      body: input.body,
      receivedAt: input.receivedAt,
      contentType: input.contentType,
      contentEncoding: input.contentEncoding,
      redelivered: false,
      deliveryCount: 0,
      qos: undefined,
    });
    const about = { topic: input.topic, seenTopic, match: matched(engine.tree, seenTopic), decoded: this.lastDecoded, result };
    if (result.kind === 'readings') return { ...about, outcome: 'readings', code: undefined, message: undefined, readings: result.readings };
    if (result.kind === 'filtered') return { ...about, outcome: 'filtered', code: result.reason, message: undefined, readings: [] };
    return { ...about, outcome: 'dead-lettered', code: result.fault.code, message: result.fault.message, readings: [] };
  }

  private engine(name: string | undefined): Engine {
    let engine = this.engines.get(name);
    if (engine === undefined) {
      const profiles = name === undefined ? this.profiles : this.profiles.filter((profile) => profile.name === name);
      if (name !== undefined && profiles.length === 0) throw new Error(`there is no profile "${name}"`);
      // The same for every run, so that a run can be compared with an earlier one.
      const normaliser = compileNormaliser(profiles, this.codecs, this.limits, 'decode', detachedEnvironment('decode'));
      engine = { profiles, normaliser, tree: treeOf(profiles) };
      this.engines.set(name, engine);
    }
    return engine;
  }

  /** A codec that shows what it made of the payload: decoding again would spoil the memory of a stateful one. */
  private watched(codec: PayloadCodec): PayloadCodec {
    return {
      ...codec,
      checkOptions: (options) => codec.checkOptions(options),
      create: (options, environment) => {
        const decoder = codec.create(options, environment);
        return {
          decode: (body, limits, context) => {
            const result = decoder.decode(body, limits, context);
            if (result.ok) this.lastDecoded = result.value;
            return result;
          },
        };
      },
    };
  }
}

/** What becomes of a topic between the device and the gateway: a dot inside a level comes out as a level break. */
export function throughBroker(topic: string): string {
  return topicFromRoutingKey(bindingKeyFromFilter(topic));
}

/** A topic that the profile reads, each capture filled with its own name. */
function madeUpTopic(profile: ProfileSpec): string {
  const template = compileTopicTemplate(profile.topics[0] as string);
  if (!template.ok) throw new Error(template.problem);
  return template.value.levels.map((level) => (level.kind === 'literal' ? level.text : (level.capture ?? 'any'))).join('/');
}

function matched(tree: TopicTree<Target>, topic: string): Matched | undefined {
  const found = tree.find(topic);
  return found === undefined ? undefined : { ...found.value, template: found.template, captures: found.captures };
}

/** The order of the normaliser: profile by profile, what it ignores before what it reads. */
function treeOf(profiles: readonly ProfileSpec[]): TopicTree<Target> {
  const entries = (profile: ProfileSpec, templates: readonly string[], ignored: boolean) =>
    templates.flatMap((text) => {
      const template = compileTopicTemplate(text);
      return template.ok ? [{ template: template.value, value: { profile, ignored } }] : [];
    });
  return new TopicTree(profiles.flatMap((profile) => [...entries(profile, profile.ignore ?? [], true), ...entries(profile, profile.topics, false)]));
}
