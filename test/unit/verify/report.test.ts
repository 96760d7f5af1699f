import { describe, expect, it } from 'vitest';
import type { Verdict } from '../../../src/verify/arrivals.ts';
import { joined, type ReportInput, reportLines, reportOf } from '../../../src/verify/report.ts';
import type { FaultRow } from '../../../src/verify/row.ts';

const GOOD: Verdict = {
  attempted: 2000,
  pubacked: 1999,
  forwarded: 1990,
  deadLettered: 9,
  deadLetterCodes: { DECODE_INVALID: 9 },
  duplicates: 3,
  lost: [],
  unexpected: [],
  outOfOrder: [],
  changed: [],
  indeterminate: 1,
};
const ROW: FaultRow = {
  kind: 'broker-kill',
  rows: ['F1'],
  at: '2026-01-01T00:00:00.000Z',
  detectedMs: 12,
  sign: 'x',
  recoveredMs: 9000,
  duplicates: 3,
  redelivered: 40,
  skipped: null,
  notes: [],
  problems: [],
};

function input(verdict: Partial<Verdict>, rest: Partial<ReportInput> = {}): ReportInput {
  return {
    verdict: { ...GOOD, ...verdict },
    seed: 7,
    mode: 'private',
    startedAt: '2026-01-01T00:00:00.000Z',
    seconds: 30,
    rate: 100,
    devices: 10,
    dropped: 0,
    faults: [ROW],
    problems: [],
    leastAttempted: 1000,
    ...rest,
  };
}

describe('the report', () => {
  it('is good where nothing is wrong, and says so', () => {
    const report = reportOf(input({}));
    expect(report).toMatchObject({ ok: true, seed: 7, lost: 0, unexpected: 0, outOfOrder: 0, changed: 0, duplicates: 3, indeterminate: 1, problems: [] });
    const text = reportLines(report).join('\n');
    expect(text).toMatch(/F1 +broker-kill +12 +9000 +40 +3 +good/);
    expect(text).toMatch(/verdict: good$/);
  });

  it.each([
    ['lost', { lost: ['a#1'] }, {}, '1 message acknowledged by the broker and lost'],
    ['unexpected', { unexpected: ['a#1', 'a#2'] }, {}, '2 messages came out and had not been sent'],
    ['out of order', { outOfOrder: ['a#1 after 2'] }, {}, 'out of order'],
    ['changed', { changed: ['a#1'] }, {}, 'changed'],
    ['too little to mean something', { attempted: 999 }, {}, 'void: only 999 messages attempted'],
    ['nothing came out', { forwarded: 0 }, {}, 'void: nothing came out'],
    ['a fault that was not applied', {}, { faults: [{ ...ROW, problems: ['could not be applied: no'] }] }, 'broker-kill: could not be applied: no'],
    ['anything else', {}, { problems: ['the books do not balance'] }, 'the books do not balance'],
  ])('is not good: %s', (_what, verdict, rest, problem) => {
    const report = reportOf(input(verdict, rest));
    expect(report.ok).toBe(false);
    expect(report.problems.join('\n')).toContain(problem);
    expect(reportLines(report).join('\n')).toContain('NOT GOOD (seed 7)');
  });

  it('of two runs is good where both are, and has all of both', () => {
    const one = reportOf(input({}));
    const two = reportOf(input({ deadLetterCodes: { DECODE_INVALID: 1, NO_ROUTE: 2 } }, { faults: [{ ...ROW, kind: 'leader-kill' }] }));
    expect(joined(one, two)).toMatchObject({
      ok: true,
      seed: 7,
      seconds: 60,
      attempted: 4000,
      duplicates: 6,
      deadLetterCodes: { DECODE_INVALID: 10, NO_ROUTE: 2 },
      problems: [],
    });
    expect(joined(one, two).faults.map(({ kind }) => kind)).toEqual(['broker-kill', 'leader-kill']);
    const bad = reportOf(input({ lost: ['a#1'] }));
    for (const report of [joined(one, bad), joined(bad, one)]) {
      expect(report).toMatchObject({ ok: false, lost: 1, problems: ['1 message acknowledged by the broker and lost'], examples: { lost: ['a#1'] } });
    }
  });

  it('shows the first ten of what should not be', () => {
    const lost = Array.from({ length: 30 }, (_, i) => `a#${i}`);
    expect(reportOf(input({ lost })).examples.lost).toEqual(lost.slice(0, 10));
    expect(reportOf(input({ lost })).lost).toBe(30);
  });
});
