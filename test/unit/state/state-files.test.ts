import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StateFiles } from '../../../src/state/state-files.ts';

/** Timers that fire when told to. */
class Clock {
  readonly due: { readonly ms: number; readonly fn: () => void }[] = [];
  after = (ms: number, fn: () => void): (() => void) => {
    const timer = { ms, fn };
    this.due.push(timer);
    return () => void this.due.splice(this.due.indexOf(timer), 1);
  };
  fire(): void {
    for (const { fn } of this.due.splice(0)) fn();
  }
}

describe('state files', () => {
  let root = '';
  let folder = '';
  let failures: string[] = [];
  const clock = new Clock();
  const open = (at = folder): StateFiles => new StateFiles({ folder: at, after: clock.after, onFailure: (message) => failures.push(message) });

  beforeEach(() => {
    root = mkdtempSync(path.join(os.tmpdir(), 'sluice-state-'));
    folder = path.join(root, 'deep', 'state');
    failures = [];
    clock.due.length = 0;
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('keeps a state for the next start', () => {
    const first = open();
    expect(first.load('a')).toBeUndefined();
    first.save('a', { n: [1, 'x', null] });
    first.close();
    expect(open().load('a')).toEqual({ n: [1, 'x', null] });
    expect(readdirSync(folder)).toEqual(['a.json']);
    expect(failures).toEqual([]);
  });

  it('writes once a second at most, and then the last state; makes no folder before', () => {
    const files = open();
    for (let i = 0; i < 100; i += 1) files.save('a', i);
    expect(existsSync(folder)).toBe(false);
    expect(files.load('a')).toBe(99);
    expect(clock.due.map(({ ms }) => ms)).toEqual([1000]);
    clock.fire();
    expect(readFileSync(path.join(folder, 'a.json'), 'utf8')).toBe('99');
    files.save('a', 100);
    files.save('b', 1);
    expect(clock.due).toHaveLength(2);
  });

  it('writes the rest when it is closed, and nothing afterwards', () => {
    const files = open();
    files.save('a', 1);
    files.close();
    files.save('a', 2);
    files.close();
    expect(clock.due).toEqual([]);
    expect(open().load('a')).toBe(1);
  });

  it('gives each name a file of its own, inside the folder', () => {
    const files = open();
    const names = ['a', 'A%', 'a/b', '../a', '..', '.', '', 'a.b', 'a*', 'é', 'a%2Fb', 'con:'];
    for (const name of names) files.save(name, name);
    files.close();
    expect(failures).toEqual([]);
    expect(new Set(readdirSync(folder)).size).toBe(names.length);
    expect(readdirSync(path.join(root, 'deep'))).toEqual(['state']);
    expect(names.map((name) => open().load(name))).toEqual(names);
  });

  it('a file that is no JSON is as none, and said once', () => {
    const files = open();
    files.save('a', 1);
    files.save('b', 1);
    files.close();
    for (const name of ['a', 'b']) writeFileSync(path.join(folder, `${name}.json`), '{"half":');
    const again = open();
    expect([again.load('a'), again.load('b')]).toEqual([undefined, undefined]);
    expect(failures).toHaveLength(1);
    expect(failures[0]).toContain('cannot read the state "a"');
  });

  it('what cannot be written is said once and is never fatal; the file before stays', () => {
    const files = open();
    files.save('a', 1);
    clock.fire();
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    for (const state of [5n, circular]) {
      files.save('a', state);
      clock.fire();
    }
    expect(failures).toEqual([expect.stringContaining('cannot write the state "a"')]);
    expect(open().load('a')).toBe(1);
    expect(readdirSync(folder)).toEqual(['a.json']);
  });

  it('a folder that cannot be made is said once', () => {
    writeFileSync(path.join(root, 'file'), '');
    const files = open(path.join(root, 'file', 'state'));
    files.save('a', 1);
    files.save('b', 1);
    files.close();
    expect(failures).toEqual([expect.stringContaining('cannot write the state')]);
  });
});
