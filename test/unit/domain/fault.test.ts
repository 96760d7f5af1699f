import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FAULTS, type FaultCode, fault } from '../../../src/domain/fault.ts';

const SRC = join(import.meta.dirname, '..', '..', '..', 'src');
const CODES = Object.keys(FAULTS) as FaultCode[];

const sources = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && path !== join('domain', 'fault.ts'))
  .map((path) => readFileSync(join(SRC, path), 'utf8'));

describe('fault codes', () => {
  it.each(CODES)('%s has the class of the table, whatever its message says', (code) => {
    for (const message of ['', 'timeout, try again later', 'permanently refused']) {
      expect(fault(code, message)).toEqual({ kind: FAULTS[code].kind, stage: FAULTS[code].stage, code, message });
    }
  });

  it.each(CODES)('%s is given somewhere', (code) => {
    expect(sources.some((text) => text.includes(`'${code}'`))).toBe(true);
  });

  it('retries nothing that failed before it was published: the same bytes would fail again', () => {
    expect(CODES.filter((code) => FAULTS[code].kind === 'retryable' && FAULTS[code].stage !== 'publish')).toEqual([]);
  });
});
