import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lineProtocolCodec } from '../../../src/codec/line-protocol.ts';
import { detachedEnvironment } from '../../../src/codec/registry.ts';
import { DEFAULT_LIMITS, type Limits } from '../../../src/domain/profile.ts';
import { corpusMissing } from '../../support/corpus.ts';
import { type CorpusPoint, decodeCases, encodeCases } from '../../support/line-corpus.ts';
import { isCheap } from '../../support/cpu.ts';

interface Point {
  readonly measurement: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, unknown>>;
  readonly time?: bigint;
}

const CONTEXT = { topic: 't', receivedAt: 0 };

function run(
  body: string | Uint8Array,
  options: Record<string, unknown> = {},
  limits: Partial<Limits> = {},
): ReturnType<ReturnType<typeof lineProtocolCodec.create>['decode']> {
  const decoder = lineProtocolCodec.create(options, detachedEnvironment('test'));
  return decoder.decode(Buffer.from(body as string), { ...DEFAULT_LIMITS, ...limits }, CONTEXT);
}

function decode(body: string | Uint8Array, options: Record<string, unknown> = {}, limits: Partial<Limits> = {}): unknown {
  const result = run(body, options, limits);
  return result.ok ? result.value.document : result.fault.code;
}

function point(body: string): Point {
  return (decode(body) as Point[])[0] as Point;
}

function values(fields: string): unknown {
  const document = decode(`m ${fields}`);
  return typeof document === 'string' ? document : (document as Point[])[0]?.values;
}

describe('a line', () => {
  it('is measurement, tags, fields and time', () => {
    expect(decode('weather,station=north,floor=2 temperature=21.5,wet=false,count=7i,total=8u,note="a b" 1700000000123456789')).toEqual([
      {
        measurement: 'weather',
        tags: { station: 'north', floor: '2' },
        values: { temperature: 21.5, wet: false, count: 7, total: 8, note: 'a b' },
        time: 1_700_000_000_123_456_789n,
      },
    ]);
  });

  it('needs neither tags nor time', () => {
    expect(decode('m a=1')).toEqual([{ measurement: 'm', tags: {}, values: { a: 1 } }]);
    expect('time' in point('m a=1')).toBe(false);
  });

  it.each([
    ['18446744073709551615u', 2n ** 64n - 1n],
    ['9223372036854775807i', 2n ** 63n - 1n],
    ['-9223372036854775808i', -(2n ** 63n)],
    ['9007199254740993i', 9_007_199_254_740_993n],
    ['9007199254740991i', 9_007_199_254_740_991],
    ['0009223372036854775807i', 2n ** 63n - 1n],
    [`${'0'.repeat(1000)}1u`, 1],
    ['-1i', -1],
    ['0u', 0],
    ['1.', 1],
    ['.5', 0.5],
    ['-.5e-3', -0.0005],
    ['1E+3', 1000],
    ['1e-400', 0],
    ['t', true],
    ['True', true],
    ['FALSE', false],
    ['F', false],
    ['""', ''],
    ['"a\nb\r\n\tc"', 'a\nb\r\n\tc'],
    ['"\\"\\\\\\n\\,"', '"\\\\n\\,'],
  ])('the value %s', (text, value) => {
    expect(values(`a=${text}`)).toEqual({ a: value });
  });

  it.each([
    'tru',
    'TrUe',
    'yes',
    'nan',
    'inf',
    '-inf',
    '+1',
    '0x1F',
    '1e',
    '1_000',
    '-',
    '.',
    '-i',
    '1.5i',
    '-1u',
    'i',
    'u',
    '1ii',
    '"a',
    '"a\\"',
    "'a'",
    '1 2 3',
    '1, ',
    '1,b',
    '1,b=',
    '"a"b',
    '',
  ])('the value %s is refused', (text) => {
    expect(decode(`m a=${text}`)).toBe('DECODE_INVALID');
  });

  it.each(['1e400', '-1e309', '9223372036854775808i', '-9223372036854775809i', '18446744073709551616u', `${'9'.repeat(500_000)}i`])(
    'the value %s is out of range, never rounded',
    (text) => {
      expect(decode(`m a=${text}`)).toBe('NUMBER_OUT_OF_RANGE');
    },
  );

  it('escapes comma, space and equals sign in names and tags, quote and backslash in texts, and nothing else', () => {
    expect(decode('a\\,b\\ c\\=d,k\\=1\\,\\ =v\\=\\,\\  f\\=\\ =1')).toEqual([{ measurement: 'a,b c\\=d', tags: { 'k=1, ': 'v=, ' }, values: { 'f= ': 1 } }]);
    expect(decode('m\\\\x,t\\n=\\\\\\ x a\\\\b=1')).toEqual([{ measurement: 'm\\\\x', tags: { 't\\n': '\\\\ x' }, values: { 'a\\\\b': 1 } }]);
  });

  it.each([
    'm',
    'm,t=1',
    'm ',
    'm,t= a=1',
    'm,=1 a=1',
    'm,t a=1',
    'm, t=1 a=1',
    'm,t=1, a=1',
    ',t=1 a=1',
    'm =1',
    'm a',
    'm a=1,',
    'm\ta=1',
    'm\u0000 a=1',
    'm,t=1=2 a=1',
    'm a=1\tb=2',
    'm a=1\rn b=2',
  ])('%j is refused', (line) => {
    expect(decode(line)).toBe('DECODE_INVALID');
  });

  it('of two equal tags none can win; of two equal fields the later does, flagged', () => {
    expect(decode('m,t=1,t=2 a=1')).toBe('DECODE_INVALID');
    expect(run('m a=1,b=2,a=3')).toMatchObject({ ok: true, value: { document: [{ values: { a: 3, b: 2 } }], flags: ['duplicate-key'] } });
    expect(run('m a=1\nm a=1')).toMatchObject({ ok: true, value: { flags: [] } });
  });

  it('a tag value may hold control characters but no line end', () => {
    expect(point('m,t=a\tb\u0001 a=1').tags).toEqual({ t: 'a\tb\u0001' });
    for (const text of ['m,t=a\nb a=1', 'm,t=a\r a=1', 'm,t\t=a a=1']) expect(decode(text)).toBe('DECODE_INVALID');
  });

  it('names like __proto__ are names', () => {
    const { tags, values: fields } = point('m,__proto__=a,toString=b __proto__=1,constructor=2');
    expect(Object.entries(tags)).toEqual([
      ['__proto__', 'a'],
      ['toString', 'b'],
    ]);
    expect(Object.entries(fields)).toEqual([
      ['__proto__', 1],
      ['constructor', 2],
    ]);
    expect(decode('m,toString=b a=1,hasOwnProperty=2')).toHaveLength(1);
  });
});

describe('time', () => {
  it.each([
    ['ns', '1700000000123456789', 1_700_000_000_123_456_789n],
    ['us', '1700000000123456', 1_700_000_000_123_456_000n],
    ['ms', '1700000000123', 1_700_000_000_123_000_000n],
    ['s', '-17', -17_000_000_000n],
    ['ns', '-9223372036854775808', -(2n ** 63n)],
    ['ns', '007', 7n],
  ])('in %s: %s', (precision, text, time) => {
    expect(decode(`m a=1 ${text}`, { precision })).toMatchObject([{ time }]);
  });

  it.each([
    ['ns', '9223372036854775808'],
    ['s', '9223372037'],
    ['ms', '-9223372036855'],
    ['ns', '1'.repeat(100_000)],
  ])('in %s: %s does not fit 64 bits of nanoseconds', (precision, text) => {
    expect(decode(`m a=1 ${text}`, { precision })).toBe('NUMBER_OUT_OF_RANGE');
  });

  it.each(['1.5', '1e9', '-', '1-2', '12 13', '2024-01-01', '1,b=2', 'x'])('%s is none', (text) => {
    expect(decode(`m a=1 ${text}`)).toBe('DECODE_INVALID');
  });
});

describe('several lines', () => {
  it('with comments, blank lines, both line ends and spaces around', () => {
    const text = '# a comment, with = signs "\n\n  \r\n  m a=1 1 \r\n#\n   # indented\nm a=2 2   \nm a="x\n# no comment" 3\n\nm a=4\r';
    expect((decode(text) as Point[]).map(({ values: fields, time }) => [fields['a'], time])).toEqual([
      [1, 1n],
      [2, 2n],
      ['x\n# no comment', 3n],
      [4, undefined],
    ]);
  });

  it('are taken together or not at all, and the fault says where', () => {
    const result = run('m a=1\nm a=2\nm a=\nm a=4');
    expect(result).toMatchObject({ ok: false, fault: { code: 'DECODE_INVALID', message: expect.stringContaining('line 3, column 5') } });
  });

  it('a control character in a comment, or a CR of its own, is refused', () => {
    expect(decode('# a\tb\nm a=1')).toBe('DECODE_INVALID');
    expect(decode('m a=1\r\rm a=2')).toBe('DECODE_INVALID');
    expect(decode('\rm a=1')).toBe('DECODE_INVALID');
  });

  it.each(['\n', '# only a comment', ' \r\n\n'])('%j holds no line and is ignored', (text) => {
    expect(run(text)).toMatchObject({ ok: true, value: { document: [], ignored: 'empty' } });
  });

  it('are bounded in number, fields and bytes', () => {
    const many = 'm a=1\n'.repeat(11);
    expect(decode(many, {}, { readingsPerMessage: 10 })).toBe('LIMIT_READINGS');
    expect(decode(many, {}, { readingsPerMessage: 11 })).toHaveLength(11);
    expect(decode('m,t=1 a=1,b=2', {}, { fields: 3 })).toHaveLength(1);
    expect(decode('m,t=1 a=1,b=2,c=3', {}, { fields: 3 })).toBe('LIMIT_FIELDS');
    expect(decode('m a=1', {}, { messageBytes: 4 })).toBe('LIMIT_BYTES');
  });
});

describe('text', () => {
  it('must be UTF-8 everywhere, comments too', () => {
    expect(decode('caf\u00e9,\u00f6rt=\u00fc \u00b5="\u{1f600}"')).toEqual([
      { measurement: 'caf\u00e9', tags: { '\u00f6rt': '\u00fc' }, values: { '\u00b5': '\u{1f600}' } },
    ]);
    for (const text of ['m a="\xb0"', '# \xb0\nm a=1', 'm\xff a=1']) {
      expect(decode(Buffer.from(text, 'latin1'))).toBe('INVALID_UTF8');
    }
  });

  it('may begin with a byte-order mark', () => {
    expect(run('\ufeffm a=1')).toMatchObject({ ok: true, value: { document: [{ measurement: 'm' }], flags: ['bom'] } });
  });
});

describe('options', () => {
  it('are checked', () => {
    expect(lineProtocolCodec.checkOptions({})).toEqual([]);
    expect(lineProtocolCodec.checkOptions({ precision: 'us' })).toEqual([]);
    expect(lineProtocolCodec.checkOptions({ precision: 'minutes', x: 1 })).toEqual([
      'x: there is no such option; there are precision',
      'precision: must be "ns" or "us" or "ms" or "s"',
    ]);
  });
});

/** As the cases have it: tags in the order of their bytes. -0 is 0 there. */
function comparable(document: readonly Point[]): unknown[] {
  return document.map(({ measurement, tags, values: fields }) => ({
    measurement,
    tags: Object.entries(tags).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
    fields: Object.entries(fields).map(([name, value]) => [name, value === 0 ? 0 : value]),
  }));
}

function expected({ measurement, tags, fields }: CorpusPoint): unknown {
  return { measurement, tags, fields: ordered(fields.map(([name, value]) => [name, value === 0 ? 0 : value])) };
}

describe.skipIf(corpusMissing !== undefined)(`the conformance cases${corpusMissing === undefined ? '' : ` (${corpusMissing})`}`, () => {
  // No exception: every verdict and every value agrees. Equal field names, of which a document can hold one, do not occur in a case that passes.
  it('decode: every verdict, every value', () => {
    const seen = { taken: 0, refused: 0 };
    for (const { id, body, precision, points } of decodeCases()) {
      const result = run(body, { precision });
      expect({ id, ok: result.ok }).toEqual({ id, ok: points !== undefined });
      expect(['none', 'DECODE_INVALID', 'INVALID_UTF8', 'NUMBER_OUT_OF_RANGE']).toContain(result.ok ? 'none' : result.fault.code);
      const document = result.ok ? (result.value.document as unknown as Point[]) : undefined;
      expect({ id, points: document && comparable(document) }).toEqual({ id, points: points?.map(expected) });
      // Where the line has no time the cases have a default instead.
      for (const [i, { time }] of document?.entries() ?? []) expect(time ?? points?.[i]?.time).toBe(points?.[i]?.time);
      seen[result.ok ? 'taken' : 'refused'] += 1;
    }
    expect(seen).toEqual({ taken: 212, refused: 3080 });
  });

  it('encode: every line reads back as the point it was written from', () => {
    const all = encodeCases();
    expect(all).toHaveLength(56);
    for (const { id, point: from, line } of all) {
      const document = decode(line) as Point[];
      expect({ id, points: comparable(document) }).toEqual({ id, points: [expected(from)] });
      expect(document[0]?.time).toBe(from.time);
    }
  });
});

/** Without half surrogates: those cannot be written as UTF-8. */
const wellFormed = (text: string): boolean => Buffer.from(text).toString() === text;
const CONTROL = /[^\u0020-\u007e\u0080-\u{10ffff}]/u;
/** A name that a line can carry: not empty, without control characters, not ending in a backslash (which would escape what follows). */
const names = fc
  .oneof(fc.string({ minLength: 1, maxLength: 12 }), fc.string({ minLength: 1, maxLength: 12, unit: 'binary' }), fc.stringMatching(/^[\\,= "ab#]{1,8}$/))
  .filter((name) => !CONTROL.test(name) && !name.endsWith('\\') && !name.startsWith('#') && !name.startsWith('\ufeff') && wellFormed(name));
const escapeName = (name: string): string => name.replace(/([,= ])/g, '\\$1');
const escapeMeasurement = (name: string): string => name.replace(/([, ])/g, '\\$1');
const field = fc.oneof(
  fc.boolean().map((value) => [value, String(value)] as const),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => [value, Object.is(value, -0) ? '-0' : String(value)] as const),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => [value, `${value}i`] as const),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => [value, `${value}u`] as const),
  fc
    .string({ maxLength: 20, unit: 'binary' })
    .filter(wellFormed)
    .map((value) => [value, `"${value.replace(/(["\\])/g, '\\$1')}"`] as const),
);
const points = fc.record({
  measurement: names,
  tags: fc.uniqueArray(fc.tuple(names, names), { selector: ([name]) => name, maxLength: 4 }),
  fields: fc.uniqueArray(fc.tuple(names, field), { selector: ([name]) => name, minLength: 1, maxLength: 4 }),
  time: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { nil: undefined }),
});
const narrow = (value: unknown): unknown => (typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value);

function encode({ measurement, tags, fields, time }: typeof points extends fc.Arbitrary<infer P> ? P : never): string {
  const keys = tags.map(([name, value]) => `,${escapeName(name)}=${escapeName(value)}`).join('');
  return `${escapeMeasurement(measurement)}${keys} ${fields.map(([name, [, text]]) => `${escapeName(name)}=${text}`).join()}${time === undefined ? '' : ` ${time}`}`;
}

const sound = (value: unknown): boolean => typeof value !== 'number' || Number.isFinite(value);

describe('for all inputs', () => {
  it('what an encoder writes reads back the same: escapes, 64-bit integers, nanoseconds', () => {
    fc.assert(
      fc.property(fc.array(points, { minLength: 1, maxLength: 4 }), fc.constantFrom('\n', '\r\n', ' \n# x\n'), (list, end) => {
        const document = decode(list.map(encode).join(end)) as Point[];
        expect(document.map(({ measurement, time }) => [measurement, time])).toEqual(list.map(({ measurement, time }) => [measurement, time]));
        expect(document.map(({ tags }) => Object.entries(tags))).toEqual(list.map(({ tags }) => ordered(tags)));
        expect(document.map((p) => Object.entries(p.values))).toEqual(
          list.map(({ fields }) => ordered(fields.map(([name, [value]]) => [name, narrow(value)]))),
        );
      }),
      { numRuns: 1000 },
    );
  });

  it('any bytes, and good lines with a byte changed, cut or doubled, give a result and never throw', () => {
    const good = points.map((p) => Buffer.from(encode(p)));
    const mutated = fc.tuple(good, fc.nat(), fc.nat(255), fc.constantFrom('set', 'cut', 'insert')).map(([body, seed, byte, how]) => {
      const at = seed % body.length;
      const rest = body.subarray(how === 'insert' ? at : at + 1);
      return how === 'cut' ? body.subarray(0, at) : Buffer.concat([body.subarray(0, at), Buffer.from([byte]), rest]);
    });
    fc.assert(
      fc.property(
        fc.oneof(
          mutated,
          fc.uint8Array({ maxLength: 80 }),
          fc.stringMatching(/^[m,=ab01i" \\\n#.-]{0,40}$/).map((text) => Buffer.from(text)),
        ),
        (body) => {
          const result = run(body);
          const document = result.ok ? (result.value.document as unknown as Point[]) : [];
          const broken = document.filter(
            ({ measurement, values: fields }) => measurement === '' || Object.keys(fields).length === 0 || !Object.values(fields).every(sound),
          );
          expect(broken).toEqual([]);
          expect(result.ok ? '' : result.fault.message).not.toMatch(/\p{Cc}/u);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it.each([
    ['backslashes', '\\'.repeat(1_000_000)],
    ['an unclosed text of quotes', `m a="${'\\"'.repeat(500_000)}`],
    ['spaces', ' '.repeat(1_000_000)],
    ['blank lines', '\n'.repeat(1_000_000)],
    ['comments', '#\n'.repeat(500_000)],
    ['zeros', `m a=${'0'.repeat(1_000_000)}i`],
    ['digits', `m a=${'9'.repeat(1_000_000)}`],
    ['digits of an integer', `m a=${'9'.repeat(1_000_000)}i`],
    ['digits of a time', `m a=1 ${'9'.repeat(1_000_000)}`],
    ['a fault in the last of many lines', `${'m a=1\n'.repeat(4_999)}m a=`],
    ['commas', `m${','.repeat(1_000_000)}`],
  ])('a megabyte of %s is read in linear time', (_, text) => {
    const body = Buffer.from(text);
    expect(isCheap(() => run(body))).toBe(true);
  });
});

/** As an object keeps them: names that are array indices come first, by number (ECMA-262, OrdinaryOwnPropertyKeys). */
function ordered<V>(entries: readonly (readonly [string, V])[]): (readonly [string, V])[] {
  const index = (name: string): number => (/^(?:0|[1-9]\d{0,9})$/.test(name) && Number(name) < 2 ** 32 - 1 ? Number(name) : -1);
  return [...entries.filter(([name]) => index(name) >= 0).sort(([a], [b]) => index(a) - index(b)), ...entries.filter(([name]) => index(name) < 0)];
}
