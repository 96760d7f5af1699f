import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileSource, type Document, readPath, renderTemplate } from '../../../src/domain/payload-path.ts';

const whole = JSON.parse('{"a":{"b":1},"list":[{"x":5},7],"odd.name":2,"q\\"t":3,"":4,"__proto__":{"p":6},"n":null,"0":8}') as Document;
const own = { a: 'own', length: 3 } as Document;

function read(text: string): Document | undefined {
  const source = compileSource(text);
  if (!source.ok || source.value.kind !== 'path') {
    throw new Error(`${text} is not a path`);
  }
  return readPath(source.value, own, whole);
}

describe('paths', () => {
  it.each([
    ['$', own],
    ['$$', whole],
    ['$.a', 'own'],
    ['$$.a.b', 1],
    ['$$.list[0].x', 5],
    ['$$.list[1]', 7],
    ['$$.list[2]', undefined],
    ['$$.list.length', undefined],
    ['$$.list.0', undefined],
    ['$$[0]', undefined],
    ['$$["odd.name"]', 2],
    ['$$["q\\"t"]', 3],
    ['$$[""]', 4],
    ['$$["a"]["b"]', 1],
    ['$$.n', null],
    ['$$.n.x', undefined],
    ['$.a.length', undefined],
    ['$.a[0]', undefined],
    ['$$.__proto__.p', 6],
    ['$.__proto__', undefined],
    ['$.toString', undefined],
    ['$.constructor.prototype', undefined],
    ['$.hasOwnProperty', undefined],
    ['$.length', 3],
    ['$$.missing.deeper', undefined],
  ])('%s', (text, value) => {
    expect(read(text)).toEqual(value);
  });

  it.each(['$a', '$.', '$..a', '$.a.', '$[', '$[-1]', '$[1.5]', '$["a]', "$['a']", '$[a]', '$.a b', '$$$', '$["\\x"]', ''])('%j is refused', (text) => {
    expect(compileSource(text)).toMatchObject({ ok: false, problem: expect.any(String) });
  });

  it('any name can be written in brackets', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer(), (name, n) => {
        const source = compileSource(`$[${JSON.stringify(name)}]`);
        const document = JSON.parse(`{${JSON.stringify(name)}:${n}}`) as Document;
        expect(source.ok && source.value.kind === 'path' && readPath(source.value, document, null)).toBe(n);
        expect(source.ok && source.value.kind === 'path' && readPath(source.value, {}, null)).toBe(undefined);
      }),
    );
  });
});

describe('capture templates', () => {
  function render(text: string, captures: Record<string, string>): string | undefined {
    const source = compileSource(text);
    if (!source.ok || source.value.kind !== 'template') {
      throw new Error(`${text} is not a template`);
    }
    return renderTemplate(source.value, captures);
  }

  it.each([
    ['{site}-{device}', 'hall-1'],
    ['{site}/{device}/x', 'hall/1/x'],
    ['constant', 'constant'],
    ['{missing}', undefined],
    ['{site}{empty}', undefined],
  ])('%s', (text, expected) => {
    expect(render(text, { site: 'hall', device: '1', empty: '' })).toBe(expected);
  });

  it('do not read what a capture holds as a template', () => {
    expect(render('{a}-{b}', { a: '{b}', b: '$1' })).toBe('{b}-$1');
  });

  it.each(['{', '}', '{a', '{}', '{a b}', '{{a}}', '{a...}'])('%j is refused', (text) => {
    expect(compileSource(text)).toMatchObject({ ok: false });
  });
});
