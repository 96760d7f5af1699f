import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyHasher } from '../../../src/domain/key-hash.ts';

/** HalfSipHash-2-4 with 32 bits, key 00 01 .. 07, of the bytes 00 01 .. of lengths 0 to 12: `vectors_hsip32` of the authors' reference implementation (CC0). */
const REFERENCE = [
  0x5b9f_35a9, 0xb85a_4727, 0x03a6_62fa, 0x04e7_fe8a, 0x8946_6e2a, 0x69b6_fac5, 0x23fc_6358, 0xc563_cf8b, 0x8f84_b8d0, 0x79e7_06f8, 0x3479_b094, 0x5030_0808,
  0x2f87_f057,
];

describe('KeyHasher', () => {
  it('is HalfSipHash-2-4 for texts of bytes', () => {
    const hasher = new KeyHasher(0x0302_0100, 0x0706_0504);
    const macs = REFERENCE.map((_, length) => hasher.hash(String.fromCharCode(...Array.from({ length }, (_, i) => i))).c >>> 0);
    expect(macs).toEqual(REFERENCE);
  });

  it('tells a text from the one that has its bytes as characters', () => {
    const hasher = new KeyHasher();
    for (const text of ['\u{1f321}', '\u0100', 'caf\u00e9 \u20ac', '\ud800']) {
      const bytes = Buffer.from(text, 'utf16le').toString('latin1');
      expect(hasher.hash(text)).not.toEqual(hasher.hash(bytes));
    }
  });

  it('gives different texts different hashes, and under another secret all others', () => {
    const [one, other] = [new KeyHasher(), new KeyHasher()];
    const text = fc.string({ unit: 'binary', maxLength: 60 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        const [first, second] = [one.hash(a), one.hash(b)];
        expect(first.a === second.a && first.b === second.b && first.c === second.c).toBe(a === b);
        expect(other.hash(a)).not.toEqual(first);
      }),
    );
  });

  it('has a word for a name, under the secret, that spreads', () => {
    const [one, other] = [new KeyHasher(1, 2), new KeyHasher(1, 3)];
    const names = Array.from({ length: 20_000 }, (_, i) => `site${i % 10}/device${i}`);
    const words = names.map((name) => one.word(name));
    // Of 20,000 names 0.05 pairs share a word, were it drawn.
    expect(new Set(words).size).toBeGreaterThan(names.length - 4);
    expect(words.filter((word, i) => word === other.word(names[i] as string)).length).toBeLessThan(4);
    expect(words.every((word) => word === (word | 0))).toBe(true);
    for (const bit of [0, 7, 16, 31]) expect(words.filter((word) => ((word >>> bit) & 1) === 1).length / names.length).toBeCloseTo(0.5, 1);
  });
});
