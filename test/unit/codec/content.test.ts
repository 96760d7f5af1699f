import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Content, contentOf } from '../../../src/codec/content.ts';
import { encodeReading } from '../../../src/codec/reading.ts';
import { reading } from '../pipeline/fixtures.ts';

describe('the content of a batch', () => {
  it.each([
    ['json', ','],
    ['ndjson', '\n'],
  ] as const)('is the texts of %s with one byte between, however much room there was', (encoding, separator) => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', minLength: 1 })), fc.nat(200), (texts, room) => {
        const content = new Content(encoding, room);
        for (const text of texts) content.append(text, Buffer.byteLength(text));
        expect(content.bytes().toString()).toBe(Buffer.from(texts.join(separator)).toString());
      }),
    );
  });

  it('refuses a text that has another number of bytes than was said, wherever it stands', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
    const off = fc.constantFrom(-7, -3, -2, -1, 1, 2, 3, 7);
    fc.assert(
      fc.property(fc.array(text, { maxLength: 5 }), text, off, fc.nat(60), (before, last, by, room) => {
        const bytes = Buffer.byteLength(last);
        fc.pre(bytes + by >= 0);
        const content = new Content('json', room);
        for (const each of before) content.append(each, Buffer.byteLength(each));
        expect(() => content.append(last, bytes + by)).toThrow(/was said to have/);
      }),
    );
  });

  it('of readings is what each of them is written as', () => {
    const readings = [reading({ t: 1, name: 'é' }), reading({ t: 2 }, { id: 'r2', flags: ['late'] })];
    expect(contentOf(readings, 'ndjson').toString()).toBe(readings.map(encodeReading).join('\n'));
    expect(contentOf([], 'json')).toHaveLength(0);
  });
});
