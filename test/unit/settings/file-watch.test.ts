import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileWatch } from '../../../src/settings/file-watch.ts';
import { until } from '../../support/rabbit.ts';

let dir = '';
let watch: FileWatch | undefined;
let changes = 0;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-watch-'));
  changes = 0;
});
afterEach(() => {
  watch?.close();
  rmSync(dir, { recursive: true, force: true });
});

/** Has looked once. */
async function watching(...files: string[]): Promise<FileWatch> {
  watch = new FileWatch({
    files: () => files.map((file) => join(dir, file)),
    onChange: async () => {
      changes += 1;
      await Promise.resolve();
    },
    everyMs: 5,
  });
  await watch.look();
  return watch;
}

/** Changes that two looks tell of. */
async function told(by: FileWatch): Promise<number> {
  changes = 0;
  await by.look();
  await by.look();
  return changes;
}

describe('FileWatch', () => {
  it('says nothing where nothing changes', async () => {
    writeFileSync(join(dir, 'a'), '1');
    const by = await watching('a', 'away');
    expect(await told(by)).toBe(0);
    expect(await told(by)).toBe(0);
  });

  it('sees a file that is written, replaced, removed, or comes', async () => {
    writeFileSync(join(dir, 'a'), '1');
    const by = await watching('a', 'b');
    writeFileSync(join(dir, 'a'), 'longer');
    expect(await told(by)).toBe(1);
    writeFileSync(join(dir, 'a.new'), 'longer');
    renameSync(join(dir, 'a.new'), join(dir, 'a'));
    expect(await told(by)).toBe(1);
    rmSync(join(dir, 'a'));
    expect(await told(by)).toBe(1);
    writeFileSync(join(dir, 'b'), '1');
    expect(await told(by)).toBe(1);
    expect(await told(by)).toBe(0);
  });

  it('sees a link that points elsewhere, as in a mounted ConfigMap', async () => {
    writeFileSync(join(dir, 'v1'), '1');
    writeFileSync(join(dir, 'v2'), '2');
    symlinkSync('v1', join(dir, 'a'));
    const by = await watching('a');
    symlinkSync('v2', join(dir, 'next'));
    renameSync(join(dir, 'next'), join(dir, 'a'));
    expect(await told(by)).toBe(1);
  });

  it('sees a new file beside the known ones: a pattern may match it', async () => {
    writeFileSync(join(dir, 'a'), '1');
    const by = await watching('a');
    writeFileSync(join(dir, 'c'), '1');
    expect(await told(by)).toBe(1);
  });

  it('waits until nobody writes any more', async () => {
    writeFileSync(join(dir, 'a'), '1');
    const by = await watching('a');
    for (let i = 2; i < 6; i += 1) {
      writeFileSync(join(dir, 'a'), 'x'.repeat(i));
      await by.look();
    }
    expect(changes).toBe(0);
    await by.look();
    expect(changes).toBe(1);
  });

  it('goes on by itself until it is closed', async () => {
    writeFileSync(join(dir, 'a'), '1');
    const by = await watching('a');
    by.start();
    writeFileSync(join(dir, 'a'), 'longer');
    await until('the change', () => changes > 0, 10_000);
    by.close();
    expect(changes).toBe(1);
  });
});
