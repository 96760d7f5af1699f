import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { systemScheduler } from '../../src/pipeline/scheduler.ts';
import { AmqpCommands } from '../../src/rabbit/commands.ts';
import type { Session } from '../../src/rabbit/session.ts';
import { Hand, newSession, unique, until } from '../support/rabbit.ts';

const broker = inject('broker');

describe('commands to devices', () => {
  const base = `sluice.test.${unique()}`;
  const closers: (() => Promise<unknown>)[] = [];
  const seen: { readonly key: string; readonly body: string; readonly mode: unknown }[] = [];
  let hand: Hand;

  beforeAll(async () => {
    hand = await Hand.open(broker.adminUrl);
    await hand.channel.assertExchange(base, 'topic', { durable: false });
    await hand.channel.assertQueue(base, { durable: true, arguments: { 'x-queue-type': 'classic' } });
    await hand.channel.bindQueue(base, base, '#');
    await hand.channel.consume(
      base,
      (message) => {
        if (message === null) return;
        seen.push({ key: message.fields.routingKey, body: message.content.toString(), mode: message.properties.deliveryMode });
      },
      { noAck: true },
    );
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
    seen.length = 0;
  });
  afterAll(async () => {
    await hand.channel.deleteQueue(base);
    await hand.close();
  });

  function commandsOn(session: Session, exchange = base): { readonly commands: AmqpCommands; readonly refusals: string[] } {
    const refusals: string[] = [];
    const commands = new AmqpCommands({ session, exchange, channelTimeoutMs: 2000, scheduler: systemScheduler, onRefused: (reason) => refusals.push(reason) });
    closers.push(async () => commands.close(1000));
    return { commands, refusals };
  }
  function session(): Session {
    const made = newSession(broker.amqpUrl, { name: base });
    closers.push(async () => made.close(2000));
    return made;
  }

  it('go out in order, those from before the channel was open too, as transient messages under the topic with dots', async () => {
    const open = session();
    await open.start(AbortSignal.timeout(10_000));
    const { commands } = commandsOn(open);
    for (let i = 0; i < 3; i += 1) commands.send(`spBv1.0/G/NCMD/n${i}`, Buffer.from(String(i)));
    await until('three commands', () => seen.length === 3);
    commands.send('a/b', Buffer.from('3'));
    await until('the fourth', () => seen.length === 4);
    expect(seen.map(({ key, body }) => `${key}=${body}`)).toEqual(['spBv1.0.G.NCMD.n0=0', 'spBv1.0.G.NCMD.n1=1', 'spBv1.0.G.NCMD.n2=2', 'a.b=3']);
    expect(seen.every(({ mode }) => mode === 1)).toBe(true);
  });

  it('are kept while there is no connection, the last ones, and none is an error', async () => {
    const late = session();
    const { commands } = commandsOn(late);
    for (let i = 0; i < 1000; i += 1) commands.send(`c/${i}`, Buffer.from('x'));
    await late.start(AbortSignal.timeout(10_000));
    commands.send('c/last', Buffer.from('x'));
    await until('the last', () => seen.some(({ key }) => key === 'c.last'));
    expect(seen.length).toBe(64);
    expect(seen[0]?.key).toBe('c.937');
  });

  it('that no routing key can carry are left out', async () => {
    const open = session();
    await open.start(AbortSignal.timeout(10_000));
    const { commands } = commandsOn(open);
    commands.send('x'.repeat(300), Buffer.from('x'));
    commands.send('good', Buffer.from('x'));
    await until('the good one', () => seen.some(({ key }) => key === 'good'));
    expect(seen).toHaveLength(1);
  });

  it('an exchange that refuses them is told once', async () => {
    const open = session();
    await open.start(AbortSignal.timeout(10_000));
    const { commands, refusals } = commandsOn(open, `${base}.missing`);
    commands.send('a', Buffer.from('x'));
    await until('the refusal', () => refusals.length === 1);
    expect(refusals[0]).toContain('404');
    commands.send('a', Buffer.from('x'));
    expect(open.state).toBe('ready');
  });
});
