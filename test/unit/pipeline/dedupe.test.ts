import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { KeyHash } from '../../../src/domain/key-hash.ts';
import { Dedupe as Keys, type DedupeOptions, type DedupeStats } from '../../../src/pipeline/dedupe.ts';

const D = 'device';

/** By texts. */
class Dedupe {
  private readonly keys: Keys;

  constructor(options: DedupeOptions) {
    this.keys = new Keys(options);
  }

  has(device: string, text: string): boolean {
    const key = this.keys.key(text);
    return key !== undefined && this.keys.has(device, key);
  }

  commit(device: string, text: string, now: number): void {
    const key = this.keys.key(text);
    if (key !== undefined) this.keys.commit(device, key, now);
  }

  get size(): number {
    return this.keys.size;
  }

  stats(): DedupeStats {
    return this.keys.stats();
  }
}

describe('Dedupe', () => {
  it('knows only what was committed', () => {
    const dedupe = new Dedupe({ entries: 10, windowMs: 1000 });
    expect(dedupe.has(D, 'a')).toBe(false);
    dedupe.commit(D, 'a', 0);
    expect(dedupe.has(D, 'a')).toBe(true);
  });

  it('stays within its bound and keeps at least the younger half, less a sixteenth of it, of one device', () => {
    const dedupe = new Dedupe({ entries: 100, windowMs: 1_000_000 });
    for (let i = 0; i < 1000; i += 1) {
      dedupe.commit(D, String(i), 10);
      expect(dedupe.size).toBeLessThanOrEqual(100);
    }
    for (let i = 954; i < 1000; i += 1) expect(dedupe.has(D, String(i))).toBe(true);
    expect(dedupe.has(D, '0')).toBe(false);
  });

  it('forgets after the window, not before half of it', () => {
    const dedupe = new Dedupe({ entries: 100, windowMs: 1000 });
    dedupe.commit(D, 'a', 5000);
    dedupe.commit(D, 'b', 5499);
    expect(dedupe.has(D, 'a')).toBe(true);
    dedupe.commit(D, 'c', 5600);
    expect(dedupe.has(D, 'a')).toBe(true);
    dedupe.commit(D, 'd', 6200);
    expect(dedupe.has(D, 'a')).toBe(false);
    expect(dedupe.has(D, 'c')).toBe(true);
    dedupe.commit(D, 'e', 60_000);
    expect(dedupe.has(D, 'd')).toBe(false);
  });

  it('is off with no entries', () => {
    const dedupe = new Dedupe({ entries: 0, windowMs: 1000 });
    dedupe.commit(D, 'a', 0);
    expect(dedupe.has(D, 'a')).toBe(false);
  });

  it('lets a chatty device push out its own ids and not those of others', () => {
    const dedupe = new Dedupe({ entries: 1000, windowMs: 1_000_000 });
    for (let i = 0; i < 50; i += 1) dedupe.commit(`quiet-${i}`, 'k', 10);
    for (let i = 0; i < 100_000; i += 1) dedupe.commit('chatty', String(i), 10);
    for (let i = 0; i < 50; i += 1) expect(dedupe.has(`quiet-${i}`, 'k')).toBe(true);
    expect(dedupe.has('chatty', '99999')).toBe(true);
    expect(dedupe.has('chatty', '99000')).toBe(false);
    const { entries, evictedEarly } = dedupe.stats();
    expect(evictedEarly).toBe(100_050 - entries);
    // A sixteenth of the 500 that there is room for goes at once.
    expect(entries).toBeGreaterThan(500 - 32);
    expect(entries).toBeLessThanOrEqual(500);
  });

  it('takes from the one that has most when a quiet device needs room', () => {
    const dedupe = new Dedupe({ entries: 160, windowMs: 1_000_000 });
    for (let i = 0; i < 80; i += 1) dedupe.commit('chatty', String(i), 10);
    for (let i = 0; i < 20; i += 1) dedupe.commit('quiet', String(i), 10);
    for (let i = 0; i < 20; i += 1) expect(dedupe.has('quiet', String(i))).toBe(true);
    expect([dedupe.has('chatty', '19'), dedupe.has('chatty', '20')]).toEqual([false, true]);
  });

  it('stays within its bound with many devices, counts what goes early, and keeps at least the younger half', () => {
    const dedupe = new Dedupe({ entries: 100, windowMs: 1_000_000 });
    for (let i = 0; i < 1000; i += 1) {
      dedupe.commit(`d${i}`, 'k', 10);
      expect(dedupe.size).toBeLessThanOrEqual(100);
    }
    for (let i = 951; i < 1000; i += 1) expect(dedupe.has(`d${i}`, 'k')).toBe(true);
    expect(dedupe.stats().evictedEarly).toBe(1000 - dedupe.size);
  });

  it('counts nothing that goes with its window', () => {
    const dedupe = new Dedupe({ entries: 100, windowMs: 1000 });
    for (let i = 0; i < 100; i += 1) dedupe.commit(D, String(i), i * 1000);
    expect(dedupe.stats().evictedEarly).toBe(0);
  });

  it('says of a key that was not there when it was made what the tables say, whatever was committed and forgotten since', () => {
    const texts = fc.constantFrom(...Array.from({ length: 12 }, (_, i) => `k${i}`));
    const step = fc.record({ text: texts, device: fc.constantFrom('a', 'b'), later: fc.constantFrom(0, 0, 0, 300, 700) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const keys = new Keys({ entries: 8, windowMs: 1000 });
        const waiting: { readonly device: string; readonly key: KeyHash }[] = [];
        let now = 0;
        for (const { text, device, later } of steps) {
          now += later;
          const key = keys.key(text) as KeyHash;
          if (keys.has(device, key)) keys.commit(device, key, now);
          else if (waiting.push({ device, key }) % 2 === 0) keys.commit(device, key, now);
          for (const { device: of, key: kept } of waiting) expect(keys.hasNow(of, kept)).toBe(keys.has(of, kept));
        }
      }),
    );
  });

  it('does not ask the tables about a key while nothing was committed that could be its', () => {
    const keys = new Keys({ entries: 100_000, windowMs: 60_000 });
    const mine = keys.key('mine') as KeyHash;
    const asked = vi.spyOn(keys, 'has');
    for (let i = 0; i < 100; i += 1) keys.hasNow(D, mine);
    expect(asked).not.toHaveBeenCalled();
    keys.commit(D, keys.key('mine') as KeyHash, 0);
    expect(keys.hasNow(D, mine)).toBe(true);
  });
});
