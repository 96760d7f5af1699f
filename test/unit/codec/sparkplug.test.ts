import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Metric, MetricValue, TypeName } from '../../../devices/formats/sparkplug-writer.ts';
import { sparkplugCodec } from '../../../src/codec/sparkplug.ts';
import { corpusMessages, corpusMissing } from '../../support/corpus.ts';
import { type Element, Host, message } from './sparkplug-host.ts';

const T = 1_763_884_000_000;

/** Births a node with these metrics, then sends the same values by alias alone: [as born, as data]. */
function roundTrip(metrics: readonly Metric[]): [unknown, unknown] {
  const host = new Host({ status: false });
  const born = metrics.map((metric, i): Metric => ({ name: `m${i}`, alias: i + 1, time: T, ...metric }));
  const data = metrics.map(({ value, type = 'Double' }, i): Metric => ({ alias: i + 1, time: T + 1, type, telltype: false, value }));
  return [host.values(message('NBIRTH', { time: T, seq: 0, metrics: born })), host.values(message('NDATA', { time: T + 1, seq: 1, metrics: data }))];
}

function both(type: TypeName, value: MetricValue): unknown {
  const [born, data] = roundTrip([{ type, value }]);
  expect(data).toEqual(born);
  return typeof born === 'string' ? born : (born as { m0: unknown }).m0;
}

describe('data types', () => {
  it.each<[TypeName, MetricValue, unknown]>([
    ['Int8', -128, -128],
    ['Int8', 127, 127],
    ['Int16', -32_768, -32_768],
    ['Int32', -2_147_483_648, -2_147_483_648],
    ['Int32', 2_147_483_647, 2_147_483_647],
    ['Int64', -1, -1],
    ['Int64', -9_007_199_254_740_991n, -9_007_199_254_740_991],
    ['Int64', -9_007_199_254_740_992n, -9_007_199_254_740_992n],
    ['Int64', -(2n ** 63n), -(2n ** 63n)],
    ['Int64', 2n ** 63n - 1n, 2n ** 63n - 1n],
    ['UInt8', 255, 255],
    ['UInt16', 65_535, 65_535],
    ['UInt32', 4_294_967_295, 4_294_967_295],
    ['UInt64', 9_007_199_254_740_991n, 9_007_199_254_740_991],
    ['UInt64', 9_007_199_254_740_993n, 9_007_199_254_740_993n],
    ['UInt64', 2n ** 64n - 1n, 2n ** 64n - 1n],
    ['Float', 12.5, 12.5],
    ['Float', 0.1, Math.fround(0.1)],
    ['Double', 0.1, 0.1],
    ['Double', -0, -0],
    ['Boolean', true, true],
    ['Boolean', false, false],
    ['String', 'Küche \u{1f321}', 'Küche \u{1f321}'],
    ['String', '', ''],
    ['Text', 'a\0b\ufffd', 'a\0b\ufffd'],
    ['UUID', 'f47ac10b-58cc-4372-a567-0e02b2c3d479', 'f47ac10b-58cc-4372-a567-0e02b2c3d479'],
    ['DateTime', 1_763_884_800_123, 1_763_884_800_123],
    ['Bytes', Buffer.from([0, 255, 16]), '00ff10'],
    ['Int8Array', [-23, 123], [-23, 123]],
    ['Int16Array', [-30_000, 30_000], [-30_000, 30_000]],
    ['Int32Array', [-1, 315_338_746], [-1, 315_338_746]],
    ['Int64Array', [-4_270_929_666_821_191_986n, 5n], [-4_270_929_666_821_191_986n, 5]],
    ['UInt8Array', [23, 250], [23, 250]],
    ['UInt16Array', [30, 52_360], [30, 52_360]],
    ['UInt32Array', [52, 3_293_969_225], [52, 3_293_969_225]],
    ['UInt64Array', [52n, 16_444_743_074_749_521_625n], [52, 16_444_743_074_749_521_625n]],
    ['FloatArray', [1.5, Number.NaN], [1.5, null]],
    ['DoubleArray', [12.354213, Number.POSITIVE_INFINITY], [12.354213, null]],
    [
      'BooleanArray',
      [false, false, true, true, false, true, false, false, true, true, false, true],
      [false, false, true, true, false, true, false, false, true, true, false, true],
    ],
    ['StringArray', ['ABC', '', 'hello'], ['ABC', '', 'hello']],
    ['DateTimeArray', [1_256_102_875_335n, 1_656_107_875_000n], [1_256_102_875_335, 1_656_107_875_000]],
    ['Int8Array', [], []],
    ['BooleanArray', [], []],
    ['StringArray', [], []],
  ])('%s %o', (type, value, expected) => {
    expect(both(type, value)).toEqual(expected);
  });

  it('packs arrays as the examples of the specification do (section 6.4, array types)', () => {
    const host = new Host({ status: false });
    const metric = (type: TypeName, hex: string): Metric => ({ name: type, type, value: Buffer.from(hex, 'hex') });
    const metrics = [
      metric('Int32Array', 'fffffffffaafcb12'),
      metric('Int64Array', 'ce0672ac189cbac4c4ba9c18ac7206ce'),
      metric('UInt16Array', '1e0088cc'),
      metric('BooleanArray', '0c00000034df'),
      metric('StringArray', '4142430068656c6c6f00'),
    ];
    expect(host.values(message('NBIRTH', { time: T, seq: 0, metrics }))).toEqual({
      Int32Array: [-1, 315_338_746],
      Int64Array: [-4_270_929_666_821_191_986n, -3_601_064_768_563_266_876n],
      UInt16Array: [30, 52_360],
      BooleanArray: [false, false, true, true, false, true, false, false, true, true, false, true],
      StringArray: ['ABC', 'hello'],
    });
  });

  it.each<[string, Metric]>([
    ['null', { type: 'Double', value: null }],
    ['NaN', { type: 'Double', value: Number.NaN }],
    ['-infinity', { type: 'Float', value: Number.NEGATIVE_INFINITY }],
    ['a file', { type: 'File', value: Buffer.from('PK') }],
  ])('%s is no value, and no fault', (_, metric) => {
    expect(roundTrip([metric])).toEqual(['no-values', 'no-values']);
    expect(roundTrip([metric, { type: 'Int8', value: 1 }])).toEqual([{ m1: 1 }, { m1: 1 }]);
  });

  it.each<[string, TypeName, MetricValue]>([
    ['text where a number is due', 'Int32', 'x'],
    ['a byte beyond its range', 'UInt8', 256],
    ['an array with half an element', 'Int16Array', Buffer.from([1, 2, 3])],
    ['a string array without its last zero', 'StringArray', Buffer.from('ab')],
    ['a boolean array that is too short', 'BooleanArray', Buffer.from([9, 0, 0, 0, 1])],
    ['a boolean array that says four milliards', 'BooleanArray', Buffer.from([255, 255, 255, 255, 1])],
  ])('%s is not guessed at', (_, type, value) => {
    const sent: Metric = typeof value === 'string' ? { type: 'String', value } : { type: Buffer.isBuffer(value) ? type : 'UInt32', value };
    const host = new Host({ status: false });
    const define = message('NBIRTH', { time: T, seq: 0, metrics: [{ name: 'm', alias: 1, type, value: null }] });
    host.take(define);
    const bad: Metric = { ...sent, alias: 1, telltype: false };
    expect(host.take(message('NDATA', { time: T, seq: 1, metrics: [bad] }))).toBe('DECODE_INVALID');
    const good: Metric = { name: 'good', type: 'Boolean', value: true };
    const found = host.take(message('NDATA', { time: T, seq: 2, metrics: [bad, good] })) as Element[];
    expect(found).toMatchObject([{ values: { good: true }, flags: ['gap'] }]);
    expect(Object.keys((found[0] as Element).values)).toEqual(['good']);
    expect(host.counts['unfit-metric']).toBe(2);
  });

  it('takes both spellings of a negative small integer', () => {
    const host = new Host({ status: false });
    host.take(message('NBIRTH', { time: T, seq: 0, metrics: [{ name: 'm', alias: 1, type: 'Int8', value: null }] }));
    const as = (type: TypeName, value: number | bigint): unknown =>
      host.values(message('NDATA', { time: T, metrics: [{ alias: 1, telltype: false, type, value }] }));
    expect([as('UInt32', 0xf6), as('UInt32', 0xfffffff6), as('Int64', -10n), as('UInt32', 0x1f6)]).toEqual([
      { m: -10 },
      { m: -10 },
      { m: -10 },
      'DECODE_INVALID',
    ]);
  });

  it('reads a data set as rows, whole or not at all', () => {
    const rows = [
      [1, 'a', null],
      [-2, 'b', 2.5],
    ];
    const set = { columns: ['n', 's', 'd'], types: ['Int32', 'String', 'Double'], rows } as const;
    expect(both('DataSet', set)).toEqual([
      { n: 1, s: 'a', d: null },
      { n: -2, s: 'b', d: 2.5 },
    ]);
    for (const broken of [
      { ...set, rows: [[1, 'a']] },
      { ...set, columns: ['n', 'n', 'd'] as const },
      { ...set, types: ['Int32', 'String'] as const },
    ]) {
      expect(
        roundTrip([
          { type: 'DataSet', value: broken },
          { type: 'Int8', value: 7 },
        ])[0],
      ).toEqual({ m1: 7 });
    }
  });

  it('reads template instances and their templates, not definitions', () => {
    const motor: Metric[] = [
      { name: 'speed', type: 'Float', unit: '1/min', value: 1500 },
      { name: 'state', type: 'Template', value: { ref: 'S', metrics: [{ name: 'hot', type: 'Boolean', value: false }] } },
    ];
    const host = new Host({ status: false });
    const metrics: Metric[] = [
      { name: '_types_/Motor', type: 'Template', value: { metrics: motor } },
      { name: 'Motor 1', alias: 9, type: 'Template', value: { ref: 'Motor', metrics: motor } },
    ];
    const born = host.take(message('NBIRTH', { time: T, seq: 0, metrics })) as Element[];
    expect(born).toMatchObject([{ values: { 'Motor 1': { speed: 1500, state: { hot: false } } }, units: { 'Motor 1': { speed: '1/min' } } }]);
    expect(Object.keys((born[0] as Element).values)).toEqual(['Motor 1']);
    // Data may leave out members, their types and their units.
    const less: Metric[] = [{ name: 'speed', telltype: false, type: 'Float', value: 1400 }];
    const data: Metric = { alias: 9, telltype: false, type: 'Template', value: { ref: 'Motor', metrics: less } };
    expect(host.take(message('NDATA', { time: T, seq: 1, metrics: [data] }))).toMatchObject([
      { values: { 'Motor 1': { speed: 1400 } }, units: { 'Motor 1': { speed: '1/min' } }, flags: [] },
    ]);
  });
});

describe('readings', () => {
  it('are made of metrics with one time; historical and bad ones stand apart', () => {
    const host = new Host({ status: false });
    const metrics: Metric[] = [
      { name: 'a', type: 'Int8', time: T, value: 1 },
      { name: 'b', type: 'Int8', time: T - 10, value: 2 },
      { name: 'c', type: 'Int8', time: T, value: 3, unit: 'kPa', quality: 192 },
      { name: 'd', type: 'Int8', time: T, value: 4, historical: true },
      { name: 'e', type: 'Int8', time: T, value: 5, quality: 0 },
      { name: 'f', type: 'Int8', time: T, value: 6, quality: 500 },
      { name: 'g', type: 'Int8', value: 7 },
    ];
    expect(host.take(message('NBIRTH', { time: T + 5, seq: 0, metrics }))).toEqual([
      { device: 'G/N', group: 'G', node: 'N', device_id: null, type: 'NBIRTH', time: T, values: { a: 1, c: 3 }, units: { c: 'kPa' }, flags: [] },
      expect.objectContaining({ time: T - 10, values: { b: 2 }, units: null }),
      expect.objectContaining({ time: T, values: { d: 4 }, flags: ['historical'] }),
      expect.objectContaining({ time: T, values: { e: 5 }, flags: ['bad-quality'] }),
      expect.objectContaining({ time: T, values: { f: 6 }, flags: ['stale'] }),
      expect.objectContaining({ time: T + 5, values: { g: 7 } }),
    ]);
  });

  it('may be as many as there are times, in their order', () => {
    const metrics = Array.from({ length: 3000 }, (_, i): Metric => ({ name: i < 1500 ? 'a' : 'b', type: 'Int32', time: T + (i % 1500), value: i }));
    const found = new Host({ status: false }).take(message('NBIRTH', { time: T, seq: 0, metrics })) as Element[];
    expect(found).toHaveLength(1500);
    expect(found.map(({ time, values }) => [time, { ...values }])).toEqual(Array.from({ length: 1500 }, (_, i) => [T + i, { a: i, b: i + 1500 }]));
  });

  it('have no controls and no session number among their values', () => {
    const host = new Host();
    const metrics: Metric[] = [
      { name: 'bdSeq', type: 'Int64', alias: 1, value: 3 },
      { name: 'Node Control/Rebirth', alias: 2, type: 'Boolean', value: false },
      { name: 'Device Control/Scan Rate', type: 'Int64', value: 9 },
      { name: '__proto__', type: 'Int8', value: 1 },
    ];
    const found = host.take(message('NBIRTH', { time: T, seq: 0, metrics })) as Element[];
    expect(Object.entries((found[0] as Element).values)).toEqual([
      ['__proto__', 1],
      ['online', true],
    ]);
    expect(host.take(message('NDATA', { time: T, seq: 1, metrics: [{ alias: 2, telltype: false, type: 'Boolean', value: true }] }))).toBe('no-values');
  });

  it('flag a name that comes twice at one time', () => {
    const metrics: Metric[] = [1, 2].map((value) => ({ name: 'a', type: 'Int8', value }));
    expect(new Host().take(message('NBIRTH', { time: T, metrics }))).toMatchObject([{ values: { a: 2, online: true }, flags: ['duplicate-key'] }]);
  });

  it('keep a metric that is named like the status', () => {
    const metrics: Metric[] = [{ name: 'online', type: 'Int8', value: 5 }];
    expect(new Host().values(message('NBIRTH', { time: T, metrics }))).toEqual({ online: 5 });
    expect(new Host({ status: 'alive' }).values(message('NBIRTH', { time: T, metrics }))).toEqual({ online: 5, alive: true });
  });
});

describe('topics', () => {
  const payload = message('NBIRTH', { time: T, seq: 0, metrics: [{ name: 'a', type: 'Int8', value: 1 }] }).payload;

  it.each([
    ['spBv1___0/G/NBIRTH/N', 'G/N'],
    ['spBv1/0/G/NBIRTH/N', 'G/N'],
    ['spBv1.0/G/NBIRTH/N', 'G/N'],
    ['spBv1/0/Sparkplug B Devices/DBIRTH/Raspberry Pi/Pibrella', 'Sparkplug B Devices/Raspberry Pi/Pibrella'],
  ])('%s', (topic, device) => {
    expect(new Host().take({ topic, payload })).toMatchObject([{ device }]);
  });

  it.each(['spBv1___0/G/NCMD/N', 'spBv1/0/G/DCMD/N/D', 'spBv1.0/STATE/host', 'spBv1___0/STATE/host', 'STATE/host'])(
    '%s is ignored, whatever it holds',
    (topic) => {
      expect(new Host().take({ topic, payload: Buffer.from('{"online":true}') })).toBe('command');
    },
  );

  it.each([
    'spBv1___0/G/NBIRTH/N/D',
    'spBv1___0/G/DDATA/N',
    'spBv1___0/G/X/N',
    'spBv1___0/G',
    'spAv1/0/G/NBIRTH/N',
    'spBv1___0//NBIRTH/N',
    'spBv1/0/a/b/NBIRTH/N',
  ])('%s is refused', (topic) => {
    expect(new Host().take({ topic, payload })).toBe('BAD_TOPIC');
  });
});

describe('options', () => {
  it.each([
    [{ status: 'up', rebirth: false, unitProperty: 'Engineering Units' }, 0],
    [{ status: false }, 0],
    [{ status: '' }, 1],
    [{ status: true }, 1],
    [{ rebirth: 'no' }, 1],
    [{ unitProperty: 3 }, 1],
    [{ colour: 'red' }, 1],
  ])('%o', (options, problems) => {
    expect(sparkplugCodec.checkOptions(options)).toHaveLength(problems);
  });
});

describe.skipIf(corpusMissing !== undefined)('payloads of the specification and of its reference implementation', () => {
  interface Expected {
    readonly timestamp: number;
    readonly metrics: readonly { readonly name: string; readonly dataType?: string; readonly type?: string; readonly value: unknown }[];
  }
  const folder = join(import.meta.dirname, '..', '..', '..', '..', 'shared', 'data', 'corpus', 'sparkplug_b');
  const lists = corpusMissing === undefined ? readFileSync(join(folder, 'messages.jsonl'), 'utf8').trim().split('\n') : [];
  const host = new Host();
  let compared = 0;

  const messages = corpusMessages('sparkplug_b').map((entry, i) => [entry.topic as string, entry.body, lists[i] as string] as const);

  it.each(messages.filter(([topic]) => !topic.includes('NDEATH')))('%s', (topic, payload, line) => {
    const expected = JSON.parse(readFileSync(join(folder, (JSON.parse(line) as { expect_file: string }).expect_file), 'utf8')) as Expected;
    const found = host.take({ topic, payload });
    // Left out by intent: bdSeq and Node Control, which are no values.
    const metrics = expected.metrics.filter(({ name }) => name !== 'bdSeq' && !name.startsWith('Node Control/'));
    const values = Object.fromEntries(metrics.map(({ name, value, dataType }) => [name, dataType === 'Float' ? Math.fround(value as number) : value]));
    const status = topic.includes('BIRTH') ? { online: true } : {};
    expect(found).toMatchObject([{ time: expected.timestamp }]);
    expect({ ...((found as Element[])[0] as Element).values }).toEqual({ ...values, ...status });
    compared += metrics.length;
  });

  it('were all compared', () => {
    expect(compared).toBe(22);
  });

  it('a death has the number of its session, and no values', () => {
    const [topic, payload] = messages.find(([name]) => name.includes('NDEATH')) as (typeof messages)[number];
    const found = host.take({ topic, payload }) as Element[];
    expect(found.map(({ device, values }) => [device, { ...values }])).toEqual([
      ['Sparkplug B Devices/Raspberry Pi', { online: false }],
      ['Sparkplug B Devices/Raspberry Pi/Pibrella', { online: false }],
    ]);
  });
});
