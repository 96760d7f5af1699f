import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { REAL_FILES } from '../../../src/state/files.ts';
import { holderOf } from '../../../src/state/folder-lock.ts';
import { StateLog } from '../../../src/state/state-log.ts';

describe('two processes on one folder', () => {
  let folder = '';
  let file = '';
  let lock = '';
  let time = 0;
  const opened: StateLog[] = [];
  const open = (): { log: StateLog; warnings: string[] } => {
    const warnings: string[] = [];
    const log = new StateLog({ folder, warn: (message) => warnings.push(message), now: () => time });
    opened.push(log);
    return { log, warnings };
  };
  const put = (log: StateLog, name: string, state: unknown): void => {
    log.save(name, () => state);
    log.flush();
  };

  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'sluice-state-'));
    file = path.join(folder, 'state.jsonl');
    lock = path.join(folder, 'state.lock');
    time = 0;
  });
  afterEach(() => {
    for (const log of opened.splice(0)) log.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('the second keeps none there, says so, and does when the first has ended', () => {
    const first = open();
    put(first.log, 'a', 1);
    const text = readFileSync(file, 'utf8');
    const second = open();
    expect(second.log.load('a')).toBeUndefined();
    put(second.log, 'a', 2);
    put(second.log, 'b', 2);
    expect(second.warnings).toEqual([expect.stringContaining('(gateway.stateDir) is in use by process')]);
    expect(readFileSync(file, 'utf8')).toBe(text);
    put(first.log, 'c', 1);
    first.log.close();
    expect(existsSync(lock)).toBe(false);
    time += 1_000;
    second.log.flush();
    second.log.close();
    const third = open();
    expect(['a', 'b', 'c'].map((name) => third.log.load(name))).toEqual([2, 2, 1]);
    expect([first.warnings, third.warnings]).toEqual([[], []]);
    expect(second.warnings).toHaveLength(1);
  });

  it('a lock of a living process counts, that of one that has ended does not', async () => {
    const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000); console.log("up")'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const exit = once(child, 'exit');
    await once(child.stdout, 'data');
    writeFileSync(lock, JSON.stringify(holderOf(REAL_FILES, child.pid as number)));
    const early = open();
    put(early.log, 'a', 1);
    expect(early.warnings).toEqual([expect.stringContaining(`process ${child.pid}:`)]);
    early.log.close();
    expect(existsSync(file)).toBe(false);
    child.kill('SIGKILL');
    await exit;
    const late = open();
    put(late.log, 'a', 1);
    expect(late.warnings).toEqual([]);
    expect(JSON.parse(readFileSync(lock, 'utf8'))).toMatchObject({ pid: process.pid });
    late.log.close();
    expect(existsSync(lock)).toBe(false);
  });

  it('the second, where more was forgotten than it can remember, trusts nothing that the first left', () => {
    const first = open();
    put(first.log, 'a', 1);
    const second = new StateLog({ folder, warn: () => {}, now: () => time, bounds: { names: 3 } });
    opened.push(second);
    put(second, 'a', undefined);
    for (let i = 0; i < 3; i += 1) put(second, `b${i}`, i);
    first.log.close();
    time += 1_000;
    expect(second.load('a')).toBeUndefined();
    second.flush();
    expect(['a', 'b0', 'b1', 'b2'].map((name) => second.load(name))).toEqual([undefined, 0, 1, 2]);
  });

  it.each<[string, () => string]>([
    ['a process with the same id on another machine', () => JSON.stringify({ ...holderOf(REAL_FILES, process.pid), host: 'elsewhere' })],
    ['one before the machine was started', () => JSON.stringify({ ...holderOf(REAL_FILES, process.pid), boot: 'before' })],
    ['one in another container', () => JSON.stringify({ ...holderOf(REAL_FILES, process.pid), space: '1:1' })],
    ['one whose id was given out again', () => JSON.stringify({ ...holderOf(REAL_FILES, process.pid), began: '1' })],
    ['nobody that can be read', () => ''],
    ['something else', () => '[{"pid":-1}]'],
  ])('the lock of %s is taken over', (_, text) => {
    writeFileSync(lock, text());
    const { log, warnings } = open();
    put(log, 'a', 1);
    log.close();
    expect(open().log.load('a')).toBe(1);
    expect(warnings).toEqual([]);
  });

  it('one that lives and was replaced notices, writes no more, and does not take it back', () => {
    const first = open();
    put(first.log, 'a', 1);
    // As from another container: nobody there can tell whether this one lives.
    writeFileSync(lock, JSON.stringify({ ...holderOf(REAL_FILES, process.pid), space: '1:1' }));
    const second = open();
    expect(second.log.load('a')).toBe(1);
    put(second.log, 'b', 2);
    const text = readFileSync(file, 'utf8');
    for (let i = 0; i < 3; i += 1) {
      put(first.log, 'a', 3 + i);
      time += 1_000;
    }
    expect(readFileSync(file, 'utf8')).toBe(text);
    expect(first.warnings).toEqual([expect.stringContaining('took it over')]);
    first.log.close();
    put(second.log, 'b', 3);
    second.log.close();
    expect(second.warnings).toEqual([]);
    const third = open();
    expect(['a', 'b'].map((name) => third.log.load(name))).toEqual([1, 3]);
  });
});
