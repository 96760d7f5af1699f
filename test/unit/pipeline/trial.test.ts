import { describe, expect, it } from 'vitest';
import { defaultCodecs } from '../../../src/codec/registry.ts';
import { DEFAULT_LIMITS, type ProfileSpec } from '../../../src/domain/profile.ts';
import type { RouteSpec } from '../../../src/domain/route.ts';
import { compileNormaliser } from '../../../src/pipeline/normaliser.ts';
import { RecentMessages } from '../../../src/pipeline/recent-messages.ts';
import { Router } from '../../../src/pipeline/router.ts';
import type { Rules } from '../../../src/pipeline/rules.ts';
import { Trial } from '../../../src/pipeline/trial.ts';
import { profile } from './normalise-support.ts';
import { message, publishTo, rule } from './fixtures.ts';

function rules(routes: readonly RouteSpec[], profiles: readonly ProfileSpec[] = [profile({ topics: ['d/{device}'], device: '{device}' })]): Rules {
  return { config: 'v', normaliser: compileNormaliser(profiles, defaultCodecs(), DEFAULT_LIMITS, 'trial'), router: new Router(routes, () => {}) };
}

function tried(before: Rules, after: Rules, ...bodies: string[]) {
  const trial = new Trial(before, after);
  for (const body of bodies) trial.add(message('d/1', body));
  return trial.summary();
}

describe('Trial', () => {
  const all = rule('all', publishTo('x'));

  it('says that nothing changes where nothing does, also where ids name arrivals', () => {
    expect(tried(rules([all]), rules([all]), '{"t":1}', '{"t":1}', 'nonsense')).toEqual({ messages: 3, same: 3, changes: [] });
  });

  it('counts by what was and what would be, the most frequent first, with an example', () => {
    const after = rules([
      rule('hot', publishTo('y'), { when: 'values.t > 30.0' }),
      rule('cold', { kind: 'drop' }, { when: 'values.t < 0.0' }),
      rule('mild', publishTo('x'), { when: 'values.t < 10.0' }),
    ]);
    expect(tried(rules([all]), after, '{"t":31}', '{"t":32}', '{"t":-1}', '{"t":5}', '{"t":20}', '{"t":33}')).toEqual({
      messages: 6,
      same: 0,
      changes: [
        { from: 'forwarded to all', to: 'forwarded to hot', messages: 3, topic: 'd/1' },
        { from: 'forwarded to all', to: 'filtered route cold', messages: 1, topic: 'd/1' },
        { from: 'forwarded to all', to: 'forwarded to mild', messages: 1, topic: 'd/1' },
        { from: 'forwarded to all', to: 'dead-lettered NO_ROUTE', messages: 1, topic: 'd/1' },
      ],
    });
  });

  it('sees other content on the same way: values, or a routing key', () => {
    const renamed = [profile({ topics: ['d/{device}'], device: '{device}', rename: { t: 'temperature' } })];
    const change = { from: 'forwarded to all', to: 'forwarded to all, with other content', messages: 1, topic: 'd/1' };
    expect(tried(rules([all]), rules([all], renamed), '{"t":1}').changes).toEqual([change]);
    expect(tried(rules([all]), rules([rule('all', publishTo('x', { routingKey: '{device}' }))]), '{"t":1}').changes).toEqual([change]);
  });
});

describe('RecentMessages', () => {
  const bodies = (recent: RecentMessages): string[] => recent.list().map(({ body }) => body.toString());

  it('keeps the last ones in their order', () => {
    const recent = new RecentMessages(3, 1000);
    for (const body of ['a', 'b', 'c', 'd', 'e']) recent.add(message('t', body));
    expect(bodies(recent)).toEqual(['c', 'd', 'e']);
  });

  it('holds no more bytes than it may: the oldest go, and a large one is left out', () => {
    const recent = new RecentMessages(100, 50);
    recent.add(message('t', 'x'.repeat(6)));
    for (let i = 0; i < 40; i += 1) {
      recent.add(message('t', `${i}`.padStart(5, '.')));
      expect(recent.bytes).toBeLessThanOrEqual(50);
    }
    expect(bodies(recent).map((text) => Number(text.replaceAll('.', '')))).toEqual([30, 31, 32, 33, 34, 35, 36, 37, 38, 39]);
  });
});
