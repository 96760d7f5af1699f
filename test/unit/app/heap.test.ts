import { spawnSync } from 'node:child_process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, vi } from 'vitest';
import { followHeap, growingPercent, keepPoolSmall, tuneHeap } from '../../../src/app/heap.ts';
import { freshPool } from '../../support/buffer-pool.ts';

function tuned(...given: readonly string[]): string[] {
  const set: string[] = [];
  tuneHeap(given, (flag) => void set.push(flag));
  return set;
}

describe('tuneHeap', () => {
  it('sets flags that this Node.js knows', () => {
    const known = spawnSync(process.execPath, ['--v8-options'], { encoding: 'utf8' }).stdout;
    const set = tuned('--enable-source-maps');
    expect(set).toHaveLength(2);
    for (const flag of set) expect(known).toContain(`  ${flag.replace('--no-', '--').replace(/=.*/, '')} `);
  });

  it('leaves alone what was given', () => {
    expect(tuned('--heap_growing_percent=100')).toEqual(['--no-allocation-site-pretenuring']);
    expect(tuned('--enable-source-maps', '--heap-growing-percent=100')).toEqual(['--no-allocation-site-pretenuring']);
    expect(tuned('--allocation-site-pretenuring')).toEqual(['--heap-growing-percent=80']);
    expect(tuned('--no-allocation_site_pretenuring', '--heap-growing-percent=0')).toEqual([]);
  });
});

describe('followHeap', () => {
  it.each([
    [0, 80],
    [10e6, 80],
    [25e6, 68],
    [40e6, 43],
    [200e6, 25],
  ])('has a heap of %d bytes grow by %d per cent', (bytes, percent) => expect(growingPercent(bytes)).toBe(percent));

  it('sets it after each collection of the whole heap, and not where it was given', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as (options: { readonly type: 'minor' | 'major'; readonly execution: 'sync' }) => void;
    const [set, given]: [string[], string[]] = [[], []];
    const ends = [followHeap([], (flag) => void set.push(flag)), followHeap(['--heap_growing_percent=30'], (flag) => void given.push(flag))];
    collect({ type: 'major', execution: 'sync' });
    await vi.waitUntil(() => set.length > 0);
    expect(set[0]).toMatch(/^--heap-growing-percent=\d\d$/);
    for (const end of ends) end();
    expect(given).toEqual([]);
  });
});

describe('keepPoolSmall', () => {
  it('has small buffers hold on to 8 KiB at most, whatever the default is', () => {
    const before = Buffer.poolSize;
    try {
      Buffer.poolSize = 65_536;
      freshPool();
      expect(Buffer.from('x').buffer.byteLength).toBe(65_536);
      keepPoolSmall();
      freshPool();
      expect(Buffer.from('x').buffer.byteLength).toBe(8192);
    } finally {
      Buffer.poolSize = before;
    }
  });
});
