import { describe, expect, it } from 'vitest';
import { SpoolBrowser } from '../../../../src/edge/spool/browse.ts';
import { Spool } from '../../../../src/edge/spool/spool.ts';
import { fsError } from '../../../support/faulty-files.ts';
import { FOLDER, Rig } from '../../../support/spool.ts';

const range = (count: number, from = 0): string[] => Array.from({ length: count }, (_, i) => `m${from + i}`);
const large = (i: number): { payload: Buffer } => ({ payload: Buffer.from(`m${i}`.padEnd(100, ' ')) });

async function filled(rig: Rig, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    rig.put(`m${i}`, large(i));
    await rig.disk.settle();
  }
}

describe('a spool without room', () => {
  it('says that it is full, and when there is room again, in any order of settling', async () => {
    const rig = new Rig({ maxBytes: 2_000, segmentBytes: 400 });
    let calls = 0;
    rig.spool.onRoom(() => {
      calls += 1;
    });
    await filled(rig, 30);
    const kept = rig.answers.length;
    expect(rig.put('no')).toBe('full');
    expect(kept).toBeLessThan(15);
    expect(rig.spool.stats().bytes).toBeLessThanOrEqual(2_000);
    expect(calls).toBe(0);
    expect(await rig.readAll()).toHaveLength(kept);
    for (let seq = kept; seq > 0; seq -= 1) rig.spool.settle(seq);
    await rig.disk.settle();
    expect(calls).toBe(1);
    // Nothing stays behind that could never go.
    expect(rig.segments()).toEqual([]);
    expect(rig.put('yes')).toBe(kept + 1);
    await rig.disk.settle();
    expect(await rig.texts()).toEqual(['yes']);
  });

  it.each([
    ['write', 'ENOSPC', 'its disk is full: make room'],
    ['fdatasync', 'EIO', 'EIO'],
  ])('(%s: %s) fails what waited, takes nothing until a probe succeeds, and still settles and frees', async (operation, code, warning) => {
    const rig = new Rig({ segmentBytes: 300, retryMs: 1_000 });
    let calls = 0;
    rig.spool.onRoom(() => {
      calls += 1;
    });
    await filled(rig, 6);
    rig.answers.length = 0;
    rig.disk.check = (name, args) => {
      if (name === operation && (operation !== 'write' || args[3] !== 32)) throw fsError(code);
    };
    rig.put('a');
    rig.put('b');
    await rig.disk.settle();
    expect(rig.answers).toEqual([`a ${code}`, `b ${code}`]);
    expect(rig.warnings).toEqual([expect.stringContaining(warning)]);
    expect(rig.put('c')).toBe('unwritable');
    expect(rig.spool.stats()).toMatchObject({ refusing: 'unwritable', failures: 1, messages: 6 });
    expect(await rig.readAll()).toHaveLength(6);
    for (let seq = 1; seq <= 4; seq += 1) rig.spool.settle(seq);
    await rig.disk.settle();
    expect(rig.spool.stats()).toMatchObject({ segments: 1, frontier: 5 });
    for (let i = 0; i < 3; i += 1) {
      rig.clock.advance(1_000);
      await rig.disk.settle();
      expect([calls, rig.put('d')]).toEqual([0, 'unwritable']);
    }
    rig.disk.check = () => {};
    rig.clock.advance(1_000);
    await rig.disk.settle();
    expect(calls).toBe(1);
    expect(rig.disk.list().filter((name) => name.endsWith('probe'))).toEqual([]);
    expect(rig.put('e')).toBe(9);
    await rig.disk.settle();
    expect(await rig.texts()).toEqual(['e']);
    expect(rig.answers.at(-1)).toBe('e');
    await rig.close();
    expect(rig.disk.openHandles).toBe(0);
  });

  it('drops the oldest QoS 0 messages on demand, and no other', async () => {
    const rig = new Rig({ maxBytes: 8_000, segmentBytes: 700 });
    for (let i = 0; i < 40; i += 1) {
      rig.put(`m${i}`, { ...large(i), qos: (i % 3) as 0 | 1 | 2 });
      await rig.disk.settle();
    }
    const first = await rig.during(rig.spool.read(1));
    expect(first).toHaveLength(1);
    const { bytes } = rig.spool.stats();
    const dropped = await rig.during(rig.spool.dropOldestQos0(600));
    expect(dropped).toBe(5);
    expect(bytes - rig.spool.stats().bytes).toBeGreaterThanOrEqual(600);
    expect(rig.spool.stats()).toMatchObject({ droppedQos0: 5, messages: 35 });
    // The first had been handed out.
    const gone = [3, 6, 9, 12, 15];
    rig.spool.rewind();
    expect((await rig.readAll()).map(({ seq }) => seq - 1)).toEqual(Array.from({ length: 40 }, (_, i) => i).filter((i) => !gone.includes(i)));
    rig.reborn('powerCut');
    expect(rig.spool.stats().messages).toBe(35);
    expect(await rig.during(rig.spool.dropOldestQos0(1e9))).toBe(9);
    expect((await rig.readAll()).every(({ seq, message: { qos } }) => qos > 0 || seq === 1)).toBe(true);
    expect(rig.disk.list().filter((name) => name.endsWith('.new'))).toEqual([]);
  });

  it('keeps everything where dropping fails', async () => {
    const rig = new Rig({ segmentBytes: 700 });
    for (let i = 0; i < 20; i += 1) rig.put(`m${i}`, { qos: 0 });
    await rig.disk.settle();
    for (const operation of ['write', 'fsync', 'open', 'renameSync']) {
      rig.disk.check = (name) => {
        if (name === operation) throw fsError('ENOSPC');
      };
      expect(await rig.during(rig.spool.dropOldestQos0(1_000))).toBe(0);
    }
    rig.disk.check = () => {};
    expect(rig.warnings.at(-1)).toContain('cannot drop QoS 0 messages');
    expect(await rig.texts()).toEqual(range(20));
  });
});

describe('what is in the folder', () => {
  it('never prevents the start', async () => {
    const rig = new Rig({ segmentBytes: 300 });
    await filled(rig, 8);
    rig.spool.rewind();
    await rig.close();
    const { files } = rig.disk;
    const make = (name: string, text: string): void => {
      const handle = files.openSync(`${FOLDER}/${name}`, 'w');
      files.writeSync(handle, Buffer.from(text), 0, text.length, 0);
    };
    make('notes.txt', 'mine');
    make('no-number.seg', 'x'.repeat(100));
    make('0000000000000099-00000001.seg', '');
    make('0000000000000003-aaaaaaaa.seg.new', 'left');
    const segments = rig.segments().filter((name) => name.includes('-') && !name.includes('no-'));
    // Heads and names may be damaged, one at a time.
    rig.disk.corrupt(segments[0] as string, (data) => data.fill(0, 0, 48));
    files.renameSync(segments[1] as string, `${FOLDER}/somehow.seg`);
    rig.open();
    expect(rig.disk.list().filter((name) => /corrupt|txt|new/.test(name))).toEqual([`${FOLDER}/no-number.seg.corrupt`, `${FOLDER}/notes.txt`]);
    expect(rig.warnings).toEqual([expect.stringContaining('no-number.seg')]);
    expect(rig.spool.stats().quarantined).toBe(1);
    expect((await rig.texts()).map((text) => text.trim())).toEqual(range(8));
    expect(rig.put('next')).toBe(99);
  });

  it('is not called damaged for a file that a kill left without a record', async () => {
    const rig = new Rig();
    const { files } = rig.disk;
    const left = (text: string): void => {
      const handle = files.openSync(`${FOLDER}/0000000000000001-00000001.seg`, 'w');
      files.writeSync(handle, Buffer.from(text), 0, text.length, 0);
    };
    left('');
    await filled(rig, 3);
    await rig.close();
    rig.open();
    expect(rig.warnings).toEqual([]);
    expect(rig.spool.stats().quarantined).toBe(0);
    expect(rig.segments()).toHaveLength(1);
    expect((await rig.texts()).map((text) => text.trim())).toEqual(range(3));
    await rig.close();
    // What nobody can read is still worth a look.
    left('x'.repeat(100));
    rig.open();
    expect(rig.warnings).toEqual([expect.stringContaining('0000000000000001-00000001.seg')]);
    expect((await rig.texts()).map((text) => text.trim())).toEqual(range(3));
  });

  it('is read again, and told, where the mark is gone', async () => {
    const rig = new Rig();
    await filled(rig, 4);
    await rig.readAll();
    rig.spool.settle(1);
    rig.spool.settle(2);
    await rig.close();
    rig.disk.corrupt(`${FOLDER}/mark`, (data) => data.fill(7));
    rig.open();
    expect(rig.warnings).toEqual([expect.stringContaining('the mark in /spool cannot be read')]);
    expect(await rig.readAll()).toHaveLength(4);
  });

  it('a mark that was torn leaves the one before', async () => {
    const rig = new Rig();
    await filled(rig, 4);
    await rig.readAll();
    for (const seq of [1, 2]) {
      rig.spool.settle(seq);
      rig.clock.advance(200);
      await rig.disk.settle();
    }
    const mark = rig.disk.bytes(`${FOLDER}/mark`);
    const newer = mark.readDoubleLE(4) > mark.readDoubleLE(4_100) ? 0 : 4_096;
    rig.disk.corrupt(`${FOLDER}/mark`, (data) => data.fill(1, newer + 10, newer + 20));
    rig.reborn('kill');
    expect([rig.spool.frontier, rig.warnings]).toEqual([2, []]);
  });

  it('is passed by where somebody removes it while it runs', async () => {
    const rig = new Rig({ segmentBytes: 300 });
    await filled(rig, 8);
    rig.disk.files.rmSync(rig.segments()[1] as string);
    expect((await rig.texts()).map((text) => text.trim())).toEqual(range(8).filter((_, i) => i !== 2 && i !== 3));
    expect(rig.spool.stats()).toMatchObject({ lost: 2, damagedRegions: 1, messages: 6 });
  });

  it('is not given up where it cannot be opened for the moment', async () => {
    const rig = new Rig();
    await filled(rig, 3);
    let calls = 0;
    rig.spool.onReadable(() => {
      calls += 1;
    });
    rig.disk.check = (name) => {
      if (name === 'open') throw fsError('EMFILE');
    };
    expect(await rig.during(rig.spool.read(1_000))).toBe(undefined);
    rig.disk.check = () => {};
    rig.clock.advance(1_000);
    expect(calls).toBe(1);
    expect(await rig.readAll()).toHaveLength(3);
    expect(rig.warnings).toEqual([expect.stringContaining('cannot be read (EMFILE')]);
  });

  it('costs a bad page what stands on it', async () => {
    const rig = new Rig();
    for (let i = 0; i < 30; i += 1) rig.put(`m${i}`, { payload: Buffer.alloc(1_000, i) });
    await rig.disk.settle();
    rig.disk.check = (name, args) => {
      const [, , , length, position] = args as number[];
      if (name === 'read' && (position as number) < 12_000 && (position as number) + (length as number) > 10_000) throw fsError('EIO');
    };
    const found = await rig.readAll();
    expect(found.length).toBeGreaterThanOrEqual(20);
    expect(found.length).toBeLessThan(30);
    expect(rig.spool.stats()).toMatchObject({ lost: 30 - found.length, damagedRegions: 1 });
  });
});

describe('two processes on one folder', () => {
  it('the second is told what to do', () => {
    const rig = new Rig();
    const again = (): Spool => Spool.open({ folder: FOLDER, maxBytes: 1e6, scheduler: rig.clock, warn: () => {}, files: rig.disk.files, soon: queueMicrotask });
    expect(again).toThrow(/in use by process \d+: give each gateway a folder of its own/);
    rig.disk.check = (name) => {
      if (name === 'openSync') throw fsError('EACCES');
    };
    expect(again).toThrow(/cannot use \/spool \(EACCES.*make it a folder that the gateway's user may write/);
  });

  it('the first writes and reads no more when another has taken it over', async () => {
    const rig = new Rig();
    await filled(rig, 2);
    const { files } = rig.disk;
    files.rmSync(`${FOLDER}/state.lock`);
    const handle = files.openSync(`${FOLDER}/state.lock`, 'wx');
    files.closeSync(handle);
    rig.clock.advance(200);
    await rig.disk.settle();
    expect(rig.warnings).toEqual([expect.stringContaining('was taken over by another process')]);
    expect(rig.put('a')).toBe('unwritable');
    expect(await rig.readAll()).toEqual([]);
    await rig.close();
    expect(rig.disk.list()).toContain(`${FOLDER}/state.lock`);
  });

  it('a browser looks on without writing', async () => {
    const rig = new Rig({ segmentBytes: 300 });
    await filled(rig, 8);
    await rig.readAll();
    for (const seq of [1, 2, 3]) rig.spool.settle(seq);
    rig.clock.advance(200);
    await rig.disk.settle();
    rig.disk.corrupt(rig.segments()[1] as string, (data) => data.fill(0, 60, 61));
    rig.disk.check = (name) => {
      if (/write|fsync|datasync|rename|unlink|rm|mkdir|truncate/i.test(name)) throw new Error(`the browser does ${name}`);
    };
    const browser = new SpoolBrowser(FOLDER, rig.disk.files);
    expect(browser.glance()).toMatchObject({ messages: 5, segments: 3, frontier: 4, oldestAt: 1_000_000, strange: 0 });
    const found: number[] = [];
    const all = (async () => {
      for await (const { seq } of browser.messages()) found.push(seq);
    })();
    await rig.during(all);
    expect(found).toEqual([4, 6, 7, 8]);
    expect(browser.damage).toMatchObject({ regions: 1, tornTails: 0 });
  });
});
