import { describe, expect, it } from 'vitest';
import { Appender, type AppenderOptions } from '../../../../src/edge/log/appender.ts';
import { FILE_HEAD_BYTES, idOfName, readHead } from '../../../../src/edge/log/file-id.ts';
import { scanFile } from '../../../../src/edge/log/read-file.ts';
import { fsError } from '../../../support/faulty-files.ts';
import { SimDisk } from '../../../support/sim-disk.ts';

const FOLDER = '/log';

function setUp(options: Partial<AppenderOptions> = {}): {
  disk: SimDisk;
  log: Appender;
  answers: string[];
  put: (text: string) => number;
  found: () => string[];
  committed: string[];
  failed: string[];
} {
  const disk = new SimDisk();
  disk.folders.add(FOLDER);
  const answers: string[] = [];
  const committed: string[] = [];
  const failed: string[] = [];
  const log = new Appender({
    files: disk.files,
    folder: FOLDER,
    kind: 'test',
    fileBytes: 1_000,
    next: 1,
    now: () => 5,
    onCommitted: (_, first, count) => committed.push(`${first}+${count}`),
    onFailed: (error, first, end) => failed.push(`${(error as NodeJS.ErrnoException).code} ${first}-${end}`),
    soon: queueMicrotask,
    ...options,
  });
  const put = (text: string): number =>
    log.append(Buffer.from(text), (error) => answers.push(`${text}${error === undefined ? '' : ` ${(error as NodeJS.ErrnoException).code}`}`));
  const found = (): string[] =>
    disk.list().flatMap((file) => {
      const out: string[] = [];
      scanFile(disk.files, file, idOfName(file.slice(FOLDER.length + 1)) ?? { first: 0, marker: 0 }, (number, payload) =>
        out.push(`${number}:${payload.toString()}`),
      );
      return out;
    });
  return { disk, log, answers, put, found, committed, failed };
}

const texts = (count: number, from = 0): string[] => Array.from({ length: count }, (_, i) => `m${from + i}`);

describe('appending', () => {
  it('writes and forces once for everything that gathered, and answers in order', async () => {
    const { disk, log, answers, put, found, committed } = setUp({ fileBytes: 1e6 });
    texts(100).forEach(put);
    await disk.turn(); // opens
    texts(100, 100).forEach(put);
    expect(answers).toEqual([]);
    await disk.settle();
    expect(answers).toEqual(texts(200));
    expect([disk.counts['write'], disk.counts['fdatasync'], log.writes, log.syncs]).toEqual([2, 2, 2, 2]);
    expect(committed).toEqual(['1+100', '101+100']);
    expect(found()).toEqual(texts(200).map((text, i) => `${i + 1}:${text}`));
    expect(log.pendingBytes).toBe(0);
  });

  it('answers nothing before it is forced, and the name of the file with it', async () => {
    const { disk, answers, put } = setUp();
    const order: string[] = [];
    disk.check = (operation) => {
      if (!operation.endsWith('Sync')) order.push(`${operation}${answers.length}`);
    };
    put('a');
    await disk.settle();
    put('b');
    await disk.settle();
    expect(order).toEqual(['open0', 'write0', 'fdatasync0', 'open0', 'fsync0', 'close0', 'write1', 'fdatasync1']);
    expect(answers).toEqual(['a', 'b']);
    disk.powerCut();
    expect(disk.list()).toHaveLength(1);
  });

  it('begins another file when one is full, and says in each which it is', async () => {
    const { disk, log, put, found } = setUp();
    for (let i = 0; i < 10; i += 1) {
      put(`${i}`.repeat(400));
      await disk.settle();
    }
    const files = disk.list();
    expect(files.map((file) => idOfName(file.slice(5))?.first)).toEqual([1, 4, 7, 10]);
    for (const file of files) {
      const id = idOfName(file.slice(5));
      expect(readHead(disk.bytes(file).subarray(0, FILE_HEAD_BYTES), 'test')).toEqual({ ...id, kind: 'test', since: 5, missing: 0 });
      expect(readHead(disk.bytes(file), 'else')).toBe('other');
    }
    expect(found()).toHaveLength(10);
    expect(disk.openHandles).toBe(1);
    let closed = false;
    log.close(() => {
      closed = true;
    });
    await disk.settle();
    expect([closed, disk.openHandles]).toEqual([true, 0]);
  });

  it('a file is left on demand, with what waits for it', async () => {
    const { disk, log, put, found, answers } = setUp();
    put('a');
    await disk.settle();
    log.rotate();
    put('b');
    await disk.turn();
    put('c');
    log.rotate();
    put('d');
    await disk.settle();
    put('e');
    await disk.settle();
    expect(disk.list().map((file) => idOfName(file.slice(5))?.first)).toEqual([1, 2, 5]);
    expect(found()).toEqual(['1:a', '2:b', '3:c', '4:d', '5:e']);
    expect(answers).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(disk.openHandles).toBe(1);
  });

  it('takes writes that are cut short', async () => {
    const { disk, put, found, answers } = setUp();
    const write = disk.files.write.bind(disk.files);
    disk.files.write = (handle, bytes, offset, length, position, done) => write(handle, bytes, offset, Math.min(length, 11), position, done);
    texts(9).forEach(put);
    await disk.settle();
    expect(answers).toEqual(texts(9));
    expect(found()).toEqual(texts(9).map((text, i) => `${i + 1}:${text}`));
  });

  it('an answer may append, and grows beyond any buffer', async () => {
    const { disk, log, answers } = setUp({ fileBytes: 1e9 });
    const large = Buffer.alloc(200_000, 7);
    const go = (left: number): void => {
      log.append(large, (error) => {
        answers.push(String(error));
        if (left > 0) go(left - 1);
      });
    };
    for (let i = 0; i < 5; i += 1) go(3);
    await disk.settle();
    expect(answers).toHaveLength(20);
    expect(() => log.begin(2 ** 25 + 1)).toThrow('a record of');
  });
});

describe('a write that fails', () => {
  it.each([
    ['write', 'ENOSPC'],
    ['write', 'EIO'],
    ['fdatasync', 'EIO'],
  ])('(%s, %s) costs everything that waited, and nothing before or after', async (operation, code) => {
    const { disk, put, found, answers, failed, log } = setUp({ fileBytes: 1e6 });
    put('before');
    await disk.settle();
    let broken = true;
    disk.check = (name) => {
      if (broken && name === operation) throw fsError(code);
    };
    put('x');
    await disk.turn();
    put('y');
    if (operation === 'fdatasync') await disk.turn();
    await disk.settle();
    expect(answers).toEqual(['before', `x ${code}`, `y ${code}`]);
    expect(failed).toEqual([`${code} 2-4`]);
    broken = false;
    expect(put('after')).toBe(4);
    await disk.settle();
    expect(answers.at(-1)).toBe('after');
    expect(found()).toEqual(['1:before', '4:after']);
    // What a failed fdatasync was to force is in doubt: that file is not written again.
    expect(disk.list()).toHaveLength(2);
    disk.powerCut();
    expect(found()).toEqual(['1:before', '4:after']);
    expect(disk.openHandles).toBe(0);
    expect(log.pendingBytes).toBe(0);
  });

  it('in the middle leaves no part of it', async () => {
    const { disk, put, found, answers } = setUp({ fileBytes: 1e6 });
    put('before');
    await disk.settle();
    disk.room = disk.used + 40;
    texts(5).forEach(put);
    await disk.settle();
    expect(answers.slice(1)).toEqual(texts(5).map((text) => `${text} ENOSPC`));
    disk.room = 1e9;
    put('after');
    await disk.settle();
    expect(found()).toEqual(['1:before', '7:after']);
  });

  it('to a file that is new removes it', async () => {
    const { disk, put, answers, log } = setUp();
    for (const operation of ['open', 'write', 'fdatasync', 'fsync']) {
      disk.check = (name) => {
        if (name === operation) throw fsError('EIO');
      };
      put(operation);
      await disk.settle();
      expect(disk.list(), `a failed ${operation}`).toEqual([]);
      expect(disk.openHandles).toBe(0);
    }
    expect(answers).toEqual(['open EIO', 'write EIO', 'fdatasync EIO', 'fsync EIO']);
    let closed = false;
    disk.check = () => {};
    put('last');
    log.close(() => {
      closed = true;
    });
    await disk.settle();
    expect([closed, answers.at(-1)]).toEqual([true, 'last']);
  });
});
