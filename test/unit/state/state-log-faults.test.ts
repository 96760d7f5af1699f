import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Files, REAL_FILES } from '../../../src/state/files.ts';
import { StateLog, type StateLogOptions } from '../../../src/state/state-log.ts';
import { checkedFiles, fsError, fullDisk, type Operation, UNFORCED } from '../../support/faulty-files.ts';

describe('states that cannot be written', () => {
  let root = '';
  let folder = '';
  let file = '';
  let time = 0;
  let warnings: string[] = [];
  const open = (files: Files = UNFORCED, options: Partial<StateLogOptions> = {}): StateLog => {
    return new StateLog({ folder, warn: (message) => warnings.push(message), now: () => time, files, ...options });
  };
  const put = (log: StateLog, ...states: (readonly [string, unknown])[]): void => {
    for (const [name, state] of states) log.save(name, () => state);
    log.flush();
  };
  /** What a start would find at this moment, were the process killed. */
  const found = (...names: string[]): unknown[] => {
    const copy = path.join(root, 'copy');
    mkdirSync(copy);
    if (existsSync(file)) writeFileSync(path.join(copy, 'state.jsonl'), readFileSync(file));
    const log = new StateLog({ folder: copy, warn: (message) => expect.fail(message) });
    const states = names.map((name) => log.load(name));
    log.close();
    rmSync(copy, { recursive: true });
    return states;
  };
  /** Where one of these operations fails once `broken`. */
  const breakable = (operations: readonly Operation[], code = 'EIO'): { broken: boolean; files: Files } => {
    const disk = {
      broken: false,
      files: checkedFiles((operation) => {
        if (disk.broken && operations.includes(operation)) throw fsError(code);
      }),
    };
    return disk;
  };

  beforeEach(() => {
    root = mkdtempSync(path.join(os.tmpdir(), 'sluice-state-'));
    folder = path.join(root, 'state');
    file = path.join(folder, 'state.jsonl');
    time = 0;
    warnings = [];
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('on a full disk leave no outdated ones, keep all others, are told once, and are written when there is room', () => {
    const disk = fullDisk();
    const log = open(disk.files);
    put(log, ['a', 'old'], ['b', 1], ['c', 'old']);
    disk.full = true;
    put(log, ['a', 'new'], ['d', 1]);
    expect(found('a', 'b', 'c', 'd')).toEqual([undefined, 1, 'old', undefined]);
    // Not tried again yet, and not outdated for that.
    put(log, ['c', 'new']);
    expect(found('a', 'b', 'c', 'd')).toEqual([undefined, 1, undefined, undefined]);
    expect(['a', 'b', 'c', 'd'].map((name) => log.load(name))).toEqual(['new', 1, 'new', 1]);
    time += 1_000;
    log.flush();
    expect(warnings).toEqual([expect.stringContaining('gateway.stateDir')]);
    expect(warnings[0]).toContain('ENOSPC');
    disk.full = false;
    log.flush();
    expect(found('a')).toEqual([undefined]);
    time += 1_000;
    put(log, ['e', 1]);
    expect(found('a', 'b', 'c', 'd', 'e')).toEqual(['new', 1, 'new', 1, 1]);
    disk.full = true;
    put(log, ['a', 3]);
    expect(warnings).toHaveLength(2);
    disk.full = false;
    // The end of the gateway is the last chance.
    log.close();
    expect(found('a')).toEqual([3]);
  });

  it('on a disk that was full from the start cost nothing but themselves', () => {
    const disk = fullDisk();
    disk.full = true;
    const log = open(disk.files);
    put(log, ['a', 1]);
    expect(found('a')).toEqual([undefined]);
    disk.full = false;
    log.close();
    expect(found('a')).toEqual([1]);
    expect(warnings).toHaveLength(1);
  });

  it('on a real file system that is full', ({ skip }) => {
    const mounted = path.join(root, 'small');
    mkdirSync(mounted);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', mounted], { stdio: 'pipe' });
    } catch {
      skip('only root may mount a file system here');
    }
    try {
      folder = path.join(mounted, 'state');
      file = path.join(folder, 'state.jsonl');
      const log = open(REAL_FILES);
      put(log, ['a', 'old'], ['b', 1]);
      const ballast = path.join(mounted, 'ballast');
      expect(() => writeFileSync(ballast, Buffer.alloc(100_000))).toThrow('ENOSPC');
      const large = 'x'.repeat(5_000);
      put(log, ['a', large]);
      expect(warnings).toEqual([expect.stringContaining('ENOSPC')]);
      expect(found('a', 'b')).toEqual([undefined, 1]);
      rmSync(ballast);
      time += 1_000;
      log.flush();
      expect(found('a', 'b')).toEqual([large, 1]);
      log.close();
    } finally {
      execFileSync('umount', [mounted]);
    }
  });

  it.each<[string, readonly Operation[]]>([
    ['nothing can be written, not even in place', ['writeSync']],
    ['nothing can be forced to the disk', ['fdatasyncSync']],
    ['nor cut off', ['writeSync', 'ftruncateSync']],
  ])('go with the whole file where %s', (_, operations) => {
    const disk = breakable(operations);
    const log = open(disk.files);
    put(log, ['a', 'old'], ['b', 1]);
    disk.broken = true;
    put(log, ['a', 'new']);
    expect(existsSync(file)).toBe(false);
    put(log, ['c', 1]);
    expect(warnings).toHaveLength(1);
    disk.broken = false;
    time += 1_000;
    log.flush();
    expect(found('a', 'b', 'c')).toEqual(['new', undefined, 1]);
    log.close();
  });

  it('where nothing can be removed either, say which file must go, and read it no more', () => {
    const disk = breakable(['writeSync', 'ftruncateSync', 'rmSync', 'openSync'], 'EROFS');
    const log = open(disk.files);
    put(log, ['a', 'old'], ['b', 'old']);
    disk.broken = true;
    for (let i = 0; i < 3; i += 1) {
      put(log, ['a', i]);
      time += 1_000;
    }
    expect(warnings).toEqual([expect.stringContaining('EROFS'), expect.stringContaining(`cannot remove ${file} either`)]);
    disk.broken = false;
    expect(['a', 'b'].map((name) => log.load(name))).toEqual([2, undefined]);
    log.flush();
    expect(found('a', 'b')).toEqual([2, undefined]);
    log.close();
  });

  it('are forgotten where they are no data or too large, and told once', () => {
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    const log = open();
    for (const bad of [5n, circular, 'x'.repeat(16_777_216)]) {
      put(log, ['a', 1], ['b', bad === 5n]);
      warnings = [];
      for (let i = 0; i < 3; i += 1) put(log, ['a', bad], ['b', i]);
      expect(warnings).toEqual([expect.stringContaining('cannot write the states')]);
      expect(found('a', 'b')).toEqual([undefined, 2]);
      expect(log.load('a')).toBeUndefined();
    }
    log.close();
  }, 120_000);

  it('survive a file of which no new one can be made', () => {
    const disk = breakable(['renameSync'], 'ENOSPC');
    disk.broken = true;
    const log = open(disk.files, { bounds: { garbageBytes: 500 } });
    for (let i = 0; i < 100; i += 1) put(log, ['a', i]);
    expect(found('a')).toEqual([99]);
    expect(existsSync(`${file}.new`)).toBe(false);
    expect(warnings.every((warning) => warning.includes('ENOSPC'))).toBe(true);
    // Not tried at each flush: only behind as much garbage again.
    expect(warnings.length).toBeLessThan(15);
    log.close();
  });

  it('in a folder that cannot be made are told once', () => {
    writeFileSync(folder, '');
    const log = open();
    put(log, ['a', 1]);
    put(log, ['b', 1]);
    time += 5_000;
    put(log, ['c', 1]);
    expect(log.load('x')).toBeUndefined();
    log.close();
    expect(warnings).toEqual([expect.stringContaining('cannot write the states')]);
  });

  it('come back where somebody removed the folder or the file meanwhile', () => {
    const log = open();
    for (const gone of [folder, file, path.join(folder, 'state.lock')]) {
      put(log, ['a', gone]);
      rmSync(gone, { recursive: true });
      put(log, ['b', gone]);
      expect(found('b')).toEqual([gone]);
    }
    log.close();
    expect(warnings).toEqual([]);
  });

  it('replace a file that cannot be read', () => {
    const first = open();
    put(first, ['a', 'old']);
    first.close();
    const disk = breakable(['readSync']);
    disk.broken = true;
    const log = open(disk.files);
    expect(log.load('a')).toBeUndefined();
    put(log, ['a', 'new']);
    expect(warnings).toEqual([expect.stringContaining('cannot read the states')]);
    expect(existsSync(file)).toBe(false);
    disk.broken = false;
    log.close();
    expect(found('a')).toEqual(['new']);
  });
});
