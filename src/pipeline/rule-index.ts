import { BoundedCache } from '../domain/bounded-cache.ts';
import { FilterTree } from '../domain/filter-tree.ts';
import { TOPICS_KEPT } from '../domain/topic.ts';

/** Of topics whose rules are kept ready, about 0.2 kB each. An AMQP routing key has at most 255 bytes. */
const TOPIC_LENGTH = 255;

/** What a rule says of the readings that come into question for it; left out: of any. */
interface Asked {
  readonly topics?: readonly string[] | undefined;
  readonly profiles?: readonly string[] | undefined;
}

interface Known<R> {
  /** Of the reading that asked last; mostly all of a topic have one. */
  readonly profile: string;
  readonly rules: readonly R[];
}

/**
 * Which rules of a routing table come into question for a topic and a profile, so that a table costs no more the longer it is: a rule
 * that names topics or profiles is not looked at for others. A rule that names neither comes into question for all.
 */
export class RuleIndex<R extends { readonly spec: Asked }> {
  private readonly rules: readonly R[];
  /** Places of rules that name topics, by their filters. */
  private readonly byTopic = new FilterTree<number>();
  /** Of those that name profiles alone, by profile. */
  private readonly byProfile: Map<string, number[]> = new Map();
  /** Of those that name neither. */
  private readonly always: number[] = [];
  private readonly known: BoundedCache<Known<R>> = new BoundedCache(TOPICS_KEPT, TOPIC_LENGTH);

  /** `rules` in their order. Filters are taken to be good ones (`topicFilterProblem`). */
  constructor(rules: readonly R[]) {
    this.rules = rules;
    for (const [place, { spec }] of rules.entries()) {
      const { topics, profiles } = spec;
      if (topics !== undefined) {
        for (const filter of topics) this.byTopic.set(filter, place, place);
      } else if (profiles !== undefined) {
        for (const profile of profiles) this.ofProfile(profile).push(place);
      } else this.always.push(place);
    }
  }

  /** In the order of the table; what a rule says besides topics and profiles is still to be asked. */
  of(topic: string, profile: string): readonly R[] {
    if (this.always.length === this.rules.length) return this.rules;
    const known = this.known.get(topic);
    if (known?.profile === profile) return known.rules;
    const rules = this.find(topic, profile);
    this.known.set(topic, { profile, rules });
    return rules;
  }

  private find(topic: string, profile: string): readonly R[] {
    const places = new Set([...this.always, ...(this.byProfile.get(profile) ?? []), ...this.byTopic.match(topic)]);
    return Array.from(places)
      .sort((a, b) => a - b)
      .map((place) => this.rules[place] as R)
      .filter(({ spec: { profiles } }) => profiles?.includes(profile) !== false);
  }

  private ofProfile(profile: string): number[] {
    let places = this.byProfile.get(profile);
    if (places === undefined) {
      places = [];
      this.byProfile.set(profile, places);
    }
    return places;
  }
}
