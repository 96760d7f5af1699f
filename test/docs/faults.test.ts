import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FAULTS } from '../../src/domain/fault.ts';
import { faultTable } from '../../src/domain/fault-table.ts';

const page = new URL('../../docs/faults.md', import.meta.url);

describe('docs/faults.md', () => {
  it('is the table of the code (UPDATE_DOCS=1 writes it)', () => {
    if (process.env['UPDATE_DOCS'] === '1') {
      writeFileSync(page, faultTable());
    }
    expect(readFileSync(page, 'utf8')).toBe(faultTable());
  });

  it('has one row for each code', () => {
    const rows = [...faultTable().matchAll(/^\| `([A-Z0-9_]+)` \| (retryable|permanent) \|/gm)].map((row) => row[1]);
    expect(rows).toHaveLength(Object.keys(FAULTS).length);
    expect(new Set(rows)).toEqual(new Set(Object.keys(FAULTS)));
  });
});
