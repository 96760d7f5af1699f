import { describe, expect, it } from 'vitest';
import { type AttachmentEnd, PoisonWatch } from '../../../src/rabbit/poison-watch.ts';

const PREFETCH = 2000;
const KILLED: AttachmentEnd = { livedMs: 40, cause: 'error', received: 7, settled: 0 };
/** Nothing was open when it died: with one message at a time, that is the mark of the poison. */
const UNSEEN: AttachmentEnd = { livedMs: 40, cause: 'error', received: 0, settled: 0 };

const newWatch = (deliveryLimit = 200): PoisonWatch => new PoisonWatch({ prefetch: PREFETCH, deliveryLimit });

function suspecting(): PoisonWatch {
  const watch = newWatch();
  for (let i = 0; i < 3; i += 1) watch.ended(KILLED, 0);
  expect(watch.careful).toBe(true);
  return watch;
}

describe('PoisonWatch', () => {
  it('suspects at the third error in a row, and then takes one message at a time', () => {
    const watch = newWatch();
    expect([watch.ended(KILLED, 0), watch.ended(KILLED, 1), watch.careful, watch.prefetch]).toEqual([false, false, false, PREFETCH]);
    expect(watch.ended(KILLED, 2)).toBe(true);
    expect([watch.careful, watch.prefetch, watch.hurried, watch.deaths]).toEqual([true, 1, true, 3]);
  });

  it('suspects connections that are lost in another way only at the tenth', () => {
    const watch = newWatch();
    for (let i = 1; i < 10; i += 1) expect(watch.ended({ ...KILLED, cause: 'lost' }, i)).toBe(false);
    expect(watch.ended({ ...KILLED, cause: 'lost' }, 10)).toBe(true);
  });

  it.each<readonly [string, AttachmentEnd]>([
    ['lost a connection that had lived for long: a restart of the broker', { ...KILLED, livedMs: 60_000 }],
    ['made progress before it was lost', { ...KILLED, livedMs: 1500, settled: 3 }],
    ['lost the channel alone', { ...KILLED, cause: 'ours' }],
  ])('does not suspect what %s, however often', (_, end) => {
    const watch = newWatch();
    for (let i = 0; i < 100; i += 1) expect(watch.ended(end, i)).toBe(false);
    expect([watch.careful, watch.hurried, watch.prefetch]).toEqual([false, false, PREFETCH]);
  });

  it('begins to count anew after an attachment that was well', () => {
    const watch = newWatch();
    watch.ended(KILLED, 0);
    watch.ended(KILLED, 1);
    watch.ended({ ...KILLED, livedMs: 20_000 }, 2);
    expect([watch.ended(KILLED, 3), watch.ended(KILLED, 4), watch.ended(KILLED, 5)]).toEqual([false, false, true]);
  });

  it('takes for no progress what was settled on a connection that died at once: its acks may not have arrived', () => {
    const watch = newWatch();
    const end = { ...KILLED, livedMs: 30, received: 5, settled: 5 };
    expect([watch.ended(end, 0), watch.ended(end, 1), watch.ended(end, 2)]).toEqual([false, false, true]);
  });

  it('stays careful over all that came back with the poison, and knows by the first new message that the broker has moved it', () => {
    const watch = suspecting();
    // On RabbitMQ 3.10 the poison goes behind its neighbours at the first death with one message at a time.
    watch.ended(UNSEEN, 1);
    for (let i = 0; i < 50; i += 1) expect(watch.progressed(false, i)).toBeUndefined();
    for (let i = 0; i < 190; i += 1) watch.ended(UNSEEN, 100 + i);
    expect([watch.careful, watch.hurried, watch.deaths]).toEqual([true, true, 194]);
    expect(watch.progressed(true, 500)).toBe('moved');
    expect([watch.careful, watch.hurried, watch.prefetch]).toEqual([false, false, PREFETCH]);
  });

  it('does not take a death with a message under way for the mark of the poison', () => {
    const watch = suspecting();
    watch.ended({ ...KILLED, received: 1, settled: 0 }, 1);
    expect(watch.progressed(true, 2)).toBe('progress');
  });

  it('gives the suspicion up after a quiet time', () => {
    const watch = suspecting();
    expect(watch.calm(watch.quietMs)).toBe('quiet');
    expect(watch.careful).toBe(false);
    expect(watch.calm(watch.quietMs + 1)).toBeUndefined();
  });

  it('needs a single error for the next suspicion, but only for a minute', () => {
    const watch = suspecting();
    watch.calm(1000);
    expect(watch.ended({ ...KILLED, cause: 'lost' }, 2000)).toBe(false);
    expect(watch.ended(KILLED, 2001)).toBe(true);
    watch.calm(3000);
    expect(watch.ended(KILLED, 3000 + 60_000)).toBe(false);
  });

  it('hurries only while deaths can bring the end nearer', () => {
    const watch = newWatch(5);
    for (let i = 0; i < 3; i += 1) watch.ended(UNSEEN, i);
    for (let i = 0; i < 49; i += 1) {
      watch.ended(UNSEEN, i);
      expect(watch.hurried).toBe(true);
    }
    watch.ended(UNSEEN, 50);
    expect([watch.hurried, watch.careful]).toEqual([false, true]);
  });

  it('does not hurry where the queue has no limit', () => {
    const watch = newWatch(0);
    for (let i = 0; i < 3; i += 1) watch.ended(UNSEEN, i);
    expect([watch.hurried, watch.careful]).toEqual([false, true]);
  });
});
