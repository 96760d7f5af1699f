import { describe, expect, it } from 'vitest';
import { DISCONNECT, puback, publish, pubrel, subscribe } from './packets.ts';
import { ping, startListener, until } from './support.ts';

const PUBREC = 0x50;
const PUBCOMP = 0x70;

describe('a PUBLISH that is refused', () => {
  it.each([
    ['topic-too-long', publish('a'.repeat(201), 'x', { qos: 1 })],
    ['topic-too-long', publish('\u00e4'.repeat(101), 'x', { qos: 1 })],
    ['topic-invalid', publish('a\u0000b', 'x', { qos: 1 })],
    ['topic-invalid', publish('a\u0007b', 'x', { qos: 1 })],
    ['topic-invalid', publish(Buffer.from([0x61, 0xff, 0x62]), 'x', { qos: 1 })],
    ['topic-invalid', publish(Buffer.from([0xed, 0xa0, 0x80]), 'x', { qos: 1 })],
    ['topic-invalid', publish('a/#', 'x', { qos: 1 })],
    ['topic-invalid', publish('', 'x', { qos: 1 })],
    ['topic-invalid', publish('/'.repeat(120), 'x', { qos: 1 })],
    ['topic-reserved', publish('$SYS/x', 'x', { qos: 1 })],
    ['publish-denied', publish('secret/x', 'x', { qos: 1 })],
    ['malformed', publish('a', 'x', { qos: 1, id: 0 })],
  ])('%s: closes the connection without an acknowledgement, and is not kept', async (reason, bytes) => {
    const started = await startListener();
    started.access.publish = (who, _id, topic) => who === 'u' && !topic.startsWith('secret');
    const device = await started.client('d1', { username: 'u' });
    device.send(publish('fine', 'x'), bytes, publish('after', 'x'));
    await until('the end of the connection', () => device.closed);
    expect(device.packets).toHaveLength(1);
    expect(started.keeper.asked.map(({ topic }) => topic)).toEqual(['fine']);
    expect(started.refused()).toEqual([reason]);
    expect(started.counters.refused[reason as 'malformed']).toBe(1);
    await until('the event', () => started.events.some((event) => event.kind === 'disconnected' && event.reason === reason));
    expect(started.counters.heldMessagesNow).toBe(0);
  });
});

describe('quality of service 2', () => {
  it('is kept once, though it comes again before and after PUBREC, and on another connection', async () => {
    const { keeper, client, counters } = await startListener();
    keeper.hold = true;
    const first = await client('d1', { clean: false });
    first.send(publish('a', 'one', { qos: 2, id: 5 }));
    await until('the keeper is asked', () => keeper.waiting.length === 1);
    // Again on the same connection, while the first is under way.
    first.send(publish('a', 'one', { qos: 2, id: 5, dup: true }));
    await ping(first);
    // And on the next one.
    const second = await client('d1', { clean: false });
    second.send(publish('a', 'one', { qos: 2, id: 5, dup: true }));
    await ping(second);
    expect(second.ids(PUBREC)).toEqual([]);
    keeper.settle();
    await until('PUBREC', () => second.ids(PUBREC).length === 1);
    second.send(publish('a', 'one', { qos: 2, id: 5, dup: true }));
    await until('PUBREC again', () => second.ids(PUBREC).length === 2);
    const third = await client('d1', { clean: false });
    third.send(publish('a', 'one', { qos: 2, id: 5, dup: true }));
    await until('PUBREC on the third', () => third.ids(PUBREC).length === 1);
    third.send(pubrel(5));
    await until('PUBCOMP', () => third.ids(PUBCOMP).length === 1);
    expect(keeper.texts).toEqual(['one']);
    expect(counters.duplicates).toBe(4);
    // The id is free for another message.
    third.send(publish('a', 'two', { qos: 2, id: 5 }));
    await until('the next message', () => keeper.asked.length === 2);
    keeper.settle();
    await until('its PUBREC', () => third.ids(PUBREC).length === 2);
    expect(counters.heldMessagesNow).toBe(0);
  });

  it('is handed to subscribers once', async () => {
    const { keeper, client } = await startListener();
    keeper.hold = true;
    const listener = await client('s');
    listener.send(subscribe(1, 'a', 0));
    await until('SUBACK', () => listener.packets.length === 2);
    const first = await client('d1', { clean: false });
    first.send(publish('a', 'one', { qos: 2, id: 5 }));
    await until('the keeper is asked', () => keeper.waiting.length === 1);
    const second = await client('d1', { clean: false });
    second.send(publish('a', 'one', { qos: 2, id: 5, dup: true }));
    await ping(second);
    keeper.settle();
    await until('PUBREC', () => second.ids(PUBREC).length === 1);
    await ping(listener);
    expect(listener.messages).toEqual(['one']);
  });

  it('is tried again after it could not be kept', async () => {
    const { keeper, client } = await startListener();
    keeper.hold = true;
    const first = await client('d1', { clean: false });
    first.send(publish('a', 'one', { qos: 2, id: 5 }));
    await until('the keeper is asked', () => keeper.waiting.length === 1);
    keeper.settle(0, new Error('no room'));
    await until('the end of the connection', () => first.closed);
    const second = await client('d1', { clean: false });
    second.send(publish('a', 'one', { qos: 2, id: 5, dup: true }));
    await until('the keeper is asked again', () => keeper.waiting.length === 1);
    keeper.settle();
    await until('PUBREC', () => second.ids(PUBREC).length === 1);
    expect(keeper.texts).toEqual(['one', 'one']);
  });

  it('means another message with the same id after a clean session, also while the first is under way', async () => {
    const { keeper, client } = await startListener();
    keeper.hold = true;
    const first = await client('d1', { clean: true });
    first.send(publish('a', 'one', { qos: 2, id: 5 }));
    await until('the keeper is asked', () => keeper.waiting.length === 1);
    const second = await client('d1', { clean: true });
    keeper.settle();
    second.send(publish('a', 'another', { qos: 2, id: 5 }));
    await until('the keeper is asked', () => keeper.waiting.length === 1);
    keeper.settle();
    await until('PUBREC', () => second.ids(PUBREC).length === 1);
    expect(keeper.texts).toEqual(['one', 'another']);
  });
});

describe('quality of service 0', () => {
  it('is kept like the others, and so held against what a client may have here', async () => {
    const { keeper, client, counters } = await startListener({ limits: { maxClientHeldMessages: 10 } });
    keeper.hold = true;
    const device = await client('d1');
    device.send(...Array.from({ length: 50 }, (_, at) => publish('a', `m${at}`)));
    await until('ten are held', () => counters.heldMessagesNow === 10);
    await until('it is paused', () => counters.pausedForClient > 0);
    expect(keeper.asked).toHaveLength(10);
    await until('all are kept', () => {
      keeper.settleAll();
      return keeper.asked.length === 50;
    });
    expect(keeper.texts).toEqual(Array.from({ length: 50 }, (_, at) => `m${at}`));
  });

  it('is offered only, with the policy best-effort', async () => {
    const { keeper, client, counters } = await startListener({ qos0: 'best-effort' });
    keeper.takes = false;
    const device = await client('d1');
    device.send(publish('a', 'one'), publish('a', 'two', { qos: 1 }));
    await ping(device);
    expect(keeper.offered.map(({ payload }) => payload.toString())).toEqual(['one']);
    expect(keeper.texts).toEqual(['two']);
    expect(counters.qos0Dropped).toBe(1);
  });
});

describe('wills', () => {
  const will = { topic: 'gone/d1', payload: 'bye', qos: 1 };

  it('are kept when the connection is lost, and reach subscribers', async () => {
    const { keeper, client, counters } = await startListener();
    const listener = await client('s');
    listener.send(subscribe(1, 'gone/#'));
    await until('SUBACK', () => listener.packets.length === 2);
    const device = await client('d1', { will });
    device.socket.destroy();
    await until('the will', () => listener.messages.length === 1);
    expect(keeper.asked).toMatchObject([{ topic: 'gone/d1', qos: 1, clientId: 'd1' }]);
    expect(counters.wills).toBe(1);
    expect(counters.heldMessagesNow).toBe(0);
  });

  it('are not published after DISCONNECT, nor when the listener closes', async () => {
    const { keeper, client, counters, listener, sessions } = await startListener();
    const polite = await client('d1', { will });
    polite.send(DISCONNECT);
    await until('the end of the connection', () => counters.clientsNow === 0);
    const device = await client('d2', { will });
    await listener.close(1000);
    await until('the end of the connection', () => device.closed);
    expect(keeper.asked).toEqual([]);
    // For the next start: the device may not come back.
    expect(await sessions.store.getWill({ id: 'd2' })).toBeDefined();
    expect(await sessions.store.getWill({ id: 'd1' })).toBeUndefined();
  });

  it('stay in the store where they could not be kept', async () => {
    const { keeper, client, sessions, events } = await startListener();
    keeper.hold = true;
    const device = await client('d1', { will });
    device.socket.destroy();
    await until('the keeper is asked', () => keeper.waiting.length === 1);
    keeper.settle(0, new Error('no room'));
    await until('the event', () => events.some(({ kind }) => kind === 'fault'));
    expect(await sessions.store.getWill({ id: 'd1' })).toBeDefined();
  });
});

describe('local subscribers', () => {
  it('get retained messages, the newest, which is durable before its acknowledgement', async () => {
    const { client, sessions } = await startListener();
    const device = await client('d1');
    device.send(publish('state', 'old', { qos: 1, id: 1, retain: true }), publish('state', 'new', { qos: 1, id: 2, retain: true }));
    await until('PUBACK', () => device.ids(0x40).length === 2);
    expect(sessions.local.map(({ payload }) => payload.toString())).toEqual(['old', 'new']);
    const listener = await client('s');
    listener.send(subscribe(1, 'state'));
    await until('the retained message', () => listener.messages.length === 1);
    expect(listener.messages).toEqual(['new']);
  });

  it('get what came while they were away, and commands from here', async () => {
    const { client, listener, counters } = await startListener();
    const subscriber = await client('s', { clean: false });
    subscriber.send(subscribe(1, 'cmd/#'));
    await until('SUBACK', () => subscriber.packets.length === 2);
    subscriber.send(DISCONNECT);
    await until('it is gone', () => counters.clientsNow === 0);
    await listener.publish({ topic: 'cmd/1', payload: Buffer.from('away'), qos: 1, retain: false });
    const back = await client('s', { clean: false });
    await until('the queue', () => back.messages.length === 1);
    back.send(puback(back.packets.find(({ first }) => first >> 4 === 3)?.body.readUInt16BE(7) ?? 0));
    await listener.publish({ topic: 'cmd/2', payload: Buffer.from('there'), qos: 1, retain: false });
    await until('the command', () => back.messages.length === 2);
    expect(back.messages).toEqual(['away', 'there']);
  });

  it('get what is acknowledged after they subscribed, though nobody did when it came', async () => {
    const { keeper, client } = await startListener();
    const device = await client('d1');
    device.send(publish('a', 'before', { qos: 1, id: 1 }));
    await until('PUBACK', () => device.ids(0x40).length === 1);
    keeper.hold = true;
    device.send(publish('a', 'between', { qos: 1, id: 2 }));
    await until('the keeper is asked', () => keeper.waiting.length === 1);
    const subscriber = await client('s');
    subscriber.send(subscribe(1, '+'));
    await until('SUBACK', () => subscriber.packets.length === 2);
    device.send(publish('a', 'after', { qos: 1, id: 3 }));
    await until('the keeper is asked again', () => keeper.waiting.length === 2);
    keeper.settleAll();
    await until('the messages', () => subscriber.messages.length === 2);
    expect(subscriber.messages).toEqual(['between', 'after']);
  });

  it('are known though their connection was lost while they subscribed', async () => {
    const { client, sessions, counters } = await startListener();
    const device = await client('d1');
    device.send(publish('a', 'before', { qos: 1, id: 1 }));
    await until('PUBACK', () => device.ids(0x40).length === 1);
    let store = (): void => {};
    const storing = new Promise<void>((resolve) => {
      store = resolve;
    });
    const addSubscriptions = sessions.store.addSubscriptions.bind(sessions.store);
    let asked = false;
    sessions.store.addSubscriptions = async (...subscription) => {
      asked = true;
      await storing;
      await addSubscriptions(...subscription);
    };
    const subscriber = await client('s', { clean: false });
    subscriber.send(subscribe(1, 'a'));
    await until('it is being stored', () => asked);
    subscriber.socket.destroy();
    await until('it is gone', () => counters.clientsNow === 1);
    store();
    await until('it is stored', () => sessions.subscribed === 1);
    device.send(publish('a', 'after', { qos: 1, id: 2 }));
    await until('PUBACK', () => device.ids(0x40).length === 2);
    expect(sessions.local.map(({ payload }) => payload.toString())).toEqual(['after']);
  });

  it('may subscribe only to what the rules allow', async () => {
    const { client, access, sessions, refused, listener } = await startListener();
    access.subscribe = (_who, _id, filter) => filter === 'mine';
    const subscriber = await client('s');
    subscriber.send(subscribe(1, 'yours'), subscribe(2, 'mine'));
    await until('both SUBACK', () => subscriber.packets.length === 3);
    expect(subscriber.packets.slice(1).map(({ body }) => [body.readUInt16BE(0), body[2]])).toEqual([
      [1, 0x80],
      [2, 1],
    ]);
    expect(refused()).toEqual(['subscribe-denied']);
    await listener.publish({ topic: 'yours', payload: Buffer.from('x'), qos: 1, retain: false });
    await ping(subscriber);
    expect(subscriber.messages).toEqual([]);
    sessions.room = false;
    const persistent = await client('p', { clean: false });
    persistent.send(subscribe(1, 'mine'));
    await until('SUBACK', () => persistent.packets.length === 2);
    expect(persistent.packets[1]?.body[2]).toBe(0x80);
  });
});
