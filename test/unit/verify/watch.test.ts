import { afterEach, describe, expect, it, vi } from 'vitest';
import type { GatewayView } from '../../../src/verify/gateway-process.ts';
import { since } from '../../../src/verify/row.ts';
import { Watch } from '../../../src/verify/watch.ts';

const START = Date.UTC(2026, 0, 2);

/** A gateway that is ready, whose session changed at that moment. */
function ready(at: number): GatewayView {
  const tally = { received: 0, forwarded: 0, deadLettered: 0, filtered: 0, deduplicated: 0, abandoned: 0 };
  return {
    startedAt: new Date(START).toISOString(),
    ready: true,
    reasons: [],
    ledger: { messages: tally, items: tally },
    inFlight: { messages: 0, items: 0 },
    imbalance: { messages: 0, items: 0 },
    sessions: [{ name: 'consume', state: 'ready', since: new Date(at).toISOString() }],
    components: [],
  };
}

describe('a watch on a gateway', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it('sees a change that was over before the gateway answered again, at its own time', async () => {
    let answer = async (): Promise<GatewayView> => ready(START);
    vi.stubGlobal('fetch', async () => ({ json: answer }));
    const watch = new Watch('http://127.0.0.1:1');
    watch.start();
    await vi.waitFor(() => expect(watch.health).toBe('ready'));
    // It stands still: nothing answers.
    answer = () => Promise.reject(new Error('no answer in time'));
    await vi.waitFor(() => expect(watch.health).toBe('silent'));
    const changed = Date.now() + 60_000;
    answer = async () => ready(changed);
    await vi.waitFor(() => expect(watch.health).toBe('ready'));
    expect(watch.signSince(changed)).toMatchObject({ what: 'blip', at: changed, reason: 'consume has changed' });
    await watch.close();
  });

  it('sees what came while a look was under way at its own time, also where it is over at the next', async () => {
    let answer = async (): Promise<GatewayView> => ready(START);
    vi.stubGlobal('fetch', async () => ({ json: async () => await answer() }));
    const watch = new Watch('http://127.0.0.1:1');
    watch.start();
    await vi.waitFor(() => expect(watch.health).toBe('ready'));
    const struck = Date.now() + 60_000;
    const looks = [{ ...ready(struck), ready: false, reasons: ['no session'] }, ready(struck + 20)];
    answer = async () => looks.shift() ?? ready(struck + 20);
    await vi.waitFor(() => expect(looks).toHaveLength(0));
    await vi.waitFor(() => expect(watch.health).toBe('ready'));
    expect(watch.signSince(struck)).toMatchObject({ what: 'unready', at: struck, reason: 'no session' });
    await watch.close();
  });
});

describe('redeliveries since a fault', () => {
  it.each([
    ['of one broker', [[1, 5]], [[1, 8]], 3],
    ['of one that was started anew', [[1, 5]], [[2, 4]], 4],
    ['of one that counts from 0 again in one process', [[1, 500]], [[1, 4]], 4],
    [
      'of several',
      [
        [1, 5],
        [2, 7],
        [3, 9],
      ],
      [
        [1, 5],
        [2, 10],
        [4, 1],
      ],
      4,
    ],
    ['of none that answers', [[1, 5]], [], null],
  ] as const)('are counted %s', (_, before, now, count) => {
    expect(since(new Map<number, number>(before), new Map<number, number>(now))).toBe(count);
  });
});
