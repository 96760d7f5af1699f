import { describe, expect, it } from 'vitest';
import { edgeVerdict } from '../../../src/console/edge-verdict.ts';
import { Freshness, LATE_MS } from '../../../src/console/freshness.ts';
import { EDGE, WELL_EDGE as WELL } from '../observe/samples.ts';

const heard = new Freshness();
heard.heard(0);

describe('the verdict of an edge', () => {
  it('is that it is ready, whatever waits on its disk', () => {
    expect(edgeVerdict(heard, 10, WELL)).toEqual({ level: 'ok', word: 'Ready', title: 'Ready', reasons: [] });
  });

  it.each([
    [{ imbalance: -2 }, 'Books', /^The ledger is off by 2 messages: a bug of the edge; please report it\.$/],
    [{ spool: { ...WELL.spool, refusing: 'full' }, waitingForRoom: 3 }, 'Full', /edge\.spool\.maxBytes allows; 3 messages wait for room\.$/],
    [{ spool: { ...WELL.spool, refusing: 'unwritable', failures: 1 } }, 'Disk', /cannot be written to \(1 failure so far\)\.$/],
    [{ connected: false, away: 'ECONNREFUSED 10.0.0.7:5672' }, 'Broker away', /^ECONNREFUSED 10\.0\.0\.7:5672$/],
    [
      { topicsHeld: 2, setbacks: { BROKER_NACK: 5, ACCESS_REFUSED: 1 } },
      'Held',
      /^RabbitMQ has refused messages for now: BROKER_NACK \(5\), ACCESS_REFUSED \(1\)\.$/,
    ],
  ] as const)('with %j is %s', (changes, word, reason) => {
    const { reasons, ...rest } = edgeVerdict(heard, 10, { ...WELL, ...changes });
    expect(rest).toMatchObject({ level: 'bad', word });
    expect(reasons).toEqual([expect.stringMatching(reason)]);
  });

  it('names the worst, and the reasons of all', () => {
    const { word, reasons } = edgeVerdict(heard, 10, { ...EDGE, connected: false, away: 'refused' });
    expect([word, reasons.length]).toEqual(['Full', 3]);
  });

  it('is about the edge first: what it said before is old', () => {
    expect(edgeVerdict(heard, LATE_MS + 1, { ...WELL, connected: false })).toMatchObject({ level: 'away', word: 'No data' });
    const gone = new Freshness();
    gone.heard(0);
    gone.ended('The gateway does not answer.');
    expect(edgeVerdict(gone, 12_400, WELL).title).toBe('The edge does not answer. What you see is 12 s old.');
    expect(edgeVerdict(new Freshness(), 0, undefined)).toMatchObject({ level: 'wait', title: 'Connecting to the edge' });
  });
});
