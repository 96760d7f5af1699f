import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StateFiles } from '../../../src/state/state-files.ts';

describe('state files', () => {
  let root = '';
  let folder = '';
  let failures: string[] = [];
  const open = (at = folder): StateFiles => new StateFiles({ folder: at, onFailure: (message) => failures.push(message) });

  beforeEach(() => {
    root = mkdtempSync(path.join(os.tmpdir(), 'sluice-state-'));
    folder = path.join(root, 'deep', 'state');
    failures = [];
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('keeps a state for the next start', () => {
    const first = open();
    expect(first.load('a')).toBeUndefined();
    first.save('a', () => ({ n: [1, 'x', null] }));
    first.close();
    expect(open().load('a')).toEqual({ n: [1, 'x', null] });
    expect(readdirSync(folder)).toEqual(['a.json']);
    expect(failures).toEqual([]);
  });

  it('writes on flush, once for all saves before, and then the last state; makes no folder before', () => {
    const files = open();
    let made = 0;
    for (let i = 0; i < 100; i += 1) {
      files.save('a', () => {
        made += 1;
        return i;
      });
    }
    files.save('b', () => 'b');
    expect([made, existsSync(folder)]).toEqual([0, false]);
    expect(files.load('a')).toBe(99);
    files.flush();
    expect(made).toBe(2);
    expect(readFileSync(path.join(folder, 'a.json'), 'utf8')).toBe('99');
    expect(readdirSync(folder).sort()).toEqual(['a.json', 'b.json']);
    rmSync(path.join(folder, 'a.json'));
    files.flush();
    expect(readdirSync(folder)).toEqual(['b.json']);
  });

  it('writes the rest when it is closed, and nothing afterwards', () => {
    const files = open();
    files.save('a', () => 1);
    files.close();
    files.save('a', () => 2);
    files.close();
    expect(open().load('a')).toBe(1);
  });

  it('gives each name a file of its own, inside the folder', () => {
    const files = open();
    const names = ['a', 'A%', 'a/b', '../a', '..', '.', '', 'a.b', 'a*', 'é', 'a%2Fb', 'con:'];
    for (const name of names) files.save(name, () => name);
    files.close();
    expect(failures).toEqual([]);
    expect(new Set(readdirSync(folder)).size).toBe(names.length);
    expect(readdirSync(path.join(root, 'deep'))).toEqual(['state']);
    expect(names.map((name) => open().load(name))).toEqual(names);
  });

  it('a file that is no JSON is as none, and said once', () => {
    const files = open();
    files.save('a', () => 1);
    files.save('b', () => 1);
    files.close();
    for (const name of ['a', 'b']) writeFileSync(path.join(folder, `${name}.json`), '{"half":');
    const again = open();
    expect([again.load('a'), again.load('b')]).toEqual([undefined, undefined]);
    expect(failures).toHaveLength(1);
    expect(failures[0]).toContain('cannot read the state "a"');
  });

  it('what cannot be written is said once until something can, is never fatal, and leaves no outdated file', () => {
    const files = open();
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    for (const bad of [5n, circular]) {
      files.save('a', () => 1);
      files.flush();
      expect(open().load('a')).toBe(1);
      failures = [];
      for (let i = 0; i < 3; i += 1) {
        files.save('a', () => bad);
        files.flush();
      }
      expect(failures).toEqual([expect.stringContaining('cannot write the state "a"')]);
      expect(open().load('a')).toBeUndefined();
      expect(readdirSync(folder)).toEqual([]);
    }
  });

  it('a folder that cannot be made is said once', () => {
    writeFileSync(path.join(root, 'file'), '');
    const files = open(path.join(root, 'file', 'state'));
    files.save('a', () => 1);
    files.save('b', () => 1);
    files.close();
    expect(failures).toEqual([expect.stringContaining('cannot write the state')]);
  });
});
