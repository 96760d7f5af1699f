import { describe, expect, it } from 'vitest';
import { Rig } from '../../../support/spool.ts';

const range = (count: number, from = 0): string[] => Array.from({ length: count }, (_, i) => `m${from + i}`);

describe('the spool', () => {
  it('gives back what it took, in order, with everything', async () => {
    const rig = new Rig();
    const odd = { topic: 'größe/température', clientId: '', qos: 2, retain: true, dup: true, receivedAt: 1_764_000_000_123 } as const;
    rig.put('a');
    rig.put('', odd);
    rig.put('c', { qos: 0, clientId: 'ü', topic: 'x'.repeat(65_535), payload: Buffer.from([0, 255, 128]) });
    await rig.disk.settle();
    const found = await rig.readAll();
    expect(found.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(found[0]?.message).toEqual({
      topic: 'plant/a',
      payload: Buffer.from('a'),
      qos: 1,
      retain: false,
      dup: false,
      clientId: 'device-1',
      receivedAt: 1_000_000,
    });
    expect(found[1]?.message).toEqual({ ...odd, payload: Buffer.alloc(0) });
    expect(found[2]?.message).toMatchObject({ qos: 0, clientId: 'ü', topic: 'x'.repeat(65_535), payload: Buffer.from([0, 255, 128]) });
    expect(rig.answers).toEqual(['a', '', 'c']);
  });

  it('hands out each message once, what comes later as it comes, and again after a rewind', async () => {
    const rig = new Rig({ segmentBytes: 500 });
    let calls = 0;
    const stop = rig.spool.onReadable(() => {
      calls += 1;
    });
    expect(await rig.texts()).toEqual([]);
    range(20).forEach((text) => rig.put(text));
    expect(await rig.texts()).toEqual([]);
    await rig.disk.settle();
    expect(calls).toBe(1);
    expect(await rig.texts()).toEqual(range(20));
    rig.put('m20');
    await rig.disk.settle();
    expect(await rig.texts()).toEqual(['m20']);
    stop();
    for (const seq of [1, 2, 5, 21]) rig.spool.settle(seq);
    expect(rig.spool.frontier).toBe(3);
    rig.spool.rewind();
    expect(await rig.texts()).toEqual(range(20).filter((_, i) => ![0, 1, 4].includes(i)));
    rig.put('m21');
    await rig.disk.settle();
    expect([calls, await rig.texts()]).toEqual([2, ['m21']]);
  });

  it('reads in lists of about as many bytes as are asked for', async () => {
    const rig = new Rig();
    for (let i = 0; i < 100; i += 1) rig.put(String(i), { payload: Buffer.alloc(1_000, i) });
    rig.put('large', { payload: Buffer.alloc(50_000, 1) });
    await rig.disk.settle();
    const sizes: number[] = [];
    for (;;) {
      const some = (await rig.during(rig.spool.read(10_000))) ?? [];
      if (some.length === 0) break;
      sizes.push(some.length);
    }
    expect(sizes.slice(0, 10).every((count) => count >= 8 && count <= 10)).toBe(true);
    expect(sizes.reduce((sum, count) => sum + count)).toBe(101);
    await expect(Promise.all([rig.spool.read(1), rig.during(rig.spool.read(1))])).rejects.toThrow('read again');
  });

  it('a rewind overtakes what is being read', async () => {
    const rig = new Rig();
    range(5).forEach((text) => rig.put(text));
    await rig.disk.settle();
    expect(await rig.texts()).toEqual(range(5));
    rig.put('m5');
    await rig.disk.settle();
    const reading = rig.spool.read(1_000);
    rig.spool.settle(1);
    rig.spool.rewind();
    const found = (await rig.during(reading)) ?? [];
    expect(found.map(({ seq }) => seq)).toEqual([2, 3, 4, 5, 6]);
  });

  it('removes segments as they are settled, and the mark is on the disk before', async () => {
    const rig = new Rig({ segmentBytes: 300 });
    for (let i = 0; i < 10; i += 1) {
      rig.put(`m${i}`, { payload: Buffer.alloc(100, i) });
      await rig.disk.settle();
    }
    expect(rig.segments().length).toBe(5);
    expect(await rig.readAll()).toHaveLength(10);
    const before = rig.spool.stats().bytes;
    rig.spool.settle(2);
    rig.spool.settle(1);
    await rig.disk.settle();
    expect(rig.segments().length).toBe(4);
    expect(rig.spool.stats()).toMatchObject({ messages: 8, segments: 4, frontier: 3, nextSeq: 11 });
    expect(rig.spool.stats().bytes).toBeLessThan(before);
    for (let seq = 3; seq <= 10; seq += 1) rig.spool.settle(seq);
    await rig.disk.settle();
    // The one that is appended to stays.
    expect(rig.segments().length).toBe(1);
    await rig.close();
    expect(rig.segments()).toEqual([]);
    rig.disk.powerCut();
    expect(rig.open().nextSeq).toBe(11);
  });

  it('goes on after a stop where it was', async () => {
    const rig = new Rig({ segmentBytes: 400 });
    range(10).forEach((text) => rig.put(text));
    await rig.disk.settle();
    await rig.readAll();
    for (const seq of [1, 2, 3, 5]) rig.spool.settle(seq);
    await rig.close();
    expect(rig.disk.list().filter((name) => name.endsWith('state.lock'))).toEqual([]);
    expect(rig.disk.openHandles).toBe(0);
    expect(rig.put('late')).toBe('unwritable');
    rig.disk.powerCut();
    rig.open();
    expect(rig.spool.stats()).toMatchObject({ messages: 7, frontier: 4, nextSeq: 11 });
    expect(await rig.texts()).toEqual(range(7, 3));
    expect(rig.put('m10')).toBe(11);
    await rig.disk.settle();
    expect(await rig.texts()).toEqual(['m10']);
    expect(rig.warnings).toEqual([]);
  });

  it('closing waits for what was appended', async () => {
    const rig = new Rig();
    rig.put('a');
    await rig.close();
    expect(rig.answers).toEqual(['a']);
    rig.open();
    expect(await rig.texts()).toEqual(['a']);
  });

  it('gives again after a kill what was settled within the last moments, and nothing older', async () => {
    const rig = new Rig({ markMs: 200 });
    range(10).forEach((text) => rig.put(text));
    await rig.disk.settle();
    await rig.readAll();
    for (const seq of [1, 2, 3]) rig.spool.settle(seq);
    rig.clock.advance(200);
    await rig.disk.settle();
    for (const seq of [4, 5]) rig.spool.settle(seq);
    rig.reborn('kill');
    expect(rig.spool.frontier).toBe(4);
    expect(await rig.texts()).toEqual(range(7, 3));
  });

  it('marks no more often than it is told', async () => {
    const rig = new Rig({ markMs: 200 });
    range(100).forEach((text) => rig.put(text));
    await rig.disk.settle();
    await rig.readAll();
    const before = rig.disk.counts['write'] as number;
    for (let seq = 1; seq <= 100; seq += 1) {
      rig.spool.settle(seq);
      rig.clock.advance(10);
      await rig.disk.settle();
    }
    expect((rig.disk.counts['write'] as number) - before).toBeLessThanOrEqual(5);
  });

  it('drops what is too old when it is read, if it is told to', async () => {
    const rig = new Rig({ maxAgeSeconds: 60 });
    rig.put('old', { receivedAt: 1_000_000 });
    rig.put('new', { receivedAt: 1_050_000 });
    await rig.disk.settle();
    rig.clock.advance(61_000);
    expect(await rig.texts()).toEqual(['new']);
    expect(rig.spool.stats()).toMatchObject({ expired: 1, frontier: 2, messages: 1 });
  });

  it('says when about the oldest waiting message came', async () => {
    const rig = new Rig();
    expect(rig.spool.stats().oldestAt).toBeUndefined();
    rig.put('a', { receivedAt: 1_000_000 });
    await rig.disk.settle();
    expect(rig.spool.stats().oldestAt).toBe(1_000_000);
    await rig.readAll();
    rig.spool.settle(1);
    expect(rig.spool.stats().oldestAt).toBeUndefined();
    rig.clock.advance(5_000);
    rig.put('b', { receivedAt: 1_005_000 });
    rig.put('c', { receivedAt: 1_006_000 });
    await rig.disk.settle();
    await rig.readAll();
    expect(rig.spool.stats().oldestAt).toBe(1_005_000);
    rig.spool.rewind();
    expect(rig.spool.stats().oldestAt).toBe(1_005_000);
  });
});
