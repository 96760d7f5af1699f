import { describe, expect, it } from 'vitest';
import { Dedupe } from '../../../src/pipeline/dedupe.ts';

describe('Dedupe', () => {
  it('knows only what was committed', () => {
    const dedupe = new Dedupe({ entries: 10, windowMs: 1000 });
    expect(dedupe.has('a')).toBe(false);
    dedupe.commit('a', 0);
    expect(dedupe.has('a')).toBe(true);
  });

  it('stays within its bound and keeps at least the younger half', () => {
    const dedupe = new Dedupe({ entries: 100, windowMs: 1_000_000 });
    for (let i = 0; i < 1000; i += 1) {
      dedupe.commit(String(i), 10);
      expect(dedupe.size).toBeLessThanOrEqual(100);
    }
    for (let i = 951; i < 1000; i += 1) expect(dedupe.has(String(i))).toBe(true);
    expect(dedupe.has('0')).toBe(false);
  });

  it('forgets after the window, not before half of it', () => {
    const dedupe = new Dedupe({ entries: 100, windowMs: 1000 });
    dedupe.commit('a', 5000);
    dedupe.commit('b', 5499);
    expect(dedupe.has('a')).toBe(true);
    dedupe.commit('c', 5600);
    expect(dedupe.has('a')).toBe(true);
    dedupe.commit('d', 6200);
    expect(dedupe.has('a')).toBe(false);
    expect(dedupe.has('c')).toBe(true);
    dedupe.commit('e', 60_000);
    expect(dedupe.has('d')).toBe(false);
  });

  it('is off with no entries', () => {
    const dedupe = new Dedupe({ entries: 0, windowMs: 1000 });
    dedupe.commit('a', 0);
    expect(dedupe.has('a')).toBe(false);
  });
});
