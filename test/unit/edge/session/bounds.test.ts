import { describe, expect, it } from 'vitest';
import type { SessionBounds } from '../../../../src/edge/session/bounds.ts';
import { Sessions } from '../../../../src/edge/session/sessions.ts';
import { SimDisk } from '../../../support/sim-disk.ts';

function open(
  bounds: Partial<SessionBounds>,
  now: () => number = () => 0,
): { readonly disk: SimDisk; readonly sessions: Sessions; readonly settled: <T>(promise: Promise<T>) => Promise<T> } {
  const disk = new SimDisk(() => 0.5);
  const sessions = Sessions.open({ folder: '/sessions', files: disk.files, warn: () => {}, bounds, now });
  const settled = async <T>(promise: Promise<T>): Promise<T> => {
    promise.catch(() => {});
    await disk.settle();
    return promise;
  };
  return { disk, sessions, settled };
}

async function queued(sessions: Sessions, id: string): Promise<string[]> {
  return ((await sessions.outgoingStream({ id }).toArray()) as { payload: Buffer }[]).map(({ payload }) => payload.toString());
}

const message = (n: number, text = `${n}`): { topic: string; payload: Buffer; qos: 1; brokerId: string; brokerCounter: number } => ({
  topic: 't',
  payload: Buffer.from(text),
  qos: 1,
  brokerId: 'b',
  brokerCounter: n,
});

describe('the bounds of sessions', () => {
  it('let the oldest message of a session go that was never sent, or else the new one', async () => {
    const { sessions, settled } = open({ queuedMessages: 3 });
    for (let n = 1; n <= 4; n += 1) await settled(sessions.outgoingEnqueue({ clientId: 'c' }, message(n)));
    expect(await queued(sessions, 'c')).toEqual(['2', '3', '4']);
    expect(sessions.stats().losses).toMatchObject({ 'queue-full': 1, 'queue-refused': 0 });
    for (let n = 2; n <= 4; n += 1) await settled(sessions.outgoingUpdate({ id: 'c' }, { cmd: 'publish', brokerId: 'b', brokerCounter: n, messageId: n }));
    await settled(sessions.outgoingEnqueue({ clientId: 'c' }, message(5)));
    expect(await queued(sessions, 'c')).toEqual(['2', '3', '4']);
    expect(sessions.stats().losses).toMatchObject({ 'queue-full': 1, 'queue-refused': 1 });
    // It is sent once all the same, under an id that nothing else has.
    const packet = { cmd: 'publish', brokerId: 'b', brokerCounter: 5, messageId: 3 };
    await settled(sessions.outgoingUpdate({ id: 'c' }, packet));
    expect(packet.messageId).toBe(5);
  });

  it('count the bytes of a message once, for however many sessions it waits', async () => {
    const { sessions, settled } = open({ queuedBytes: 25 });
    const both = [{ clientId: 'c' }, { clientId: 'd' }];
    await settled(sessions.outgoingEnqueueCombi(both, message(1, '123456789')));
    await settled(sessions.outgoingEnqueueCombi(both, message(2, '12345678_')));
    expect(sessions.stats()).toMatchObject({ queuedBytes: 20, queuedMessages: 4 });
    await settled(sessions.outgoingEnqueueCombi([{ clientId: 'd' }], message(3, '1234567__')));
    expect(sessions.stats().queuedBytes).toBeLessThanOrEqual(25);
    expect(await queued(sessions, 'c')).toEqual(['123456789', '12345678_']);
  });

  it('refuse sessions and subscriptions beyond, and say so before', async () => {
    const { sessions, settled } = open({ sessions: 1, subscriptions: 2 });
    const [c, d] = [{ id: 'c' }, { id: 'd' }];
    await settled(
      sessions.addSubscriptions(c, [
        { topic: 'a', qos: 1 },
        { topic: 'b', qos: 0 },
      ]),
    );
    expect([sessions.hasRoomFor(c, 'a'), sessions.hasRoomFor(c, 'x'), sessions.hasRoomFor(d, 'a'), sessions.hasRoomFor(c, 'x'.repeat(2_000))]).toEqual([
      true,
      false,
      false,
      false,
    ]);
    await expect(settled(sessions.addSubscriptions(c, [{ topic: 'x', qos: 1 }]))).rejects.toThrow('at most 2 subscriptions');
    await expect(settled(sessions.addSubscriptions(d, [{ topic: 'a', qos: 1 }]))).rejects.toThrow('1 sessions already');
    await expect(settled(sessions.incomingStorePacket(d, { messageId: 1 }))).rejects.toThrow('1 sessions already');
    await settled(sessions.outgoingEnqueue({ clientId: 'd' }, message(1)));
    expect(sessions.stats()).toMatchObject({ sessions: 1, subscriptions: 2, queuedMessages: 0 });
    expect(sessions.stats().losses).toMatchObject({ 'sessions-full': 3, 'subscriptions-full': 1 });
  });

  it('retain nothing beyond, and nothing that is outdated', async () => {
    const { sessions, settled } = open({ retained: 1, retainedBytes: 20 });
    const keep = (topic: string, text: string): Promise<void> => settled(sessions.storeRetained({ topic, payload: Buffer.from(text), qos: 1 }));
    const all = async (): Promise<string[]> =>
      ((await sessions.createRetainedStream('#').toArray()) as { payload: Buffer }[]).map(({ payload }) => payload.toString());
    await keep('a', 'one');
    await keep('b', 'two');
    expect(await all()).toEqual(['one']);
    await keep('a', 'x'.repeat(20));
    expect(await all()).toEqual([]);
    expect(sessions.stats()).toMatchObject({ retainedBytes: 0, losses: { 'retained-full': 2 } });
  });

  it('end a session whose client was away for too long, and none of one that is there', async () => {
    let now = 0;
    const { sessions, settled } = open({ sessionExpiryMs: 100 }, () => now);
    const listeners: Record<string, (client: object) => void> = {};
    await sessions.setup({ id: 'b', on: (event: string, listener: never) => (listeners[event] = listener) });
    const [here, away] = [{ id: 'here' }, { id: 'away' }];
    for (const client of [here, away]) {
      listeners['client']?.(client);
      await settled(sessions.addSubscriptions(client, [{ topic: 'a', qos: 1 }]));
    }
    listeners['clientDisconnect']?.(away);
    now = 99;
    sessions.sweep();
    expect(sessions.stats().sessions).toBe(2);
    now = 100;
    sessions.sweep();
    expect(await sessions.subscriptionsByClient(away)).toEqual([]);
    expect(sessions.stats()).toMatchObject({ sessions: 1, subscriptions: 1, losses: { expired: 1 } });
    await settled(sessions.destroy());
  });

  it('write the log anew when what is outdated outweighs what is not', async () => {
    const disk = new SimDisk(() => 0.5);
    const sessions = Sessions.open({ folder: '/sessions', files: disk.files, warn: () => {}, garbageBytes: 2_000 });
    for (let n = 0; n < 300; n += 1) {
      void sessions.storeRetained({ topic: 'a', payload: Buffer.from(`${n}`), qos: 1 });
      if (n % 10 === 0) await disk.settle();
    }
    await disk.settle();
    expect(sessions.stats().compactions).toBeGreaterThan(2);
    expect(sessions.stats().fileBytes).toBeLessThan(6_000);
    expect(disk.used).toBeLessThan(6_500);
  });
});
