import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quote } from '../../../src/codec/quote.ts';
import { encodeReading, ReadingWriter, textOf } from '../../../src/codec/reading.ts';
import { emptyBag } from '../../../src/domain/bag.ts';
import { FLAGS } from '../../../src/domain/flags.ts';
import type { Reading, Value } from '../../../src/domain/reading.ts';

function bag<V>(entries: Record<string, V> | readonly (readonly [string, V])[]): Record<string, V> {
  const out = emptyBag<V>();
  for (const [key, value] of Array.isArray(entries) ? entries : Object.entries(entries)) {
    out[key] = value;
  }
  return out;
}

function reading(changes: Partial<Reading> = {}): Reading {
  return {
    id: 'i-0',
    device: 'd',
    profile: 'p',
    topic: 'd/1',
    measuredAt: 1,
    receivedAt: 2,
    values: bag<Value>({ a: 1 }),
    units: undefined,
    tags: undefined,
    flags: undefined,
    ...changes,
  };
}

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string(),
  fc.constantFrom('__proto__', 'constructor', 'toString', '', '\ud800', '"', '\\', '\u2028', '\u007f'),
);
const value = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), fc.boolean(), text);
const time = fc.oneof(
  fc.integer({ min: 0 }),
  fc.maxSafeNat(),
  fc.integer({ min: 1_795_856_999_000, max: 1_795_857_001_000 }),
  fc.double({ min: 0.5, max: 1e17, noNaN: true }),
);
const anyReading = fc
  .record({
    id: text,
    device: text,
    profile: text,
    topic: text,
    measuredAt: time,
    receivedAt: time,
    values: fc.array(fc.tuple(text, value), { minLength: 1 }).map((entries) => bag<Value>(entries)),
    units: fc.option(
      fc.array(fc.tuple(text, text), { minLength: 1 }).map((entries) => bag<string>(entries)),
      { nil: undefined },
    ),
    tags: fc.option(
      fc.array(fc.tuple(text, text), { minLength: 1 }).map((entries) => bag<string>(entries)),
      { nil: undefined },
    ),
    flags: fc.option(fc.subarray([...FLAGS], { minLength: 1 }), { nil: undefined }),
  })
  .map((r): Reading => r);

describe('encodeReading', () => {
  it('is what JSON.stringify writes, but for -0', () => {
    fc.assert(
      fc.property(anyReading, (r) => {
        expect(encodeReading(r).replaceAll(/:-0(?=[,}])/g, ':0')).toBe(JSON.stringify(r).replaceAll(/:-0(?=[,}])/g, ':0'));
      }),
    );
  });

  it('comes back from JSON.parse as it was', () => {
    fc.assert(
      fc.property(anyReading, (r) => {
        const back = JSON.parse(encodeReading(r)) as Reading;
        expect(Object.keys(back)).toEqual(Object.keys(r).filter((key) => r[key as keyof Reading] !== undefined));
        for (const name of Object.keys(r.values)) {
          expect(Object.is(back.values[name], r.values[name])).toBe(true);
        }
        expect(Object.entries(back.tags ?? {})).toEqual(Object.entries(r.tags ?? {}));
      }),
    );
  });

  it('writes every digit of a bigint, and -0', () => {
    const out = encodeReading(reading({ values: bag<Value>({ big: 18_446_744_073_709_551_615n, low: -9_007_199_254_740_993n, zero: -0 }) }));
    expect(out).toContain('"values":{"big":18446744073709551615,"low":-9007199254740993,"zero":-0}');
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('throws on %s, which JSON cannot hold', (bad) => {
    expect(() => encodeReading(reading({ values: bag<Value>({ a: bad }) }))).toThrow(RangeError);
  });

  it('leaves out what is not there', () => {
    expect(encodeReading(reading({ flags: [] }))).toBe('{"id":"i-0","device":"d","profile":"p","topic":"d/1","measuredAt":1,"receivedAt":2,"values":{"a":1}}');
  });

  it('is not that of the reading before under the topic, whatever of it differs', () => {
    const first = reading({ units: bag({ a: 'K' }), tags: bag({ a: 'x' }), flags: ['late'] });
    const changes: Partial<Reading>[] = [
      { units: bag({ a: 'Cel' }) },
      { units: undefined },
      { tags: bag({ a: 'y' }) },
      { tags: undefined },
      { flags: ['no-zone'] },
      { flags: undefined },
      { profile: 'other' },
      { device: 'other' },
      { tags: bag({ a: 'y'.repeat(2000) }) },
    ];
    for (const change of changes) {
      for (const each of [first, { ...first, ...change }, first]) expect(encodeReading(each)).toBe(JSON.stringify(each));
    }
  });

  it('keeps its memory of names bounded, and right', () => {
    for (let i = 0; i < 20_000; i += 1) {
      const name = `n"${i}`;
      const values = bag<Value>([
        [name, i],
        ['b', 1],
      ]);
      expect(encodeReading(reading({ values }))).toContain(`"values":{"n\\"${i}":${i},"b":1}`);
    }
  });
});

describe('a writer of readings', () => {
  it('keeps the texts of one message apart, however long, until the next one begins', () => {
    const long = fc.nat(70_000).map((n) => 'ä'.repeat(n));
    const some = fc.array(fc.tuple(anyReading, fc.option(long, { nil: undefined, freq: 3 })), { minLength: 1, maxLength: 8 });
    const writer = new ReadingWriter();
    fc.assert(
      fc.property(some, (all) => {
        const readings = all.map(([one, text]) => (text === undefined ? one : { ...one, tags: bag({ text }) }));
        writer.begin();
        const texts = readings.map((one) => writer.write(one));
        expect(texts.map(textOf)).toEqual(readings.map(encodeReading));
      }),
    );
  });

  it('writes numbers as JSON.stringify does', () => {
    const few = fc.tuple(fc.integer({ min: -(10 ** 9), max: 10 ** 9 }), fc.integer({ min: 0, max: 12 })).map(([n, by]) => n / 10 ** by);
    const many = fc.tuple(fc.maxSafeInteger(), fc.integer({ min: 0, max: 30 })).map(([n, by]) => n / 10 ** by);
    const edges = fc.constantFrom(
      0,
      1e15,
      1e15 - 1,
      999_999_999,
      1e9,
      1e21,
      1e-6,
      1e-7,
      1.5e-6,
      0.1 + 0.2,
      123_456_789.012_345,
      99_999.999_999,
      5e-324,
      1.7976931348623157e308,
    );
    fc.assert(
      fc.property(fc.oneof(few, many, edges, fc.double({ noNaN: true, noDefaultInfinity: true })), (n) => {
        for (const value of [n, -n])
          expect(encodeReading(reading({ values: bag<Value>({ a: value }) }))).toContain(
            `"values":{"a":${Object.is(value, -0) ? '-0' : JSON.stringify(value)}}`,
          );
      }),
      { numRuns: 2000 },
    );
  });
});

describe('quote', () => {
  it('equals JSON.stringify', () => {
    fc.assert(
      fc.property(text, (t) => {
        expect(quote(t)).toBe(JSON.stringify(t));
      }),
    );
  });
});
