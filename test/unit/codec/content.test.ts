import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Content, contentOf, textsIn } from '../../../src/codec/content.ts';

describe('the content of a batch', () => {
  it.each([
    ['json', ','],
    ['ndjson', '\n'],
  ] as const)('is the texts of %s with one byte between, however much room there was', (encoding, separator) => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', minLength: 1 })), fc.nat(200), (texts, room) => {
        const content = new Content(encoding, room);
        for (const text of texts) content.append(Buffer.from(text));
        expect(content.bytes().toString()).toBe(Buffer.from(texts.join(separator)).toString());
      }),
    );
  });

  it('comes apart into its texts, and is put together of any of them', () => {
    const texts = fc.array(fc.tuple(fc.string({ unit: 'grapheme', minLength: 1 }), fc.boolean()));
    fc.assert(
      fc.property(texts, fc.constantFrom('json', 'ndjson'), (chosen, encoding) => {
        const all = chosen.map(([text]) => Buffer.from(text));
        const parts = textsIn(
          contentOf(all, encoding),
          all.map(({ length }) => length),
        );
        expect(parts).toEqual(all);
        const content = new Content(encoding, 0);
        for (const [text, wanted] of chosen) if (wanted) content.append(Buffer.from(text));
        const some = parts.filter((_, i) => chosen[i]?.[1]);
        expect(contentOf(some, encoding).equals(content.bytes())).toBe(true);
      }),
    );
  });

  it.each([[[3, 2]], [[3, 4]], [[7, 1]], [[]]])('does not come apart into texts of %j bytes when it has others', (lengths) => {
    expect(() => textsIn(Buffer.from('abc,def'), lengths)).toThrow('a content of 7 bytes was said to have');
  });
});
