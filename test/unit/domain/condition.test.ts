import { describe, expect, it } from 'vitest';
import { type Condition, LETTER_CONDITIONS, READING_CONDITIONS } from '../../../src/domain/condition.ts';

const NAMES = {
  device: 'hall/d1',
  profile: 'p',
  topic: 'a/t',
  values: { a: 1.5, 'a b': true },
  units: { a: 'Cel' },
  tags: { site: 'x' },
  flags: ['late'],
  measuredAt: 1000,
  receivedAt: 3000,
};

function conditionOf(text: string): Condition {
  const result = READING_CONDITIONS.compile(text);
  if (!result.ok) throw new Error(result.problem);
  return result.value;
}

describe('a condition', () => {
  it.each([
    ["'late' in flags", true],
    ['values.a > 1.0', true],
    ['has(values.b) && values.b > 1', false],
    ['values["a b"] == true', true],
    ["tags.site == 'y' || topic.endsWith('/t')", true],
    ['receivedAt - measuredAt > 1000.0', true],
    ['units.a == "Cel"', true],
    ['flags.exists(f, f == "late")', true],
    ['size(device) > 30', false],
    ['true', true],
    // Any value may be anything: that it is no truth shows only then, and is not true.
    ['values.a', false],
  ])('answers %s with %s', (text, answer) => expect(conditionOf(text)(NAMES)).toBe(answer));

  it.each([
    ['1 +', /^this is not a CEL expression: /],
    ['', /^this is not a CEL expression: /],
    ['nope(1)', /^this CEL expression cannot be evaluated: .*nope/],
    ['payload == 1', /^this CEL expression cannot be evaluated: .*payload/],
    ['device + 1', /^this CEL expression cannot be evaluated: /],
    ['device', /^the expression must answer true or false, not string/],
    ['receivedAt * 2.0', /^the expression must answer true or false, not double/],
  ])('refuses %j', (text, problem) => expect(READING_CONDITIONS.compile(text)).toEqual({ ok: false, problem: expect.stringMatching(problem) as string }));

  it('throws for values that it cannot be evaluated for', () => {
    expect(() => conditionOf('values.missing > 1')(NAMES)).toThrow(/^No such key/);
    expect(() => conditionOf('values.a > "x"')(NAMES)).toThrow(/overload/);
  });

  it('knows the names of its own language only', () => {
    expect(LETTER_CONDITIONS.compile('replays > 1').ok).toBe(true);
    expect(LETTER_CONDITIONS.compile('values.a > 1').ok).toBe(false);
    expect(READING_CONDITIONS.compile('replays > 1').ok).toBe(false);
  });
});
