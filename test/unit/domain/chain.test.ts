import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Chain, type Link } from '../../../src/domain/chain.ts';

interface Member extends Link<Member> {
  readonly n: number;
}

function members(count: number): Member[] {
  return Array.from({ length: count }, (_, n) => ({ n, older: undefined, newer: undefined }));
}

const numbers = (chain: Chain<Member>): number[] => Array.from(chain, ({ n }) => n);

describe('a chain', () => {
  it('is as an array would be, whatever is appended, removed and made the newest', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom('append', 'remove', 'renew'), fc.nat(7)), { maxLength: 60 }), (steps) => {
        const all = members(8);
        const chain = new Chain<Member>();
        let model: number[] = [];
        for (const [step, n] of steps) {
          const member = all[n] as Member;
          const inside = model.includes(n);
          if (step === 'append' && !inside) {
            chain.append(member);
            model.push(n);
          } else if (step === 'remove' && inside) {
            chain.remove(member);
            model = model.filter((each) => each !== n);
          } else if (step === 'renew' && inside) {
            chain.renew(member);
            model = [...model.filter((each) => each !== n), n];
          }
          expect(numbers(chain)).toEqual(model);
          expect([chain.size, chain.oldest?.n, chain.newest?.n]).toEqual([model.length, model[0], model.at(-1)]);
          expect(all.map((each) => chain.has(each))).toEqual(all.map((each) => model.includes(each.n)));
          // Backwards as well.
          const back: number[] = [];
          for (let at = chain.newest; at !== undefined; at = at.older) back.unshift(at.n);
          expect(back).toEqual(model);
        }
      }),
    );
  });

  it('leaves no way from a member that has gone to one that lives', () => {
    const [a, b, c] = members(3) as [Member, Member, Member];
    const chain = new Chain<Member>();
    for (const member of [a, b, c]) chain.append(member);
    chain.remove(b);
    chain.remove(a);
    expect([a, b].map(({ older, newer }) => [older, newer])).toEqual([
      [undefined, undefined],
      [undefined, undefined],
    ]);
    expect(chain.oldest).toBe(c);
  });

  it('may lose the member at hand while it is walked', () => {
    const chain = new Chain<Member>();
    for (const member of members(5)) chain.append(member);
    for (const member of chain) if (member.n % 2 === 0) chain.remove(member);
    expect(numbers(chain)).toEqual([1, 3]);
  });
});
