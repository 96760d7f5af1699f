import { topicFromRoutingKey } from './message.ts';

/** So many topics are kept ready wherever something is worked out for a topic: fleets of 100,000 devices have room. */
export const TOPICS_KEPT = 131_072;
/** Characters of them all: 128 of each on average, so that a flood of long ones takes no more. */
const CHARACTERS = TOPICS_KEPT * 128;
/** An AMQP routing key has at most 255 bytes; an edge may be told longer ones, which are worked out each time. */
const TOPIC_LENGTH = 512;

/**
 * One topic in use, with what each part of the gateway has worked out for it: one record and one look-up a message instead of one for
 * every part. A part writes into its own place alone, and what it puts there says whose it is: rules are replaced while topics stay.
 */
export class KnownTopic {
  readonly topic: string;
  /** The AMQP routing key that it came with; the topic itself where it came over MQTT. */
  readonly routingKey: string;
  /** How it is read: this and what follows is of pipeline/profile-topics.ts. */
  kind: unknown = undefined;
  /** The device that the topic names, or else the one that spoke last. */
  device: string | undefined = undefined;
  /** Ids of its readings begin with these 96 bits (domain/reading-id.ts). In here, because an object more for each topic is an object more to be looked at. */
  stemA = 0;
  stemB = 0;
  stemC = 0;
  /** Of the last reading, where it can be kept. */
  said: unknown = undefined;
  /** Routing rules that come into question (pipeline/rule-index.ts). */
  rules: unknown = undefined;
  /** What texts of its readings have in common (codec/reading.ts). */
  likeness: unknown = undefined;
  /** Where the device is kept that spoke last, a guess (pipeline/device-registry.ts). */
  slot = 0;
  /** It was asked for again since the memory was last looked through for what may go. */
  used = false;

  constructor(topic: string, routingKey: string) {
    this.topic = topic;
    this.routingKey = routingKey;
  }
}

/** Of the last message: its parts ask one after another. */
let last = new KnownTopic('', '');

/**
 * Topics by one kind of name. When it is full the one that was not asked for since the hand passed it makes room (CLOCK; Corbató 1968):
 * a hit costs no reordering, and a flood of new topics pushes out those before it and not what is in use.
 */
export class TopicMemory {
  private readonly topicOf: (name: string) => string;
  private readonly most: number;
  private readonly mostCharacters: number;
  private readonly known: Map<string, KnownTopic> = new Map();
  private hand: Iterator<[string, KnownTopic]> = this.known.entries();
  private characters = 0;

  /** `topicOf`: the topic that a name stands for. */
  constructor(topicOf: (name: string) => string, most: number = TOPICS_KEPT, mostCharacters: number = CHARACTERS) {
    this.topicOf = topicOf;
    this.most = most;
    this.mostCharacters = mostCharacters;
  }

  get size(): number {
    return this.known.size;
  }

  get(name: string): KnownTopic {
    let found = this.known.get(name);
    // One that is new has to come again before it stays: most of a flood comes once.
    if (found === undefined) found = this.enter(name);
    else found.used = true;
    last = found;
    return found;
  }

  clear(): void {
    this.known.clear();
    this.characters = 0;
  }

  private enter(name: string): KnownTopic {
    const topic = this.topicOf(name);
    const entered = new KnownTopic(topic, name);
    if (name.length > TOPIC_LENGTH) return entered;
    while (this.known.size > 0 && (this.known.size >= this.most || this.characters + name.length > this.mostCharacters)) this.makeRoom();
    this.known.set(name, entered);
    this.characters += name.length;
    return entered;
  }

  /** One goes: the first that was not used since the hand was there. Whatever was gets another turn, behind all the others. */
  private makeRoom(): void {
    for (;;) {
      const step = this.hand.next();
      if (step.done === true) {
        this.hand = this.known.entries();
        continue;
      }
      const [name, topic] = step.value;
      this.known.delete(name);
      if (!topic.used) {
        this.characters -= name.length;
        return;
      }
      topic.used = false;
      this.known.set(name, topic);
    }
  }
}

const byTopic = new TopicMemory((topic) => topic);
const byRoutingKey = new TopicMemory(topicFromRoutingKey);

/** What is known of the topic that an AMQP routing key stands for. Its texts are the same for the same key: they need not be held with each message. */
export function topicOfKey(routingKey: string): KnownTopic {
  return byRoutingKey.get(routingKey);
}

/** What is known of a topic. Costs a comparison where the message at hand is of it. */
export function knownTopic(topic: string): KnownTopic {
  return last.topic === topic ? last : byTopic.get(topic);
}

/** Other rules are in force: what was worked out by the old ones holds on to them. */
export function forgetTopics(): void {
  byTopic.clear();
  byRoutingKey.clear();
  last = new KnownTopic('', '');
}
