import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';
import { NotHere } from '../../../src/verify/fault.ts';
import { SmallDisk } from '../../../src/verify/small-disk.ts';

it.for([false, true])('a small file system (everywhere: %s) is full, has room again, and leaves nothing mounted', async (everywhere, { skip }) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice small '));
  try {
    let disk: SmallDisk;
    try {
      disk = await SmallDisk.open({ mountPoint: join(folder, 'mount'), bytes: 1_048_576, everywhere });
    } catch (error) {
      if (error instanceof NotHere) skip(error.message);
      throw error;
    }
    const seen = (): boolean => readFileSync('/proc/mounts', 'utf8').includes(basename(folder).replaceAll(' ', '\\040'));
    expect(seen()).toBe(everywhere);
    disk.fill(100_000);
    expect(disk.free).toBeLessThanOrEqual(100_000);
    expect(disk.free).toBeGreaterThan(0);
    disk.fill();
    expect(disk.free).toBe(0);
    expect(() => writeFileSync(join(disk.path, 'a'), 'x'.repeat(10))).toThrow(/ENOSPC/);
    disk.empty();
    writeFileSync(join(disk.path, 'a'), 'x');
    await disk.close();
    expect(seen()).toBe(false);
    expect(existsSync(disk.path)).toBe(everywhere);
    expect(readdirSync(join(folder, 'mount'))).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
