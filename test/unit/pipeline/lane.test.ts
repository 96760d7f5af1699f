import { describe, expect, it } from 'vitest';
import { encodeReading } from '../../../src/codec/reading.ts';
import type { GatewayEvent } from '../../../src/domain/events.ts';
import { failed, type Fault, type FaultCode, fault, ok, type Result } from '../../../src/domain/fault.ts';
import type { KeyHash } from '../../../src/domain/key-hash.ts';
import { Ledger } from '../../../src/domain/ledger.ts';
import type { PublishAction } from '../../../src/domain/route.ts';
import { Dedupe } from '../../../src/pipeline/dedupe.ts';
import { Graveyard } from '../../../src/pipeline/graveyard.ts';
import { Lane } from '../../../src/pipeline/lane.ts';
import { Permits } from '../../../src/pipeline/permits.ts';
import type { Batch, DeadLetter, Item } from '../../../src/pipeline/ports.ts';
import { VirtualTime } from '../../support/sim/virtual-time.ts';
import { contentOfTexts, readingsIn } from '../../support/batches.ts';
import { delivery, destination, item, reading } from './fixtures.ts';

interface Rig {
  readonly time: VirtualTime;
  readonly lane: Lane;
  readonly sent: Batch[];
  readonly letters: DeadLetter[];
  readonly events: GatewayEvent[];
  readonly ledger: Ledger;
  readonly dedupe: Dedupe;
  readonly abort: AbortController;
  /** What the sink answers, in turn; ok when it runs out. */
  readonly answers: (FaultCode | ((batch: Batch) => Result<void>))[];
  readonly setUnavailable: (fault: Fault | undefined) => void;
}

function rig(action: Partial<PublishAction> = {}): Rig {
  const time = new VirtualTime(() => 0.5);
  const sent: Batch[] = [];
  const letters: DeadLetter[] = [];
  const events: GatewayEvent[] = [];
  const answers: Rig['answers'] = [];
  const listeners = new Set<() => void>();
  let unavailable: Fault | undefined;
  const shared = {
    ledger: new Ledger(),
    retry: { baseMs: 100, capMs: 1000 },
    scheduler: time,
    observer: (event: GatewayEvent) => events.push(event),
    signal: new AbortController().signal,
  };
  const abort = new AbortController();
  const availability = {
    get unavailable() {
      return unavailable;
    },
    onAvailable: (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const graveyard = new Graveyard({
    ...shared,
    nextId: () => `letter${letters.length}`,
    concurrency: 2,
    config: () => 'v1',
    onIdle: () => {},
    sink: Object.assign(Object.create(availability) as typeof availability, {
      bury: (letter: DeadLetter) => {
        letters.push(letter);
        return Promise.resolve(ok(undefined));
      },
    }),
  });
  const dedupe = new Dedupe({ entries: 100, windowMs: 10_000 });
  let ids = 0;
  const lane = new Lane('k', destination(action), {
    ...shared,
    signal: abort.signal,
    nextId: () => `half${(ids += 1)}`,
    graveyard,
    dedupe,
    permits: new Permits(4, 1_000_000),
    onIdle: () => {},
    onRefused: () => {},
    sink: Object.assign(Object.create(availability) as typeof availability, {
      offer: () => true,
      publish: (batch: Batch) => {
        sent.push(batch);
        const answer = answers.shift();
        return Promise.resolve(answer === undefined ? ok(undefined) : typeof answer === 'string' ? failed(answer, 'said the test') : answer(batch));
      },
    }),
  });
  lane.release();
  return {
    time,
    lane,
    sent,
    letters,
    events,
    ledger: shared.ledger,
    dedupe,
    abort,
    answers,
    setUnavailable: (value) => {
      unavailable = value;
      if (value === undefined) for (const listener of listeners) listener();
    },
  };
}

const textOf = (id: string): string => encodeReading(reading({ t: 1 }, { id }));

/** An item, and the id of its reading; `r` where nothing is said. */
type Given = Item | { readonly item: Item; readonly id: string };

function batch(id: string, given: readonly Given[], action: Parameters<typeof destination>[0] = {}): Batch {
  const texts = given.map((each) => textOf('item' in each ? each.id : 'r'));
  const items = given.map((each, i) => ({ ...('item' in each ? each.item : each), bytes: Buffer.byteLength(texts[i] as string) }));
  const bytes = items.reduce((sum, each) => sum + each.bytes, 0);
  const content = contentOfTexts(texts, 'json');
  return { id, destination: destination(action), encoding: 'json', items, content, bytes, sealedBy: 'count', sealedAt: 1_700_000_000_000, config: 'v1' };
}

const ids = (batches: readonly Batch[]): string[] => batches.map((each) => each.id);
const idsIn = (sealed: Batch | undefined): unknown[] => (sealed === undefined ? [] : readingsIn(sealed).map(({ id }) => id));

describe('Lane', () => {
  it('settles the parts when the broker has confirmed, and not before', async () => {
    const { lane, answers, time, ledger } = rig();
    const outcomes: string[] = [];
    let confirm: (result: Result<void>) => void = () => {};
    const pending = new Promise<Result<void>>((resolve) => {
      confirm = resolve;
    });
    answers.push(() => pending as unknown as Result<void>);
    lane.push(batch('b1', [item({ delivery: delivery(1, outcomes) })]));
    await time.runUntil(10_000);
    expect(outcomes).toEqual([]);
    confirm(ok(undefined));
    await time.runUntil(10_001);
    expect(outcomes).toEqual(['forwarded']);
    expect(ledger.items.forwarded).toBe(1);
  });

  it.each<FaultCode>(['BROKER_NACK', 'UNROUTABLE', 'CONFIRM_TIMEOUT', 'NOT_CONNECTED'])('holds its head on %s: nothing overtakes', async (code) => {
    const { lane, answers, sent, time, events } = rig();
    answers.push(code, code, code);
    lane.push(batch('b1', [item()]));
    lane.push(batch('b2', [item()]));
    await time.runUntil(20);
    expect(lane.status()).toMatchObject({ state: 'held', code, batches: 2 });
    await time.runUntil(60_000);
    expect(ids(sent)).toEqual(['b1', 'b1', 'b1', 'b1', 'b2']);
    expect(events.map((event) => event.type)).toEqual([
      'lane-held',
      'publish-failed',
      'publish-failed',
      'publish-failed',
      'batch-forwarded',
      'lane-resumed',
      'batch-forwarded',
    ]);
    expect(lane.size).toBe(0);
  });

  it('makes no attempt while the sink is away, says so, and wakes with it', async () => {
    const { lane, sent, time, setUnavailable } = rig();
    setUnavailable(fault('BLOCKED', 'memory alarm'));
    lane.push(batch('b1', [item()]));
    await time.runUntil(30_000);
    expect(sent).toEqual([]);
    expect(lane.status()).toMatchObject({ state: 'held', code: 'BLOCKED', message: 'memory alarm', attempts: 0 });
    setUnavailable(undefined);
    await time.runUntil(30_001);
    expect(ids(sent)).toEqual(['b1']);
  });

  it('halves a batch that is refused for good until one reading is left, and buries only that one, in order', async () => {
    const { lane, answers, sent, letters, time } = rig();
    const refusing = (sealed: Batch): Result<void> => (idsIn(sealed).includes('bad') ? failed('TOO_LARGE', 'too large') : ok(undefined));
    for (let i = 0; i < 20; i += 1) answers.push(refusing);
    const outcomes: string[] = [];
    const names = ['1', '2', 'bad', '4', '5'];
    lane.push(
      batch(
        'b1',
        names.map((id) => ({ item: item({ device: `of ${id}`, delivery: delivery(1, outcomes) }), id })),
      ),
    );
    lane.push(batch('b2', [{ item: item(), id: '6' }]));
    await time.runUntil(60_000);
    const good = sent.filter((each) => refusing(each).ok).flatMap(idsIn);
    for (const each of sent)
      expect(each.content.toString()).toBe(
        idsIn(each)
          .map((id) => textOf(id as string))
          .join(','),
      );
    expect(good).toEqual(['1', '2', '4', '5', '6']);
    expect(letters).toMatchObject([{ fault: { code: 'TOO_LARGE' }, route: 'r', reading: { id: 'bad', device: 'of bad' } }]);
    expect(outcomes.sort()).toEqual(['dead-lettered', 'forwarded', 'forwarded', 'forwarded', 'forwarded']);
    expect(new Set(ids(sent)).size).toBe(sent.length);
  });

  it('leaves out what went stale while it was held, and what has been confirmed since', async () => {
    const { lane, answers, sent, time, dedupe, ledger, events } = rig();
    const [k1, k2] = ['k1', 'k2'].map((text) => dedupe.key(text)) as [KeyHash, KeyHash];
    const stale = delivery(1);
    const outcomes: string[] = [];
    answers.push('NOT_CONNECTED');
    lane.push(
      batch('b1', [
        item({ delivery: stale }),
        item({ dedupeKey: k1, delivery: delivery(1, outcomes) }),
        { item: item({ dedupeKey: k2, delivery: delivery(1, outcomes), ageMs: 700 }), id: 'new' },
      ]),
    );
    await time.runUntil(1);
    stale.lose();
    dedupe.commit('dev', k1, time.now());
    await time.runUntil(10_000);
    expect(idsIn(sent[1])).toEqual(['new']);
    expect(outcomes).toEqual(['deduplicated', 'forwarded']);
    expect(ledger.items).toMatchObject({ abandoned: 1, deduplicated: 1, forwarded: 1 });
    expect(dedupe.has('dev', k2)).toBe(true);
    // Only what was confirmed is told of: its bytes, and how long it was on its way.
    expect(events.find((event) => event.type === 'batch-forwarded')).toMatchObject({ items: 1, bytes: textOf('new').length });
    const { counts, sum } = ledger.delays.toConfirm.get('r') ?? { counts: [], sum: 0 };
    expect(counts.reduce((all, count) => all + count, 0)).toBe(1);
    expect(sum).toBeGreaterThanOrEqual(700);
  });

  it('sends one of two copies in a batch, and settles the other with it, not before', async () => {
    const { lane, answers, sent, time, dedupe, ledger } = rig();
    const [k1, k2] = ['k1', 'k2'].map((text) => dedupe.key(text)) as [KeyHash, KeyHash];
    const outcomes: string[] = [];
    const one = (id: string, dedupeKey: KeyHash | undefined, device = 'dev') => ({ item: item({ dedupeKey, device, delivery: delivery(1, outcomes) }), id });
    answers.push('NOT_CONNECTED');
    // Two without a key, and one of another device, are no copies.
    lane.push(batch('b1', [one('a', k1), one('b', k2), one('a', k1), one('c', undefined), one('c', undefined), one('a', k1), one('d', k1, 'other')]));
    await time.runUntil(1);
    expect([sent.length, outcomes]).toEqual([1, []]);
    await time.runUntil(10_000);
    for (const each of sent) {
      expect(idsIn(each)).toEqual(['a', 'b', 'c', 'c', 'd']);
      expect(each.content.toString()).toBe(['a', 'b', 'c', 'c', 'd'].map(textOf).join(','));
    }
    expect(outcomes).toEqual([...Array.from({ length: 5 }, () => 'forwarded'), 'deduplicated', 'deduplicated']);
    expect(ledger.items).toMatchObject({ forwarded: 5, deduplicated: 2 });
  });

  it('does not remember a reading whose publish failed', async () => {
    const { lane, answers, dedupe, time, abort } = rig();
    const key = dedupe.key('k') as KeyHash;
    answers.push('BROKER_NACK');
    lane.push(batch('b1', [item({ dedupeKey: key })]));
    await time.runUntil(1);
    abort.abort();
    await time.runUntil(10_000);
    expect(dedupe.has('dev', key)).toBe(false);
  });

  it('gives everything back when aborted', async () => {
    const { lane, answers, time, abort, ledger } = rig();
    const outcomes: string[] = [];
    answers.push('UNROUTABLE');
    lane.push(batch('b1', [item({ delivery: delivery(1, outcomes) })]));
    lane.push(batch('b2', [item({ delivery: delivery(1, outcomes) })]));
    await time.runUntil(1);
    abort.abort();
    await time.runUntil(2);
    expect(outcomes).toEqual(['abandoned', 'abandoned']);
    expect(ledger.items.abandoned).toBe(2);
    expect(lane.size).toBe(0);
  });

  it('buries after the named time, and holds for ever without one', async () => {
    const withBound = rig();
    const without = rig();
    for (const { answers } of [withBound, without]) for (let i = 0; i < 1000; i += 1) answers.push('UNROUTABLE');
    withBound.lane.push(batch('b1', [item()], { buryAfterMs: 5000 }));
    without.lane.push(batch('b1', [item()]));
    await withBound.time.runUntil(4000);
    expect(withBound.letters).toEqual([]);
    await withBound.time.runUntil(8000);
    expect(withBound.letters).toMatchObject([{ fault: { code: 'HELD_TOO_LONG', kind: 'permanent' } }]);
    await without.time.runUntil(100_000);
    expect(without.letters).toEqual([]);
    expect(without.lane.size).toBe(1);
  });

  it('says when it overflows only if it is held, full, and allowed to', async () => {
    const { lane, answers, time } = rig();
    const bounded = { overflow: 'dead-letter', laneReadings: 2 } as const;
    for (let i = 0; i < 100; i += 1) answers.push('UNROUTABLE');
    lane.push(batch('b1', [item()], bounded));
    await time.runUntil(1);
    expect(lane.overflows).toBe(false);
    lane.push(batch('b2', [item()], bounded));
    expect(lane.overflows).toBe(true);
    const holding = rig();
    for (let i = 0; i < 100; i += 1) holding.answers.push('UNROUTABLE');
    for (let i = 0; i < 50; i += 1) holding.lane.push(batch(`b${i}`, [item()]));
    await holding.time.runUntil(1);
    expect(holding.lane.overflows).toBe(false);
  });
});
