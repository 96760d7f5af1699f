import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { keepPoolSmall, tuneHeap } from '../../../src/app/heap.ts';
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
    expect(tuned('--allocation-site-pretenuring')).toEqual(['--heap-growing-percent=50']);
    expect(tuned('--no-allocation_site_pretenuring', '--heap-growing-percent=0')).toEqual([]);
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
