import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { targets } from '../bench/report/targets.ts';
import { memoryProblem } from '../bench/support/broker.ts';
import { readResult } from '../bench/support/result.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const DEADLINE_MS = 600_000;

function npm(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((settle) => {
    // A group of its own is not needed: the bench ends its broker when it is told to end.
    execFile('npm', args, { cwd: ROOT, timeout: DEADLINE_MS, maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
      settle({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
}

describe('npm run bench', () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  // No threshold on time: whether every kind of row works, with every message counted at the far end.
  it(
    'measures every kind of row, and loses nothing',
    async () => {
      const out = join(dir, 'result.json');
      const { code, stderr } = await npm('run', 'bench', '--', '--smoke', '--out', out);
      expect(stderr).not.toContain('FAILED');
      expect(code).toBe(0);
      const { rows } = readResult(out);
      expect(new Set(rows.map(({ kind }) => kind))).toEqual(new Set(['drain', 'latency', 'saturate', 'start']));
      expect(rows.some(({ memory }) => memory === true)).toBe(memoryProblem() === undefined);
      const all = rows.flatMap(({ subjects }) => subjects);
      expect(new Set(all.map(({ contender }) => contender))).toEqual(new Set(['floor', 'sluice', 'shovel', 'plain', 'node', 'sluice-version', 'sluice-ready']));
      const bad = all.filter(({ rounds }) => rounds.length !== 1 || (rounds[0]?.['lost'] ?? 0) !== 0 || !((rounds[0]?.['inPerSecond'] ?? 1) > 0));
      expect(bad).toEqual([]);
      // The rows that the targets look for have the names that they look for.
      const known = targets(readResult(out)).filter(({ measured }) => !Number.isNaN(measured));
      expect(known.map(({ what }) => what)).toEqual(
        expect.arrayContaining(['rate, as a multiple of the floor', 'resident memory at full prefetch', '`sluice run` until ready']),
      );
    },
    DEADLINE_MS,
  );
});
