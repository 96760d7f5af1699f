import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { keepHeapSmall, keepPoolSmall } from '../../../src/app/heap.ts';
import { freshPool } from '../../support/buffer-pool.ts';

describe('keepHeapSmall', () => {
  it('sets a flag that this Node.js knows, unless it was given one', () => {
    const set: string[] = [];
    const note = (flags: string): void => void set.push(flags);
    keepHeapSmall(['--heap_growing_percent=100'], note);
    keepHeapSmall(['--enable-source-maps', '--heap-growing-percent=100'], note);
    expect(set).toEqual([]);
    keepHeapSmall(['--enable-source-maps'], note);
    const [flag = ''] = set[0]?.split('=') ?? [];
    expect(spawnSync(process.execPath, ['--v8-options'], { encoding: 'utf8' }).stdout).toContain(`  ${flag} `);
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
