import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultCodecs } from '../../../src/codec/registry.ts';
import { DEFAULT_LIMITS, type ProfileSpec } from '../../../src/domain/profile.ts';
import { compileNormaliser } from '../../../src/pipeline/normaliser.ts';
import { message, normaliser, NOW, outcome, profile, readings, time } from './normalise-support.ts';

function values(changes: Partial<ProfileSpec>, body: string): unknown {
  const result = normaliser(changes).normalise(message(body));
  return result.kind === 'readings' ? result.readings.map((reading) => ({ ...reading.values })) : outcome(result);
}

describe('a reading', () => {
  it('carries what profile, topic and payload say of it', () => {
    const gateway = normaliser({
      name: 'climate',
      topics: ['devices/{site}/{device}/telemetry', 'devices/{site}/{device}/telemetry/{channel...}'],
      device: '{site}/{device}',
      deviceCheck: '$.device',
      time: time(),
      sequence: '$.seq',
      values: '$.values',
      units: { temperature: 'Cel', power: 'W' },
      tags: { site: '{site}', channel: '{channel}', kind: '$.kind', floor: '$.floor', absent: '$.absent' },
    });
    const body = `{"time":${NOW - 1000},"seq":5,"device":"hall/1","kind":"x","floor":-2,"values":{"temperature":21.5,"on":true}}`;
    const [reading] = readings(gateway.normalise(message(body, { topic: 'devices/hall/1/telemetry/a/b' })));
    expect(reading).toEqual({
      id: expect.stringMatching(/^[A-Za-z0-9_-]{32}-0$/),
      device: 'hall/1',
      profile: 'climate',
      topic: 'devices/hall/1/telemetry/a/b',
      measuredAt: NOW - 1000,
      receivedAt: NOW,
      values: { temperature: 21.5, on: true },
      units: { temperature: 'Cel' },
      tags: { site: 'hall', channel: 'a/b', kind: 'x', floor: '-2' },
      flags: undefined,
    });
    const [bare] = readings(gateway.normalise(message('{"time":1,"values":{"a":1}}', { topic: 'devices/hall/1/telemetry' })));
    expect(bare).toMatchObject({ units: undefined, tags: { site: 'hall' }, flags: ['arrival-id', 'clock-unset'] });
  });

  it('has no tags or units where none apply', () => {
    const [reading] = readings(normaliser({ tags: { kind: '$.kind' }, units: { x: 'W' } }).normalise(message('{"a":1}')));
    expect(reading).toMatchObject({ tags: undefined, units: undefined });
  });

  it('is named by the payload where the profile says so', () => {
    const gateway = normaliser({ topics: ['gateway/{gw}'], device: '$.id', values: '$.v' });
    const device = (body: string): string | undefined => {
      const result = gateway.normalise(message(body, { topic: 'gateway/x' }));
      return result.kind === 'readings' ? result.readings[0]?.device : outcome(result);
    };
    expect(device('{"id":"d7","v":{"a":1}}')).toBe('d7');
    expect(device('{"id":42,"v":{"a":1}}')).toBe('42');
    expect(device('{"id":12345678901234567890,"v":{"a":1}}')).toBe('12345678901234567890');
    for (const id of ['""', 'null', 'true', '{}', '["d"]', `"${'x'.repeat(1025)}"`]) {
      expect(device(`{"id":${id},"v":{"a":1}}`)).toBe('DEVICE_MISSING');
    }
    expect(device('{"v":{"a":1}}')).toBe('DEVICE_MISSING');
  });

  it.each(['{"k":1}', '[1]', `"${'x'.repeat(1025)}"`])('is refused where a tag is %s', (tag) => {
    const result = normaliser({ tags: { t: '$.t' } }).normalise(message(`{"t":${tag},"a":1}`));
    expect(outcome(result)).toBe('SCHEMA_MISMATCH');
  });
});

describe('values', () => {
  it.each<[string, Partial<ProfileSpec>, string, unknown]>([
    ['the whole object', {}, '{"a":1,"b":{"c":"x"}}', [{ a: 1, 'b.c': 'x' }]],
    [
      'what other entries use is left out',
      { time: time(), sequence: '$.seq', deviceCheck: '$.id', tags: { k: '$.meta.kind' } },
      '{"time":1,"seq":2,"id":3,"meta":{"kind":"x","v":7},"a":1}',
      [{ 'meta.v': 7, a: 1 }],
    ],
    ['also below the object of values', { values: '$.v', time: time({ from: '$.v.t' }) }, '{"v":{"t":1,"a":1}}', [{ a: 1 }]],
    ['also when they are taken from the whole payload', { time: time({ from: '$$.t' }) }, '{"t":1,"a":1}', [{ a: 1 }]],
    ['also in an array', { each: '$', values: '$', time: time({ from: '$[0]' }) }, '[[1,20],[2,21]]', [{ 1: 20 }, { 1: 21 }]],
    ['what is excluded', { exclude: ['b.c', 'x\\.y'] }, '{"a":1,"b":{"c":2,"d":3},"x.y":4}', [{ a: 1, 'b.d': 3 }]],
    [
      'a table',
      { values: { t: '$.data[0].value', all: '$.o', site: '{device}' } },
      '{"data":[{"value":5}],"o":{"x":1,"n":null}}',
      [{ t: 5, 'all.x': 1, site: '1' }],
    ],
    ['a table with nothing found', { values: { t: '$.t' } }, '{"x":1}', 'NO_VALUES'],
    ['a table of the scalar itself', { values: { t: '$' } }, '21.5', [{ t: 21.5 }]],
    ['a table and a scalar', { values: { t: '$.t' } }, '21.5', 'SCHEMA_MISMATCH'],
    ['a table and a named scalar', { values: { t: '$.t' }, scalar: 's' }, '21.5', [{ s: 21.5 }]],
    ['a scalar at the path', { values: '$.value', scalar: 's' }, '{"value":21.5}', [{ s: 21.5 }]],
    ['an array at the path', { values: '$.v' }, '{"v":[1,[2,3]]}', [{ 0: 1, '1.0': 2, '1.1': 3 }]],
    ['nothing at the path', { values: '$.v' }, '{"w":1}', 'NO_VALUES'],
    ['an empty object', {}, '{}', 'NO_VALUES'],
    ['an empty array', {}, '[]', 'NO_VALUES'],
    ['a root array', {}, '[{"a":1},{"a":2}]', [{ a: 1 }, { a: 2 }]],
    ['a root array of scalars', { scalar: 's' }, '[1,true,"x"]', [{ s: 1 }, { s: true }, { s: 'x' }]],
    ['elements of nulls are left out', {}, '[{"a":null},null,{"a":2}]', [{ a: 2 }]],
    ['each', { each: '$.list' }, '{"x":9,"list":[{"a":1},{"a":2}]}', [{ a: 1 }, { a: 2 }]],
    ['each is absent', { each: '$.list' }, '{"x":9}', 'SCHEMA_MISMATCH'],
    ['each is an object', { each: '$.list' }, '{"list":{"a":1}}', 'SCHEMA_MISMATCH'],
    [
      'each and a path into the whole payload',
      { each: '$.list', values: { a: '$.a', g: '$$.g' } },
      '{"g":9,"list":[{"a":1},{"a":2}]}',
      [
        { a: 1, g: 9 },
        { a: 2, g: 9 },
      ],
    ],
  ])('%s', (_, changes, body, expected) => {
    expect(values(changes, body)).toEqual(expected);
  });

  it('cannot be multiplied by pointing many readings at one place', () => {
    const many = `[${Array.from({ length: 500 }, () => '{"a":1}').join()}]`;
    const big = normaliser({ each: '$.list', values: { big: '$$.big' } });
    expect(outcome(big.normalise(message(`{"big":"${'x'.repeat(500_000)}","list":${many}}`)))).toBe('LIMIT_BYTES');
    const wide = normaliser({ each: '$.list', values: { wide: '$$.wide' } });
    expect(outcome(wide.normalise(message(`{"wide":[${'1,'.repeat(50)}1],"list":[${'0,'.repeat(999)}0]}`)))).toBe('LIMIT_FIELDS');
  });
});

describe('ids', () => {
  const timed = (): ReturnType<typeof normaliser> => normaliser({ time: time(), sequence: '$.seq' });
  const ids = (gateway: ReturnType<typeof normaliser>, body: string, topic = 'd/1'): string[] =>
    readings(gateway.normalise(message(body, { topic }))).map((reading) => reading.id);

  it('with a time are the same on redelivery, on every gateway', () => {
    expect(ids(timed(), `{"time":${NOW},"a":1}`)).toEqual(ids(timed(), `{"time":${NOW},"a":1}`));
  });

  it('differ by topic, by value within one coarse second, and by index', () => {
    const all = [
      ...ids(timed(), `[{"time":${NOW},"a":1},{"time":${NOW},"a":1}]`),
      ...ids(timed(), `{"time":${NOW},"a":1}`),
      ...ids(timed(), `{"time":${NOW},"a":2}`),
      ...ids(timed(), `{"time":${NOW},"a":1}`, 'd/2'),
    ];
    expect(new Set(all).size).toBe(5);
  });

  it.each(['{"a":1}', '{"time":5,"a":1}', '{"time":"never","a":1}', '{"seq":null,"a":1}', '{"seq":"","a":1}', '{"seq":true,"a":1}'])(
    'of %s name the arrival, and say so',
    (body) => {
      const gateway = timed();
      const first = readings(gateway.normalise(message(body)))[0];
      const second = readings(gateway.normalise(message(body)))[0];
      expect(first?.id).toBe('gw1-0-0');
      expect(second?.id).toBe('gw1-1-0');
      expect(first?.flags).toContain('arrival-id');
    },
  );

  it.each(['{"seq":0,"a":1}', '{"seq":"a7","a":1}', '{"seq":12345678901234567890,"a":1}'])('of %s come from the sequence number', (body) => {
    const [reading] = readings(timed().normalise(message(body)));
    expect(reading?.id).toMatch(/^[A-Za-z0-9_-]{32}-0$/);
    expect(reading?.flags).toEqual(['no-device-time']);
  });

  it('of one message are of one kind: a time in any reading tells the whole message apart', () => {
    const result = readings(timed().normalise(message(`[{"a":1},{"time":${NOW},"a":1}]`)));
    expect(result.map((reading) => reading.flags)).toEqual([['no-device-time'], undefined]);
    expect(result.map((reading) => reading.id.slice(32))).toEqual(['-0', '-1']);
  });

  it('do not take the kind of the message before', () => {
    const gateway = timed();
    gateway.normalise(message(`{"time":${NOW},"a":1}`));
    expect(ids(gateway, '{"a":1}')).toEqual(['gw1-0-0']);
  });

  it('B56: 1000 readings of one message are all different and in order', () => {
    const body = JSON.stringify(Array.from({ length: 1000 }, (_, i) => ({ time: NOW, a: i })));
    const result = readings(timed().normalise(message(body)));
    expect(result.map((reading) => reading.values['a'])).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect(new Set(result.map((reading) => reading.id)).size).toBe(1000);
  });
});

describe('profiles', () => {
  it('the first that matches the topic wins', () => {
    const gateway = normaliser([profile({ name: 'one', topics: ['d/+'], device: 'x' }), profile({ name: 'two', topics: ['d/{device}', 'e/{device}'] })]);
    expect(readings(gateway.normalise(message('{"a":1}', { topic: 'd/1' })))[0]?.profile).toBe('one');
    expect(readings(gateway.normalise(message('{"a":1}', { topic: 'e/1' })))[0]?.profile).toBe('two');
  });

  it('that are wrong are all told at once', () => {
    const specs = [profile({ codec: 'smoke' }), profile({ name: 'p2', each: 'x' }), profile({})];
    expect(() => compileNormaliser(specs, defaultCodecs(), DEFAULT_LIMITS, 'i')).toThrow(
      /profile "test": codec: there is no "smoke"; there are json[^]*profile "p2": each:[^]*profile "test": the name is taken/,
    );
  });

  it('serve more topics than are remembered', () => {
    const gateway = normaliser({});
    let wrong = 0;
    for (let round = 0; round < 2; round += 1) {
      for (let i = 0; i < 12_000; i += 1) {
        const result = gateway.normalise(message('{"a":1}', { topic: `d/${i}` }));
        wrong += result.kind === 'readings' && result.readings[0]?.device === String(i) ? 0 : 1;
      }
    }
    expect(wrong).toBe(0);
  });
});

it('never throws, and answers one of its three kinds, for any bytes, topic and profile', () => {
  const source = fc.constantFrom('$', '$$', '$.a', '$.list', '$["a"][0]', '$$.time', '{device}');
  const path = fc.constantFrom('$', '$$', '$.a', '$.list', '$$.list');
  const specs = fc.record({
    device: fc.constantFrom('{device}', '$.id', 'fixed'),
    deviceCheck: fc.option(source, { nil: undefined }),
    each: fc.option(path, { nil: undefined }),
    time: fc.option(
      fc.constantFrom('iso', 's', 'ms', 'us', 'ns').map((unit) => time({ unit: unit as 'iso', from: '$.a' })),
      { nil: undefined },
    ),
    sequence: fc.option(source, { nil: undefined }),
    values: fc.oneof(path, fc.dictionary(fc.constantFrom('x', 'y', '__proto__'), source, { minKeys: 1 })),
    scalar: fc.option(fc.constant('s'), { nil: undefined }),
    tags: fc.option(fc.dictionary(fc.constantFrom('t', '__proto__'), source), { nil: undefined }),
  });
  const key = fc.constantFrom('a', 'list', 'time', 'id', '__proto__', 'constructor', 'x.y', '');
  const { node } = fc.letrec((tie) => ({
    node: fc.oneof({ maxDepth: 5 }, fc.jsonValue(), fc.integer(), fc.array(tie('node'), { maxLength: 4 }), fc.dictionary(key, tie('node'))),
  }));
  const body = fc.oneof(
    node.map((value) => Buffer.from(JSON.stringify(value))),
    fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
  );
  fc.assert(
    fc.property(specs, body, fc.oneof(fc.constant('d/1'), fc.string({ unit: 'binary' })), (spec, bytes, topic) => {
      const result = normaliser(spec).normalise(message(bytes, { topic }));
      expect(['readings', 'filtered', 'fault']).toContain(result.kind);
      for (const reading of result.kind === 'readings' ? result.readings : []) {
        expect(Object.keys(reading.values).length).toBeGreaterThan(0);
        expect(reading.device).not.toBe('');
      }
    }),
    { numRuns: 1500 },
  );
});
