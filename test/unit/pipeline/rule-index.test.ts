import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileTopicFilter } from '../../../src/domain/topic-template.ts';
import { RuleIndex } from '../../../src/pipeline/rule-index.ts';

interface Spec {
  readonly topics?: readonly string[];
  readonly profiles?: readonly string[];
}

const index = (specs: readonly Spec[]) => new RuleIndex(specs.map((spec, place) => ({ place, spec })));
const places = (specs: readonly Spec[], topic: string, profile: string): number[] => Array.from(index(specs).of(topic, profile), ({ place }) => place);

describe('RuleIndex', () => {
  it('answers the rules that a look at each of them would find, in their order', () => {
    const level = fc.constantFrom('a', 'b', '', '$c', '+');
    const filter = fc
      .tuple(fc.array(level, { minLength: 1, maxLength: 3 }), fc.boolean())
      .map(([levels, rest]) => [...levels, ...(rest ? ['#'] : [])].join('/'));
    const topic = fc.array(fc.constantFrom('a', 'b', '', '$c'), { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'));
    const profile = fc.constantFrom('p', 'q', 'r');
    const spec = fc.record(
      {
        topics: fc.array(
          filter.filter((text) => text !== ''),
          { maxLength: 3 },
        ),
        profiles: fc.array(profile, { maxLength: 2 }),
      },
      { requiredKeys: [] },
    );
    const asked = fc.array(fc.tuple(topic, profile), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.array(spec, { maxLength: 8 }), asked, (specs, questions) => {
        const one = index(specs);
        for (const [name, kind] of questions) {
          const expected = specs.flatMap(({ topics, profiles }, place) => {
            const wanted = topics?.some((text) => compileTopicFilter(text)(name)) !== false && profiles?.includes(kind) !== false;
            return wanted ? [place] : [];
          });
          // Twice: the second answer comes from what it keeps.
          expect(one.of(name, kind).map(({ place }) => place)).toEqual(expected);
          expect(one.of(name, kind).map(({ place }) => place)).toEqual(expected);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('tells the profiles of one topic apart', () => {
    const specs = [{ profiles: ['p'] }, { topics: ['a/#'], profiles: ['q'] }, {}];
    expect(places(specs, 'a/b', 'p')).toEqual([0, 2]);
    expect(places(specs, 'a/b', 'q')).toEqual([1, 2]);
    expect(places(specs, 'b', 'r')).toEqual([2]);
  });

  it('looks at no more rules in a long table', () => {
    let looks = 0;
    const rules = Array.from({ length: 10_000 }, (_, i) => {
      const spec = i % 2 === 0 ? { topics: [`+/s${i}/#`] } : { profiles: [`p${i}`] };
      return {
        place: i,
        get spec() {
          looks += 1;
          return spec;
        },
      };
    });
    const one = new RuleIndex(rules);
    looks = 0;
    expect(one.of('a/s4000/x', 'p4001').map(({ place }) => place)).toEqual([4000, 4001]);
    expect(one.of('a/nowhere/x', 'p')).toEqual([]);
    expect(looks).toBe(2);
  });

  it('keeps nothing where no rule names a topic or a profile', () => {
    const one = index([{}, {}]);
    expect(one.of('a', 'p')).toBe(one.of('b', 'q'));
  });
});
