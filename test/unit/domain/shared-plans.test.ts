import { describe, expect, it } from 'vitest';
import type { LayoutSpec } from '../../../src/domain/layout/spec.ts';
import type { ProfileSpec } from '../../../src/domain/profile.ts';
import { SharedPlans } from '../../../src/domain/shared-plans.ts';
import { profile, time } from '../pipeline/normalise-support.ts';

const layout = (name: string): LayoutSpec => ({ name, endian: 'big', frames: [] });
const LAYOUT = layout('one');
const BYTES = { bytes: '$.data', encoding: 'base64', decoded: ['$.object'] } as const;

const FULL: Partial<ProfileSpec> = {
  topics: ['a/{site}/{device}'],
  ignore: ['a/{site}/status'],
  codec: ['json', 'cbor'],
  codecOptions: { json: {} },
  encodings: ['gzip'],
  device: '{site}/{device}',
  deviceElse: '$.id',
  deviceCheck: '$.id',
  time: time(),
  sequence: '$.seq',
  values: '$.values',
  exclude: ['debug'],
  scalar: 'value',
  units: { temperature: 'Cel' },
  unitNames: { F: '[degF]' },
  tags: { site: '{site}', kind: '$.kind' },
  ranges: { temperature: [-40, 85] },
  sentinels: { temperature: [0] },
  map: { door: { '1': 'open' } },
  devices: { 'north/*': { ranges: { temperature: [0, 10] } } },
  payloadAt: BYTES,
  payload: { '**': LAYOUT },
};

function plansOf(...changes: Partial<ProfileSpec>[]): object[] {
  const plans = new SharedPlans();
  return changes.map((change, i) => {
    const result = plans.compile(profile({ name: `p${i}`, ...FULL, ...change }));
    if (!result.ok) throw new Error(result.problems.join('; '));
    return result.value.plan;
  });
}

describe('profiles that say the same of their payloads', () => {
  it('have one plan, whatever they and their topics are called', () => {
    const [plain, named, topics, ignore, absent] = plansOf(
      {},
      { name: 'other' },
      { topics: ['b/{site}/+/{device}'] },
      { ignore: [] },
      { ignore: undefined, types: undefined },
    );
    for (const plan of [named, topics, ignore, absent]) expect(plan).toBe(plain);
  });

  it('keep their own names and templates', () => {
    const plans = new SharedPlans();
    const [, second] = ['a', 'b'].map((name) => plans.compile(profile({ name, topics: [`${name}/{device}`], ignore: [`${name}/x`] })));
    expect(second?.ok === true && second.value).toMatchObject({ name: 'b', templates: [{ text: 'b/{device}' }], ignored: [{ text: 'b/x' }] });
  });

  it.each<[string, Partial<ProfileSpec>]>([
    ['codec', { codec: ['cbor', 'json'] }],
    ['options of the codec', { codecOptions: { json: { other: 1 } } }],
    ['compressions', { encodings: ['deflate'] }],
    ['device', { device: '{device}' }],
    ['other name of the device', { deviceElse: '$.name' }],
    ['check of the device', { deviceCheck: '$.name' }],
    ['time', { time: time({ zone: '+02:00' }) }],
    ['sequence', { sequence: '$.n' }],
    ['values', { values: '$.data' }],
    ['exclusions', { exclude: ['trace'] }],
    ['name of a scalar', { scalar: 'other' }],
    ['units', { units: { temperature: 'K' } }],
    ['names of units', { unitNames: { C: 'Cel' } }],
    ['tags', { tags: { kind: '$.kind', site: '{site}' } }],
    ['ranges', { ranges: { temperature: [-40, 86] } }],
    ['sentinels', { sentinels: { temperature: [1] } }],
    ['map', { map: { door: { '1': 'shut' } } }],
    ['rules of devices', { devices: { 'north/*': { ranges: { temperature: [0, 11] } } } }],
    ['place of the bytes', { payloadAt: { ...BYTES, port: '$.port' } }],
    ['layout of the bytes', { payload: { '**': layout('two') } }],
    ['devices of a layout', { payload: { x: LAYOUT } }],
    ['watch over types', { types: 'flag' }],
    ['what topics capture', { topics: ['a/{site}/{device}/{more}'] }],
  ])('and not where they differ in their %s', (_, change) => {
    const [plain, differing, again] = plansOf({}, change, change);
    expect(differing).not.toBe(plain);
    expect(again).toBe(differing);
  });

  it('and not where they differ in what JSON has no words for', () => {
    const numbers = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 0, -0, '0', 'null', 'number NaN'];
    const plans = plansOf(...numbers.map((is) => ({ map: { door: { '1': is } } })));
    expect(new Set(plans).size).toBe(numbers.length);
  });

  it('are refused each by itself', () => {
    const plans = new SharedPlans();
    const wrong = { device: '{other}' };
    for (const name of ['a', 'b']) expect(plans.compile(profile({ name, ...wrong }))).toMatchObject({ ok: false, problems: [/captures \{other\}/] });
    for (const topics of [[], ['a/#/b']]) expect(plans.compile(profile({ topics }))).toMatchObject({ ok: false });
    expect(plans.compile(profile({ ignore: ['a/#/b'] }))).toMatchObject({ ok: false });
  });
});
