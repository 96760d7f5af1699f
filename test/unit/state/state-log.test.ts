import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StateLog, type StateLogOptions } from '../../../src/state/state-log.ts';
import { UNFORCED } from '../../support/faulty-files.ts';

const NAMES = ['a', 'A%', 'a/b', '../a', '..', '.', '', 'a.b', 'a"b\\', 'é\n€', '\ud800', '__proto__', 'x'.repeat(3000)];

describe('the state log', () => {
  let root = '';
  let folder = '';
  let file = '';
  let warnings: string[] = [];
  const opened: StateLog[] = [];
  const open = (options: Partial<StateLogOptions> = {}): StateLog => {
    const log = new StateLog({ folder, warn: (message) => warnings.push(message), files: UNFORCED, ...options });
    opened.push(log);
    return log;
  };
  /** What the next start finds. */
  const found = (...names: string[]): unknown[] => {
    const log = open();
    const states = names.map((name) => log.load(name));
    log.close();
    return states;
  };
  /** A log that has flushed each of these states by itself. */
  const keep = (...states: (readonly [string, unknown])[]): void => {
    const log = open();
    for (const [name, state] of states) {
      log.save(name, () => state);
      log.flush();
    }
    log.close();
  };
  const text = (): string => readFileSync(file, 'utf8');
  const lines = (): string[] => text().split('\n').slice(1, -1);

  beforeEach(() => {
    root = mkdtempSync(path.join(os.tmpdir(), 'sluice-state-'));
    folder = path.join(root, 'deep', 'state');
    file = path.join(folder, 'state.jsonl');
    warnings = [];
  });
  afterEach(() => {
    for (const log of opened.splice(0)) log.close();
    rmSync(root, { recursive: true, force: true });
  });

  it('keeps states for the next start, the last of each name', () => {
    const log = open();
    expect(log.load('a')).toBeUndefined();
    for (const state of [1, 'x', { n: [1, 'é', null] }]) {
      log.save('a', () => state);
      log.flush();
    }
    log.save('b', () => 'b');
    log.close();
    expect(found('a', 'b', 'c')).toEqual([{ n: [1, 'é', null] }, 'b', undefined]);
    expect(readdirSync(folder)).toEqual(['state.jsonl']);
    expect(warnings).toEqual([]);
  });

  it('makes nothing before the first save, and on a flush one write for all', () => {
    const log = open();
    let made = 0;
    for (let i = 0; i < 100; i += 1) {
      log.save('a', () => {
        made += 1;
        return i;
      });
    }
    log.save('b', () => 'b');
    expect(log.load('a')).toBe(99);
    made = 0;
    expect(existsSync(path.dirname(folder))).toBe(false);
    log.flush();
    expect([made, lines().length]).toEqual([1, 2]);
    expect(text().split('\n')[0]).toBe('{"sluice":"states of codecs","version":1}');
    for (const line of lines()) expect(JSON.parse(line)).toMatchObject({ live: 1 });
    expect(statSync(file).mode % 0o1000).toBe(0o600);
    const before = text();
    log.flush();
    expect(text()).toBe(before);
  });

  it('takes any name', () => {
    keep(...NAMES.map((name) => [name, { of: name }] as const));
    expect(found(...NAMES)).toEqual(NAMES.map((name) => ({ of: name })));
    expect(readdirSync(path.join(root, 'deep'))).toEqual(['state']);
    expect(warnings).toEqual([]);
  });

  it('forgets, and writes nothing for what it never had', () => {
    keep(['a', 1], ['b', 1], ['a', undefined], ['c', undefined]);
    expect(lines().map((line) => (JSON.parse(line) as { live: number }).live)).toEqual([1, 1, 0]);
    expect(found('a', 'b', 'c')).toEqual([undefined, 1, undefined]);
  });

  it('writes the rest when it is closed, and nothing afterwards', () => {
    const log = open();
    log.save('a', () => 1);
    log.close();
    log.save('a', () => 2);
    log.flush();
    log.close();
    expect(log.load('a')).toBeUndefined();
    expect(found('a')).toEqual([1]);
  });

  it('leaves out an end that is torn, wherever, without a word', () => {
    keep(['a', 'old'], ['b', 1]);
    const before = statSync(file).size;
    keep(['a', 'new']);
    const whole = readFileSync(file);
    expect(found('a')).toEqual(['new']);
    for (let size = before; size < whole.length; size += 1) {
      writeFileSync(file, whole.subarray(0, size));
      expect(found('a', 'b')).toEqual(['old', 1]);
      // And what is written next is not part of it.
      keep(['c', size]);
      expect(found('a', 'b', 'c')).toEqual(['old', 1, size]);
    }
    expect(warnings).toEqual([]);
  });

  it('begins anew where even the first line is torn', () => {
    keep(['a', 1]);
    const header = text().indexOf('\n');
    for (let size = 0; size <= header; size += 1) {
      truncateSync(file, size);
      expect(found('a')).toEqual([undefined]);
      keep(['a', size]);
      expect(found('a')).toEqual([size]);
    }
    expect(warnings).toEqual([]);
  });

  it('says so where the first line is another, and begins anew', () => {
    keep(['a', 1]);
    writeFileSync(file, text().replace('"version":1', '"version":2'));
    expect(found('a')).toEqual([undefined]);
    expect(warnings).toEqual([expect.stringContaining('not of this version')]);
    keep(['a', 2]);
    expect(found('a')).toEqual([2]);
    expect(warnings).toHaveLength(1);
  });

  // The line may have been a newer state of any of them.
  it('forgets what stands before a line that cannot be read, and tells', () => {
    keep(['a', 'old'], ['b', 1], ['a', 'new'], ['c', 1]);
    const whole = readFileSync(file);
    const from = whole.indexOf('{"live"', whole.lastIndexOf('"old"'));
    const third = whole.indexOf('{"live"', from + 1);
    const end = whole.indexOf('\n', third);
    for (let at = third; at <= end; at += 1) {
      const spoilt = Buffer.from(whole);
      spoilt[at] = (spoilt[at] as number) ^ 0x04;
      writeFileSync(file, spoilt);
      warnings = [];
      const [a, b] = found('a', 'b');
      expect([a, b], `byte ${at - third}`).toEqual([undefined, undefined]);
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toContain('cannot be read');
    }
    for (const garbage of ['', '\0\0\0', '{"live":1}', 'x'.repeat(3_000_000)]) {
      writeFileSync(file, Buffer.concat([whole.subarray(0, third), Buffer.from(`${garbage}\n`), whole.subarray(third)]));
      expect(found('a', 'b', 'c')).toEqual(['new', undefined, 1]);
    }
  });

  it('forgets the oldest names where there are too many', () => {
    const log = open({ bounds: { names: 3 } });
    for (const name of ['a', 'b', 'c', 'a', 'd', 'e']) {
      log.save(name, () => name);
      log.flush();
    }
    log.close();
    expect(found('a', 'b', 'c', 'd', 'e')).toEqual(['a', undefined, undefined, 'd', 'e']);
  });

  it('is written anew when most of it is outdated, at the next start and while it runs', () => {
    keep(...Array.from({ length: 20 }, (_, i) => ['a', i] as const), ['b', 1], ['c', 1], ['c', undefined]);
    expect(lines()).toHaveLength(23);
    expect(found('a', 'b', 'c')).toEqual([19, 1, undefined]);
    expect(lines()).toHaveLength(2);
    const log = open({ bounds: { garbageBytes: 2_000 } });
    for (let i = 0; i < 500; i += 1) {
      log.save('a', () => i);
      log.flush();
      expect(log.load('a')).toBe(i);
      expect(statSync(file).size).toBeLessThan(2_500);
    }
    expect(log.load('b')).toBe(1);
    log.close();
    expect(found('a', 'b', 'c')).toEqual([499, 1, undefined]);
    expect(readdirSync(folder)).toEqual(['state.jsonl']);
    expect(warnings).toEqual([]);
  });

  it('holds many and large states', () => {
    const log = open();
    const large = 'ü'.repeat(5_000_000);
    const many = Array.from({ length: 20_000 }, (_, i) => i);
    for (const i of many) log.save(`n${i}`, () => ({ i }));
    log.save('large', () => large);
    log.flush();
    log.close();
    const again = open();
    expect(again.load('large') === large).toBe(true);
    expect(many.filter((i) => (again.load(`n${i}`) as { i: number } | undefined)?.i !== i)).toEqual([]);
    expect(warnings).toEqual([]);
  }, 120_000);
});
