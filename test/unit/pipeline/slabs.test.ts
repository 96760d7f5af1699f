import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LARGEST_BLOCK, Slabs, sizeFor } from '../../../src/pipeline/slabs.ts';

const PAGE = 65_536;

describe('slabs', () => {
  it('keep every text apart from all others, whatever comes and goes', () => {
    const text = fc.oneof(
      fc.string({ maxLength: 60 }),
      fc.string({ unit: 'grapheme', maxLength: 40 }),
      fc.nat(3000).map((n) => 'ä'.repeat(n)),
    );
    const step = fc.oneof(fc.record({ keep: text }), fc.record({ drop: fc.nat() }), fc.record({ over: fc.nat(), text }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const slabs = new Slabs();
        let taken = 0;
        const kept = new Map<number, { text: string; bytes: number }>();
        const write = (handle: number, words: string): void => {
          const bytes = Buffer.from(words);
          slabs.write(handle, bytes);
          kept.set(handle, { text: words, bytes: bytes.length });
        };
        const pick = (n: number): number | undefined => [...kept.keys()][n % Math.max(1, kept.size)];
        for (const one of steps) {
          if ('keep' in one) {
            const handle = slabs.take(Math.max(1, Buffer.byteLength(one.keep)));
            taken += Number(kept.has(handle));
            write(handle, one.keep);
          } else {
            const handle = pick('drop' in one ? one.drop : one.over);
            if (handle === undefined) continue;
            if ('drop' in one) {
              slabs.give(handle);
              kept.delete(handle);
            } else if (Buffer.byteLength(one.text) <= slabs.size(handle)) write(handle, one.text);
          }
          expect(taken).toBe(0);
          for (const [handle, { text: words, bytes }] of kept) expect(slabs.view(handle, bytes).toString()).toBe(Buffer.from(words).toString());
        }
      }),
      { numRuns: 60 },
    );
  });

  it('refuse what a block has no room for: its neighbour would be overwritten', () => {
    const slabs = new Slabs();
    const block = slabs.take(16);
    slabs.write(block, Buffer.alloc(16, 'x'));
    expect(() => slabs.write(block, Buffer.alloc(17))).toThrow(RangeError);
    expect(() => slabs.writeTwo(block, Buffer.alloc(17), 0, 8, 8, 9)).toThrow(RangeError);
    expect(slabs.view(block, 16).toString()).toBe('x'.repeat(16));
  });

  it.each([4, 400])('take two parts of a text, the second of %i bytes, one behind the other', (count) => {
    const slabs = new Slabs();
    const block = slabs.take(count + 3);
    slabs.writeTwo(block, Buffer.from(`<abc-${'x'.repeat(count)}>`), 1, 3, 5, count);
    expect(slabs.view(block, count + 3).toString()).toBe(`abc${'x'.repeat(count)}`);
  });

  it('have blocks for doubles that do not touch one another', () => {
    const slabs = new Slabs();
    const blocks = Array.from({ length: 3000 }, (_, i) => ({ handle: slabs.take(8 * (1 + (i % 9))), width: 1 + (i % 9), i }));
    for (const { handle, width, i } of blocks) {
      const { page, at } = slabs.doubles(handle);
      page.fill(i, at, at + width);
    }
    for (const { handle, width, i } of blocks) {
      const { page, at } = slabs.doubles(handle);
      expect([...page.subarray(at, at + width)]).toEqual(Array.from({ length: width }, () => i));
    }
  });

  it('have sizes for everything up to the largest, an eighth or 16 bytes too large at most, save for the few that are parts of a page', () => {
    for (let bytes = 1; bytes <= LARGEST_BLOCK; bytes += 1 + Math.floor(bytes / 50)) {
      const size = sizeFor(bytes);
      expect(size).toBeGreaterThanOrEqual(bytes);
      expect(size).toBeLessThanOrEqual(size <= PAGE / 8 ? bytes * 1.125 + 16 : Math.floor(PAGE / Math.floor(PAGE / size) / 16) * 16);
    }
    expect(sizeFor(LARGEST_BLOCK)).toBe(LARGEST_BLOCK);
    for (const bytes of [0, -1, Number.NaN, LARGEST_BLOCK + 1]) expect(() => new Slabs().take(bytes)).toThrow(RangeError);
  });

  it('give what is left to blocks of other sizes', () => {
    const slabs = new Slabs();
    const sizes = [48, 300, 512, 4000, 13_000, LARGEST_BLOCK];
    for (const bytes of sizes) {
      const blocks = Array.from({ length: Math.ceil(2_000_000 / bytes) }, () => slabs.take(bytes));
      expect(slabs.bytes).toBeLessThan(2_000_000 * 1.25 + sizes.length * PAGE + PAGE);
      // Nor do handles grow without end: a page has 4,096 of them at most.
      expect(Math.max(...blocks)).toBeLessThan((slabs.bytes / PAGE) * 4096);
      for (const [i, block] of blocks.entries()) if (i % 2 === 0) slabs.give(block);
      for (const [i, block] of blocks.entries()) if (i % 2 === 1) slabs.give(block);
      // One page of each size stays.
      expect(slabs.bytes).toBeLessThanOrEqual(sizes.length * PAGE);
    }
  });

  it('take a page for the first block, and none for one that comes and goes', () => {
    const slabs = new Slabs();
    expect(slabs.bytes).toBe(0);
    const handles = new Set<number>();
    for (let i = 0; i < 100; i += 1) {
      const block = slabs.take(100);
      handles.add(block);
      slabs.give(block);
    }
    expect([slabs.bytes, handles.size]).toEqual([PAGE, 1]);
  });
});
