import type { ConsumeMessage } from 'amqplib';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { fault } from '../../src/domain/fault.ts';
import type { Letter, LetterWalk } from '../../src/domain/letter.ts';
import type { DeadLetter } from '../../src/pipeline/ports.ts';
import { systemScheduler } from '../../src/pipeline/scheduler.ts';
import { AmqpDeadLetters } from '../../src/rabbit/dead-letters.ts';
import { inboundMessage } from '../../src/rabbit/intake.ts';
import { AmqpLetterDesk } from '../../src/rabbit/letter-desk.ts';
import type { Session } from '../../src/rabbit/session.ts';
import { letterOf, messageOf } from '../support/batches.ts';
import { Hand, newSession, soon, unique, until } from '../support/rabbit.ts';
import { TcpProxy } from '../../src/verify/proxy.ts';

const broker = inject('broker');
const NEVER = new AbortController().signal;
const RULES = { maxReplays: 3, whole: false };

/** A dead-letter queue and an ingest queue of a test's own, with a desk over a proxy. */
class Bed {
  readonly dead = `sluice.test.dead.${unique()}`;
  readonly ingest = `sluice.test.ingest.${unique()}`;
  hand!: Hand;
  proxy!: TcpProxy;
  desk!: AmqpLetterDesk;
  private sessions: Session[] = [];
  private sink!: AmqpDeadLetters;
  private ids = 0;

  static async open(turnMs = 10_000): Promise<Bed> {
    const bed = new Bed();
    bed.hand = await Hand.open(broker.adminUrl);
    const { channel } = bed.hand;
    for (const queue of [bed.dead, bed.ingest]) await channel.assertQueue(queue, { arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': 1_000_000 } });
    await channel.assertExchange(bed.dead, 'topic');
    await channel.bindQueue(bed.dead, bed.dead, '#');
    bed.proxy = await TcpProxy.before(broker.amqpUrl, 5672);
    const [reading, publishing, burying] = [newSession(bed.proxy.via(broker.amqpUrl)), newSession(broker.amqpUrl), newSession(broker.amqpUrl)];
    bed.sessions = [reading, publishing, burying];
    for (const session of bed.sessions) await session.start(AbortSignal.timeout(10_000));
    const common = { confirmTimeoutMs: 10_000, scheduler: systemScheduler };
    bed.sink = new AmqpDeadLetters({ ...common, session: burying, exchange: bed.dead, channelTimeoutMs: 5000, maxMessageBytes: 1e6 });
    const nextId = (): string => `r${(bed.ids += 1)}`;
    bed.desk = new AmqpLetterDesk({ ...common, reading, publishing, queue: bed.dead, ingestQueue: bed.ingest, nextId, timeoutMs: 5000, turnMs });
    return bed;
  }

  async bury(...letters: Partial<DeadLetter>[]): Promise<void> {
    for (const letter of letters) {
      const full = letterOf({ id: `d${(this.ids += 1)}`, ...letter });
      const result = await soon('a burial', this.sink.bury(full, NEVER));
      if (!result.ok) throw new Error(result.fault.message);
    }
  }

  async list(filter = {}): Promise<{ letters: Letter[]; walk: LetterWalk }> {
    const letters: Letter[] = [];
    const walk = await soon(
      'a walk',
      this.desk.walk(filter, (letter) => void letters.push(letter)),
      30_000,
    );
    return { letters, walk };
  }

  /** Waits until what a walk held is back: the broker gives it back a moment after the channel has closed. */
  async back(count: number): Promise<void> {
    await until('the letters are back', async () => (await this.hand.depth(this.dead)) === count);
  }

  /** Everything in the ingest queue, as the gateway would see it. */
  async arrived(): Promise<ConsumeMessage[]> {
    const found: ConsumeMessage[] = [];
    for (;;) {
      const message = await this.hand.channel.get(this.ingest, { noAck: true });
      if (message === false) return found;
      found.push({ ...message, fields: { ...message.fields, consumerTag: '' } });
    }
  }

  async close(): Promise<void> {
    for (const session of this.sessions) await session.close(1000);
    await this.proxy.close();
    for (const queue of [this.dead, this.ingest]) await this.hand.channel.deleteQueue(queue);
    await this.hand.channel.deleteExchange(this.dead);
    await this.hand.close();
  }
}

const bodies = (n: number): Partial<DeadLetter>[] =>
  Array.from({ length: n }, (_, i) => ({ message: messageOf({ body: Buffer.from(String(i)), topic: 't/a', routingKey: 't.a' }) }));
const texts = (messages: readonly ConsumeMessage[]): string[] => messages.map(({ content }) => content.toString());

describe('AmqpLetterDesk', () => {
  let bed: Bed;
  beforeEach(async () => {
    bed = await Bed.open();
  });
  afterEach(async () => {
    await bed.close();
  });

  it('looks at everything, again and again, and changes neither count nor order', async () => {
    await bed.hand.fill(
      bed.dead,
      Array.from({ length: 7000 }, (_, i) => String(i)),
    );
    // One right behind the other: what the first held is back when it ends.
    for (let round = 0; round < 3; round += 1) {
      const seen: string[] = [];
      const walk = await soon(
        'a walk',
        bed.desk.walk({}, (_letter, body) => void seen.push(body.toString())),
        60_000,
      );
      expect(walk).toEqual({ present: 7000, seen: 7000, matched: 7000, otherReaders: 0, ended: 'all', reason: undefined });
      expect(seen).toEqual(Array.from({ length: 7000 }, (_, i) => String(i)));
    }
    expect(await bed.hand.drain(bed.dead)).toEqual(Array.from({ length: 7000 }, (_, i) => String(i)));
  });

  it('reads what the gateway wrote, exactly', async () => {
    const routingKey = 'devices.a\u0000b.\u202eé';
    const message = messageOf({
      body: Buffer.from([0, 0xff]),
      topic: 'devices/a\u0000b/\u202eé',
      routingKey,
      contentType: 'text/plain',
      contentEncoding: 'gzip',
      qos: 1,
    });
    const reading = { id: 'abc-1', device: 'hall/d1' } as DeadLetter['reading'];
    await bed.bury({ id: 'x1', message, fault: fault('NO_ROUTE', 'no\nroute'), reading, readings: 3, attempts: 2 });
    const { letters } = await bed.list();
    expect(letters).toEqual([
      {
        id: 'x1',
        firstId: 'x1',
        origin: 'gateway',
        code: 'NO_ROUTE',
        stage: 'route',
        message: 'no\uFFFDroute',
        topic: 'devices/a\u0000b/\u202eé',
        routingKey,
        attempts: 2,
        replays: 0,
        scope: 'reading',
        route: undefined,
        readingId: 'abc-1',
        readings: 3,
        device: 'hall/d1',
        receivedAt: 1_700_000_000_000,
        firstFailedAt: 1_700_000_000_000,
        buriedAt: 1_700_000_001_500,
        config: 'c1',
        contentType: 'text/plain',
        contentEncoding: 'gzip',
        qos: 1,
        size: 2,
      },
    ]);
  });

  it('understands what the broker moved by itself, also behind a replay', async () => {
    const source = `sluice.test.src.${unique()}`;
    const { channel } = bed.hand;
    await channel.assertQueue(source, {
      arguments: { 'x-queue-type': 'quorum', 'x-message-ttl': 1, 'x-dead-letter-exchange': bed.dead, 'x-dead-letter-routing-key': 'ingest.poison' },
    });
    await channel.bindQueue(source, 'amq.topic', `${source}.#`);
    channel.publish('amq.topic', `${source}.d1.telemetry`, Buffer.from('poison'));
    channel.publish('', source, Buffer.from('again'), {
      headers: { 'x-sluice-replay-of': 'first', 'x-sluice-replays': 2, 'x-sluice-routing-key': 'a.b', 'x-sluice-scope': 'message' },
    });
    await channel.waitForConfirms();
    await bed.back(2);
    const { letters } = await bed.list();
    await channel.deleteQueue(source);
    expect(letters.map(({ code, origin, topic, replays, firstId, id }) => ({ code, origin, topic, replays, own: firstId === id }))).toEqual([
      { code: 'BROKER_EXPIRED', origin: 'broker', topic: `${source}.d1.telemetry`.replaceAll('.', '/'), replays: 0, own: true },
      { code: 'BROKER_EXPIRED', origin: 'broker', topic: 'a/b', replays: 2, own: false },
    ]);
    expect(letters[1]?.firstId).toBe('first');
    expect((await bed.list()).letters.map(({ id }) => id)).toEqual(letters.map(({ id }) => id));
  });

  it('says so when another reader holds letters, instead of showing an empty list', async () => {
    await bed.bury(...bodies(5));
    const other = await bed.hand.model.createChannel();
    const held: unknown[] = [];
    await other.prefetch(3);
    await other.consume(bed.dead, (message) => void held.push(message));
    await until('the other reader holds three', () => held.length === 3);
    const { walk, letters } = await bed.list();
    expect({ shown: letters.length, others: walk.otherReaders, present: walk.present }).toEqual({ shown: 2, others: 1, present: 2 });
    await other.close();
    await bed.back(5);
    expect((await bed.list()).walk).toMatchObject({ present: 5, seen: 5, otherReaders: 0 });
  });

  it('does not wait for ever for letters that somebody takes meanwhile', async () => {
    await bed.bury(...bodies(300));
    let purged: Promise<unknown> | undefined;
    const walk = await soon(
      'a walk',
      bed.desk.walk({}, async () => {
        purged ??= bed.hand.channel.purgeQueue(bed.dead);
        await purged;
      }),
      30_000,
    );
    expect(walk).toMatchObject({ present: 300, ended: 'short' });
    expect(walk.seen).toBeLessThan(300);
  });

  it('replays exactly those asked for, in the order of the queue, as the messages that they were', async () => {
    const odd = messageOf({ body: Buffer.from('odd'), topic: 'a\u0007/+', routingKey: 'a\u0007.*', contentEncoding: 'gzip', qos: 0 });
    await bed.bury(...bodies(50), { message: odd }, ...bodies(20).map((letter) => ({ ...letter, fault: fault('NO_ROUTE', 'x') })));
    const changes = await soon('a replay', bed.desk.replay({ codes: ['DECODE_INVALID'] }, RULES), 30_000);
    expect(changes).toMatchObject({ present: 71, matched: 51, done: 51, skipped: {}, uncertain: 0, stopped: undefined });
    expect(new Set((await bed.list()).letters.map(({ code }) => code))).toEqual(new Set(['NO_ROUTE']));
    const arrived = await bed.arrived();
    expect(texts(arrived)).toEqual([...Array.from({ length: 50 }, (_, i) => String(i)), 'odd']);
    expect(inboundMessage(arrived[50] as ConsumeMessage, 5)).toEqual({
      ...odd,
      late: false,
      replay: expect.objectContaining({ count: 1, scope: 'message', of: expect.any(String) as string }),
    });
  });

  it('does not replay for ever: neither what fails again meanwhile, nor what came back too often', async () => {
    const replay = { of: 'first', count: 3, scope: 'message', readingId: undefined, readings: undefined, route: undefined, firstFailedAt: 7 } as const;
    await bed.bury(...bodies(3), { message: messageOf({ replay }) });
    // A gateway that still has the wrong profile.
    await bed.hand.channel.consume(
      bed.ingest,
      (message) => {
        if (message !== null) void bed.bury({ message: inboundMessage(message, 1) });
      },
      { noAck: true },
    );
    const changes = await soon('a replay', bed.desk.replay({}, RULES), 30_000);
    expect(changes).toMatchObject({ present: 4, done: 3, skipped: { 'max-replays': 1 } });
    await bed.back(4);
    expect((await bed.list()).letters.map(({ replays }) => replays)).toEqual([3, 1, 1, 1]);
    expect(await bed.desk.replay({}, { ...RULES, maxReplays: 100 })).toMatchObject({ done: 4, skipped: {} });
    await bed.back(4);
    const { letters } = await bed.list();
    expect(letters.map(({ replays }) => replays).sort((a, b) => a - b)).toEqual([2, 2, 2, 4]);
    expect(letters.find(({ replays }) => replays === 4)).toMatchObject({ firstId: 'first' });
  });

  it('takes a letter away only behind a replay that arrived', async () => {
    await bed.bury(...bodies(5));
    await bed.hand.channel.deleteQueue(bed.ingest);
    expect(await bed.desk.replay({}, RULES)).toMatchObject({ done: 0, stopped: expect.stringMatching(/^UNROUTABLE/) as string });
    expect((await bed.list()).letters).toHaveLength(5);
  });

  it('is not stopped by headers that somebody made as large as a client can encode', async () => {
    await bed.bury(...bodies(1));
    const headers = { 'x-sluice-code': 'X', 'x-sluice-scope': 'reading', 'x-sluice-reading-id': 'r'.repeat(65_450) };
    bed.hand.channel.publish('', bed.dead, Buffer.from('huge'), { type: 'sluice.dead-letter.v1', messageId: 'huge', headers });
    await bed.hand.channel.waitForConfirms();
    await bed.bury(...bodies(1));
    expect(await bed.desk.replay({}, RULES)).toMatchObject({ done: 3, skipped: {}, stopped: undefined });
    expect((await bed.arrived())[1]?.properties.headers).not.toHaveProperty('x-sluice-reading-id');
  });

  it('keeps the order of a topic when a full queue refuses some', async () => {
    await bed.hand.channel.deleteQueue(bed.ingest);
    await bed.hand.channel.assertQueue(bed.ingest, { arguments: { 'x-queue-type': 'classic', 'x-max-length': 4, 'x-overflow': 'reject-publish' } });
    await bed.bury(...bodies(9));
    expect(await bed.desk.replay({}, RULES)).toMatchObject({ stopped: expect.stringMatching(/^BROKER_NACK/) as string });
    const first = texts(await bed.arrived());
    while ((await bed.hand.depth(bed.dead)) > 0) {
      const { done } = await bed.desk.replay({}, { ...RULES, limit: 3 });
      first.push(...texts(await bed.arrived()));
      expect(done).toBeGreaterThan(0);
    }
    expect(first).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8']);
  });

  it('loses none when the connection dies in between; what is there twice bears one name', async () => {
    await bed.bury(...bodies(200));
    let sent = 0;
    await bed.hand.channel.consume(bed.ingest, () => ((sent += 1) === 40 ? bed.proxy.cut() : undefined), { consumerTag: 'count' });
    const changes = await soon('a replay', bed.desk.replay({}, RULES), 60_000);
    expect(changes).toMatchObject({ ended: 'lost', stopped: expect.any(String) as string });
    expect(changes.uncertain).toBe(changes.done);
    await until('the reader is back', async () => (await bed.list().catch(() => undefined)) !== undefined, 30_000);
    // Unread goes back: recover, then look.
    await bed.hand.channel.recover();
    await bed.hand.channel.cancel('count');
    await until('the letters are back', async () => (await bed.hand.depth(bed.dead)) + changes.done >= 200, 30_000);
    expect(await soon('the rest', bed.desk.replay({}, RULES), 60_000)).toMatchObject({ stopped: undefined, uncertain: 0 });
    await bed.back(0);
    await bed.hand.channel.recover();
    const all = new Map<string, Set<string>>();
    const end = new Promise<void>((resolve) => {
      void bed.hand.channel.consume(
        bed.ingest,
        (message) => {
          if (message === null) return;
          const body = message.content.toString();
          const names = all.get(body) ?? new Set();
          all.set(body, names.add(inboundMessage(message, 0).replay?.of ?? ''));
          if (all.size === 200) resolve();
        },
        { noAck: true },
      );
    });
    await soon('all of them', end, 30_000);
    expect([...all.values()].every((names) => names.size === 1)).toBe(true);
  });

  it('drops what is meant and nothing else', async () => {
    await bed.bury(...bodies(4), { fault: fault('NO_ROUTE', 'x') }, ...bodies(2));
    expect(await bed.desk.drop({ codes: ['DECODE_INVALID'] }, { limit: 5 })).toMatchObject({ matched: 5, done: 5, uncertain: 0 });
    expect((await bed.list()).letters.map(({ code }) => code)).toEqual(['NO_ROUTE', 'DECODE_INVALID']);
  });

  it('keeps to a rate', async () => {
    await bed.bury(...bodies(6));
    const begun = performance.now();
    await bed.desk.replay({}, { ...RULES, rate: 10 });
    expect(performance.now() - begun).toBeGreaterThanOrEqual(450);
  });

  it('lets one at a time read, and says so to whoever waited in vain', async () => {
    const quick = await Bed.open(100);
    try {
      await quick.bury(...bodies(2));
      let go = (): void => {};
      const gate = new Promise<void>((resolve) => (go = resolve));
      const first = quick.desk.walk({}, async () => await gate);
      await expect(quick.desk.walk({}, () => {})).rejects.toMatchObject({ trouble: 'busy' });
      go();
      expect(await soon('the first', first)).toMatchObject({ seen: 2, ended: 'all' });
      await quick.back(2);
      expect((await quick.list()).letters).toHaveLength(2);
    } finally {
      await quick.close();
    }
  });

  it('says what is missing: the queue, or the right to read it', async () => {
    const consumer = new URL(broker.adminUrl);
    consumer.username = broker.users.device.name;
    consumer.password = broker.users.device.password;
    const session = newSession(consumer.href);
    await session.start(AbortSignal.timeout(10_000));
    const options = { reading: session, publishing: session, ingestQueue: bed.ingest, nextId: unique, confirmTimeoutMs: 5000, timeoutMs: 5000, turnMs: 1000 };
    const at = (queue: string): AmqpLetterDesk => new AmqpLetterDesk({ ...options, queue, scheduler: systemScheduler });
    await bed.bury(...bodies(1));
    // One account plays every part at a broker of the caller's own.
    const mayRead = broker.kind === 'external';
    expect(
      await at(bed.dead)
        .walk({}, () => {})
        .then(
          () => true,
          (error: unknown) => (error as { trouble?: string }).trouble,
        ),
    ).toBe(mayRead ? true : 'refused');
    await expect(at(`sluice.none.${unique()}`).walk({}, () => {})).rejects.toMatchObject({ trouble: 'missing' });
    await session.close(1000);
  });
});
