import { describe, expect, it } from 'vitest';
import { parseDead } from '../../../src/commands/dead-options.ts';
import { changesText, dump, exportLine, HEAD, letterText, row, shortfall, summaryText, table } from '../../../src/commands/dead-print.ts';
import { PlanSummary } from '../../../src/pipeline/letter-plan.ts';
import { letter } from '../../support/letters.ts';

const NOW = Date.parse('2026-06-01T12:00:00Z');
const parse = (line: string) => parseDead(line.split(' '), NOW);

describe('the command line of sluice dead', () => {
  it('reads filters', () => {
    const { filter, verb, limit } = parse(
      'list --code A,B --code C --stage route --route x --device d --topic a/+ --since 2h --until 2026-06-01T11:30:00Z --where size>1 --limit 7',
    );
    expect(verb).toBe('list');
    expect(limit).toBe(7);
    expect(filter).toEqual({
      ids: undefined,
      codes: ['A', 'B', 'C'],
      stages: ['route'],
      routes: ['x'],
      device: 'd',
      topic: 'a/+',
      since: NOW - 7_200_000,
      until: NOW - 1_800_000,
      where: 'size>1',
    });
  });

  it('knows how to replay', () => {
    expect(parse('replay d1 d2 --rate 2.5')).toMatchObject({ filter: { ids: ['d1', 'd2'] }, rate: 2.5, maxReplays: 3, whole: false });
    expect(parse('replay --force --whole')).toMatchObject({ maxReplays: Number.POSITIVE_INFINITY, whole: true });
  });

  it.each([
    ['', /list, show, export, replay or drop/],
    ['delete', /there is no "delete"/],
    ['show', /one ID/],
    ['list d1', /sluice dead show ID/],
    ['list --since yesterday', /--since/],
    ['list --limit 0', /--limit/],
    ['replay --rate 0', /--rate/],
    ['replay --dry-run', /-c FILE/],
    ['drop --rate 5', /--rate is for replay/],
    ['list --yes', /--yes is for drop/],
    ['list --where code', /--where: /],
    ['list --topic a/#/b', /--topic: /],
    ['list --colour red', /colour/],
  ])('refuses %j', (line, reason) => {
    expect(() => parseDead(line === '' ? [] : line.split(' '), NOW)).toThrow(reason);
  });
});

describe('what sluice dead prints', () => {
  it('is a table with columns that line up, whatever a device sent', () => {
    const odd = letter({ id: 'd22', topic: 'a/\u001b[31m\u202e', message: 'x'.repeat(500), size: 1_234_567, replays: 2 });
    const text = table([HEAD, row(letter(), undefined), row(odd, undefined)]);
    const lines = text.split('\n').slice(0, -1);
    expect(lines[1]).toMatch(/^2023-11-14T22:13:21Z {2}DECODE_INVALID .* 20 {2}not JSON +d1$/);
    expect(lines[2]).toContain('DECODE_INVALID (replayed 2x)');
    expect(lines[2]).toContain('a/\\u{1b}[31m\\u{202e}');
    expect(new Set(lines.map((line) => line.lastIndexOf(' d') + 1 || line.lastIndexOf(' id') + 1)).size).toBeLessThanOrEqual(2);
    // oxlint-disable-next-line no-control-regex
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });

  it('is a payload as text where it is text, else in hexadecimal', () => {
    expect(dump(Buffer.from('{"t":\u00a021}\n\u202ex'))).toBe('{"t":\u00a021}\n\\u{202e}x\n');
    expect(dump(Buffer.from([0, 0x41, 0xff]))).toBe('00000000  00 41 ff                                         |.A.|\n');
    expect(dump(Buffer.from('\u001b[2J'))).toMatch(/^00000000 {2}1b 5b 32 4a/);
    expect(dump(Buffer.alloc(0))).toBe('(no bytes)\n');
    expect(dump(Buffer.from('é'.repeat(20)).subarray(0, 7))).toBe('ééé\n');
    expect(letterText(letter(), Buffer.alloc(5000, 0x61), false)).toMatch(/\(904 more bytes; --full shows them\)\n$/);
    expect(letterText(letter(), Buffer.alloc(5000, 0x61), true)).not.toContain('more bytes');
  });

  it('is an export that names topic and payload as sluice decode reads them', () => {
    expect(JSON.parse(exportLine(letter({ contentEncoding: 'gzip' }), Buffer.from([1, 2])))).toMatchObject({
      topic: 'devices/hall/d1/telemetry',
      content_encoding: 'gzip',
      payload_b64: 'AQI=',
      dead_letter: { id: 'd1', code: 'DECODE_INVALID', buriedAt: '2023-11-14T22:13:21.000Z' },
    });
  });

  it('says what was not seen and what was left alone', () => {
    const walk = { present: 5, seen: 5, matched: 5, otherReaders: 0, ended: 'all', reason: undefined } as const;
    expect(shortfall(walk)).toBeUndefined();
    expect(shortfall({ ...walk, present: 0, seen: 0, otherReaders: 1 })).toMatch(/another reader is at the queue/);
    expect(shortfall({ ...walk, seen: 2, ended: 'short' })).toMatch(/only 2 of 5/);
    const text = changesText('replayed', { ...walk, done: 2, skipped: { 'max-replays': 3 }, uncertain: 1, stopped: 'NOT_CONNECTED: gone' });
    for (const part of [/^replayed 2 of 5/, /left alone: 3 .*--force/, /up to 1 of them/, /stopped: NOT_CONNECTED/]) expect(text).toMatch(part);
    const summary = new PlanSummary();
    summary.add({ outcome: 'forwarded', code: undefined, message: undefined, readings: 2, routes: { alarms: 2 } });
    expect(summaryText(summary)).toBe('1 letters would be\n  forwarded: 1\n2 readings, by route\n  alarms: 2\n');
  });
});
