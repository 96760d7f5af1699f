import { BoundedCache } from '../domain/bounded-cache.ts';
import { FilterTree } from '../domain/filter-tree.ts';
import { knownTopic } from '../domain/topic-memory.ts';

/** Selections that topics share, and characters of the key of one: topics of one kind have the same. */
const [SELECTIONS, KEY_LENGTH] = [4096, 1024];

/** What a rule says of the readings that come into question for it; left out: of any. */
interface Asked {
  readonly topics?: readonly string[] | undefined;
  readonly profiles?: readonly string[] | undefined;
}

/** The rules that come into question for readings of a topic. */
interface Selection<R> {
  /** Of which index. */
  readonly of: object;
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
  private readonly selections: BoundedCache<Selection<R>> = new BoundedCache(SELECTIONS, KEY_LENGTH);
  /** Stands for this index in what topics keep, which may outlive it. */
  private readonly mark = {};

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
    const known = knownTopic(topic);
    const kept = known.rules as Selection<R> | undefined;
    if (kept !== undefined && kept.of === this.mark && kept.profile === profile) return kept.rules;
    const found = this.find(topic, profile);
    known.rules = found;
    return found.rules;
  }

  private find(topic: string, profile: string): Selection<R> {
    const all = new Set([...this.always, ...(this.byProfile.get(profile) ?? []), ...this.byTopic.match(topic)]);
    const places = Array.from(all)
      .sort((a, b) => a - b)
      .filter((place) => (this.rules[place] as R).spec.profiles?.includes(profile) !== false);
    const key = `${places.join(',')} ${profile}`;
    let selection = this.selections.get(key);
    if (selection === undefined) {
      selection = { of: this.mark, profile, rules: places.map((place) => this.rules[place] as R) };
      this.selections.set(key, selection);
    }
    return selection;
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
