import { describe, expect, it } from 'vitest';
import type { Replay } from '../../../src/domain/message.ts';
import type { Reading } from '../../../src/domain/reading.ts';
import { LetterPlanner, PlanSummary } from '../../../src/pipeline/letter-plan.ts';
import { readingsInScope, routingInScope } from '../../../src/pipeline/replay-scope.ts';
import { Router } from '../../../src/pipeline/router.ts';
import { letter } from '../../support/letters.ts';
import { publishTo, reading, rule } from './fixtures.ts';
import { message, NOW, normaliser, readings, time } from './normalise-support.ts';

const replay = (changes: Partial<Replay>): Replay => ({
  of: 'first',
  count: 1,
  scope: 'reading',
  readingId: 'abc-1',
  readings: 3,
  route: undefined,
  firstFailedAt: 1,
  ...changes,
});
const three = [0, 1, 2].map((n) => reading({ n }, { id: `abc-${n}` }));
const two = new Router(
  [rule('a', publishTo('a'), { continue: true }), rule('tap', publishTo('t', { delivery: 'best-effort' }), { continue: true }), rule('b', publishTo('b'))],
  () => {},
);

describe('the scope of a replay', () => {
  it('is everything where there is none, or a whole message had failed', () => {
    expect(readingsInScope(three, undefined)).toBe(three);
    expect(readingsInScope(three, replay({ scope: 'message' }))).toBe(three);
    const routing = two.route(reading());
    expect(routingInScope(routing, replay({ scope: 'message' }))).toBe(routing);
  });

  it('is the one reading that had failed, on every route, without the live copies that it had', () => {
    expect(readingsInScope(three, replay({}))).toEqual([three[1]]);
    const routing = routingInScope(two.route(reading()), replay({}));
    expect({ takers: routing.takers.map(({ route }) => route), taps: routing.taps }).toEqual({ takers: ['a', 'b'], taps: [] });
  });

  it('is the one route that had failed', () => {
    const { takers, taps } = routingInScope(two.route(reading()), replay({ scope: 'route', route: 'b' }));
    expect({ takers: takers.map(({ route }) => route), taps }).toEqual({ takers: ['b'], taps: [] });
  });

  it.each([
    ['the message holds another number of readings today', readingsInScope(three.slice(1), replay({}))],
    ['the reading has no number', readingsInScope(three, replay({ readingId: 'abc' }))],
    ['it is not said which reading', readingsInScope(three, replay({ readingId: undefined }))],
    ['the route does not take it any more', routingInScope(two.route(reading()), replay({ scope: 'route', route: 'gone' })).fault],
  ])('is not guessed: %s', (_, found) => {
    expect(found).toMatchObject({ code: 'REPLAY_MISMATCH', kind: 'permanent' });
  });
});

describe('ids of replayed readings', () => {
  const profile = { each: '$.list', values: '$.v' };
  const body = '{"list":[{"v":{"x":1}},{"v":{"x":2}}]}';

  it('are the same at every replay, and not flagged, where the payload has nothing to tell them by', () => {
    const ids = (gateway: ReturnType<typeof normaliser>, changes: Partial<Replay>): unknown[] =>
      readings(gateway.normalise(message(body, { replay: replay({ scope: 'message', readingId: undefined, ...changes }) }))).map(({ id, flags }) => [
        id,
        flags,
      ]);
    const gateway = normaliser(profile);
    const first = ids(gateway, {});
    expect(first).toEqual([
      ['first-0', ['no-device-time']],
      ['first-1', ['no-device-time']],
    ]);
    expect(ids(gateway, { count: 2 })).toEqual(first);
  });

  it('are those of before where a reading had one', () => {
    const found = readings(normaliser(profile).normalise(message(body, { replay: replay({ readingId: 'gw9-4-1', readings: 2 }) })));
    expect(found.map(({ id }) => id)).toEqual(['gw9-4-0', 'gw9-4-1']);
  });

  it('come from topic and payload as ever where there is a time', () => {
    const timed = normaliser({ time: time(), values: '$.v' });
    const text = `{"time":${NOW},"v":{"x":1}}`;
    const [plain, again] = [
      readings(timed.normalise(message(text))),
      readings(timed.normalise(message(text, { replay: replay({ scope: 'message' }) }))),
    ] as Reading[][];
    expect(again?.[0]?.id).toBe(plain?.[0]?.id);
  });
});

describe('LetterPlanner', () => {
  const rules = { maxReplays: 3, whole: false };
  const router = new Router(
    [
      rule('hot', publishTo('x'), { when: 'values.x > 5.0', continue: true }),
      rule('none', { kind: 'drop' }, { when: 'values.x < 0.0' }),
      rule('all', publishTo('y'), { when: 'values.x < 100.0' }),
    ],
    () => {},
  );
  const today = { normaliser: normaliser({ topics: ['devices/{site}/{device}/telemetry'] }), router };
  const planner = new LetterPlanner(
    () => today,
    () => NOW,
  );
  const plan = (body: string, changes = {}) => planner.plan(letter(changes), Buffer.from(body), rules);

  it.each([
    ['{"x":1}', {}, { outcome: 'forwarded', readings: 1, routes: { all: 1 } }],
    ['{"x":6}', {}, { outcome: 'forwarded', readings: 1, routes: { hot: 1, all: 1 } }],
    ['{"x":6}', { scope: 'route', route: 'hot', readingId: 'a-0', readings: 1 }, { outcome: 'forwarded', readings: 1, routes: { hot: 1 } }],
    ['{"x":1}', { scope: 'route', route: 'hot', readingId: 'a-0', readings: 1 }, { outcome: 'dead-lettered', code: 'REPLAY_MISMATCH', readings: 0 }],
    ['{"x":-1}', {}, { outcome: 'filtered', code: 'route none' }],
    ['', {}, { outcome: 'filtered', code: 'empty' }],
    ['{"x":', {}, { outcome: 'dead-lettered', code: 'DECODE_INVALID' }],
    ['{"x":1}', { topic: 'other/topic' }, { outcome: 'dead-lettered', code: 'NO_PROFILE' }],
    ['{"x":1}', { replays: 3 }, { outcome: 'skipped', code: 'max-replays' }],
    ['{"x":1}', { origin: 'stranger' }, { outcome: 'skipped', code: 'stranger' }],
  ])('says what would become of %s %j', (body, changes, expected) => {
    expect(plan(body, changes)).toMatchObject(expected);
  });

  it('adds up', () => {
    const summary = new PlanSummary();
    for (const body of ['{"x":1}', '{"x":6}', '{"x":']) summary.add(plan(body));
    expect(summary).toMatchObject({ letters: 3, readings: 2, outcomes: { forwarded: 2, 'dead-lettered DECODE_INVALID': 1 }, routes: { all: 2, hot: 1 } });
  });
});
