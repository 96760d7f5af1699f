import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FAULTS } from '../../src/verify/faults/index.ts';
import { MATRIX, matrixMarkdown, measuredMarkdown } from '../../src/verify/matrix.ts';
import type { Report } from '../../src/verify/report.ts';

const PAGE = new URL('../../docs/verify.md', import.meta.url);

describe('docs/verify.md', () => {
  it('has the matrix of the code (UPDATE_DOCS=1 writes it)', () => {
    const wanted = (text: string): string => text.replace(/<!-- matrix -->[\s\S]*<!-- \/matrix -->/, `<!-- matrix -->\n${matrixMarkdown()}\n<!-- /matrix -->`);
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(PAGE, wanted(readFileSync(PAGE, 'utf8')));
    const text = readFileSync(PAGE, 'utf8');
    expect(text).toBe(wanted(text));
    expect(text).toContain('| F16 |');
  });

  it('has a row for every fault, and for every row a fault or a reason', () => {
    const names = MATRIX.map(({ row }) => row);
    expect(names).toEqual(Array.from({ length: 42 }, (_, i) => `F${i}`));
    expect(FAULTS.flatMap(({ rows }) => rows).filter((row) => !names.includes(row))).toEqual([]);
    const untried = MATRIX.filter(({ row, elsewhere }) => elsewhere === undefined && !FAULTS.some(({ rows }) => rows.includes(row)));
    // The mix is drawn from the others.
    expect(untried.map(({ row }) => row)).toEqual(['F34']);
  });

  it('names test files that exist', () => {
    const files = MATRIX.flatMap(({ elsewhere = '' }) => [...elsewhere.matchAll(/\btest\/[\w./-]*\w/g)].map(([path]) => path));
    expect(files.length).toBeGreaterThan(2);
    expect(files.filter((path) => !existsSync(new URL(`../../${path}`, import.meta.url)))).toEqual([]);
  });
});

describe('the table of measured times', () => {
  it('has medians of each kind, and says what was not good', () => {
    const row = (detectedMs: number | null, problems: string[], skipped: string | null = null): object => ({
      kind: 'reset',
      rows: ['F5'],
      detectedMs,
      recoveredMs: detectedMs === null ? null : 10 * detectedMs,
      redelivered: null,
      duplicates: 1,
      skipped,
      problems,
    });
    const report = { seed: 3, attempted: 10, pubacked: 9, forwarded: 8, deadLettered: 1, lost: 0, unexpected: 0, outOfOrder: 0 };
    const text = measuredMarkdown(
      [{ ...report, faults: [row(30, []), row(10, []), row(20, ['void']), row(null, [], 'not here')] } as unknown as Report],
      'a machine',
    );
    expect(text).toContain('| F5 | `reset` | 3 | 1 | 20 | 200 | - | 1 |');
    expect(text).toContain('| F16 | `gateway-kill` | 0 | 0 | - | - | - | - |');
    expect(text).toContain('Seeds: 3.');
  });
});
