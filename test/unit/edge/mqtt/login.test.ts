import { describe, expect, it } from 'vitest';
import { connect, DISCONNECT, publish, subscribe } from './packets.ts';
import { FakeSessions, ping, startListener, until } from './support.ts';

describe('log-in', () => {
  it('asks the rules, and answers with their refusal', async () => {
    const { access, client, counters, refused } = await startListener();
    access.answer = ({ username }) => (username === 'good' ? { granted: true, who: 'good' } : { granted: false, reason: 'bad-credentials' });
    const bad = await client('d1', { username: 'bad', password: 'x' });
    await until('the end of the connection', () => bad.closed);
    expect(bad.packets.map(({ first, body }) => [first, body[1]])).toEqual([[0x20, 4]]);
    const good = await client('d2', { username: 'good', password: 'secret' });
    expect(good.packets.map(({ first, body }) => [first, body[1]])).toEqual([[0x20, 0]]);
    expect(access.logins[1]).toMatchObject({
      clientId: 'd2',
      username: 'good',
      password: Buffer.from('secret'),
      address: '127.0.0.1',
      transport: 'tcp',
      certificate: undefined,
    });
    expect(refused()).toEqual(['bad-credentials']);
    expect(counters.clientsNow).toBe(1);
  });

  it('refuses what MQTT forbids', async () => {
    const { raw, client, access } = await startListener();
    access.publish = (_who, _id, topic) => topic !== 'no';
    const answers = async (bytes: Buffer): Promise<number[]> => {
      const device = await raw();
      device.send(bytes);
      await until('the end of the connection', () => device.closed);
      return device.packets.map(({ body }) => body[1] ?? -1);
    };
    // No id, and a session to keep (MQTT-3.1.3-8); a will that this user may not publish.
    expect(await answers(connect({ id: '', clean: false }))).toEqual([2]);
    expect(await answers(connect({ id: 'x'.repeat(300) }))).toEqual([2]);
    expect(await answers(connect({ id: 'd', will: { topic: 'no', payload: '' } }))).toEqual([5]);
    expect(await answers(connect({ id: 'd', will: { topic: 'a/#', payload: '' } }))).toEqual([]);
    expect(await answers(connect({ id: 'd\u0001' }))).toEqual([]);
    expect((await client('')).packets).toHaveLength(1);
  });

  it('takes what a client sends before it has its CONNACK, however much', async () => {
    const { raw, keeper } = await startListener();
    const device = await raw();
    device.send(connect({ id: 'eager' }), ...Array.from({ length: 500 }, (_, at) => publish('a', `m${at}`, { qos: 1, id: at + 1 })));
    await until('all PUBACK', () => device.ids(0x40).length === 500);
    expect(keeper.texts).toEqual(Array.from({ length: 500 }, (_, at) => `m${at}`));
  });

  it('lets an account use so many client ids, of those connected and of those with a session', async () => {
    const started = await startListener({ limits: { clientsPerUser: 2 } });
    const { client, refused, counters, sessions } = started;
    const as = (username: string) => async (id: string, clean: boolean) => {
      const raw = await client(id, { username, password: 'x', clean });
      return { raw, code: raw.packets[0]?.body[1] };
    };
    const [ours, theirs] = [as('a'), as('b')];
    const first = await ours('a.1', false);
    first.raw.send(subscribe(1, 'x'));
    await until('SUBACK', () => first.raw.packets.length === 2);
    first.raw.send(DISCONNECT);
    const second = await ours('a.2', true);
    await until('one is left', () => counters.clientsNow === 1);
    expect([second.code, (await ours('a.3', true)).code]).toEqual([0, 5]);
    expect(refused()).toEqual(['user-clients']);
    // Others are not held against it, and what it has it may use again, also instead of itself.
    expect([(await theirs('b.1', true)).code, (await ours('a.1', false)).code, (await ours('a.2', true)).code]).toEqual([0, 0, 0]);
    // Whoever has no name has no account that could have too many.
    for (const id of ['n1', 'n2', 'n3']) expect((await client(id)).packets[0]?.body[1]).toBe(0);
    sessions.sessions.delete('a.1');
    const again = await ours('a.1', true);
    again.raw.send(DISCONNECT);
    // Its place is free once the end of the connection is noticed.
    for (let code: number | undefined = 5; code !== 0; ) ({ code } = await ours('a.3', true));
    expect((await ours('a.4', true)).code).toBe(5);
  });

  it('counts those that are still logging in', async () => {
    const { client, raw, sessions } = await startListener({ limits: { clientsPerUser: 1 } });
    const { store } = sessions;
    const putWill = store.putWill.bind(store);
    let goOn = (): void => {};
    const stored = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    let asked = false;
    store.putWill = async (...will) => {
      asked = true;
      await stored;
      return await putWill(...will);
    };
    const will = { topic: 'gone', payload: 'x' };
    const as = { username: 'a', password: 'x' };
    const slow = await raw();
    slow.send(connect({ id: 'a.1', will, ...as }));
    await until('its will is being stored', () => asked);
    const code = async (id: string): Promise<number | undefined> => (await client(id, as)).packets[0]?.body[1];
    expect(await code('a.2')).toBe(5);
    goOn();
    await until('it is in', () => slow.packets.length === 1);
    expect(await code('a.2')).toBe(5);
    slow.socket.destroy();
    for (let found: number | undefined = 5; found !== 0; ) found = await code('a.2');
  });

  it('counts the sessions that an earlier process left', async () => {
    const sessions = new FakeSessions();
    sessions.sessions.add('a.1').add('a.2').add('other');
    const { client } = await startListener({ limits: { clientsPerUser: 2 }, sessions, persistence: sessions.store });
    const code = async (id: string): Promise<number | undefined> => (await client(id, { username: 'a', password: 'x' })).packets[0]?.body[1];
    expect([await code('a.3'), await code('a.2')]).toEqual([5, 0]);
  });

  it('hands a client id over to the connection that asks for it last', async () => {
    const { client, counters, events } = await startListener();
    const first = await client('d1', { will: { topic: 'gone', payload: 'x' } });
    const second = await client('d1');
    await until('the end of the first', () => first.closed);
    await ping(second);
    expect(counters.tookOver).toBe(1);
    await until('the event', () => events.some((event) => event.kind === 'disconnected' && event.reason === 'taken-over'));
    const third = await client('d1');
    await until('the end of the second', () => second.closed);
    await ping(third);
    expect(counters.clientsNow).toBe(1);
  });

  it('ends a silent client after one and a half keep-alives, not one that is not read', async () => {
    const { client, keeper, counters, events } = await startListener({ limits: { maxClientHeldMessages: 2 } });
    keeper.hold = true;
    const held = await client('held', { keepalive: 1 });
    held.send(...[1, 2, 3].map((id) => publish('a', 'x', { qos: 1, id })));
    await until('it is not read', () => counters.pausedForClient > 0);
    const silent = await client('silent', { keepalive: 1 });
    await until('the end of the silent one', () => silent.closed);
    await until('the event', () => events.some((event) => event.kind === 'disconnected' && event.clientId === 'silent' && event.reason === 'keepalive'));
    expect(held.closed).toBe(false);
  });
});
