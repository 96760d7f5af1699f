import { describe, expect, it } from 'vitest';
import { Permits } from '../../../src/pipeline/permits.ts';

const never = new AbortController().signal;

describe('Permits', () => {
  it('bounds number and bytes, first come first served', async () => {
    const permits = new Permits(2, 100);
    expect(await permits.acquire(60, never)).toBe(true);
    const order: string[] = [];
    const large = permits.acquire(60, never).then(() => order.push('large'));
    // Would fit, but must not overtake the larger one that waits.
    const small = permits.acquire(10, never).then(() => order.push('small'));
    await Promise.resolve();
    expect(permits.inUse).toBe(1);
    permits.release(60);
    await Promise.all([large, small]);
    expect(order).toEqual(['large', 'small']);
    expect(permits.inUse).toBe(2);
  });

  it('lets one through that is larger than the bound', async () => {
    expect(await new Permits(2, 100).acquire(500, never)).toBe(true);
  });

  it('answers false to who gives up waiting, and goes on with the next', async () => {
    const permits = new Permits(1, 100);
    await permits.acquire(1, never);
    const abort = new AbortController();
    const first = permits.acquire(1, abort.signal);
    const second = permits.acquire(1, never);
    abort.abort();
    expect(await first).toBe(false);
    permits.release(1);
    expect(await second).toBe(true);
    expect(await permits.acquire(1, AbortSignal.abort())).toBe(false);
  });
});
