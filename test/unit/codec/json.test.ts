import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonCodec } from '../../../src/codec/json.ts';
import { CodecRegistry, type Decoded, defaultCodecs, detachedEnvironment } from '../../../src/codec/registry.ts';
import type { Result } from '../../../src/domain/fault.ts';
import { DEFAULT_LIMITS, type Limits } from '../../../src/domain/profile.ts';
import { isCheap } from '../../support/cpu.ts';
import { mutated } from '../../support/mutate.ts';
import { seededRandom } from '../../support/sim/virtual-time.ts';

const decoder = jsonCodec.create({}, detachedEnvironment('test'));
const decodeJson = (body: Buffer, limits: Limits): Result<Decoded> => decoder.decode(body, limits, { topic: 't', receivedAt: 0 });

function decode(body: string | Uint8Array, limits: Partial<Limits> = {}): unknown {
  const result = decodeJson(typeof body === 'string' ? Buffer.from(body) : Buffer.from(body), { ...DEFAULT_LIMITS, ...limits });
  return result.ok ? result.value.document : result.fault.code;
}

function flags(body: string): readonly string[] {
  const result = decodeJson(Buffer.from(body), DEFAULT_LIMITS);
  return result.ok ? result.value.flags : [result.fault.code];
}

describe('numbers', () => {
  it.each([
    ['9007199254740991', 9_007_199_254_740_991],
    ['9007199254740993', 9_007_199_254_740_993n],
    ['-9007199254740993', -9_007_199_254_740_993n],
    ['9223372036854775808', 2n ** 63n],
    ['1234567890123456', 1_234_567_890_123_456],
    ['1'.repeat(40), BigInt('1'.repeat(40))],
    ['-0', -0],
    ['0', 0],
    ['1E5', 100_000],
    ['0.1e-7', 0.1e-7],
    ['1.0', 1],
    ['21.534999999999997', 21.534999999999997],
    ['1e308', 1e308],
    ['1e-400', 0],
    [`0.${'3'.repeat(400)}`, 1 / 3],
    ['12345678901234567890.5', Number('12345678901234567890.5')],
  ])('%s is kept', (text, value) => {
    expect(decode(text)).toBe(value);
    expect(decode(`{"a":[${text}]}`)).toEqual({ a: [value] });
    expect(decode(` [ ${text} , ${text}] `)).toEqual([value, value]);
  });

  it.each(['1e400', '-1e400', '1E+309', '9'.repeat(41), `-${'9'.repeat(41)}`, '9'.repeat(400), `${'9'.repeat(310)}.5`, `${'9'.repeat(250)}e99`])(
    '%s is out of range, never infinite',
    (text) => {
      expect(decode(text)).toBe('NUMBER_OUT_OF_RANGE');
      expect(decode(`{"a":${text}}`)).toBe('NUMBER_OUT_OF_RANGE');
    },
  );

  it('are left alone inside strings and names', () => {
    expect(decode('{"9007199254740993":"9007199254740993","a":"1e400"}')).toEqual({ '9007199254740993': '9007199254740993', a: '1e400' });
  });

  it('every integer of up to 40 digits is exact', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 40n) + 1n, max: 10n ** 40n - 1n }), (n) => {
        expect(BigInt(decode(n.toString()) as number | bigint)).toBe(n);
      }),
    );
  });
});

describe('bounds, before anything is parsed', () => {
  const cases: readonly (readonly [string, Buffer, string])[] = [
    ['5 M open brackets', Buffer.alloc(5_000_000, '['), 'LIMIT_DEPTH'],
    ['5 M open braces', Buffer.from('{"a":'.repeat(1_000_000)), 'LIMIT_DEPTH'],
    ['1 M keys', Buffer.from(`{${Array.from({ length: 1_000_000 }, (_, i) => `"k${i}":1`).join()}}`), 'LIMIT_FIELDS'],
    ['1 M numbers', Buffer.from(`[${'1,'.repeat(1_000_000)}1]`), 'LIMIT_FIELDS'],
    ['1 M empty arrays', Buffer.from(`[${'[],'.repeat(1_000_000)}[]]`), 'LIMIT_FIELDS'],
  ];

  it.each(cases)('%s are refused at once', (_, body, code) => {
    expect(isCheap(() => expect(decode(body)).toBe(code))).toBe(true);
  });

  it('count exactly at the limit', () => {
    const nested = (n: number): string => '['.repeat(n) + ']'.repeat(n);
    expect(decode(nested(32))).not.toBe('LIMIT_DEPTH');
    expect(decode(nested(33))).toBe('LIMIT_DEPTH');
    expect(decode('[1,2,3]', { fields: 3 })).toEqual([1, 2, 3]);
    expect(decode('[1,2,3,4]', { fields: 3 })).toBe('LIMIT_FIELDS');
    // Side by side is not deep.
    expect(decode(`[${'[],'.repeat(100)}[]]`)).toHaveLength(101);
  });

  it('do not count what stands in strings', () => {
    expect(decode(`"${'[{,:'.repeat(50_000)}\\"["`)).toHaveLength(200_002);
    expect(decode('{"a\\"[[[[":"]\\\\"}', { depth: 1 })).toEqual({ 'a"[[[[': ']\\' });
  });

  it('stay below a depth that recursion survives, whatever the settings say', () => {
    expect(decode(Buffer.alloc(100_000, '['), { depth: 1e9 })).toBe('LIMIT_DEPTH');
    expect(decode(`${'['.repeat(512)}9007199254740993${']'.repeat(512)}`, { depth: 1e9 })).not.toBe('LIMIT_DEPTH');
  });
});

describe('text', () => {
  it.each([
    ['UTF-16LE with mark', Buffer.from('\ufeff{"a":1}', 'utf16le')],
    ['UTF-16LE', Buffer.from('{"a":1}', 'utf16le')],
    ['UTF-16BE', Buffer.from('{"a":1}', 'utf16le').swap16()],
  ])('%s is refused by name', (_, body) => {
    const result = decodeJson(body, DEFAULT_LIMITS);
    expect(result).toMatchObject({ ok: false, fault: { code: 'INVALID_UTF8', message: expect.stringContaining('UTF-16') } });
  });

  it.each([
    ['Latin-1', Buffer.from('{"a":"21 \xb0C"}', 'latin1')],
    ['overlong', Buffer.from([0x22, 0xc0, 0xaf, 0x22])],
    ['CESU-8 surrogates', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ['cut in a character', Buffer.from([0x22, 0xe2, 0x82])],
  ])('%s is not UTF-8', (_, body) => {
    expect(decode(body)).toBe('INVALID_UTF8');
  });

  it('keeps a lone surrogate escape as JSON.parse does', () => {
    expect(decode('"\\ud800"')).toBe('\ud800');
    expect(decode('["\\ud800",9007199254740993]')).toEqual(['\ud800', 9_007_199_254_740_993n]);
  });

  it('skips one byte-order mark and flags it; a second is an error', () => {
    expect(decode('\ufeff{"a":"\u00b0"}')).toEqual({ a: '\u00b0' });
    expect(flags('\ufeff{"a":1}')).toEqual(['bom']);
    expect(decode('\ufeff\ufeff1')).toBe('DECODE_INVALID');
    expect(decode('\ufeff')).toBe('DECODE_INVALID');
  });

  it('tells what is wrong on one short line without control characters', () => {
    const result = decodeJson(Buffer.from(`\u001b[31m\r\n${'x'.repeat(10_000)}`), DEFAULT_LIMITS);
    const line = result.ok ? '' : result.fault.message;
    expect(line.length).toBeLessThan(300);
    expect(line).not.toMatch(/\p{Cc}/u);
  });
});

describe('names', () => {
  it.each([
    ['{"a":1,"a":2}', { a: 2 }],
    ['{"a":1,"a":1}', { a: 1 }],
    ['[{"x":{"b":1,"b":2}}]', [{ x: { b: 2 } }]],
    ['{"a":1,"\\u0061":2}', { a: 2 }],
    ['{"a":{"b":1,"c":2},"a":3}', { a: 3 }],
    ['{"a":9007199254740993,"a":2}', { a: 2 }],
  ])('%s: the last wins, flagged', (body, document) => {
    expect(decode(body)).toEqual(document);
    expect(flags(body)).toEqual(['duplicate-key']);
  });

  it.each(['{"a":{"a":1},"b":{"a":":"}}', '{"a":"b\\":1","":{"":[{"":0},{"":1}]}}', '{"a":9007199254740993,"b":{"a":1}}', '[]', '1'])(
    '%s names nothing twice',
    (body) => {
      expect(flags(body)).toEqual([]);
    },
  );

  it.each(['1', '9007199254740993'])('__proto__ and its like are names (beside %s)', (n) => {
    const document = decode(`{"__proto__":{"polluted":true},"constructor":{"prototype":{"x":1}},"toString":1,"n":${n}}`) as object;
    expect(Object.keys(document)).toEqual(['__proto__', 'constructor', 'toString', 'n']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
    expect((document as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

/** JSON text of a document, with bigints as a double would have them. */
function rounded(document: unknown): string {
  return JSON.stringify(document, (_, v: unknown) => (typeof v === 'bigint' ? Number(v) : v));
}

describe('the same as JSON.parse', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((text) => Buffer.from(text)),
    fc.json().chain((text) => fc.nat({ max: text.length }).map((n) => Buffer.from(text.slice(0, n)))),
    fc.stringMatching(/^[[\]{}",:0-9eE+.\-tfn\\u ]{0,60}$/).map((text) => Buffer.from(text)),
  );

  it('for any bytes: never throws, and the verdict is that of JSON.parse where it is not stricter', () => {
    fc.assert(
      fc.property(bytes, (body) => {
        const mine = decodeJson(Buffer.from(body), { ...DEFAULT_LIMITS, depth: 100 });
        let theirs: { readonly value: unknown } | undefined;
        try {
          theirs = { value: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) };
        } catch {
          theirs = undefined;
        }
        // Bigints are compared by what a double makes of them.
        const seen = mine.ok ? rounded(mine.value.document) : mine.fault.code;
        const stricter = ['NUMBER_OUT_OF_RANGE', 'LIMIT_DEPTH', 'LIMIT_FIELDS'].includes(seen);
        const refused = /^(DECODE_INVALID|INVALID_UTF8|LIMIT_.*)$/.test(seen) ? seen : 'a refusal';
        const wanted = theirs === undefined ? refused : JSON.stringify(theirs.value);
        expect(seen).toEqual(stricter ? seen : wanted);
      }),
      { numRuns: 2000 },
    );
  });

  it('for texts and their wrong edits', () => {
    const random = seededRandom(1);
    let accepted = 0;
    fc.assert(
      fc.property(fc.json(), fc.json(), (text, other) => {
        const body = mutated(Buffer.from(text), Buffer.from(other), random);
        let theirs: string | undefined;
        try {
          theirs = JSON.stringify(JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)));
        } catch {
          theirs = undefined;
        }
        const mine = decodeJson(body, { ...DEFAULT_LIMITS, depth: 500 });
        accepted += mine.ok ? 1 : 0;
        if (!mine.ok && mine.fault.code === 'NUMBER_OUT_OF_RANGE') return;
        expect(mine.ok ? rounded(mine.value.document) : undefined).toBe(theirs);
      }),
      { numRuns: 10_000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });

  it('for any number: rounded once', () => {
    const digits = (max: number) => fc.stringMatching(new RegExp(`^[0-9]{1,${max}}$`));
    const number = fc
      .tuple(fc.constantFrom('', '-'), digits(22), fc.option(digits(22)), fc.option(fc.tuple(fc.constantFrom('e', 'E', 'e+', 'E-'), digits(3))))
      .map(([sign, whole, decimals, power]) => `${sign}${whole.replace(/^0+(?=.)/, '')}${decimals === null ? '' : `.${decimals}`}${power?.join('') ?? ''}`);
    fc.assert(
      fc.property(fc.oneof(number, fc.double({ noNaN: true, noDefaultInfinity: true }).map(String)), (text) => {
        const value = Number(text);
        const mine = decode(text);
        const exact = typeof mine === 'bigint' ? BigInt(text) : value;
        expect(mine).toBe(Number.isFinite(value) ? exact : 'NUMBER_OUT_OF_RANGE');
      }),
      { numRuns: 20_000 },
    );
  });
});

describe('CodecRegistry', () => {
  it('finds codecs by name and refuses two of one name', () => {
    expect(defaultCodecs().get('json')).toBe(jsonCodec);
    expect(defaultCodecs().get('toString')).toBeUndefined();
    expect(() => new CodecRegistry([jsonCodec, jsonCodec])).toThrow('same name');
  });
});
