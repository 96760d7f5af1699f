import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { keepHeapSmall } from '../../../src/app/heap.ts';

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
