import { describe, expect, it } from 'vitest';
import { keepPoolSmall } from '../../../../src/app/heap.ts';
import { freshPool } from '../../../support/buffer-pool.ts';
import { publish, subscribe } from './packets.ts';
import { ping, startListener, until } from './support.ts';

const PUBACK = 0x40;

describe('acknowledgement', () => {
  it('comes after the message is kept, and not before', async () => {
    const { keeper, client } = await startListener();
    keeper.hold = true;
    const device = await client('d1');
    device.send(publish('a/b', 'one', { qos: 1, id: 7 }));
    await until('the keeper is asked', () => keeper.waiting.length === 1);
    await ping(device);
    expect(device.ids(PUBACK)).toEqual([]);
    keeper.settle();
    await until('PUBACK', () => device.ids(PUBACK).length === 1);
    expect(device.ids(PUBACK)).toEqual([7]);
    expect(keeper.asked[0]).toMatchObject({ topic: 'a/b', qos: 1, retain: false, dup: false, clientId: 'd1' });
  });

  it('waits for what local subscribers get later, too', async () => {
    const { sessions, client } = await startListener();
    sessions.holdLocal = true;
    sessions.subscribed = 1;
    const device = await client('d1');
    device.send(publish('a', 'one', { qos: 1, id: 1 }));
    await until('the sessions are asked', () => sessions.waiting.length === 1);
    await ping(device);
    expect(device.ids(PUBACK)).toEqual([]);
    sessions.waiting[0]?.(undefined);
    await until('PUBACK', () => device.ids(PUBACK).length === 1);
  });

  it('comes in the order of the messages, whatever the order in which they are kept', async () => {
    const { keeper, client } = await startListener();
    keeper.hold = true;
    const device = await client('d1');
    device.send(...[1, 2, 3, 4].map((id) => publish('a', `m${id}`, { qos: 1, id })));
    await until('the keeper is asked', () => keeper.waiting.length === 4);
    keeper.settle(3);
    keeper.settle(1);
    await ping(device);
    expect(device.ids(PUBACK)).toEqual([]);
    keeper.settle(0);
    await until('two PUBACK', () => device.ids(PUBACK).length === 2);
    keeper.settle(0);
    await until('four PUBACK', () => device.ids(PUBACK).length === 4);
    expect(device.ids(PUBACK)).toEqual([1, 2, 3, 4]);
  });

  it('comes in their order too where somebody here gets some of them', async () => {
    const { keeper, client } = await startListener();
    keeper.hold = true;
    const subscriber = await client('s');
    subscriber.send(subscribe(1, 'heard'));
    await until('SUBACK', () => subscriber.packets.length === 2);
    const device = await client('d1');
    const topics = ['silent', 'silent', 'heard', 'silent', 'heard', 'heard', 'silent'];
    device.send(...topics.map((topic, i) => publish(topic, `m${i}`, { qos: 1, id: i + 1 })));
    await until('the keeper is asked', () => keeper.waiting.length === topics.length);
    keeper.settleAll();
    await until('all PUBACK', () => device.ids(PUBACK).length === topics.length);
    expect(device.ids(PUBACK)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    await until('the messages', () => subscriber.messages.length === 3);
    expect(subscriber.messages).toEqual(['m2', 'm4', 'm5']);
  });

  it('comes for all that a client sends at once, more than it may have here', async () => {
    const { client, counters } = await startListener({ limits: { maxClientHeldMessages: 10 } });
    const device = await client('d1');
    const ids = Array.from({ length: 2000 }, (_, i) => i + 1);
    device.send(...ids.flatMap((id) => [publish('a', 'one', { qos: 1, id }), publish('a', 'two')]));
    await until('all PUBACK', () => device.ids(PUBACK).length === ids.length);
    expect(device.ids(PUBACK)).toEqual(ids);
    await ping(device);
    expect(counters.heldMessagesNow).toBe(0);
  });

  it('never comes for a message that was not kept, nor for those after it; the connection is closed', async () => {
    const { keeper, client, counters, events } = await startListener();
    keeper.hold = true;
    const device = await client('d1');
    device.send(...[1, 2, 3].map((id) => publish('a', `m${id}`, { qos: 1, id })));
    await until('the keeper is asked', () => keeper.waiting.length === 3);
    keeper.settle(2);
    keeper.settle(1, new Error('disk full'));
    keeper.settle(0);
    await until('the end of the connection', () => device.closed);
    expect(device.ids(PUBACK)).toEqual([1]);
    expect(counters.notKept).toBe(1);
    await until('the event', () => events.some((event) => event.kind === 'disconnected'));
    expect(events.findLast((event) => event.kind === 'disconnected')).toMatchObject({ clientId: 'd1', reason: 'not-kept' });
    expect(counters.heldMessagesNow).toBe(0);
    expect(counters.heldBytesNow).toBe(0);
  });

  it('leaves nothing counted when the client goes while its messages wait', async () => {
    const { keeper, client, counters } = await startListener();
    keeper.hold = true;
    const device = await client('d1');
    device.send(publish('a', 'one', { qos: 1, id: 1 }), publish('a', 'two', { qos: 0 }), publish('a', 'x'.repeat(500)).subarray(0, 100));
    await until('the keeper is asked', () => keeper.waiting.length === 2);
    device.socket.destroy();
    await until('the connection is gone', () => counters.connectionsNow === 0);
    expect(counters.heldMessagesNow).toBe(2);
    keeper.settleAll();
    expect(counters.heldMessagesNow).toBe(0);
    expect(counters.heldBytesNow).toBe(0);
  });

  it('hands over a payload of its own', async () => {
    keepPoolSmall();
    freshPool();
    const { keeper, client } = await startListener();
    const device = await client('d1');
    device.send(publish('a', 'one', { qos: 1, id: 1 }), publish('a', 'x'.repeat(5000), { qos: 1, id: 2 }));
    await until('two messages', () => keeper.asked.length === 2);
    expect(keeper.texts).toEqual(['one', 'x'.repeat(5000)]);
    // A view would hold on to the chunk of 64 KiB that the socket read.
    for (const { payload } of keeper.asked) expect(payload.buffer.byteLength).toBeLessThanOrEqual(8192);
  });
});
