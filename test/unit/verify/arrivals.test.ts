import { describe, expect, it } from 'vitest';
import { markValues } from '../../../devices/audit.ts';
import type { Attempt, LedgerContent } from '../../../devices/ledger.ts';
import { messageKey } from '../../../devices/ledger.ts';
import { Arrivals } from '../../../src/verify/arrivals.ts';

const T = 'devices/s/a/telemetry';

/** `attempted` and `pubacked`: sequence numbers of one topic. */
function ledger(attempted: readonly number[], pubacked: readonly number[]): LedgerContent {
  const attempt = (seq: number): Attempt => ({ topic: T, device: 's/a', seq, time: seq, qos: 1, hash: 0 });
  return {
    attempted: new Map(attempted.map((seq) => [messageKey(T, seq), attempt(seq)])),
    pubacked: new Set(pubacked.map((seq) => messageKey(T, seq))),
    truncated: false,
  };
}

function forward(arrivals: Arrivals, seqs: readonly number[], queue = 'q', topic = T): void {
  for (const seq of seqs) arrivals.forwarded(queue, topic, markValues(topic, seq, { temperature: 20 + seq }));
}

describe('the total-queue rule', () => {
  it('finds nothing wrong where everything acknowledged came out once, in order', () => {
    const arrivals = new Arrivals();
    forward(arrivals, [1, 2, 3]);
    expect(arrivals.judge(ledger([1, 2, 3], [1, 2, 3]))).toEqual({
      attempted: 3,
      pubacked: 3,
      forwarded: 3,
      deadLettered: 0,
      deadLetterCodes: {},
      duplicates: 0,
      lost: [],
      unexpected: [],
      outOfOrder: [],
      changed: [],
      indeterminate: 0,
    });
  });

  it('calls lost what was acknowledged and is nowhere, and indeterminate what was not acknowledged', () => {
    const arrivals = new Arrivals();
    forward(arrivals, [1, 4]);
    const verdict = arrivals.judge(ledger([1, 2, 3, 4], [1, 2]));
    expect(verdict.lost).toEqual([`${T}#2`]);
    // 4 came out without a PUBACK: allowed either way.
    expect(verdict).toMatchObject({ forwarded: 2, indeterminate: 1, unexpected: [] });
  });

  it('takes a dead letter for an answer, and says with which code', () => {
    const arrivals = new Arrivals();
    forward(arrivals, [1]);
    arrivals.buried(T, 2, 'DECODE_INVALID');
    expect(arrivals.judge(ledger([1, 2], [1, 2]))).toMatchObject({ lost: [], forwarded: 1, deadLettered: 1, deadLetterCodes: { DECODE_INVALID: 1 } });
  });

  it('counts another copy in another queue as a duplicate, and judges the order of the first copies wherever they go', () => {
    const arrivals = new Arrivals();
    const came = (queue: string, seq: number, receivedAt: number): void =>
      arrivals.forwarded(queue, T, markValues(T, seq, { temperature: 20 + seq }), receivedAt);
    came('late', 5, 50);
    // The copy that came to q comes to a second queue as well, behind a later one: that is wrong.
    came('q', 1, 10);
    came('live', 2, 20);
    came('live', 1, 10);
    // Another copy of it, in a third queue: a duplicate.
    came('late', 1, 90);
    came('late', 3, 60);
    expect(arrivals.judge(ledger([1, 2, 3, 5], []))).toMatchObject({ duplicates: 1, outOfOrder: [`${T}#1 after 2`, `${T}#3 after 5`], forwarded: 4 });
  });

  it('calls unexpected what nobody sent, what has no mark, and a dead letter without a number', () => {
    const arrivals = new Arrivals();
    forward(arrivals, [9]);
    arrivals.forwarded('q', 'devices/s/b/telemetry', { temperature: 1 });
    arrivals.buried(T, undefined, 'TOO_LARGE');
    // A status is in no ledger and carries no mark.
    arrivals.forwarded('q', 'devices/s/b/status', { status: 'online' });
    expect(arrivals.judge(ledger([1], [])).unexpected).toHaveLength(3);
  });

  it('finds a first arrival behind a later one, but no disorder in a repeat', () => {
    const arrivals = new Arrivals();
    forward(arrivals, [1, 2, 3, 2, 3, 4]);
    expect(arrivals.judge(ledger([1, 2, 3, 4], []))).toMatchObject({ duplicates: 2, outOfOrder: [] });
    forward(arrivals, [6, 5]);
    expect(arrivals.judge(ledger([1, 2, 3, 4, 5, 6], [])).outOfOrder).toEqual([`${T}#5 after 6`]);
  });

  it('keeps the order of each queue apart, and takes a copy in another queue for no duplicate', () => {
    const arrivals = new Arrivals();
    forward(arrivals, [1, 3], 'q');
    forward(arrivals, [2, 3], 'other');
    expect(arrivals.judge(ledger([1, 2, 3], [1, 2, 3]))).toMatchObject({ duplicates: 0, outOfOrder: [], lost: [], forwarded: 3 });
  });

  it('finds a value that changed on the way', () => {
    const arrivals = new Arrivals();
    arrivals.forwarded('q', T, { ...markValues(T, 1, { temperature: 20 }), temperature: 21 });
    expect(arrivals.judge(ledger([1], [1])).changed).toEqual([`${T}#1`]);
  });

  it('ignores what is not of this run', () => {
    const arrivals = new Arrivals((topic) => topic.startsWith('devices/s/'));
    forward(arrivals, [1], 'q', 'devices/other/a/telemetry');
    arrivals.buried('x', undefined, 'NO_PROFILE');
    expect(arrivals.judge(ledger([], []))).toMatchObject({ forwarded: 0, deadLettered: 0, unexpected: [], deadLetterCodes: {} });
  });

  it('counts the main fleet apart', () => {
    const arrivals = new Arrivals(undefined, (topic) => topic === T);
    forward(arrivals, [1, 2, 2]);
    forward(arrivals, [1], 'q', 'devices/s/other/telemetry');
    expect(arrivals).toMatchObject({ unique: 2, total: 4, duplicates: 1 });
  });
});
