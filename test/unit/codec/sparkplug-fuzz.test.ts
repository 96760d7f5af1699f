import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SparkplugEdgeNode } from '../../../devices/formats/sparkplug.ts';
import { encodePayload, type Metric, type MetricValue, type TypeName } from '../../../devices/formats/sparkplug-writer.ts';
import { FAULTS } from '../../../src/domain/fault.ts';
import { Host, message } from './sparkplug-host.ts';
import { isCheap } from '../../support/cpu.ts';

const T = 1_763_884_000_000;
const KINDS = ['NBIRTH', 'DBIRTH', 'NDATA', 'DDATA', 'NDEATH', 'DDEATH'] as const;
const CODES: ReadonlySet<string> = new Set(Object.keys(FAULTS));

function topicOf(kind: (typeof KINDS)[number]): string {
  return kind.startsWith('D') ? `spBv1.0/G/${kind}/N/D` : `spBv1.0/G/${kind}/N`;
}

/** A document holds JSON's values and bigints, nothing else. */
function sound(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (value === null || ['bigint', 'boolean', 'string'].includes(typeof value)) return true;
  return typeof value === 'object' && Object.values(value).every(sound);
}

const signed = (bits: number): fc.Arbitrary<bigint> => fc.bigInt({ min: -(2n ** BigInt(bits - 1)), max: 2n ** BigInt(bits - 1) - 1n });
const unsigned = (bits: number): fc.Arbitrary<bigint> => fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n });
const text = fc.string({ unit: 'binary', maxLength: 20 });
const float = fc.float({ noDefaultInfinity: true, noNaN: true });
const double = fc.double({ noDefaultInfinity: true, noNaN: true });

const BASIC: Partial<Record<TypeName, fc.Arbitrary<number | bigint | boolean | string>>> = {
  Int8: signed(8),
  Int16: signed(16),
  Int32: signed(32),
  Int64: signed(64),
  UInt8: unsigned(8),
  UInt16: unsigned(16),
  UInt32: unsigned(32),
  UInt64: unsigned(64),
  DateTime: unsigned(64),
  Float: float,
  Double: double,
  Boolean: fc.boolean(),
  String: text,
  Text: text,
  UUID: fc.uuid(),
};

/** What the gateway makes of it: integers are numbers where those are exact. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  return Array.isArray(value) ? value.map(plain) : value;
}

const basic = fc.oneof(
  ...Object.entries(BASIC).map(([type, values]) => values.map((value) => ({ type: type as TypeName, value: value as MetricValue, expected: plain(value) }))),
);
const arrays = fc.oneof(
  ...Object.entries(BASIC)
    .filter(([type]) => type !== 'Text' && type !== 'UUID')
    .map(([type, values]) => {
      const elements = type === 'String' ? text.map((one) => one.replaceAll('\0', '')) : values;
      return fc.array(elements, { maxLength: 20 }).map((list) => ({ type: `${type}Array` as TypeName, value: list as MetricValue, expected: plain(list) }));
    }),
);
const bytes = fc
  .uint8Array({ maxLength: 20 })
  .map((list) => ({ type: 'Bytes' as TypeName, value: Buffer.from(list) as MetricValue, expected: Buffer.from(list).toString('hex') as unknown }));
const metric = fc.oneof(basic, arrays, bytes);
const nested = fc.uniqueArray(fc.tuple(text, metric), { minLength: 1, maxLength: 4, selector: ([name]) => name }).map((members) => ({
  type: 'Template' as TypeName,
  value: { ref: 'T', metrics: members.map(([name, { type, value }]): Metric => ({ name, type, value })) } as MetricValue,
  expected: new Map(members.map(([name, { expected }]) => [name, expected])) as unknown,
}));

function comparable(value: unknown): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? new Map(Object.entries(value)) : value;
}

describe('any metric', () => {
  it('comes out as it went in: by name in the birth, by alias in data', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(metric, nested), { minLength: 1, maxLength: 8 }), (sent) => {
        const host = new Host({ status: false });
        const expected = Object.fromEntries(sent.map((one, i) => [`m${i}`, one.expected]));
        const born = sent.map(({ type, value }, i): Metric => ({ name: `m${i}`, alias: BigInt(i) * 2n ** 50n, type, value }));
        const data = born.map(
          ({ alias, type, value }): Metric => ({ ...(alias === undefined ? {} : { alias }), ...(type === undefined ? {} : { type }), value, telltype: false }),
        );
        for (const found of [
          host.values(message('DBIRTH', { time: T, seq: 0, metrics: born }, 'D')),
          host.values(message('DDATA', { time: T + 1, seq: 1, metrics: data }, 'D')),
        ]) {
          expect(Object.fromEntries(Object.entries(found).map(([name, value]) => [name, comparable(value)]))).toEqual(expected);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('hostile bytes', () => {
  const edge = new SparkplugEdgeNode({
    group: 'G',
    node: 'N',
    clock: () => T,
    metrics: [
      { name: 'a', type: 'Double', unit: 'Cel', value: () => 1.5 },
      { name: 's', type: 'StringArray', value: () => ['x', 'yz'] },
      { name: 'd', type: 'DataSet', value: () => ({ columns: ['p', 'q'], types: ['Int8', 'String'], rows: [[1, 'x']] }) },
      { name: 't', type: 'Template', value: () => ({ ref: 'T', metrics: [{ name: 'i', type: 'UInt64', value: 2n ** 63n }] }) },
    ],
    devices: { D: [{ name: 'b', type: 'Boolean', value: () => true }] },
  });
  const seeds = [...edge.birth(), edge.data(T), edge.data(T, 'D'), edge.death()].map(({ payload }) => payload);

  /** The code or document of what came out is one that may come out. */
  function fed(host: Host, topic: string, body: Buffer): boolean {
    const result = host.decode(topic, body);
    return result.ok ? sound(result.value.document) : CODES.has(result.fault.code);
  }

  it('never throw, and what is read is data', () => {
    const host = new Host();
    fc.assert(
      fc.property(fc.constantFrom(...KINDS), fc.uint8Array({ minLength: 1, maxLength: 200 }), (kind, body) => {
        host.now += 50;
        expect(fed(host, topicOf(kind), Buffer.from(body))).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  it('nor do good payloads with a few bytes changed, cut out or put in', () => {
    const host = new Host();
    const edit = fc.tuple(fc.nat(1000), fc.constantFrom('set', 'cut', 'put'), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.constantFrom(...KINDS), fc.constantFrom(...seeds), fc.array(edit, { minLength: 1, maxLength: 4 }), (kind, seed, edits) => {
        const body = [...seed];
        for (const [at, how, byte] of edits) body.splice(at % body.length, how === 'put' ? 0 : 1, ...(how === 'cut' ? [] : [byte]));
        host.now += 50;
        expect(fed(host, topicOf(kind), Buffer.from(body.length === 0 ? [0] : body))).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });

  it('every cut of a good payload is a payload or a fault', () => {
    const host = new Host();
    const cuts = seeds.flatMap((seed) => Array.from({ length: seed.length - 1 }, (_, end) => seed.subarray(0, end + 1)));
    expect(cuts.filter((cut) => !fed(host, topicOf('NBIRTH'), cut))).toEqual([]);
  });

  it.each<[string, Buffer, string]>([
    ['a varint without end', Buffer.alloc(20, 0xff), 'DECODE_INVALID'],
    ['a metric that says four milliards of bytes', Buffer.from('12ffffffff0f', 'hex'), 'DECODE_INVALID'],
    ['a group', Buffer.from('0b0c', 'hex'), 'DECODE_INVALID'],
    ['field number 0', Buffer.from('0001', 'hex'), 'DECODE_INVALID'],
    ['a text where a number is due', Buffer.from('0a0161', 'hex'), 'DECODE_INVALID'],
    ['JSON', Buffer.from('{"temperature":21.5}'), 'DECODE_INVALID'],
    ['a name that is not UTF-8', Buffer.from('12050a03c32841', 'hex'), 'INVALID_UTF8'],
    ['half a million empty metrics', Buffer.alloc(1_000_000, Buffer.from('1200', 'hex')), 'LIMIT_FIELDS'],
    [
      'a million booleans',
      encodePayload({ metrics: [{ name: 'a', type: 'BooleanArray', value: Array.from({ length: 1_000_000 }, () => true) }] }),
      'LIMIT_FIELDS',
    ],
  ])('%s', (_, payload, code) => {
    const host = new Host();
    expect(isCheap(() => expect(host.take({ topic: topicOf('NBIRTH'), payload })).toBe(code))).toBe(true);
    expect(host.decoder.store.size).toBe(0);
  });

  it('templates in templates end at limits.depth', () => {
    let value: MetricValue = 1;
    for (let i = 0; i < 500; i += 1) value = { ref: 'T', metrics: [{ name: 'm', type: i === 0 ? 'Int8' : 'Template', value }] };
    const host = new Host();
    const payload = encodePayload({ metrics: [{ name: 'm', type: 'Template', value }] });
    expect(host.take({ topic: topicOf('NBIRTH'), payload })).toBe('LIMIT_DEPTH');
    expect(host.take({ topic: topicOf('NBIRTH'), payload }, { depth: 100_000 })).toBe('LIMIT_DEPTH');
  });

  it('many short string arrays take time in proportion to their bytes', () => {
    const host = new Host();
    const one: Metric = { name: 'a', type: 'StringArray', value: Buffer.from('x') };
    const metrics = [...Array.from({ length: 4000 }, () => one), { name: 'b', type: 'Bytes', value: Buffer.alloc(900_000, 1) } as const];
    const payload = encodePayload({ metrics });
    expect(isCheap(() => host.take({ topic: topicOf('NBIRTH'), payload }))).toBe(true);
  });
});
