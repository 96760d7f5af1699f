import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { AbortWatch } from '../../../src/rabbit/abort-watch.ts';

const listeners = (...signals: AbortSignal[]): number[] => signals.map((signal) => getEventListeners(signal, 'abort').length);

describe('a watch on abort signals', () => {
  it('has one listener for all that wait under a signal, and tells once', () => {
    const told: AbortSignal[] = [];
    const watch = new AbortWatch((signal) => told.push(signal));
    const one = new AbortController();
    const entries = Array.from({ length: 20 }, () => watch.enter(one.signal));
    expect(listeners(one.signal)).toEqual([1]);
    for (const entry of entries) watch.leave(entry);
    // The latest signal will be used again.
    expect(listeners(one.signal)).toEqual([1]);
    one.abort();
    expect(told).toEqual([one.signal]);
  });

  it('lets an earlier signal go when nothing waits under it any more, and not before', () => {
    const told: AbortSignal[] = [];
    const watch = new AbortWatch((signal) => told.push(signal));
    const [one, two, three] = [new AbortController(), new AbortController(), new AbortController()];
    const first = watch.enter(one.signal);
    const second = watch.enter(two.signal);
    expect(listeners(one.signal, two.signal)).toEqual([1, 1]);
    one.abort();
    expect(told).toEqual([one.signal]);
    watch.leave(first);
    expect(listeners(one.signal, two.signal)).toEqual([0, 1]);
    watch.leave(second);
    // Nothing waited under it when the next one came.
    watch.enter(three.signal);
    expect(listeners(two.signal, three.signal)).toEqual([0, 1]);
    watch.close();
    expect(listeners(three.signal)).toEqual([0]);
  });
});
