import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvCodec } from '../../../src/codec/csv.ts';
import { detachedEnvironment } from '../../../src/codec/registry.ts';
import { DEFAULT_LIMITS, type Limits } from '../../../src/domain/profile.ts';
import { isCheap } from '../../support/cpu.ts';

type Answer = ReturnType<ReturnType<typeof csvCodec.create>['decode']>;

function run(body: string | Uint8Array, options: Record<string, unknown> = {}, limits: Partial<Limits> = {}): Answer {
  expect(csvCodec.checkOptions(options)).toEqual([]);
  const decoder = csvCodec.create(options, detachedEnvironment('test'));
  return decoder.decode(Buffer.from(body as string), { ...DEFAULT_LIMITS, ...limits }, { topic: 't', receivedAt: 0 });
}

function decode(body: string | Uint8Array, options: Record<string, unknown> = {}, limits: Partial<Limits> = {}): unknown {
  const result = run(body, options, limits);
  return result.ok ? result.value.document : result.fault.code;
}

function message(body: string, options: Record<string, unknown> = {}): string {
  const result = run(body, options);
  return result.ok ? 'no fault' : result.fault.message;
}

describe('rows', () => {
  it('have the names of the first row', () => {
    expect(decode('time, temp ,note\r\n1,21.5,ok\r\n2,,"a, ""b""\r\nc"\r\n')).toEqual([
      { time: 1, temp: 21.5, note: 'ok' },
      { time: 2, temp: null, note: 'a, "b"\r\nc' },
    ]);
  });

  it('or those that the profile names', () => {
    expect(decode('1,2\n3,4', { header: ['a', 'b'] })).toEqual([
      { a: 1, b: 2 },
      { a: 3, b: 4 },
    ]);
  });

  it.each([
    ['LF', 'a\n1\n2'],
    ['CR LF', 'a\r\n1\r\n2\r\n'],
    ['mixed, with a CR at the end', 'a\r\n1\n2\r'],
    ['blank lines', '\n\r\na\n\n1\n\n\n2\n\n'],
  ])('end with %s', (_, text) => {
    expect(decode(text)).toEqual([{ a: 1 }, { a: 2 }]);
  });

  it('may end in an empty field, and be a single one', () => {
    expect(decode('a,b\n1,\n,2\n,')).toEqual([
      { a: 1, b: null },
      { a: null, b: 2 },
      { a: null, b: null },
    ]);
  });

  it.each(['a,b\n', 'a,b', '\n\n', '# nothing'])('%j holds none and is ignored', (text) => {
    expect(run(text, { comment: '#' })).toMatchObject({ ok: true, value: { document: [], ignored: 'empty' } });
  });

  it('are refused when ragged, all of them, and the fault says where', () => {
    expect(message('a,b\n1,2\n1\n1,2')).toMatch(/line 3: the row has 1 fields and there are 2 columns/);
    expect(message('a,b\n"x\ny",2\n1,2,3')).toMatch(/line 4: the row has 3 fields/);
    expect(message('1,2,3', { header: ['a'] })).toMatch(/line 1: the row has 3 fields/);
  });

  it.each([
    ['an open quote', 'a\n"1', /closing quote/],
    ['text behind a quote', 'a\n"1"2', /followed by a delimiter/],
    ['a space behind a quote', 'a\n"1" ', /followed by a delimiter/],
    ['a quote inside', 'a\n1"2', /line 2: a quote inside/],
    ['a lone carriage return', 'a\n1\r2', /carriage return/],
    ['equal names', 'a,b,a\n1,2,3', /two columns are named "a"/],
    ['no name', 'a,,c\n1,2,3', /column 2 has no name/],
  ])('with %s are refused', (_, text, problem) => {
    expect(decode(text)).toBe('DECODE_INVALID');
    expect(message(text)).toMatch(problem);
  });

  it('are bounded, in number and in fields', () => {
    const text = `a,b\n${'1,2\n'.repeat(10)}`;
    expect(decode(text, {}, { readingsPerMessage: 10, fields: 20 })).toHaveLength(10);
    expect(decode(text, {}, { readingsPerMessage: 9 })).toBe('LIMIT_READINGS');
    expect(decode(text, {}, { fields: 19 })).toBe('LIMIT_FIELDS');
    expect(decode(','.repeat(1_000_000))).toBe('LIMIT_FIELDS');
  });
});

describe('fields', () => {
  it.each([
    ['1', 1],
    [' 1 ', 1],
    ['-0.5e1', -5],
    ['9007199254740993', 9_007_199_254_740_993n],
    ['"1"', '1'],
    ['""', ''],
    ['+1', '+1'],
    ['.5', '.5'],
    ['01', '01'],
    ['0x1F', '0x1F'],
    ['1.', '1.'],
    ['nan', 'nan'],
    ['true', 'true'],
    [' text ', ' text '],
    ['', null],
    [' ', null],
    ['2024-01-01T00:00:00Z', '2024-01-01T00:00:00Z'],
  ])('%j', (text, value) => {
    expect(decode(`a,b\n${text},0`)).toEqual([{ a: value, b: 0 }]);
  });

  it('beyond a double are a fault', () => {
    expect(decode('a\n1e400')).toBe('NUMBER_OUT_OF_RANGE');
    expect(message(`a\n1\n${'9'.repeat(41)}`)).toMatch(/^line 3: /);
  });

  it('named __proto__ are fields', () => {
    const [row] = decode('__proto__,toString\n1,2') as object[];
    expect(Object.entries(row ?? {})).toEqual([
      ['__proto__', 1],
      ['toString', 2],
    ]);
  });
});

describe('options', () => {
  it('semicolons, a decimal comma, comments, lines to skip, another quote or none', () => {
    const text = 'station 7;;;\nmade by x\n#c\na;b\n1,5;"x"\n#2,5;y\n';
    expect(decode(text, { delimiter: ';', decimal: ',', comment: '#', skipLines: 2 })).toEqual([{ a: 1.5, b: 'x' }]);
    expect(decode("a\n'it''s'", { quote: "'" })).toEqual([{ a: "it's" }]);
    expect(decode('a|b\n1.5|"x', { delimiter: '|', quote: false })).toEqual([{ a: 1.5, b: '"x' }]);
    expect(decode('a\tb\n1.5\t2', { delimiter: '\t' })).toEqual([{ a: 1.5, b: 2 }]);
    expect(decode('a;b\n1.5;2', { delimiter: ';', decimal: ',' })).toEqual([{ a: '1.5', b: 2 }]);
    expect(run('a\n1', { skipLines: 5 })).toMatchObject({ ok: true, value: { document: [], ignored: 'empty' } });
  });

  it.each([
    [{ separator: ';' }, /^separator: there is no such option/],
    [{ delimiter: ';;' }, /^delimiter: must be one/],
    [{ delimiter: '\n' }, /^delimiter: must be one/],
    [{ header: false }, /^header: must be/],
    [{ header: ['a', 'a'] }, /^header: two columns/],
    [{ header: [] }, /^header: there are no/],
    [{ quote: 'q' }, /^quote: must be one/],
    [{ comment: '' }, /^comment: must be one/],
    [{ decimal: ';' }, /^decimal: must be/],
    [{ decimal: ',' }, /^decimal: the delimiter is the same/],
    [{ delimiter: '"' }, /^delimiter: delimiter, quote and comment/],
    [{ skipLines: -1 }, /^skipLines: must be a whole number/],
  ])('%j is refused', (options, problem) => {
    expect(csvCodec.checkOptions(options)).toEqual([expect.stringMatching(problem)]);
  });
});

describe('text', () => {
  it('must be UTF-8; a byte-order mark is skipped and flagged', () => {
    expect(decode(Buffer.from('a\n\xb0', 'latin1'))).toBe('INVALID_UTF8');
    expect(run('\ufeffa\n1')).toMatchObject({ ok: true, value: { document: [{ a: 1 }], flags: ['bom'] } });
  });
});

describe('for all inputs', () => {
  const wellFormed = (text: string): boolean => Buffer.from(text).toString() === text;
  const cell = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 10 }).filter(wellFormed),
    fc.stringMatching(/^[",\r\n a1]{0,6}$/),
    // Whole doubles beyond 2^53 come back as bigint, which the next line covers.
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Number.isInteger(value) || Number.isSafeInteger(value)),
    fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }),
    fc.maxSafeInteger(),
    fc.constant(null),
  );

  it('what an encoder writes reads back the same', () => {
    const write = (value: number | bigint | string | null): string => {
      if (value === null) return '';
      if (typeof value === 'string') return `"${value.replaceAll('"', '""')}"`;
      return Object.is(value, -0) ? '-0' : String(value);
    };
    const narrow = (value: unknown): unknown => (typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value);
    const table = fc
      .integer({ min: 1, max: 4 })
      .chain((width) => fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 5 }));
    fc.assert(
      fc.property(table, fc.constantFrom('\n', '\r\n'), fc.boolean(), (rows, end, last) => {
        const width = rows[0]?.length ?? 0;
        const names = Array.from({ length: width }, (_, i) => `c${i}`);
        // A line with one empty field is a blank line.
        fc.pre(width > 1 || rows.every(([only]) => only !== null));
        const text = [names.join(), ...rows.map((row) => row.map(write).join())].join(end) + (last ? end : '');
        expect((decode(text) as object[]).map((row) => Object.values(row))).toEqual(rows.map((row) => row.map(narrow)));
      }),
      { numRuns: 1000 },
    );
  });

  it('any bytes give a result: never an exception, never a row of another width', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.stringMatching(/^[",;#\r\n ab1.]{0,30}$/).map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(
        bytes,
        fc.constantFrom<Record<string, unknown>>({}, { header: ['a', 'b'] }, { comment: '#', delimiter: ';', decimal: ',' }, { quote: false }),
        (body, options) => {
          const result = run(body, options);
          const rows = result.ok ? (result.value.document as unknown as object[]) : [];
          expect(new Set(rows.map((row) => Object.keys(row).length)).size).toBeLessThanOrEqual(1);
          expect(result.ok ? '' : result.fault.message).not.toMatch(/\p{Cc}/u);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it.each([
    ['quotes', '"'.repeat(1_000_001)],
    ['an open field', `a\n"${'""'.repeat(500_000)}`],
    ['blank lines', '\r\n'.repeat(500_000)],
    ['spaces', `a\n${' '.repeat(1_000_000)}x`],
    ['digits', `a\n0.${'1'.repeat(1_000_000)}`],
    ['names', `${Array.from({ length: 9_999 }, (_, i) => `column${i}`).join()}\n`],
  ])('a megabyte of %s is read in linear time', (_, text) => {
    expect(isCheap(() => run(text))).toBe(true);
  });
});
