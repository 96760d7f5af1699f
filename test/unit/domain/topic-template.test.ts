import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { topicProblem } from '../../../src/domain/topic.ts';
import { compileTopicFilter, compileTopicTemplate, topicFilterProblem, type TopicTemplate, TopicTree } from '../../../src/domain/topic-template.ts';

function template(text: string): TopicTemplate {
  const result = compileTopicTemplate(text);
  if (!result.ok) {
    throw new Error(result.problem);
  }
  return result.value;
}

function tree(...texts: string[]): TopicTree<string> {
  return new TopicTree(texts.map((text) => ({ template: template(text), value: text })));
}

function captures(text: string, topic: string): Record<string, string> | undefined {
  const found = tree(text).find(topic);
  return found === undefined ? undefined : { ...found.captures };
}

describe('templates', () => {
  it.each([
    ['devices/{device}/telemetry', 'devices/d1/telemetry', { device: 'd1' }],
    ['devices/{device}/telemetry', 'devices/d1/status', undefined],
    ['devices/{device}/telemetry', 'devices/d1/telemetry/x', undefined],
    ['devices/{device}/telemetry', 'devices/d1', undefined],
    ['{site}/+/{device}/{channel...}', 'hall/x/d1/a', { site: 'hall', device: 'd1', channel: 'a' }],
    ['{site}/+/{device}/{channel...}', 'hall/x/d1/a/b//', { site: 'hall', device: 'd1', channel: 'a/b//' }],
    ['{site}/+/{device}/{channel...}', 'hall/x/d1', undefined],
    ['a/#', 'a', {}],
    ['a/#', 'a/b/c', {}],
    ['a/#', 'ab', undefined],
    ['#', 'anything/at/all', {}],
    ['{all...}', 'x', { all: 'x' }],
    ['/{device}', '/d1', { device: 'd1' }],
    ['{device}', '/d1', undefined],
    ['{a}/{b}', '/', { a: '', b: '' }],
    ['{a}//{b}', 'x//y', { a: 'x', b: 'y' }],
    ['d/{device}/', 'd/1/', { device: '1' }],
    ['d/{device}/', 'd/1', undefined],
    ['Küche/{device}', 'Küche/Thermostat Süd', { device: 'Thermostat Süd' }],
    ['{a}/x', '$SYS/x', undefined],
    ['#', '$SYS/x', undefined],
    ['$SYS/{a}', '$SYS/x', { a: 'x' }],
    ['d/{__proto__}', 'd/x', Object.fromEntries([['__proto__', 'x']])],
  ])('%s on %s', (text, topic, expected) => {
    expect(captures(text, topic)).toEqual(expected);
  });

  it.each([
    ['', 'empty'],
    ['a/#/b', '# may only be the last level'],
    ['a/{rest...}/b', '{rest...} may only be the last level'],
    ['{a}/{a}', '{a} stands twice'],
    ['a/x{device}', 'must fill its level'],
    ['a/{}', 'must fill its level'],
    ['a/{de vice}', 'must fill its level'],
    ['a/{device', 'must fill its level'],
    ['a+/b', 'a level of their own'],
    ['a/b#', 'a level of their own'],
    ['a/\u0000', 'control character'],
  ])('%j is refused: %s', (text, problem) => {
    expect(compileTopicTemplate(text)).toMatchObject({ ok: false, problem: expect.stringContaining(problem) });
  });
});

describe('TopicTree', () => {
  it('answers the first that matches, not the narrowest', () => {
    expect(tree('{a}/{b}', 'x/{b}', 'x/y').find('x/y')?.value).toBe('{a}/{b}');
    expect(tree('x/y', '{a}/{b}').find('x/y')?.value).toBe('x/y');
    expect(tree('#', 'x/y').find('x/y')?.value).toBe('#');
    expect(tree('x/{r...}', 'x/#').find('x')?.value).toBe('x/#');
  });

  it('is equal to trying one template after the other', () => {
    const level = fc.constantFrom('a', 'b', '', '$c', '+');
    const text = fc
      .tuple(fc.array(level, { minLength: 1, maxLength: 4 }), fc.constantFrom('', '/#', '/{rest...}'))
      .map(([levels, end]) => levels.map((l, i) => (l === '+' && i % 2 === 0 ? `{c${i}}` : l)).join('/') + end)
      .filter((t) => t !== '');
    const topic = fc.array(fc.constantFrom('a', 'b', '', '$c', 'd'), { minLength: 1, maxLength: 6 }).map((levels) => levels.join('/'));
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 12 }), topic, (texts, t) => {
        const found = tree(...texts).find(t);
        const first = texts.find((one) => tree(one).find(t) !== undefined);
        expect(found?.value).toBe(first);
        expect(found?.captures).toEqual(first === undefined ? undefined : tree(first).find(t)?.captures);
      }),
      { numRuns: 500 },
    );
  });
});

/** MQTT-4.7 written down as plainly as can be. */
function naive(filter: string[], topic: string[]): boolean {
  if (filter.length === 0) return topic.length === 0;
  if (filter[0] === '#') return true;
  return topic.length > 0 && (filter[0] === '+' || filter[0] === topic[0]) && naive(filter.slice(1), topic.slice(1));
}

describe('compileTopicFilter', () => {
  it.each([
    // The examples of MQTT 3.1.1, section 4.7.
    ['sport/tennis/player1/#', 'sport/tennis/player1', true],
    ['sport/tennis/player1/#', 'sport/tennis/player1/ranking', true],
    ['sport/#', 'sport', true],
    ['sport/tennis/+', 'sport/tennis/player1', true],
    ['sport/tennis/+', 'sport/tennis/player1/ranking', false],
    ['sport/+', 'sport', false],
    ['sport/+', 'sport/', true],
    ['+/+', '/finance', true],
    ['/+', '/finance', true],
    ['+', '/finance', false],
    ['#', '$SYS/x', false],
    ['+/monitor/Clients', '$SYS/monitor/Clients', false],
    ['$SYS/#', '$SYS/x', true],
    ['$SYS/monitor/+', '$SYS/monitor/Clients', true],
    ['devices/+/x/#', 'devices/d/x', true],
    ['devices/+/x/#', 'devices/d/xy', false],
    ['a/b', 'a/b', true],
    ['a/b', 'A/b', false],
    ['#', 'a', true],
  ])('%s on %s: %s', (filter, topic, expected) => {
    expect(compileTopicFilter(filter)(topic)).toBe(expected);
  });

  it('follows the definition', () => {
    const levels = fc.array(fc.constantFrom('a', 'b', '', 'ab', '+'), { minLength: 1, maxLength: 4 });
    const topics = fc.array(fc.constantFrom('a', 'b', '', 'ab'), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(levels, fc.boolean(), topics, (filter, rest, topic) => {
        const all = rest ? [...filter, '#'] : filter;
        fc.pre(all.join('/') !== '');
        expect(compileTopicFilter(all.join('/'))(topic.join('/'))).toBe(naive(all, topic));
      }),
      { numRuns: 1000 },
    );
  });

  it.each(['', 'a/#/b', 'a+', '{device}/x'])('refuses %j', (filter) => {
    expect(topicFilterProblem(filter)).toBeTypeOf('string');
    expect(() => compileTopicFilter(filter)).toThrow(TypeError);
  });
});

describe('topicProblem', () => {
  it.each(['', 'a\u0000b', 'a\rb', 'a\nb', 'a\u001b[31m', 'a\u007f', 'a\u0085', 'a\ufffdb', 'a/+', '#', 'a\ud800'])('refuses %j', (topic) => {
    const problem = topicProblem(topic);
    expect(problem).toBeTypeOf('string');
    expect(problem).not.toMatch(/[\p{Cc}\p{Cs}]/u);
  });

  it.each(['a', '/', '//', 'a/', 'Küche/Thermostat Süd', '\u{1F600}', 'a\u200fb', 'é'.repeat(200), '$SYS/x', 'a.b/c'])('takes %j', (topic) => {
    expect(topicProblem(topic)).toBeUndefined();
  });
});
