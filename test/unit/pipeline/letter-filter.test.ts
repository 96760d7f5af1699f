import { describe, expect, it } from 'vitest';
import type { LetterFilter } from '../../../src/domain/letter.ts';
import { compileLetterFilter, parseInstant } from '../../../src/pipeline/letter-filter.ts';
import { letter } from '../../support/letters.ts';

const NOW = Date.parse('2026-06-01T12:00:00Z');
const matches = (filter: LetterFilter, overrides = {}): boolean => compileLetterFilter(filter, NOW)(letter({ buriedAt: NOW - 3_600_000, ...overrides }));

describe('compileLetterFilter', () => {
  it('takes everything where nothing is asked', () => {
    expect(matches({})).toBe(true);
  });

  it.each<[LetterFilter, object, boolean]>([
    [{ codes: ['NO_ROUTE', 'DECODE_INVALID'] }, {}, true],
    [{ codes: ['NO_ROUTE'] }, {}, false],
    [{ stages: ['decode'] }, {}, true],
    [{ stages: ['route'] }, {}, false],
    [{ routes: ['alarms'] }, { route: 'alarms' }, true],
    [{ routes: ['alarms'] }, {}, false],
    [{ ids: ['d1'] }, {}, true],
    [{ ids: ['d2'] }, {}, false],
    [{ device: 'hall/d1' }, { device: 'hall/d1', topic: 'x' }, true],
    [{ device: 'd1' }, { device: 'hall/d1', topic: 'devices/hall/d1/telemetry' }, false],
    [{ device: 'hall/d1' }, { topic: 'devices/hall/d1/telemetry' }, true],
    [{ device: 'd1' }, { topic: 'devices/hall/d10/telemetry' }, false],
    [{ topic: 'devices/+/d1/#' }, { topic: 'devices/hall/d1/telemetry' }, true],
    [{ topic: 'devices/+' }, { topic: 'devices/hall/d1/telemetry' }, false],
    [{ since: NOW - 3_600_000 }, {}, true],
    [{ since: NOW - 3_599_999 }, {}, false],
    [{ until: NOW - 3_600_000 }, {}, false],
    [{ until: NOW }, {}, true],
    [{ codes: ['DECODE_INVALID'], stages: ['route'] }, {}, false],
    [{ where: 'attempts > 3 && size >= 10' }, { attempts: 4, size: 10 }, true],
    [{ where: 'replays == 0 && ageSeconds == 3600' }, {}, true],
    [{ where: 'message.contains("JSON") && topic.startsWith("devices/")' }, { message: 'not JSON', topic: 'devices/a' }, true],
    [{ where: 'code in ["A", "DECODE_INVALID"] || route == "x"' }, {}, true],
    [{ where: '1 / attempts > 0' }, { attempts: 0 }, false],
  ])('%j on %j: %j', (filter, overrides, expected) => {
    expect(matches(filter, overrides)).toBe(expected);
  });

  it.each([
    [{ where: 'code ==' }, /^where: this is not a CEL expression/],
    [{ where: 'payload == 1' }, /^where: .*payload/],
    [{ where: 'attempts + 1' }, /^where: the expression must answer true or false/],
    [{ topic: 'a/#/b' }, /^topic: /],
  ])('refuses %j with a reason', (filter, reason) => {
    expect(() => compileLetterFilter(filter, NOW)).toThrow(reason);
  });
});

describe('parseInstant', () => {
  it.each([
    ['45s', NOW - 45_000],
    ['30m', NOW - 1_800_000],
    ['2h', NOW - 7_200_000],
    ['3d', NOW - 259_200_000],
    ['1w', NOW - 604_800_000],
    ['2026-06-01T11:00:00Z', NOW - 3_600_000],
    ['2026-06-01T13:00+02:00', NOW - 3_600_000],
    ['2026-06-01', NOW - 43_200_000],
  ])('reads %s', (text, at) => {
    expect(parseInstant(text, NOW)).toBe(at);
  });

  it.each(['', '2', 'h', '-2h', '2 h', 'yesterday', '2026-06-01T11:00:00', '2026-13-01', '1717243200'])('does not read %j', (text) => {
    expect(parseInstant(text, NOW)).toBeUndefined();
  });
});
