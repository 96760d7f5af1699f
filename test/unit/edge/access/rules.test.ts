import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultRules, Rights } from '../../../../src/edge/access/rules.ts';
import { levelsOf, matches } from '../../../../src/edge/topic-filter.ts';
import { deviceUser } from '../../../../src/rabbit/device-account.ts';

function rights(name: string, rules = defaultRules(name)): Rights {
  return new Rights(rules, name);
}

describe('the rules of an account', () => {
  it.each([
    ['plant-1', 'devices/plant-1/t', true],
    ['plant-1', 'devices/plant-1/pump/t', true],
    ['plant-1', 'devices/plant-1', false],
    ['plant-1', 'devices/plant-2/t', false],
    ['plant-1', 'devices/plant-1x/t', false],
    ['plant-1', 'commands/plant-1/t', false],
    ['plant-1', 'x/devices/plant-1/t', false],
    ['plant-1', '$SYS/x', false],
    ['plant-1', `devices/plant-1/${'x'.repeat(184)}`, true],
    ['plant-1', `devices/plant-1/${'x'.repeat(185)}`, false],
    ['plant-1', `devices/plant-1/${'é'.repeat(100)}`, false],
    ['plant-1', 'devices/plant-1/a\u0007', false],
    ['plant-1.pump', 'devices/plant-1/pump/t', true],
    ['plant-1.pump', 'devices/plant-1/fan/t', false],
  ])('by default are those of its account on the broker: %s publishes to %s: %s', (name, topic, expected) => {
    expect(rights(name).mayPublish('id', topic)).toBe(expected);
    const [site = '', device] = name.split('.');
    const { write } = deviceUser({ name: site, device, password: 'x' }, 'amq.topic').topics[0] as { readonly write: string };
    // As RabbitMQ asks it: of the routing key, \z for the end, the user's name put in. Bytes, as PCRE counts them.
    const pattern = new RegExp(write.replaceAll('{username}', name).replace('\\z', '$'));
    expect(pattern.test(Buffer.from(topic.replaceAll('/', '.')).toString('latin1'))).toBe(expected);
  });

  it.each([
    ['devices/plant-1/#', true],
    ['devices/plant-1/+/x', true],
    ['commands/plant-1/#', true],
    ['#', false],
    ['+/plant-1/x', false],
    ['devices/#', false],
    ['devices/+/x', false],
    ['$SYS/#', false],
    ['$share/g/devices/plant-1/#', false],
    ['$session', false],
    ['devices/plant-1/x#', false],
    [`devices/plant-1/${'x'.repeat(185)}`, false],
    ['', false],
  ])('say of the subscription %s: %s', (filter, expected) => {
    expect(rights('plant-1').maySubscribe('id', filter)).toBe(expected);
  });

  it('allow no $ topics, whatever stands in them', () => {
    const all = rights('a', { publish: ['#', '$SYS/#'], subscribe: ['#', '$SYS/#', '$share/#'] });
    expect(['$SYS/a', '$share/g/a', '$'].filter((text) => all.mayPublish('id', text) || all.maySubscribe('id', text))).toEqual([]);
  });

  it('put name and client id where they stand for a part of a level, and a hostile one nowhere', () => {
    const rules = { publish: ['t/x-{clientid}/{username}'], subscribe: ['t/{clientid}/#'] };
    expect(rights('u', rules).mayPublish('c', 't/x-c/u')).toBe(true);
    expect(rights('u', rules).mayPublish('d', 't/x-c/u')).toBe(false);
    for (const id of ['', '+', '#', 'a/b', '$SYS', '{username}', 'a\0', '\ufffd']) {
      const all = [`t/${id}/x`, 't/any/x', 't/a/b', 't/#', 't/+/x', '#'];
      expect(all.filter((filter) => rights('u', rules).maySubscribe(id, filter))).toEqual([]);
    }
    for (const name of ['', '+', '#', 'a/b', '$x', '{clientid}'])
      expect(rights(name, { publish: ['{username}/#'], subscribe: [] }).mayPublish('c', 'x/y')).toBe(false);
  });

  it('take replacement patterns in a client id for what they are', () => {
    const rules = { publish: ['t/{clientid}/x'], subscribe: [] };
    expect(rights('u', rules).mayPublish('a$&b', 't/a$&b/x')).toBe(true);
    expect(rights('u', rules).mayPublish('a$&b', 't/a{clientid}b/x')).toBe(false);
  });

  it('let nobody hear by a subscription what no rule names', () => {
    const LEVEL = fc.constantFrom('a', 'b', '', '$x');
    const filter = fc
      .tuple(fc.array(fc.oneof(LEVEL, fc.constant('+')), { maxLength: 4 }), fc.boolean())
      .map(([levels, rest]) => [...levels, ...(rest || levels.length === 0 ? ['#'] : [])].join('/'));
    const topic = fc.array(LEVEL, { minLength: 1, maxLength: 5 }).map((levels) => levels.join('/'));
    let allowed = 0;
    fc.assert(
      fc.property(fc.array(filter, { minLength: 1, maxLength: 3 }), filter, fc.array(topic, { maxLength: 5 }), (rules, asked, topics) => {
        if (!rights('u', { publish: [], subscribe: rules }).maySubscribe('c', asked)) return;
        allowed += 1;
        const heard = topics.filter((one) => matches(levelsOf(asked), one));
        expect(heard.filter((one) => !rules.some((rule) => matches(levelsOf(rule), one)))).toEqual([]);
      }),
      { numRuns: 4_000 },
    );
    expect(allowed).toBeGreaterThan(100);
  });
});
