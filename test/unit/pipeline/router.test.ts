import { describe, expect, it } from 'vitest';
import { Router } from '../../../src/pipeline/router.ts';
import { publishTo, reading, rule } from './fixtures.ts';

const failures: string[] = [];
const router = (...rules: ConstructorParameters<typeof Router>[0][number][]): Router => {
  failures.length = 0;
  return new Router(rules, (route, message) => failures.push(`${route}: ${message}`));
};

describe('Router', () => {
  it('takes the first rule that matches', () => {
    const routing = router(rule('a', publishTo('a'), { profiles: ['q'] }), rule('b', publishTo('b')), rule('c', publishTo('c'))).route(reading());
    expect(routing.takers.map((to) => to.exchange)).toEqual(['b']);
    expect(routing).toMatchObject({ droppedBy: undefined, fault: undefined });
  });

  it('fans out over rules that say continue', () => {
    const routing = router(rule('a', publishTo('a'), { continue: true }), rule('b', publishTo('b')), rule('c', publishTo('c'))).route(reading());
    expect(routing.takers.map((to) => to.exchange)).toEqual(['a', 'b']);
  });

  it('drops by name, but takes nothing back that an earlier rule took', () => {
    const drop = rule('noise', { kind: 'drop' });
    expect(router(drop, rule('b', publishTo('b'))).route(reading())).toMatchObject({ takers: [], droppedBy: 'noise', fault: undefined });
    const after = router(rule('a', publishTo('a'), { continue: true }), drop, rule('b', publishTo('b'))).route(reading());
    expect(after.takers.map((to) => to.exchange)).toEqual(['a']);
    expect(after.droppedBy).toBeUndefined();
  });

  it('answers NO_ROUTE when nothing takes it; a best-effort copy does not count as taking', () => {
    const routing = router(rule('tap', publishTo('live', { delivery: 'best-effort' }), { continue: true })).route(reading());
    expect(routing.taps).toHaveLength(1);
    expect(routing.fault?.code).toBe('NO_ROUTE');
  });

  it.each([
    ['values.t > 80', { t: 81.5 }, true],
    ['values.t > 80', { t: 80 }, false],
    ['values.t == 80', { t: 80 }, true],
    ['values.n > 9007199254740993', { n: 9007199254740994n }, true],
    ["'late' in flags", { t: 1 }, true],
    ["tags.site == 'north'", { t: 1 }, true],
    ["topic.startsWith('d/')", { t: 1 }, true],
    ["values['__proto__'] == 1", { t: 1 }, false],
    ['values.absent > 1', { t: 1 }, false],
    ["values.s > 1 || device == 'dev'", { s: 'text' }, true],
  ])('%s on %o is %s', (when, values, matches) => {
    const routing = router(rule('x', publishTo('x'), { when })).route(reading(values, { tags: { site: 'north' }, flags: ['late'] }));
    expect(routing.takers.length === 1).toBe(matches);
    expect(failures).toEqual([]);
  });

  it('reports an expression that cannot be evaluated, and does not match', () => {
    const routing = router(rule('x', publishTo('x'), { when: 'values.s > 1' }), rule('rest', publishTo('y'))).route(reading({ s: 'text' }));
    expect(routing.takers.map((to) => to.exchange)).toEqual(['y']);
    expect(failures).toHaveLength(1);
  });

  it.each(['values.t >', 'nosuch > 3', '1 + 1', 'device'])('refuses %s when it is built', (when) => {
    expect(() => router(rule('x', publishTo('x'), { when }))).toThrow(/route "x".*when/);
  });

  it('builds keys and headers from the reading; a device cannot choose the words of its key', () => {
    const made = router(rule('x', publishTo('x', { routingKey: 'r.{tags.site}.{device}.{values.absent}', headers: { site: '{tags.site}', fixed: 'f' } })));
    const [to] = made.route(reading({}, { device: 'a.b#c', tags: { site: 'n.*' } })).takers;
    expect(to).toMatchObject({ routingKey: 'r.n__.a_b_c._', headers: { site: 'n.*', fixed: 'f' } });
    expect(made.route(reading({}, { device: 'a.b#c', tags: { site: 'n.*' } })).takers[0]).toBe(to);
  });

  it('keeps the levels of a topic in a key', () => {
    const [to] = router(rule('x', publishTo('x', { routingKey: '{topic}' }))).route(reading({}, { topic: 'a/b.c/d' })).takers;
    expect(to?.routingKey).toBe('a.b_c.d');
  });

  it('gives different destinations different keys, also when only a header differs', () => {
    const made = router(rule('x', publishTo('x', { routingKey: 'k', headers: { site: '{tags.site}' } })));
    const [a, b] = ['a', 'b'].map((site) => made.route(reading({}, { tags: { site } })).takers[0]?.key);
    expect(a).not.toBe(b);
  });

  it('takes no texts of a device for another destination, whatever stands between them', () => {
    const made = router(rule('x', publishTo('x', { routingKey: 'k', headers: { site: '{tags.site}', hall: '{tags.hall}' } })));
    const [a, b] = [
      ['1\n2', '3'],
      ['1', '2\n3'],
    ].map(([site, hall]) => made.route(reading({}, { tags: { site: site as string, hall: hall as string } })).takers[0]);
    expect(a).toMatchObject({ headers: { site: '1\n2', hall: '3' } });
    expect(b).toMatchObject({ headers: { site: '1', hall: '2\n3' } });
    expect(a?.key).not.toBe(b?.key);
  });

  it('sends readings to one destination whose names come to the same key', () => {
    const made = router(rule('x', publishTo('x', { routingKey: 'r.{device}' })));
    const [a, b, c] = ['a.b', 'a#b', 'ab'].map((device) => made.route(reading({}, { device })).takers[0]);
    expect(a?.routingKey).toBe('r.a_b');
    expect(b?.key).toBe(a?.key);
    expect(c?.key).not.toBe(a?.key);
  });

  it('refuses a routing key that AMQP cannot carry, counted in bytes', () => {
    const made = router(rule('x', publishTo('x', { routingKey: '{device}' })));
    expect(made.route(reading({}, { device: 'é'.repeat(127) })).takers).toHaveLength(1);
    expect(made.route(reading({}, { device: 'é'.repeat(128) })).fault?.code).toBe('ROUTE_INVALID');
  });

  it('is not led by __proto__ and other inherited names', () => {
    const [to] = router(rule('x', publishTo('x', { routingKey: '{tags.__proto__}.{tags.toString}.{values.constructor}' }))).route(
      reading({}, { tags: {} }),
    ).takers;
    expect(to?.routingKey).toBe('_._._');
  });
});
