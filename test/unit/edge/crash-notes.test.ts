import * as fs from 'node:fs';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CrashNotes } from '../../../src/edge/crash-notes.ts';

const message = (topic: string, body = 'x'): { topic: string; body: Buffer } => ({ topic, body: Buffer.from(body) });

describe('notes of the messages that ended the process', () => {
  let folder: string;
  let warnings: string[];
  const open = (files?: Parameters<typeof CrashNotes.open>[0]['files']): CrashNotes => CrashNotes.open({ folder, warn: (text) => warnings.push(text), files });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-crashes-'));
    warnings = [];
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('outlive it, each for its topic and body, until the message has settled', () => {
    open().note(message('a'));
    open().note(message('a'));
    open().note(message('a', 'y'));
    const notes = open();
    expect([message('a'), message('a', 'y'), message('b'), message('a', 'z')].map((each) => notes.countOf(each))).toEqual([2, 1, 0, 0]);
    notes.forget(message('a'));
    notes.forget(message('b'));
    expect([message('a'), message('a', 'y')].map((each) => open().countOf(each))).toEqual([0, 1]);
    expect(warnings).toEqual([]);
  });

  it('are bounded: the oldest give way', () => {
    const notes = open();
    for (let i = 0; i < 150; i += 1) notes.note(message(`t${i}`));
    notes.note(message('t60'));
    notes.note(message('new'));
    const after = open();
    expect(['t50', 't51', 't60', 't149', 'new'].map((topic) => after.countOf(message(topic)))).toEqual([0, 1, 2, 1, 1]);
    expect(Object.keys((JSON.parse(readFileSync(join(folder, 'crashes.json'), 'utf8')) as { messages: object }).messages)).toHaveLength(100);
  });

  it.each(['', '{', 'null', '[]', '{"version":2,"messages":{}}', '{"version":1,"messages":null}'])('are left out where the file says %j', (text) => {
    writeFileSync(join(folder, 'crashes.json'), text);
    const notes = open();
    expect(notes.countOf(message('a'))).toBe(0);
    expect(warnings).toEqual([expect.stringContaining('crashes.json is left out')]);
    notes.note(message('a'));
    expect(open().countOf(message('a'))).toBe(1);
  });

  it('leave out what is no number', () => {
    open().note(message('a'));
    const file = join(folder, 'crashes.json');
    const { messages } = JSON.parse(readFileSync(file, 'utf8')) as { messages: Record<string, number> };
    writeFileSync(file, JSON.stringify({ version: 1, messages: { ...messages, odd: 'x', half: 0.5 } }));
    expect(open().countOf(message('a'))).toBe(1);
    expect(warnings).toEqual([]);
  });

  it('are told of where they cannot be written, and still count until the end', () => {
    const refuse = (): never => {
      throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    };
    const notes = open({ readFileSync: fs.readFileSync, renameSync: fs.renameSync, writeFileSync: refuse });
    notes.note(message('a'));
    expect(notes.countOf(message('a'))).toBe(1);
    expect(warnings).toEqual([expect.stringMatching(/crashes\.json cannot be written \(no space left\)/)]);
  });
});
