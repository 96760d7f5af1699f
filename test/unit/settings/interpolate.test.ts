import { describe, expect, it } from 'vitest';
import { fileReferences, interpolate, type Sources } from '../../../src/settings/interpolate.ts';

const from: Sources = {
  variable: (name) => ({ HOST: 'broker', EMPTY: '', TRICK: '${HOST}' })[name],
  file: (path) => (path === 'secret' ? { ok: true, text: 'hush\n' } : { ok: false, reason: 'there is no such file' }),
};

describe('interpolate', () => {
  it.each([
    ['plain', 'plain', false],
    ['${HOST}', 'broker', true],
    ['a-${HOST}-b-${HOST}', 'a-broker-b-broker', true],
    ['${HOST:-else}', 'broker', true],
    ['${NONE:-else}', 'else', false],
    ['${NONE:-}', '', false],
    ['${NONE:-a:-b}', 'a:-b', false],
    ['${EMPTY:-else}', 'else', false],
    ['${EMPTY}', '', true],
    ['${file:secret}', 'hush', true],
    ['$${HOST}', '${HOST}', false],
    ['$$${HOST}', '$${HOST}', false],
    ['$.a $$.b $', '$.a $$.b $', false],
    ['$["a"]', '$["a"]', false],
    ['{device}', '{device}', false],
    // Inserted once: what comes from outside cannot reach for more.
    ['${TRICK}', '${HOST}', true],
  ])('%j becomes %j', (text, expected, foreign) => {
    expect(interpolate(text, from)).toEqual({ text: expected, foreign, errors: [] });
  });

  it.each([
    ['x${NONE}', 1, '${NONE}', 'environment variable NONE is not set'],
    ['${file:nowhere}', 0, '${file:nowhere}', '${file:nowhere}: there is no such file'],
    ['${file:}', 0, '${file:}', '${file:} names no file'],
    ['ab${HOST', 2, '${', '"${" is not closed'],
    ['${}', 0, '${}', 'this is not a variable: ${NAME}, ${NAME:-default} or ${file:PATH}'],
    ['${1A}', 0, '${1A}', 'this is not a variable: ${NAME}, ${NAME:-default} or ${file:PATH}'],
    ['${HOST-x}', 0, '${HOST-x}', 'this is not a variable: ${NAME}, ${NAME:-default} or ${file:PATH}'],
  ])('%j is refused where it stands', (text, index, token, message) => {
    expect(interpolate(text, from).errors).toMatchObject([{ index, token, message }]);
  });

  it('tells every problem of a text', () => {
    expect(interpolate('${A}${B:-b}${C}', from).errors.map((e) => e.index)).toEqual([0, 11]);
  });

  it('finds the files that a text names, and not escaped ones', () => {
    expect(fileReferences('a ${file:x/y} $${file:no} ${file:} ${A} ${file:z}')).toEqual(['x/y', 'z']);
  });
});
