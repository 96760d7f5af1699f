import { describe, expect, it } from 'vitest';
import { Sessions } from '../../../../src/edge/session/sessions.ts';
import { fsError } from '../../../support/faulty-files.ts';
import { SimDisk } from '../../../support/sim-disk.ts';

const FOLDER = '/sessions';
const TOPICS = Array.from({ length: 12 }, (_, i) => `topic/${i}`);
const CLIENT = { id: 'c', clean: false };

function open(disk: SimDisk, warn: (message: string) => void = () => {}): Sessions {
  return Sessions.open({ folder: FOLDER, files: disk.files, warn, retryMs: 1 });
}

/** A folder with a subscription, a packet id, a queued and twelve retained messages; nothing runs any more. */
async function filled(): Promise<SimDisk> {
  const disk = new SimDisk(() => 0.5);
  const sessions = open(disk);
  void sessions.addSubscriptions(CLIENT, [{ topic: 'a/#', qos: 1 }]);
  void sessions.incomingStorePacket(CLIENT, { messageId: 7 });
  void sessions.outgoingEnqueueCombi([{ clientId: 'c' }], { topic: 'a/b', payload: Buffer.from('queued'), qos: 1, brokerId: 'b', brokerCounter: 1 });
  for (const topic of TOPICS) void sessions.storeRetained({ topic, payload: Buffer.from(`of ${topic}`), qos: 1 });
  await disk.settle();
  disk.kill();
  return disk;
}

async function lengthOf(): Promise<number> {
  const disk = await filled();
  return disk.bytes(disk.list()[0] as string).length;
}

async function things(sessions: Sessions): Promise<string[]> {
  const retained = (await sessions.createRetainedStream('#').toArray()) as { topic: string; payload: Buffer }[];
  const queued = (await sessions.outgoingStream({ id: 'c' }).toArray()) as { payload: Buffer }[];
  const subscriptions = await sessions.subscriptionsByClient(CLIENT);
  return [
    ...retained.map(({ topic, payload }) => `${topic}=${payload.toString()}`),
    ...queued.map(({ payload }) => payload.toString()),
    ...subscriptions.map(({ topic }) => topic),
    ...(sessions.hasIncoming('c', 7) ? ['id 7'] : []),
  ].sort();
}

describe('a damaged log of sessions', () => {
  it('costs what stood where a byte is wrong, and nothing else', async () => {
    const whole = await things(open(await filled()));
    expect(whole).toHaveLength(TOPICS.length + 3);
    const length = await lengthOf();
    let told = 0;
    const untold: number[] = [];
    for (let at = 0; at < length; at += 19) {
      const disk = await filled();
      disk.corrupt(disk.list()[0] as string, (data) => {
        data[at] = (data[at] as number) ^ 0x55;
        return data;
      });
      const warnings: string[] = [];
      const sessions = open(disk, (message) => warnings.push(message));
      const left = await things(sessions);
      // A session without subscriptions is answered by its mark.
      const lost = whole.filter((thing) => !left.includes(thing));
      expect(lost.length, `byte ${at}`).toBeLessThanOrEqual(1);
      expect(left.filter((thing) => !whole.includes(thing) && thing !== '$session')).toEqual([]);
      if (lost.length === 0 || at >= length - 100) continue;
      told += 1;
      if (sessions.stats().damagedRecords !== 1 || !warnings.join().includes('is damaged in 1 place')) untold.push(at);
    }
    expect(untold).toEqual([]);
    expect(told).toBeGreaterThan(15);
  }, 120_000);

  it('that is cut off has what stands before the cut', async () => {
    const whole = await things(open(await filled()));
    const length = await lengthOf();
    let before = -1;
    for (let at = 0; at <= length; at += 61) {
      const disk = await filled();
      disk.corrupt(disk.list()[0] as string, (data) => data.subarray(0, at));
      const left = (await things(open(disk))).filter((thing) => thing !== '$session');
      expect(left.filter((thing) => !whole.includes(thing))).toEqual([]);
      expect(left.length).toBeGreaterThanOrEqual(before);
      before = left.length;
    }
    expect(before).toBeGreaterThanOrEqual(whole.length - 1);
  }, 120_000);

  it('is nothing but noise, or empty, or of somebody else: the start succeeds, and what is kept then is kept', async () => {
    const noise = Buffer.from(Array.from({ length: 5_000 }, (_, i) => (i * 7919) % 251));
    for (const change of [() => noise, () => Buffer.alloc(0), () => Buffer.alloc(4_096), (data: Buffer) => Buffer.concat([noise, data])]) {
      const disk = await filled();
      disk.corrupt(disk.list()[0] as string, change);
      const sessions = open(disk);
      void sessions.storeRetained({ topic: 'new', payload: Buffer.from('new'), qos: 1 });
      await disk.settle();
      disk.powerCut();
      expect(await things(open(disk))).toContain('new=new');
    }
  });

  it('in a folder that cannot be listed, or a file that cannot be opened, is told and left', async () => {
    for (const operation of ['readdirSync', 'openSync']) {
      const disk = await filled();
      disk.check = (name, [file]) => {
        if (name === operation && (operation === 'readdirSync' || String(file).endsWith('.seg'))) throw fsError('EACCES');
      };
      const warnings: string[] = [];
      const sessions = open(disk, (message) => warnings.push(message));
      expect(sessions.stats().damagedRecords).toBe(1);
      expect(warnings.join()).toContain('EACCES');
      disk.check = () => {};
      disk.kill();
      expect(await things(open(disk))).toHaveLength(TOPICS.length + 3);
    }
  });

  it('puts packet ids in doubt: a message that is no repetition is a new one', async () => {
    const disk = await filled();
    disk.corrupt(disk.list()[0] as string, (data) => {
      const at = data.indexOf('of topic/3');
      data[at] = 0;
      return data;
    });
    let sessions = open(disk);
    await disk.settle();
    // Also when the log was written anew since, and is whole.
    expect(sessions.stats().compactions).toBe(1);
    disk.kill();
    sessions = open(disk);
    expect(sessions.stats().damagedRecords).toBe(0);
    expect(sessions.hasIncoming('c', 7, true)).toBe(true);
    expect(sessions.hasIncoming('c', 7, false)).toBe(false);
    expect(sessions.hasIncoming('c', 7, true)).toBe(false);
    expect(open(await filled()).hasIncoming('c', 7, false)).toBe(true);
  });
});

describe('a disk that takes nothing', () => {
  it('holds every acknowledgement, and gives them all when it takes again', async () => {
    for (const operation of ['fdatasync', 'write', 'open', 'fsync']) {
      const disk = new SimDisk(() => 0.5);
      const warnings: string[] = [];
      let sessions = open(disk, (message) => warnings.push(message));
      let isFull = true;
      disk.check = (name) => {
        if (isFull && name === operation) throw fsError('ENOSPC');
      };
      const answers: string[] = [];
      const ask = (name: string, promise: Promise<unknown>): void => {
        promise.then(
          () => answers.push(name),
          (error: Error) => answers.push(`${name} ${error.message}`),
        );
      };
      ask('subscribed', sessions.addSubscriptions(CLIENT, [{ topic: 'a', qos: 1 }]));
      ask('stored', sessions.incomingStorePacket(CLIENT, { messageId: 1 }));
      await disk.settle();
      ask('freed', sessions.incomingDelPacket(CLIENT, { messageId: 1 }));
      sessions.keepLocal({ topic: 'a', payload: Buffer.from('m'), qos: 1, retain: true }, () => answers.push('kept'));
      await disk.settle();
      expect(answers).toEqual([]);
      expect(sessions.stats().isStuck).toBe(true);
      isFull = false;
      const before = performance.now();
      while (answers.length < 4 && performance.now() - before < 20_000) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        await disk.settle();
      }
      // Promises answer after callbacks.
      expect(answers.toSorted()).toEqual(['freed', 'kept', 'stored', 'subscribed']);
      expect(answers.filter((name) => name !== 'kept')).toEqual(['subscribed', 'stored', 'freed']);
      expect(sessions.stats().isStuck).toBe(false);
      expect(warnings.filter((warning) => warning.includes('cannot write'))).toHaveLength(1);
      disk.powerCut();
      sessions = open(disk);
      expect(await things(sessions)).toEqual(['a', 'a=m', 'm']);
      expect(sessions.hasIncoming('c', 1)).toBe(false);
    }
  }, 60_000);

  it('tells whoever still waits when it is closed', async () => {
    const disk = new SimDisk(() => 0.5);
    const sessions = open(disk);
    disk.check = (name) => {
      if (name === 'fdatasync') throw fsError('ENOSPC');
    };
    const stored = sessions.incomingStorePacket(CLIENT, { messageId: 1 });
    stored.catch(() => {});
    await disk.settle();
    const closed = sessions.destroy();
    await disk.settle();
    await closed;
    await expect(stored).rejects.toThrow('closed');
    await expect(sessions.incomingStorePacket(CLIENT, { messageId: 2 })).rejects.toThrow('closed');
    expect(disk.list().filter((file) => file.endsWith('.lock'))).toEqual([]);
  });
});
