import { Environment } from '@marcbachmann/cel-js';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shortcutOf } from '../../../src/domain/condition-shortcut.ts';

const environment = ['values', 'tags']
  .reduce((made, name) => made.registerVariable(name, 'map'), new Environment({ unlistedVariablesAreDyn: false }))
  .registerVariable('device', 'string')
  .registerVariable('flags', 'list')
  .registerVariable('measuredAt', 'double');

const name = fc.constantFrom('a', 'b', 'x y', 'toString');
const quoted = fc.constantFrom('a', 'b', 'late', 'on', '').map((text) => `'${text}'`);
const literal = fc.oneof(
  quoted,
  fc.integer({ min: -3, max: 3 }).map(String),
  fc.constantFrom('0.5', '1.0', '-2.5', 'true', 'false', 'null', '9007199254740993'),
);
const field = fc.tuple(fc.constantFrom('values', 'tags'), name).map(([of, key]) => `${of}['${key}']`);
const term = fc.oneof(field, fc.constantFrom('values.a', 'tags.b', 'device', 'measuredAt', 'flags'), literal);
const { expression } = fc.letrec<{ expression: string; simple: string }>((tie) => ({
  simple: fc.oneof(
    fc.tuple(term, fc.constantFrom('==', '!=', '<', '<=', '>', '>='), term).map(([a, op, b]) => `${a} ${op} ${b}`),
    fc.tuple(quoted, fc.constantFrom('values', 'tags', 'flags')).map(([text, among]) => `${text} in ${among}`),
    fc.tuple(term, fc.constantFrom('startsWith', 'endsWith', 'contains'), quoted).map(([on, method, part]) => `${on}.${method}(${part})`),
    field,
    field.map((one) => `has(${one.replace(/\['(\w+)'\]/, '.$1')})`),
  ),
  expression: fc.oneof(
    { maxDepth: 3 },
    tie('simple'),
    fc.tuple(tie('expression'), fc.constantFrom('&&', '||'), tie('expression')).map(([a, op, b]) => `(${a}) ${op} (${b})`),
    tie('expression').map((one) => `!(${one})`),
  ),
}));

const value = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom(0.5, -2.5, true, false, 'a', 'b', 'on', '', 2n));
const record = (of: fc.Arbitrary<unknown>): fc.Arbitrary<Record<string, unknown>> => fc.dictionary(name, of, { noNullPrototype: false, maxKeys: 3 });
const names = fc.record({
  values: record(value),
  tags: record(fc.constantFrom('a', 'b', 'late', '')),
  device: fc.constantFrom('a', 'late-1', ''),
  flags: fc.subarray(['late', 'on', 'a']),
  measuredAt: fc.constantFrom(0, 0.5, 1, 3),
});

describe('a shortcut', () => {
  it('answers what CEL answers, or nothing', () => {
    let answered = 0;
    fc.assert(
      fc.property(expression, names, (text, given) => {
        let whole: ReturnType<Environment['parse']>;
        try {
          whole = environment.parse(text);
        } catch {
          return;
        }
        if (!whole.check().valid) return;
        const answer = shortcutOf(whole.ast)?.(given);
        if (answer === undefined) return;
        answered += 1;
        expect(whole(given)).toBe(answer);
      }),
      { numRuns: 5000 },
    );
    expect(answered).toBeGreaterThan(500);
  });

  it.each([
    ["'temperature' in values && values.temperature > 80.0", true],
    ["tags.site != 'nowhere'", true],
    ["'late' in flags || values.temperature < 3", false],
    ["device.startsWith('a') && !(values.on)", true],
    ['measuredAt >= 5', true],
    // One side decides, whatever the other is.
    ["device == 'b' && values.missing + 1 > 2", false],
    ["device == 'a1' || size(tags) > 2", true],
  ])('answers %s', (text, answer) => {
    const given = { values: { temperature: 81, on: false }, tags: { site: 'x' }, device: 'a1', flags: [], measuredAt: 5 };
    expect(shortcutOf(environment.parse(text).ast)?.(given)).toBe(answer);
  });

  it.each(['size(device) > 3', 'values.missing == 1', 'values.big > 1', "values.temperature == 'x'", 'flags.exists(f, f == "late")'])(
    'leaves %s to CEL',
    (text) => {
      const given = { values: { temperature: 81, big: 2n }, tags: {}, device: 'a1', flags: [], measuredAt: 5 };
      expect(shortcutOf(environment.parse(text).ast)?.(given)).toBeUndefined();
    },
  );
});
