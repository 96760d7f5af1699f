import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flagList } from '../../../src/domain/flags.ts';
import { compileLayout } from '../../../src/domain/layout/compile.ts';
import { compileFormula } from '../../../src/domain/layout/formula.ts';
import { readLayout } from '../../../src/domain/layout/run.ts';
import { extended, type FrameSpec, type LayoutSpec } from '../../../src/domain/layout/spec.ts';

function layout(frame: FrameSpec, more: Partial<LayoutSpec> = {}): LayoutSpec {
  return { name: 'mine', endian: 'big', frames: [frame], ...more };
}

function read(spec: LayoutSpec, hex: string, port?: number): { values: unknown; flags: unknown; units: unknown } | undefined {
  const { plan, problems } = compileLayout(spec);
  expect(problems).toEqual([]);
  const found = readLayout(plan, Buffer.from(hex.replaceAll(' ', ''), 'hex'), port);
  return found === undefined
    ? undefined
    : { values: JSON.parse(JSON.stringify(found.values)) as unknown, flags: flagList(found.flags), units: { ...found.units } };
}

const values = (spec: LayoutSpec, hex: string, port?: number): unknown => read(spec, hex, port)?.values;

function problems(spec: LayoutSpec): string[] {
  return compileLayout(spec).problems.map(({ at, message }) => `${at.join('.')}: ${message}`);
}

describe('fields', () => {
  it.each([
    ['u8', 'ff', 255],
    ['i8', 'ff', -1],
    ['u16', '0102', 258],
    ['u16le', '0102', 513],
    ['i16', 'fffe', -2],
    ['u24', '010203', 66_051],
    ['i24le', 'feffff', -2],
    ['u32', 'ffffffff', 4_294_967_295],
    ['i32', 'ffffffff', -1],
    ['u40', '0100000000', 4_294_967_296],
    ['u48', 'ffffffffffff', 281_474_976_710_655],
    ['f32', '41480000', 12.5],
    ['f64le', '0000000000002940', 12.5],
    ['hex2', 'abcd', 'abcd'],
    ['hex', 'abcdef', 'abcdef'],
    ['text3', '414243', 'ABC'],
    ['text4', '41420000', 'AB'],
  ])('%s of %s is %j', (type, hex, value) => {
    expect(values(layout({ fields: { v: type } }), hex)).toEqual({ v: value });
    // One byte less is too short, one more is not known; what takes all bytes takes any number.
    const others = [hex.slice(2), `${hex}00`].map((other) => values(layout({ fields: { v: type } }), other) !== undefined);
    expect(others).toEqual(type === 'hex' ? [true, true] : [false, false]);
  });

  it('stand one behind another, or where `at` says; `skip` and names with _ are not handed on', () => {
    const spec = layout({
      fields: { a: 'u8', _gap: 'skip1', b: 'u8', last: { read: 'u8', at: 4 }, first: { read: 'u8', at: 0 }, second: 'u8', _none: 'u8' },
      rest: 'ignore',
    });
    expect(values(spec, '0102030405')).toEqual({ a: 1, b: 3, last: 5, first: 1, second: 2 });
  });

  it('are bits, formulas over earlier ones, words and units', () => {
    const spec = layout({
      fields: {
        low: { read: 'u8', at: 0, bits: [0, 4] },
        high: { read: 'u8', at: 0, bits: [4, 4], map: { 10: 'ten' } },
        wide: { read: 'u16', bits: [7, 9] },
        temperature: { read: 'i16', value: 'x / 10', unit: 'Cel' },
        sum: { value: 'low + high * 100' },
        tenth: { read: 'u8', value: 'x * 0.1' },
      },
    });
    expect(read(spec, 'a5 ff80 ff9c 03')).toEqual({
      values: { low: 5, high: 'ten', wide: 511, temperature: -10, sum: 1005, tenth: 0.3 },
      flags: undefined,
      units: { temperature: 'Cel' },
    });
  });

  it('that are no measurement are left out with what follows from them, and flagged', () => {
    const spec = layout({ fields: { t: { read: 'u16', none: [0xffff], value: 'x / 10' }, double: { value: 't * 2' }, ok: 'u8' } });
    expect(read(spec, 'ffff 01')).toEqual({ values: { ok: 1 }, flags: ['sentinel'], units: {} });
    expect(read(spec, '0064 01')).toEqual({ values: { t: 10, double: 20, ok: 1 }, flags: undefined, units: {} });
  });

  it('without an answer are left out, and flagged', () => {
    const spec = layout({ fields: { a: 'u8', over: { value: '1 / a' }, log: { value: 'ln(a - 1)' }, ok: { value: 'a + 1' } } });
    expect(read(spec, '00')).toEqual({ values: { a: 0, ok: 1 }, flags: ['payload-unread'], units: {} });
    expect(values(layout({ fields: { f: 'f32' } }), '7fc00000')).toEqual({});
    expect(values(layout({ fields: { a: { read: 'i8', value: '-x' } } }), '00')).toEqual({ a: 0 });
  });

  it('may be a text up to a byte', () => {
    const spec = layout({ fields: { name: { read: 'text', until: 0xff }, _end: 'u8', rest: 'hex' } });
    expect(values(spec, '4142 ff 01')).toEqual({ name: 'AB', rest: '01' });
    expect(values(spec, '4142')).toBeUndefined();
  });
});

describe('frames', () => {
  const spec: LayoutSpec = {
    name: 'mine',
    endian: 'little',
    frames: [
      { when: { ports: [1, 2], length: [1] }, fields: { a: 'u8' } },
      { when: { ports: [2], bytes: { 0: [7, 8], 2: [1] } }, fields: { _k: 'u8', b: 'u16' } },
      { when: { length: [2, 3] }, fields: { c: 'u16' }, rest: 'ignore' },
    ],
  };

  it.each([
    ['05', 1, { a: 5 }],
    ['05', 3, undefined],
    ['05', undefined, undefined],
    ['08 0001', 2, { b: 256 }],
    ['08 0002', 2, { c: 8 }],
    ['0100', undefined, { c: 1 }],
    ['01000000', undefined, undefined],
    ['', 1, undefined],
  ])('%s on port %s: %j', (hex, port, wanted) => {
    expect(values(spec, hex, port)).toEqual(wanted);
  });
});

describe('groups', () => {
  const spec = layout({ fields: { _flags: 'u8' }, groups: { by: '_flags', of: [{ a: 'u8' }, { b: 'u8', c: 'u8' }, { d: 'u8' }] } });

  it.each([
    ['07 01020304', { a: 1, b: 2, c: 3, d: 4 }],
    ['05 0104', { a: 1, d: 4 }],
    ['00', {}],
    ['08', undefined],
    ['01', undefined],
    ['01 0102', undefined],
  ])('%s: %j', (hex, wanted) => {
    expect(values(spec, hex)).toEqual(wanted);
  });
});

describe('elements', () => {
  const spec = layout({
    elements: { '0167': { t: 'i16' }, '??67': { 't_{1}': 'i16' }, '??01': { 's_{1}': 'u8' }, '20ce': { at: 'u8', v: { read: 'u8', unit: 'V' } } },
    unknown: ['ff??'],
    lists: { '20ce': 'history' },
  });

  it.each([
    ['0167 0001 0267 0002 0301 05', { t: 1, t_2: 2, s_3: 5 }],
    ['0167 0001 0167 0002 0167 0003', { t: 1, t_2: 2, t_3: 3 }],
    [
      '20ce 01 02 20ce 03 04',
      {
        history: [
          { at: 1, v: 2 },
          { at: 3, v: 4 },
        ],
      },
    ],
    ['', {}],
    ['01', undefined],
    ['0167 00', undefined],
    ['0167 0001 0199', undefined],
    ['ff67 0001', undefined],
    ['ff01 00', undefined],
  ])('%s: %j', (hex, wanted) => {
    expect(values(spec, hex)).toEqual(wanted);
  });

  it('name units as the values are flattened', () => {
    expect(read(spec, '20ce 01 02 20ce 03 04')?.units).toEqual({ 'history.0.v': 'V', 'history.1.v': 'V' });
  });

  it('may have a size of their own, behind fields', () => {
    const fixed = layout({ fields: { version: 'u8' }, elements: { '02': { a: 'u8' } }, size: 3 });
    expect(values(fixed, '01 02 050000 02 060000')).toEqual({ version: 1, a: 5, a_2: 6 });
    expect(values(fixed, '01 02 0500')).toBeUndefined();
  });
});

describe('a layout on top of another', () => {
  const base: LayoutSpec = {
    name: 'base',
    endian: 'little',
    parameters: { k: 2, o: 1 },
    frames: [{ elements: { '01': { a: 'u8' }, '02': { b: 'u8' } } }, { when: { ports: [9] }, fields: { n: 'u8' } }],
  };

  it('completes its elements, and keeps its other frames', () => {
    const own: LayoutSpec = {
      name: 'own',
      endian: 'little',
      parameters: { k: 3 },
      frames: [{ elements: { '02': { mine: { read: 'u8', value: 'x * k + o' } }, '03': { c: 'u8' } } }],
    };
    const sum = extended(own, base);
    expect(values(sum, '01 05 02 06 03 07')).toEqual({ a: 5, mine: 19, c: 7 });
    expect(sum.frames).toHaveLength(2);
    expect(values(extended({ name: 'own', endian: 'big', frames: [] }, base), '01 05')).toEqual({ a: 5 });
  });
});

describe('formulas', () => {
  const names = new Map([
    ['a', 0],
    ['b', 1],
  ]);
  const result = (text: string, x = 3, slots = [10, 4]): unknown => {
    const formula = compileFormula(text, names, new Map([['pi', 3.14]]));
    return formula.ok ? formula.value(x, slots) : formula.problem;
  };

  it.each([
    ['1 + 2 * 3', 7],
    ['(1 + 2) * 3', 9],
    ['2 ^ 3 ^ 2', 512],
    ['-2 ^ 2', -4],
    ['2 ^ -1', 0.5],
    ['10 - 4 - 3', 3],
    ['100 / 10 / 2', 5],
    ['7 % 4', 3],
    ['- - x', 3],
    ['a - b + x', 9],
    ['a * pi', 31.400000000000002],
    ['x < 3 ? 1 : x == 3 ? 2 : 4', 2],
    ['x >= 3', 1],
    ['a != b', 1],
    ['min(a, b) + max(a, b) + abs(-1)', 15],
    ['floor(-0.5)', -1],
    ['round(2.345, 2)', 2.35],
    ['round(-2.5, 0)', -3],
    ['round(1.005, 2)', 1.01],
    ['ln(exp(1)) + log10(100) + sqrt(9)', 6],
    ['1.5e3', 1500],
  ])('%s = %d', (text, value) => {
    expect(result(text)).toBe(value);
  });

  it.each([
    ['', 'something is missing at the end'],
    ['1 +', 'something is missing at the end'],
    ['1 2', '"2" does not belong there'],
    ['(1', 'something is missing at the end'],
    ['x ? 1', 'something is missing at the end'],
    ['c + 1', 'there is no "c"; there are x, a, b, pi'],
    ['constructor(1)', 'there is no function "constructor"'],
    ['ln(1, 2)', 'ln takes one number'],
    ['x; y', 'cannot be read at position 1'],
    ['x = 1', 'cannot be read at position 1'],
    ['('.repeat(40), 'is nested too deeply'],
    ['-'.repeat(40), 'is nested too deeply'],
    ['1+'.repeat(300), 'longer than 500 characters'],
  ])('%s is refused: %s', (text, problem) => {
    expect(result(text)).toContain(problem);
  });

  it('have no answer where a side has none', () => {
    expect(result('a < b ? 1 : 2', 0, [Number.NaN, 1])).toBeNaN();
  });

  it('never throw on any text', () => {
    const texts = fc.oneof(fc.string({ maxLength: 60 }), fc.stringMatching(/^[-x1ab+*^()?:<,. ]{0,40}$/));
    fc.assert(
      fc.property(texts, (text) => {
        expect(typeof result(text)).toMatch(/^(?:number|string)$/);
      }),
    );
  });
});

describe('the compiler tells every problem with its place', () => {
  it.each<[FrameSpec, string[]]>([
    [{}, ['frames.0: says nothing: `fields`, `groups` or `elements` is needed']],
    [{ fields: { v: 'u7' } }, ['frames.0.fields.v: "u7" is none of u8 to u48, i8 to i48, f32, f64 (with le or be behind), hexN, textN, skipN']],
    [{ fields: { v: {} } }, ['frames.0.fields.v: says nothing: `read` or `value` is needed']],
    [{ fields: { 'a b': 'u8' } }, ['frames.0.fields.a b: "a b" is no name: letters, digits and _, and {1} for what the first ?? of the key is']],
    [{ fields: { 'v_{1}': 'u8' } }, ['frames.0.fields.v_{1}: there is no {1}: the key has no ??']],
    [{ fields: { v: { read: 'u8', bits: [4, 5] } } }, ['frames.0.fields.v.bits: must be the lowest bit and the number of bits, within 8: [0, 4]']],
    [{ fields: { v: { read: 'i8', bits: [0, 1] } } }, ['frames.0.fields.v.bits: are those of an integer without sign: `read` must be u8 to u48']],
    [{ fields: { v: { read: 'hex2', value: 'x' } } }, ['frames.0.fields.v: hex is no number: neither `value` nor `map` can be said of it']],
    [{ fields: { v: { read: 'u8', value: 'y' } } }, ['frames.0.fields.v.value: formula "y": there is no "y"; there are x']],
    [{ fields: { v: { read: 'u8', map: { off: 0 } } } }, ['frames.0.fields.v.map.off: is no number: what is read is a number']],
    [{ fields: { v: { read: 'u8', until: 1 } } }, ['frames.0.fields.v.until: is for `hex` and `text` without a length']],
    [{ fields: { v: 'u8' }, size: 2 }, ['frames.0.size: has no effect without `elements`']],
    [{ fields: { v: 'u8' }, when: { length: [3, 2] } }, ['frames.0.when.length: must be one number of bytes, or the least and the most: [4, 8]']],
    [{ groups: { by: 'f', of: [{ a: 'u8' }] } }, ['frames.0.groups.by: there is no field "f" in `fields`']],
    [{ elements: { '1': { a: 'u8' } } }, [`frames.0.elements.1: "1" is no key: one to four bytes in hexadecimal, ?? for any, in quotes: '0367'`]],
    [{ elements: { '01': { a: 'u8' }, '0102': { a: 'u8' } } }, ['frames.0.elements.0102: has 2 bytes, other keys have 1']],
    [{ elements: { '0a': { a: 'u8' }, '0A': { a: 'u8' } } }, ['frames.0.elements.0A: stands twice']],
    [{ elements: { '01': { a: 'u16' } }, size: 1 }, ['frames.0.elements.01: takes 2 bytes, and `size` is 1']],
    [{ elements: { '01': { a: 'u8' } }, lists: { '02': 'l' } }, ['frames.0.lists.02: there is no element "02"']],
    [{ elements: { '01': { a: 'u8' }, '02': { b: 'u8' } }, lists: { '02': 'a' } }, ['frames.0.lists.02: "a" is the name of a value']],
  ])('%j', (frame, wanted) => {
    expect(problems(layout(frame))).toEqual(wanted);
  });
});
