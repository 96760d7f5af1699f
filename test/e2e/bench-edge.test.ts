import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GATEWAY, ROOT, script } from '../bench/support/place.ts';

const exec = promisify(execFile);
let dir: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-bench-edge-'));
  await exec(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', join(ROOT, 'test/bench/tsconfig.json'), '--noCheck'], { cwd: ROOT });
}, 300_000);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

interface Written {
  readonly rows: readonly {
    readonly name: string;
    readonly subjects: readonly { readonly label: string; readonly rounds: readonly Record<string, number>[] }[];
  }[];
}

describe('npm run bench:edge', () => {
  it('runs every row once, finds every acknowledged message, and writes what it measured', { timeout: 600_000 }, async () => {
    expect(GATEWAY).toMatch(/main\.js$/);
    const out = join(dir, 'edge.json');
    const { stdout } = await exec(process.execPath, [script('edge/main'), '--smoke', '--out', out], { cwd: ROOT, timeout: 580_000, maxBuffer: 2 ** 24 });
    expect(stdout).toContain('Every acknowledged message was found.');
    const { rows } = JSON.parse(readFileSync(out, 'utf8')) as Written;
    expect(rows.map(({ name }) => name)).toEqual(['generator', 'publish', 'idle', 'spool']);
    const rounds = (name: string): readonly Record<string, number>[] => rows.find((row) => row.name === name)?.subjects.flatMap((one) => one.rounds) ?? [];
    expect(rounds('publish')).toHaveLength(5);
    for (const { perSecond, acked } of rounds('publish')) expect([(perSecond as number) > 0, (acked as number) > 0]).toEqual([true, true]);
    for (const { drainPerSecond, spoolMessages } of rounds('spool'))
      expect([(drainPerSecond as number) > 0, (spoolMessages as number) > 0]).toEqual([true, true]);
  });

  it('says what may be asked of it, and what is wrong with what is', async () => {
    expect((await exec(process.execPath, [script('edge/main'), '--help'])).stdout).toContain('--spool-bytes');
    await expect(exec(process.execPath, [script('edge/main'), '--only', 'everything'])).rejects.toMatchObject({
      stderr: expect.stringContaining('generator, publish, idle, spool'),
    });
  });
});
