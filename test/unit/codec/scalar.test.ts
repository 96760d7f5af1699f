import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { detachedEnvironment } from '../../../src/codec/registry.ts';
import { scalarCodec } from '../../../src/codec/scalar.ts';
import { DEFAULT_LIMITS } from '../../../src/domain/profile.ts';
import { isCheap } from '../../support/cpu.ts';

type Answer = ReturnType<ReturnType<typeof scalarCodec.create>['decode']>;

function run(body: string | Uint8Array, options: Record<string, unknown> = {}): Answer {
  expect(scalarCodec.checkOptions(options)).toEqual([]);
  return scalarCodec.create(options, detachedEnvironment('test')).decode(Buffer.from(body as string), DEFAULT_LIMITS, { topic: 't', receivedAt: 0 });
}

function decode(body: string | Uint8Array, options: Record<string, unknown> = {}): unknown {
  const result = run(body, options);
  if (!result.ok) return result.fault.code;
  return result.value.ignored ?? result.value.document;
}

describe('numbers', () => {
  it.each([
    ['21.5', 21.5],
    ['-8.40', -8.4],
    ['7915525.36', 7_915_525.36],
    [' 42\r\n', 42],
    ['\t0 ', 0],
    ['-0', -0],
    ['1E5', 100_000],
    ['1704234880.000000', 1_704_234_880],
    ['9007199254740993', 9_007_199_254_740_993n],
    ['-18446744073709551615', -(2n ** 64n) + 1n],
    ['9'.repeat(40), BigInt('9'.repeat(40))],
  ])('%j', (text, value) => {
    expect(decode(text)).toBe(value);
  });

  it.each(['+1', '.5', '1.', '0x1F', '01', '-', '1e', '1_000', '1,5', '1 2', '0b1', '\u00a01', '\uff11', '1\u0000', '--1', '1.5.2'])(
    '%j is none, and text only where text is kept',
    (text) => {
      expect(decode(text)).toBe('DECODE_INVALID');
      expect(decode(text, { words: true })).toBe('DECODE_INVALID');
      expect(decode(text, { text: 'keep' })).toBe(text);
    },
  );

  it.each(['1e400', '-1E309', '9'.repeat(41), '9'.repeat(500_000)])('out of range is a fault, even where text is kept', (text) => {
    expect(decode(text)).toBe('NUMBER_OUT_OF_RANGE');
    expect(decode(text, { text: 'keep' })).toBe('NUMBER_OUT_OF_RANGE');
  });

  it('with a decimal comma: a point is no part of them then', () => {
    const options = { decimal: ',' };
    expect(decode('21,5', options)).toBe(21.5);
    expect(decode('-0,5e1', options)).toBe(-5);
    expect(decode('7', options)).toBe(7);
    for (const text of ['21.5', '1.234,5', '1,2,3', ',5', '5,']) expect(decode(text, options)).toBe('DECODE_INVALID');
  });
});

describe('no value', () => {
  it.each(['nan', 'NaN', 'NAN', '-nan', 'inf', '-inf', 'Infinity', 'None', 'null', 'unavailable', 'Unavailable', 'unknown', 'UNKNOWN', 'N/A', ' nan\n'])(
    '%j: ignored, never 0',
    (text) => {
      expect(run(text)).toEqual({ ok: true, value: { document: null, flags: [], ignored: 'missing' } });
      expect(decode(text, { text: 'keep' })).toBe('missing');
    },
  );

  it('is what `missing` lists, spelled exactly, and nothing else', () => {
    expect(decode('-127', { missing: ['-127', ''] })).toBe('missing');
    expect(decode(' \n', { missing: ['-127', ''] })).toBe('missing');
    expect(decode('nan', { missing: ['-127'] })).toBe('DECODE_INVALID');
    expect(decode('nan', { missing: [], text: 'keep' })).toBe('nan');
  });

  it('is not white space, unless the profile says so', () => {
    expect(decode(' ')).toBe('DECODE_INVALID');
    expect(decode('\n', { text: 'keep' })).toBe('DECODE_INVALID');
  });
});

describe('words', () => {
  it('true and false are always booleans; others are not without being asked', () => {
    expect(decode('true')).toBe(true);
    expect(decode('false\n')).toBe(false);
    for (const word of ['ON', 'off', 'True', 'Online', 'OPEN']) expect(decode(word)).toBe('DECODE_INVALID');
  });

  it('the default set', () => {
    for (const word of ['on', 'ON', 'On', 'True', 'YES', 'Online', ' online ']) expect(decode(word, { words: true })).toBe(true);
    for (const word of ['off', 'OFF', 'Off', 'FALSE', 'no', 'Offline']) expect(decode(word, { words: true })).toBe(false);
    for (const word of ['oN', 'open', 'closed', 'overpower', '"on"']) expect(decode(word, { words: true })).toBe('DECODE_INVALID');
    expect(decode('1', { words: true })).toBe(1);
    expect(decode('ON', { words: false })).toBe('DECODE_INVALID');
  });

  it('a table of its own, which goes before numbers', () => {
    const options = { words: { true: ['OPEN', '1'], false: ['CLOSED', '0'] } };
    expect(['OPEN', '1', 'CLOSED', '0', 'true'].map((word) => decode(word, options))).toEqual([true, true, false, false, true]);
    expect(decode('open', options)).toBe('DECODE_INVALID');
    expect(decode('toString', options)).toBe('DECODE_INVALID');
  });
});

describe('numbers with a unit', () => {
  it.each([
    ['21.5\u00b0C', 21.5, '\u00b0C'],
    ['21.5 C', 21.5, 'C'],
    ['-3\u00a0dBm', -3, 'dBm'],
    ['45%', 45, '%'],
    ['1e3 kg/m3', 1000, 'kg/m3'],
    ['7\u00b5g/m\u00b3', 7, '\u00b5g/m\u00b3'],
    ['9007199254740993 Wh', 9_007_199_254_740_993n, 'Wh'],
  ])('%j', (text, value, unit) => {
    expect(decode(text)).toBe('DECODE_INVALID');
    expect(decode(text, { unit: 'split' })).toEqual({ value, unit });
    expect(decode(text, { unit: [unit] })).toBe(value);
    expect(decode(text, { unit: ['furlong'] })).toBe('DECODE_INVALID');
  });

  it.each([
    '12:30',
    '2 of 3',
    '10.0.0.1',
    '2024-01-01',
    '5/10',
    '1.C',
    '01 C',
    '0x1F',
    '0b1',
    '0xFF',
    '+1 C',
    '.5 C',
    '1,5 C',
    '1  C',
    'C',
    '\u00b0C',
    `1 ${'C'.repeat(100)}`,
  ])('%j is none', (text) => {
    expect(decode(text, { unit: 'split' })).toBe('DECODE_INVALID');
  });

  it('split makes every document an object, and a comma works there too', () => {
    expect(decode('21', { unit: 'split' })).toEqual({ value: 21 });
    expect(decode('ON', { unit: 'split', words: true })).toEqual({ value: true });
    expect(decode('21,5 C', { unit: 'split', decimal: ',' })).toEqual({ value: 21.5, unit: 'C' });
    expect(decode('1e999 V', { unit: 'split' })).toBe('NUMBER_OUT_OF_RANGE');
  });
});

describe('text', () => {
  it('is refused by default, and kept as it was sent where the profile says so', () => {
    expect(decode('heat')).toBe('DECODE_INVALID');
    expect(decode(' heat\n', { text: 'keep' })).toBe(' heat\n');
    expect(decode('-----W--', { text: 'keep' })).toBe('-----W--');
    expect(decode('caf\u00e9 \u{1f600}', { text: 'keep' })).toBe('caf\u00e9 \u{1f600}');
  });

  it.each(['{"a":1', '{"Temperature":nan}', '[1,2', ' {}'])('%j looks like broken JSON and is refused all the same', (text) => {
    expect(decode(text, { text: 'keep' })).toBe('DECODE_INVALID');
  });

  it('must be UTF-8; a byte-order mark is skipped and flagged', () => {
    expect(decode(Buffer.from('21 \xb0C', 'latin1'), { text: 'keep', unit: 'split' })).toBe('INVALID_UTF8');
    expect(decode(Buffer.from('\ufeff1', 'utf16le'), { text: 'keep' })).toBe('INVALID_UTF8');
    expect(run('\ufeff21.5')).toEqual({ ok: true, value: { document: 21.5, flags: ['bom'] } });
  });

  it('in a fault is cut short and without control characters', () => {
    const result = run(`\u001b[31m\r\n${'x'.repeat(10_000)}`);
    const line = result.ok ? '' : result.fault.message;
    expect(line.length).toBeLessThan(200);
    expect(line).not.toMatch(/\p{Cc}/u);
  });
});

describe('options', () => {
  it.each([
    [{ wörds: 1 }, /^wörds: there is no such option/],
    [{ words: 'on' }, /^words: must be/],
    [{ words: { yes: [] } }, /^words: "yes"/],
    [{ words: { true: 'ON' } }, /^words.true: must be a list of texts/],
    [{ words: { true: ['x'], false: ['x'] } }, /^words: "x" cannot be both/],
    [{ missing: 'nan' }, /^missing: must be a list/],
    [{ text: true }, /^text: must be "keep" or "refuse"/],
    [{ unit: 'drop' }, /^unit: must be a list of texts or "split"/],
    [{ decimal: ';' }, /^decimal: /],
  ])('%j is refused', (options, problem) => {
    expect(scalarCodec.checkOptions(options)).toEqual([expect.stringMatching(problem)]);
  });
});

describe('for all inputs', () => {
  const options = fc.record(
    {
      words: fc.constantFrom<unknown>(true, false, { true: ['a'], false: ['b'] }),
      missing: fc.constantFrom<unknown>([], ['x']),
      text: fc.constantFrom('keep', 'refuse'),
      unit: fc.constantFrom<unknown>('split', ['C']),
      decimal: fc.constantFrom('.', ','),
    },
    { requiredKeys: [] },
  );

  it('every number that JSON can write reads back the same', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.bigInt({ min: -(10n ** 40n) + 1n, max: 10n ** 40n - 1n })),
        fc.constantFrom('', ' ', '\r\n'),
        (value, space) => {
          const out = decode(`${space}${Object.is(value, -0) ? '-0' : value}${space}`);
          expect(typeof value === 'bigint' ? BigInt(out as number) : Number(out)).toBe(value);
        },
      ),
    );
  });

  it('a number is taken exactly where JSON.parse takes it', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[-+.eE0-9 ]{1,8}$/), (text) => {
        let theirs: unknown;
        try {
          theirs = JSON.parse(text);
        } catch {
          theirs = 'DECODE_INVALID';
        }
        const mine = decode(text);
        expect(mine).toBe(mine === 'NUMBER_OUT_OF_RANGE' && !Number.isFinite(theirs) ? mine : theirs);
      }),
      { numRuns: 3000 },
    );
  });

  it('any bytes under any options give a result, and never a number that is none', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.stringMatching(/^[-+.,eE0-9 CnaoOxX%{\n]{0,12}$/).map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(bytes, options, (body, chosen) => {
        const result = run(body, chosen);
        const document: unknown = result.ok ? result.value.document : result.fault.message;
        expect(typeof document === 'number' && !Number.isFinite(document)).toBe(false);
      }),
      { numRuns: 3000 },
    );
  });

  it.each([
    ['spaces', ' '.repeat(1_000_000)],
    ['spaces inside', `1${' '.repeat(1_000_000)}2`],
    ['digits', '1'.repeat(1_000_000)],
    ['decimals', `0.${'1'.repeat(1_000_000)}`],
    ['text', 'x'.repeat(1_000_000)],
    ['unit', `1${'C'.repeat(1_000_000)}`],
  ])('a megabyte of %s is read in linear time', (_, text) => {
    expect(isCheap(() => run(text, { unit: 'split', text: 'keep' }))).toBe(true);
  });
});
