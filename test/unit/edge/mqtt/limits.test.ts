import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ListenError } from '../../../../src/edge/mqtt/door.ts';
import { LimitError } from '../../../../src/edge/mqtt/options.ts';
import { connect, PINGREQ, publish, subscribe } from './packets.ts';
import { Raw, startListener, until } from './support.ts';

describe('limits', () => {
  it('refuses connections beyond the most there may be', async () => {
    const { client, raw, counters, refused } = await startListener({ limits: { maxConnections: 2 } });
    const first = await client('d1');
    await client('d2');
    const third = await raw();
    await until('the end of the third', () => third.closed);
    expect(refused()).toEqual(['connections']);
    first.socket.destroy();
    await until('there is room', () => counters.connectionsNow === 1);
    await client('d4');
  });

  it('lets new connections wait for their turn, and refuses only when too many do', async () => {
    const { port, counters, refused } = await startListener({ limits: { connectionsPerSecond: 5, maxQueuedConnections: 3 } });
    const all = await Promise.all(Array.from({ length: 30 }, () => Raw.open(port)));
    for (const [at, one] of all.entries()) if (!one.closed) one.send(connect({ id: `d${at}` }));
    await until('each is answered or refused', () => all.every((one) => one.closed || one.packets.length > 0));
    const answered = all.filter((one) => one.packets.length > 0).length;
    // Five at once and three that waited, and the few that a slow machine leaves time for.
    expect(answered).toBeGreaterThanOrEqual(8);
    expect(answered).toBeLessThan(30);
    expect(refused()).toEqual(Array.from({ length: 30 - answered }, () => 'connection-rate'));
    expect(counters.queuedNow).toBe(0);
  });

  it('reads a client that publishes too fast more slowly, and drops nothing', async () => {
    const { client, keeper, counters } = await startListener({ limits: { publishesPerSecond: 20 } });
    const device = await client('d1');
    const begin = performance.now();
    device.send(...Array.from({ length: 40 }, (_, at) => publish('a', `m${at}`, { qos: 1, id: at + 1 })), PINGREQ);
    await until('all PUBACK', () => device.ids(0x40).length === 40);
    // Twenty at once, twenty more take a second.
    expect(performance.now() - begin).toBeGreaterThan(900);
    expect(keeper.texts).toEqual(Array.from({ length: 40 }, (_, at) => `m${at}`));
    expect(counters.pausedForClient).toBeGreaterThan(0);
    await until('PINGRESP', () => device.packets.at(-1)?.first === 0xd0);
  });

  it('ends a connection without CONNECT, and a packet that does not become whole', async () => {
    const { client, raw, refused, port } = await startListener({ limits: { connectTimeoutMs: 200, packetTimeoutMs: 300 } });
    const silent = await raw();
    const drip = await Raw.open(port);
    const bytes = connect({ id: 'drip' });
    let at = 0;
    const timer = setInterval(() => drip.send(bytes.subarray(at, ++at)), 100);
    await until('both are closed', () => silent.closed && drip.closed);
    clearInterval(timer);
    expect(refused().toSorted()).toEqual(['connect-timeout', 'connect-timeout']);
    const slow = await client('slow');
    slow.send(publish('a', 'x'.repeat(100)).subarray(0, 50));
    await until('the end of the slow packet', () => slow.closed);
    expect(refused().at(-1)).toBe('packet-too-slow');
    // Whole packets one byte at a time are fine.
    const patient = await client('patient');
    for (const byte of publish('a', 'x', { qos: 1 })) patient.send(Buffer.from([byte]));
    await until('PUBACK', () => patient.ids(0x40).length === 1);
  });

  it('ends a connection at a packet that is too large before its body, and at garbage', async () => {
    const { client, raw, refused, counters } = await startListener({ limits: { maxPacketBytes: 1000 } });
    const large = await client('large');
    large.send(publish('a', 'x'.repeat(2000)).subarray(0, 3));
    await until('the end', () => large.closed);
    const garbage = await raw();
    garbage.send(Buffer.alloc(100_000, 0xff));
    await until('the end', () => garbage.closed);
    const header = await client('header');
    header.send(Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x01]));
    await until('the end', () => header.closed);
    const text = await client('text');
    // A topic that is longer than its packet.
    text.send(Buffer.from([0x30, 4, 0, 9, 65, 65]));
    await until('the end', () => text.closed);
    expect(refused()).toEqual(['packet-too-large', 'malformed', 'malformed', 'malformed']);
    expect(counters.heldMessagesNow).toBe(0);
  });

  it('holds no more than all together may, reads nothing beyond, and goes on in turn', { timeout: 120_000 }, async () => {
    const clients = 40;
    const each = 100;
    const { client, keeper, counters } = await startListener({ limits: { maxHeldMessages: 200, maxHeldBytes: 8 * 1024 * 1024 } });
    keeper.hold = true;
    const devices = await Promise.all(Array.from({ length: clients }, (_, at) => client(`d${at}`)));
    for (const [at, device] of devices.entries()) {
      device.send(...Array.from({ length: each }, (_, n) => publish(`t/${at}`, `${n} ${'x'.repeat(1000)}`, { qos: 1, id: n + 1 })));
    }
    await until('the pool is full', () => counters.heldMessagesNow === 200);
    await until('many wait', () => counters.pausedForRoom >= clients / 2);
    const read = counters.bytesIn;
    // A client that had room for its message is heard while others wait.
    const free = devices.filter((_, at) => keeper.asked.every(({ topic }) => topic !== `t/${at}`));
    expect(free.length).toBeGreaterThan(0);
    expect(counters.bytesIn).toBe(read);
    expect(keeper.asked).toHaveLength(200);
    let most = 0;
    while (keeper.asked.length < clients * each) {
      most = Math.max(most, counters.heldMessagesNow);
      keeper.settleAll();
      await new Promise((resolve) => setImmediate(resolve));
    }
    keeper.hold = false;
    keeper.settleAll();
    await until('all PUBACK', () => devices.every((device) => device.ids(0x40).length === each));
    expect(most).toBeLessThanOrEqual(200);
    expect(counters.heldBytesNow).toBe(0);
    for (const at of devices.keys()) {
      const mine = keeper.asked.filter(({ topic }) => topic === `t/${at}`).map(({ payload }) => Number.parseInt(payload.toString(), 10));
      expect(mine).toEqual(Array.from({ length: each }, (_, n) => n));
    }
  });

  it('lets nobody wait for a subscriber that does not read: QoS 0 is dropped for it, then it is closed', { timeout: 120_000 }, async () => {
    const { client, counters, events, listener } = await startListener({ limits: { maxOutgoingBytes: 256 * 1024 } });
    const deaf = await client('deaf');
    const good = await client('good');
    for (const one of [deaf, good]) one.send(subscribe(1, 'a'));
    await until('SUBACK', () => deaf.packets.length === 2 && good.packets.length === 2);
    deaf.socket.pause();
    const device = await client('d1');
    let sent = 0;
    const more = async (qos: 0 | 1): Promise<void> => {
      sent++;
      device.send(publish('a', 'x'.repeat(50_000), { qos, id: (sent % 1000) + 1 }));
      if (qos === 1) await until('PUBACK', () => device.ids(0x40).length >= sent - zero);
      else await until('it reaches the good one', () => good.messages.length >= sent);
    };
    let zero = 0;
    while (counters.slowDropped === 0) {
      await more(0);
      zero = sent;
    }
    expect(counters.slowClosed).toBe(0);
    // Its socket takes nothing now: who waited for it would wait for ever.
    await listener.publish({ topic: 'a', payload: Buffer.from('x'), qos: 1, retain: false });
    sent++;
    zero++;
    while (counters.slowClosed === 0) await more(1);
    await until('all reach the good one', () => good.messages.length === sent);
    await until('the event', () => events.some((event) => event.kind === 'disconnected' && event.clientId === 'deaf'));
    expect(events.filter(({ kind }) => kind === 'slow-client')).toHaveLength(1);
    expect(events.findLast((event) => event.kind === 'disconnected')).toMatchObject({ clientId: 'deaf', reason: 'slow-client' });
  });

  it('are checked against each other', async () => {
    await expect(startListener({ limits: { maxHeldBytes: 1_000_000 } })).rejects.toThrow(LimitError);
    await expect(startListener({ limits: { maxConnections: -1 } })).rejects.toThrow('maxConnections is -1: give a whole number');
  });
});

describe('the listener', () => {
  it('says what to do where the port is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };
    const start = startListener({ tcp: { host: '127.0.0.1', port } });
    await expect(start).rejects.toThrow(ListenError);
    await expect(start).rejects.toThrow(`cannot listen for MQTT on 127.0.0.1:${port}: another process listens there`);
    other.close();
  });

  it('acknowledges what it has read before it closes', async () => {
    const { client, keeper, listener } = await startListener();
    keeper.hold = true;
    const device = await client('d1');
    device.send(publish('a', 'one', { qos: 1, id: 1 }));
    await until('the keeper is asked', () => keeper.waiting.length === 1);
    const closed = listener.close(20_000);
    device.send(publish('a', 'two', { qos: 1, id: 2 }));
    keeper.settle();
    await closed;
    await until('the end of the connection', () => device.closed);
    expect(device.ids(0x40)).toEqual([1]);
    expect(keeper.texts).toEqual(['one']);
  });

  it('does not wait for what is never kept beyond its deadline', async () => {
    const { client, keeper, listener } = await startListener();
    keeper.hold = true;
    const device = await client('d1');
    device.send(publish('a', 'one', { qos: 1, id: 1 }));
    await until('the keeper is asked', () => keeper.waiting.length === 1);
    await listener.close(50);
    await until('the end of the connection', () => device.closed);
    expect(device.ids(0x40)).toEqual([]);
  });
});
