import { spawnSync } from 'node:child_process';
import { describe, expect, it, vi } from 'vitest';
import { growingPercent, growthFactor, keepPoolSmall, tuneHeap } from '../../../src/app/heap.ts';
import { freshPool } from '../../support/buffer-pool.ts';
import { collectGarbage } from '../../support/collect.ts';

/** What is set at once. */
function tuned(...given: readonly string[]): string[] {
  const set: string[] = [];
  tuneHeap(given, (flag) => void set.push(flag)).end();
  return set;
}

const YOUNG = expect.stringMatching(/^--semi-space-growth-factor=[1-8]$/);

describe('tuneHeap', () => {
  it('sets flags that this Node.js knows', () => {
    const known = spawnSync(process.execPath, ['--v8-options'], { encoding: 'utf8' }).stdout;
    const set = tuned('--enable-source-maps');
    expect(set).toHaveLength(3);
    for (const flag of set) expect(known).toContain(`  ${flag.replace('--no-', '--').replace(/=.*/, '')} `);
  });

  it.each<[string[], unknown[]]>([
    [['--heap_growing_percent=100'], ['--no-allocation-site-pretenuring', YOUNG]],
    [
      ['--enable-source-maps', '--heap-growing-percent=100'],
      ['--no-allocation-site-pretenuring', YOUNG],
    ],
    [['--allocation-site-pretenuring'], ['--heap-growing-percent=80', YOUNG]],
    [['--max-semi-space-size=64'], ['--no-allocation-site-pretenuring', '--heap-growing-percent=80']],
    [['--min-semi-space-size=16', '--no-allocation_site_pretenuring', '--heap-growing-percent=0'], []],
  ])('leaves alone what was given: %j', (given, set) => expect(tuned(...given)).toEqual(set));

  it('leaves alone what NODE_OPTIONS say', () => {
    vi.stubEnv('NODE_OPTIONS', '--enable-source-maps --max-semi-space-size=64');
    const set: string[] = [];
    tuneHeap(undefined, (flag) => void set.push(flag)).end();
    vi.unstubAllEnvs();
    expect(set).toEqual(['--no-allocation-site-pretenuring', '--heap-growing-percent=80']);
  });

  it.each([
    [0, 80],
    [10e6, 80],
    [25e6, 68],
    [30e6, 57],
    [200e6, 50],
  ])('has a heap of %d bytes grow by %d per cent', (bytes, percent) => expect(growingPercent(bytes)).toBe(percent));

  it('sets that after each collection of the whole heap, and not where it was given', async () => {
    const [set, given]: [string[], string[]] = [[], []];
    let told = (): void => {};
    const tell = (flag: string): void => {
      set.push(flag);
      if (flag.startsWith('--heap-growing-percent')) told();
    };
    const ends = [tuneHeap([], tell), tuneHeap(['--heap_growing_percent=30'], (flag) => void given.push(flag))];
    const [before] = [set.splice(0), given.splice(0)];
    expect(before).toHaveLength(3);
    // However busy the machine is: nothing else can come meanwhile than what is waited for.
    const after = new Promise<void>((resolve) => {
      told = resolve;
    });
    collectGarbage();
    await after;
    expect(set).toContainEqual(expect.stringMatching(/^--heap-growing-percent=\d\d$/));
    for (const tuned of ends) tuned.end();
    expect(given).not.toContainEqual(expect.stringContaining('percent'));
  });

  it.each([
    [2 ** 19, 16],
    [1_030_880, 8],
    [2 ** 22, 2],
    [8_246_272, 1],
    [2 ** 24, 1],
  ])('multiplies a young generation of %d bytes by %d', (bytes, factor) => expect(growthFactor(bytes)).toBe(factor));

  it('holds the young generation at 8 MiB however much survives, and has it grow to them', () => {
    const heap = JSON.stringify(new URL('../../../dist/src/app/heap.js', import.meta.url).href);
    const script = `
      import { getHeapSpaceStatistics } from 'node:v8';
      const { tuneHeap } = await import(${heap});
      const tuned = process.argv[1] === 'tuned' ? tuneHeap() : undefined;
      const kept = [];
      const sizes = [];
      // As settings are read: in one turn, and all of it survives.
      for (let i = 0; i < 600_000; i++) kept[i] = { i, list: [i] };
      await new Promise((resume) => setTimeout(resume, 10));
      tuned?.grow();
      for (let turn = 0; turn < 200; turn++) {
        for (let i = 0; i < 20_000; i++) kept[(turn % 10) * 20_000 + i] = { i, list: [i] };
        await new Promise((resume) => setImmediate(resume));
        const space = getHeapSpaceStatistics().find((one) => one.space_name === 'new_space');
        if (turn >= 100) sizes.push(space.space_used_size + space.space_available_size);
      }
      // The median: Node.js 24 has it larger while it marks.
      console.log(sizes.sort((a, b) => a - b)[50]);
    `;
    const [tunedSize, size] = ['tuned', 'as it is'].map((how) =>
      Number(spawnSync(process.execPath, ['--input-type=module', '-e', script, how], { encoding: 'utf8' }).stdout),
    );
    expect((tunedSize as number) / 2 ** 20).toBeCloseTo(8, 0);
    expect((size as number) / 2 ** 20).toBeGreaterThan(15);
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
