import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeReading } from '../../../src/codec/reading.ts';
import type { InboundMessage } from '../../../src/domain/message.ts';
import type { ProfileSpec } from '../../../src/domain/profile.ts';
import { compileProfile } from '../../../src/domain/profile-plan.ts';
import type { Reading } from '../../../src/domain/reading.ts';
import { message, normaliser, outcome, profile, readings, time } from './normalise-support.ts';

function read(changes: Partial<ProfileSpec>, body: unknown, about: Partial<InboundMessage> = {}): Reading {
  const [reading] = readings(normaliser(changes).normalise(message(typeof body === 'string' ? body : JSON.stringify(body), about)));
  return reading as Reading;
}
const values = (changes: Partial<ProfileSpec>, body: unknown) => ({ ...read(changes, body).values });
const units = (changes: Partial<ProfileSpec>, body: unknown) => ({ ...read(changes, body).units });
const said = (changes: Partial<ProfileSpec>, body: unknown, about: Partial<InboundMessage> = {}) =>
  outcome(normaliser(changes).normalise(message(typeof body === 'string' ? body : JSON.stringify(body), about)));
/** Flags besides those of every reading without a time. */
const flags = (reading: Reading) => (reading.flags ?? []).filter((flag) => flag !== 'arrival-id' && flag !== 'no-device-time');

describe('ignore', () => {
  const spec = { topics: ['homie/{device}/{node}/{property}'], ignore: ['homie/+/$state', 'homie/+/+/$name', 'cmnd/#'] };
  it('filters topics, also those that no template of the profile takes', () => {
    for (const topic of ['homie/d/$state', 'homie/d/n/$name', 'cmnd', 'cmnd/x/y']) expect(said(spec, 'garbage {', { topic })).toBe('ignored');
    expect(said(spec, { a: 1 }, { topic: 'homie/d/n/temperature' })).toBe('readings');
    expect(said(spec, { a: 1 }, { topic: 'homie/d/other' })).toBe('NO_PROFILE');
  });
  it('stands before the templates of its own profile and of later ones, behind those of earlier ones', () => {
    const first = profile({ name: 'first', topics: ['a/{device}'] });
    const second = profile({ name: 'second', topics: ['{device}/+'], ignore: ['a/+', 'b/#'] });
    const third = profile({ name: 'third', topics: ['b/{device}'] });
    const gateway = normaliser([first, second, third]);
    expect(['a/1', 'b/1', 'c/1'].map((topic) => outcome(gateway.normalise(message('{"x":1}', { topic }))))).toEqual(['readings', 'ignored', 'readings']);
  });
});

describe('ignoreWhen', () => {
  const spec = {
    ignoreWhen: [
      { at: '$.type', is: ['join', 7, true] },
      { at: '$.config', exists: true },
      { at: '$.data', exists: false },
    ],
  };
  it.each([
    [{ type: 'join', data: 1 }, 'ignored'],
    [{ type: 7, data: 1 }, 'ignored'],
    [{ type: true, data: 1 }, 'ignored'],
    [{ type: '7', data: 1 }, 'readings'],
    [{ type: ['join'], data: 1 }, 'readings'],
    [{ config: null, data: 1 }, 'ignored'],
    [{ type: 'join' }, 'ignored'],
    [{ type: 'up', data: 1 }, 'readings'],
    [21.5, 'ignored'],
  ])('%j is %s', (body, wanted) => {
    expect(said(spec, body)).toBe(wanted);
  });
  it('leaves out elements, and asks the whole payload before `each` misses its array', () => {
    const each = { each: '$.list', ignoreWhen: [{ at: '$.kind', is: ['status'] }] };
    expect(readings(normaliser(each).normalise(message('{"list":[{"kind":"status","a":1},{"a":2}]}'))).map((r) => r.values['a'])).toEqual([2]);
    expect(said(each, { kind: 'status' })).toBe('ignored');
    expect(said(each, { list: [{ kind: 'status' }] })).toBe('ignored');
    expect(said(each, { kind: 'other' })).toBe('SCHEMA_MISMATCH');
  });
});

describe('names from the topic', () => {
  it('scalar takes captures, whose levels become levels of the name', () => {
    const spec = { topics: ['s/{device}/{value...}'], scalar: '{value}', units: { 'relay.*.power': 'W' } };
    const reading = read(spec, '21.5', { topic: 's/plug/relay/0/power' });
    expect([{ ...reading.values }, { ...reading.units }]).toEqual([{ 'relay.0.power': 21.5 }, { 'relay.0.power': 'W' }]);
    expect({ ...read(spec, '1', { topic: 's/plug/a.b' }).values }).toEqual({ 'a\\.b': 1 });
  });
  it('a topic that does not complete the name refuses the bare value', () => {
    expect(said({ topics: ['s/{device}/{v}', 't/{device}'], scalar: '{v}' }, '1', { topic: 't/x' })).toBe('SCHEMA_MISMATCH');
    expect(said({ topics: ['s/{device}/{v}'], scalar: '{v}' }, '1', { topic: 's/x/' })).toBe('SCHEMA_MISMATCH');
  });
  it('tables take them too; two values of one name are refused', () => {
    const spec = { topics: ['s/{device}/{v}'], values: { '{v}': '$.value', rssi: '$.rssi' } };
    expect({ ...read(spec, { value: 3, rssi: -60 }, { topic: 's/x/co2' }).values }).toEqual({ co2: 3, rssi: -60 });
    expect(said(spec, { value: 3 }, { topic: 's/x/rssi' })).toBe('SCHEMA_MISMATCH');
  });
});

describe('values', () => {
  const pairs = { each: '$.list', name: '$.n', value: '$.v', unit: '$.u' };
  it('as pairs', () => {
    const body = { list: [{ n: 'a.b', v: 1, u: 'W' }, { n: 7, v: { x: 'on' } }, { n: 'none', v: null }, { v: 3 }, 5, { n: '', v: 1 }] };
    const reading = read({ pairs }, body);
    expect([{ ...reading.values }, { ...reading.units }, flags(reading)]).toEqual([{ 'a\\.b': 1, '7.x': 'on' }, { 'a\\.b': 'W' }, []]);
  });
  it('as pairs of one name: the last wins, flagged', () => {
    const reading = read(
      { pairs },
      {
        list: [
          { n: 'a', v: 1, u: 'W' },
          { n: 'a', v: 2, u: 'V' },
        ],
      },
    );
    expect([{ ...reading.values }, { ...reading.units }, flags(reading)]).toEqual([{ a: 2 }, { a: 'V' }, ['duplicate-key']]);
  });
  it('as pairs that are not there', () => {
    for (const body of [{}, { list: {} }, { list: [] }, { list: [1, null] }, []]) expect(said({ pairs }, body)).toBe('NO_VALUES');
    expect(said({ pairs }, '5')).toBe('SCHEMA_MISMATCH');
    expect(values({ pairs, scalar: 'v' }, '5')).toEqual({ v: 5 });
  });
  it('of several objects: no value hides another', () => {
    const spec = { values: ['$.a', '$.b.c', '$.n'] };
    expect(values(spec, { a: { x: 1, y: 2 }, b: { c: { y: 3, z: 4 } }, n: 5 })).toEqual({ x: 1, y: 2, 'b.c.y': 3, z: 4, n: 5 });
    expect(values(spec, { b: { c: { y: 3 } } })).toEqual({ y: 3 });
    expect(said(spec, { a: { y: 1, 'b.c.y': 1, b: { c: { y: 2 } } }, b: { c: { y: 3 } } })).toBe('SCHEMA_MISMATCH');
    expect(said(spec, {})).toBe('NO_VALUES');
  });
});

describe('units, tags and flags from the payload', () => {
  const spec = { values: '$.values', unitsFrom: '$.units', tagsFrom: '$.tags', flagsFrom: '$.flags', tags: { site: '$.site' }, units: { b: 'V' } };
  it('are read, and the profile wins for tags', () => {
    const body = {
      values: { a: 1, b: 2, c: { d: 3 } },
      units: { a: 'W', b: 'mV', c: { d: 'A' }, e: 'x', f: 5 },
      tags: { site: 'x', rack: 7, deep: { k: true } },
      flags: ['stale', 'nonsense', 'late', '__proto__', 5],
      site: 'hall',
    };
    const reading = read(spec, body);
    expect({ ...reading.units }).toEqual({ a: 'W', b: 'mV', 'c.d': 'A' });
    expect({ ...reading.tags }).toEqual({ site: 'hall', rack: '7', 'deep.k': 'true' });
    expect(flags(reading)).toEqual(['late', 'stale']);
  });
  it('may be of any type or missing', () => {
    for (const odd of [undefined, null, 5, 'stale', [], {}, [[]]]) {
      const reading = read(spec, { values: { b: 1 }, units: odd, tags: odd, flags: odd });
      expect([{ ...reading.values }, { ...reading.units }]).toEqual([{ b: 1 }, { b: 'V' }]);
    }
  });
  it('are no values', () => {
    expect(values({ ...spec, values: '$' }, { v: 1, units: { v: 'W' }, tags: { a: 'b' }, flags: ['late'], site: 's' })).toEqual({ v: 1 });
  });
  it('a unit may stand at a path, in the words of the device', () => {
    const tasmota = {
      units: { '*.Temperature': '$.TempUnit' },
      unitNames: { C: 'Cel', F: '[degF]' },
      convert: { '*.Temperature': { from: '[degF]', to: 'Cel', factor: 5 / 9, offset: -160 / 9 } },
    };
    const at = (unit: unknown) => {
      const reading = read(tasmota, { SI: { Temperature: 50 }, TempUnit: unit });
      return [{ ...reading.values }, { ...reading.units }];
    };
    expect(at('F')).toEqual([{ 'SI.Temperature': 10 }, { 'SI.Temperature': 'Cel' }]);
    expect(at('C')).toEqual([{ 'SI.Temperature': 50 }, { 'SI.Temperature': 'Cel' }]);
    expect(at('K')).toEqual([{ 'SI.Temperature': 50 }, { 'SI.Temperature': 'K' }]);
    expect(at(null)).toEqual([{ 'SI.Temperature': 10 }, { 'SI.Temperature': 'Cel' }]);
  });
});

describe('rename', () => {
  const rename = { 'AM2301.Temperature': 'temperature', '*.Temperature': '{1}_temperature', 'StatusSNS.**': '{1}' };
  it('by name and by pattern', () => {
    expect(values({ rename }, { AM2301: { Temperature: 1 }, DS: { Temperature: 2 }, StatusSNS: { E: { P: 3 } }, other: 4 })).toEqual({
      temperature: 1,
      DS_temperature: 2,
      'E.P': 3,
      other: 4,
    });
  });
  it('gives no name twice: the value keeps its own', () => {
    expect(values({ rename: { '*.t': 't' } }, { a: { t: 1 }, b: { t: 2 } })).toEqual({ t: 1, 'b.t': 2 });
    expect(values({ rename: { a: 'b' } }, { a: 1, b: 2 })).toEqual({ a: 1, b: 2 });
    expect(values({ rename: { a: 'b', b: 'a' } }, { a: 1, b: 2 })).toEqual({ a: 1, b: 2 });
  });
  it('comes before everything that goes by name', () => {
    expect(units({ rename, units: { temperature: 'Cel', 'AM2301.Temperature': 'no' } }, { AM2301: { Temperature: 1 } })).toEqual({ temperature: 'Cel' });
  });
  it('never makes a name longer than a name may be', () => {
    const long = 'x'.repeat(600);
    expect(values({ rename: { '*': '{1}{1}' } }, { [long]: 1, a: 2 })).toEqual({ [long]: 1, aa: 2 });
  });
});

describe('rules of values', () => {
  it('missing: those are left out, and a message of nothing else is filtered', () => {
    const spec = { missing: ['nan', 'unavailable', ''], scalar: 'v' };
    expect(values(spec, { a: 'nan', b: 'NaN', c: '', d: 0 })).toEqual({ b: 'NaN', d: 0 });
    expect(said(spec, { a: 'nan', b: null })).toBe('missing');
    expect(said(spec, '"unavailable"')).toBe('missing');
    expect(said(spec, { a: null })).toBe('NO_VALUES');
    expect(readings(normaliser({ ...spec, each: '$.l' }).normalise(message('{"l":[{"a":"nan"},{"a":1}]}')))).toHaveLength(1);
  });
  it('map: by name, then by pattern; what is not in the table stays', () => {
    const spec = { map: { state: { ON: true, OFF: false }, '*': { '1': 'one', true: 'yes' } } };
    expect(values(spec, { state: 'ON', other: 1, x: true, n: { m: 1 } })).toEqual({ state: true, other: 'one', x: 'yes', 'n.m': 1 });
    expect(values(spec, { state: '1', y: '__proto__' })).toEqual({ state: '1', y: '__proto__' });
  });
  it('textNumbers: for all or by name', () => {
    expect(values({ textNumbers: 'plain' }, { a: '69.8', b: '007', c: '21.5 C' })).toEqual({ a: 69.8, b: '007', c: '21.5 C' });
    expect(values({ textNumbers: { 'a.*': 'plain' } }, { a: { x: '1' }, b: '1' })).toEqual({ 'a.x': 1, b: '1' });
    const unit = { textNumbers: 'unit' as const, unitNames: { C: 'Cel' }, units: { b: 'W' } };
    expect([values(unit, { a: '21.5 C', b: '5' }), units(unit, { a: '21.5 C', b: '5' })]).toEqual([
      { a: 21.5, b: 5 },
      { a: 'Cel', b: 'W' },
    ]);
  });
  it('sentinels: left out and flagged, in the unit of the device', () => {
    const spec = { sentinels: { t: [85, -127] }, convert: { t: { from: 'Cel', to: 'K', factor: 1, offset: 273.15 } } };
    const reading = read(spec, { t: 85, h: 85 });
    expect([{ ...reading.values }, flags(reading)]).toEqual([{ h: 85 }, ['sentinel']]);
    expect([said(spec, { t: -127 }), values(spec, { t: 84.5 })]).toEqual(['missing', { t: 357.65 }]);
  });
  it('ranges: kept and flagged, in the unit that is handed on', () => {
    const spec = { ranges: { t: [0, 50], big: [0, 1e15] }, convert: { t: { from: '[degF]', to: 'Cel', factor: 5 / 9, offset: -160 / 9 } } };
    const check = (body: unknown) => flags(read(spec, body));
    expect([check({ t: 32 }), check({ t: 122 }), check({ t: 123 }), check({ t: 31 }), check('{"big":9007199254740993}'), check({ t: 'hot' })]).toEqual([
      [],
      [],
      ['out-of-range'],
      ['out-of-range'],
      ['out-of-range'],
      [],
    ]);
    expect(values(spec, { t: 212 })).toEqual({ t: 100 });
  });
  it('convert: what would become infinite is left out', () => {
    const spec = { convert: { '*': { from: 'a', to: 'b', factor: 1e10, offset: 0 } } };
    const reading = read(spec, { a: 1e300, b: 2 });
    expect([{ ...reading.values }, { ...reading.units }, flags(reading)]).toEqual([{ b: 2e10 }, { b: 'b' }, ['out-of-range']]);
  });
  it('of a device stand before those of the profile', () => {
    const spec = {
      topics: ['d/{device...}'],
      units: { t: 'Cel' },
      devices: { 'hall/*': { units: { t: '[degF]' }, sentinels: { t: [999] } }, 'hall/1': { rename: { t: 'temperature' } } },
    };
    const gateway = normaliser(spec);
    const at = (topic: string, body = '{"t":1}') => {
      const [reading] = readings(gateway.normalise(message(body, { topic })));
      return [{ ...reading?.values }, { ...reading?.units }];
    };
    for (let again = 0; again < 2; again += 1) {
      expect(at('d/yard/1')).toEqual([{ t: 1 }, { t: 'Cel' }]);
      expect(at('d/hall/2')).toEqual([{ t: 1 }, { t: '[degF]' }]);
      expect(at('d/hall/1')).toEqual([{ temperature: 1 }, {}]);
    }
    expect(outcome(gateway.normalise(message('{"t":999}', { topic: 'd/hall/2' })))).toBe('missing');
    expect(outcome(gateway.normalise(message('{"t":999}', { topic: 'd/yard/2' })))).toBe('readings');
  });
});

describe('types: flag', () => {
  it('B50: flags a value whose type is not the last one; numbers of any size are one type', () => {
    const gateway = normaliser({ types: 'flag' });
    const bodies = ['21.5', '"21.5"', '"x"', 'true', 'null', 'false', '9007199254740993', '5', '{"v":21.5}', '[21.5]'];
    const seen = bodies.map((text) => {
      const result = gateway.normalise(message(`{"b":1,"a":${text}}`));
      return flags(readings(result)[0] as Reading).join();
    });
    // null is missing, so the name was not there; nested values have names of their own.
    expect(seen).toEqual(['', 'type-changed', '', 'type-changed', '', '', 'type-changed', '', '', '']);
  });
  it('keeps devices apart, and says nothing unless asked', () => {
    const gateway = normaliser({ types: 'flag' });
    const at = (topic: string, body: string) => flags(readings(gateway.normalise(message(body, { topic })))[0] as Reading);
    expect([at('d/1', '{"a":1}'), at('d/2', '{"a":"x"}'), at('d/1', '{"a":2}')]).toEqual([[], [], []]);
    const silent = normaliser({});
    expect(['{"a":1}', '{"a":"1"}'].map((body) => flags(readings(silent.normalise(message(body)))[0] as Reading))).toEqual([[], []]);
  });
});

describe('bad input that rules are for', () => {
  it('B51: a unit that nobody names is not guessed', () => {
    expect(read({ units: { other: 'W' } }, { power: 5 }).units).toBeUndefined();
  });
  it('B53: a counter that goes back is a value like any other', () => {
    const gateway = normaliser({ units: { total: 'W.h' } });
    expect([999, 3].map((total) => readings(gateway.normalise(message(JSON.stringify({ total }))))[0]?.values['total'])).toEqual([999, 3]);
  });
  it('B54: texts of flags and hex numbers stay texts under every rule', () => {
    const spec = { textNumbers: 'unit' as const, missing: ['nan'], ranges: { '*': [0, 1] } };
    expect(values(spec, { a: '-----W--', b: '0x1F', c: '00123' })).toEqual({ a: '-----W--', b: '0x1F', c: '00123' });
  });
  it('B55: a topic that is a value and a parent gives both', () => {
    const gateway = normaliser({ topics: ['OTGW/{device}/{value...}', 'OTGW/{device}'], scalar: 'value' });
    expect(['OTGW/x', 'OTGW/x/y'].map((topic) => outcome(gateway.normalise(message('"online"', { topic }))))).toEqual(['readings', 'readings']);
  });
  it('B64: odd keys end under names of their own, rules or not', () => {
    const body = '{"":1,"a.b":2,"a":{"b":3},"$":4," ":5,"\u00e9":6,"e\u0301":7,"*":8,"__proto__":9,"{1}":10,"a\\\\.b":11}';
    for (const spec of [{}, { rename: { '*.b': 'c', '*': '{1}' } }, { textNumbers: 'plain' as const }]) {
      const reading = read(spec, body);
      expect(
        Object.values(reading.values)
          .map(Number)
          .sort((a, b) => a - b),
      ).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    }
  });
});

describe('whatever the rules and the payload', () => {
  const name = fc.constantFrom('a', 'b', 'a.b', '*', '*.*', '**', 'a*', '*.a', '__proto__', 'a\\.b', 'toString');
  const number = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ noNaN: true, noDefaultInfinity: true }));
  const rules = fc.record(
    {
      units: fc.dictionary(name, fc.constantFrom('W', '$.u', '$$.u', '$1')),
      rename: fc.dictionary(name, fc.constantFrom('a', 'b', 'x', 'a.b', '__proto__')),
      map: fc.dictionary(name, fc.dictionary(fc.constantFrom('1', 'ON', 'true'), fc.oneof(fc.boolean(), fc.string(), number), { minKeys: 1 })),
      missing: fc.array(fc.constantFrom('', 'ON', 'nan')),
      textNumbers: fc.oneof(
        fc.constantFrom('none' as const, 'plain' as const, 'unit' as const),
        fc.dictionary(name, fc.constantFrom('plain' as const, 'unit' as const)),
      ),
      sentinels: fc.dictionary(name, fc.array(number, { minLength: 1 })),
      ranges: fc.dictionary(name, fc.constant([-1, 1])),
      convert: fc.dictionary(name, fc.record({ from: fc.constantFrom('W', 'V'), to: fc.constant('k'), factor: number, offset: number })),
    },
    { requiredKeys: [] },
  );
  const leaf = fc.oneof(
    number,
    fc.boolean(),
    fc.constant(null),
    fc.constantFrom('', 'ON', 'nan', '1', '5 W', '9007199254740993'),
    fc.string({ unit: 'binary', maxLength: 8 }),
  );
  const key = fc.oneof(fc.constantFrom('a', 'b', 'u', 'a.b', '__proto__', 'toString', 'x'), fc.string({ maxLength: 3 }));
  const { tree: body } = fc.letrec((tie) => ({
    tree: fc.oneof({ maxDepth: 3 }, leaf, fc.array(tie('tree'), { maxLength: 4 }), fc.dictionary(key, tie('tree'), { maxKeys: 5 })),
  }));
  const spec = fc.record(
    {
      values: fc.constantFrom<ProfileSpec['values']>('$', '$.a', ['$.a', '$'], ['$', '$.b', '$.a'], { a: '$.a', '{device}': '$' }),
      pairs: fc.option(fc.constant({ each: '$.a', name: '$.a', value: '$', unit: '$.u' }), { nil: undefined, freq: 3 }),
      unitsFrom: fc.constant('$.u'),
      tagsFrom: fc.constantFrom('$.a', '$'),
      flagsFrom: fc.constant('$.b'),
      unitNames: fc.constant({ W: 'V' }),
      devices: fc.dictionary(fc.constantFrom('1', '*'), rules),
      types: fc.constant('flag' as const),
      scalar: fc.constantFrom('v', '{device}'),
      ignoreWhen: fc.constant([{ at: '$.x', is: ['ON'] }]),
    },
    { requiredKeys: [] },
  );

  it('never throws; readings can be written down; no value is lost to another by a new name; bounds hold', () => {
    fc.assert(
      fc.property(rules, spec, body, (some, more, document) => {
        const wanted = { time: time({ unit: 'auto' }), ...more, ...some };
        // Rules for names that a table does not have are refused when they are compiled.
        const changes =
          typeof wanted.values === 'object' && !Array.isArray(wanted.values) && wanted.pairs === undefined ? { ...wanted, rename: { z: 'y' } } : wanted;
        const limits = { fields: 30, readingsPerMessage: 3, messageBytes: 2000 };
        const result = normaliser(changes, limits).normalise(message(JSON.stringify(document)));
        if (result.kind !== 'readings') return;
        expect(result.readings.length).toBeLessThanOrEqual(3);
        for (const reading of result.readings) {
          JSON.parse(encodeReading(reading));
          const names = Object.keys(reading.values);
          expect(names.length).toBeGreaterThan(0);
          expect(names.length).toBeLessThanOrEqual(30);
          expect(Object.keys(reading.units ?? {}).every((unit) => names.includes(unit))).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('a rename changes names alone: as many values come out, and the same ones', () => {
    fc.assert(
      fc.property(fc.dictionary(name, fc.constantFrom('a', 'b', 'x', 'a.b', '__proto__')), body, (rename, document) => {
        const sizes = [{}, { rename }].map((changes) => {
          const result = normaliser({ ...changes, scalar: 'v' }).normalise(message(JSON.stringify(document)));
          return result.kind === 'readings' ? result.readings.map((r) => Object.values(r.values).map(String).sort()) : outcome(result);
        });
        expect(sizes[1]).toEqual(sizes[0]);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('compiling', () => {
  it('a profile without rules has none at run time', () => {
    const compiled = compileProfile(
      profile({ units: { a: 'W' }, time: time(), ignore: [], ignoreWhen: [], encodings: [], types: 'any', textNumbers: undefined, devices: {} }),
    );
    const { plan } = compiled.ok ? compiled.value : {};
    expect([plan?.shapers, plan?.ignoreWhen, plan?.encodings, plan?.watchTypes, plan?.unitsFrom]).toEqual([undefined, undefined, undefined, false, undefined]);
  });
});
