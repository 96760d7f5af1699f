import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { linesOf, type Received } from '../../../src/commands/batch-lines.ts';

const reading =
  '{"id":"1","device":"north/m1","profile":"power","topic":"t","measuredAt":1700000000000,"receivedAt":1,"values":{"n":9007199254740993,"t":-0.50,"on":true,"s":"a\\u001b[2J"},"units":{"t":"Cel"},"flags":["late","bom"]}';
function received(overrides: Partial<Received>): Received {
  const body = Buffer.from(`{"version":1,"batch":"b","readings":[${reading}]}`);
  return { body, type: 'sluice.readings.v1', contentType: 'application/json', contentEncoding: undefined, headers: {}, ...overrides };
}

describe('lines of a batch', () => {
  it('are for people, with every digit, and cannot steer the terminal', () => {
    expect(linesOf(received({}), false)).toEqual([
      '2023-11-14T22:13:20.000Z north/m1 power n=9007199254740993, t=-0.50 Cel, on=true, s="a\\u001b[2J" [late bom]',
    ]);
  });

  it('are the objects as they were sent, from JSON, NDJSON and gzip alike', () => {
    const sent = JSON.stringify(JSON.parse(reading)).replace('9007199254740992', '9007199254740993').replace('-0.5', '-0.50');
    expect(linesOf(received({}), true)).toEqual([sent]);
    const lines = Buffer.from(`${reading}\n${reading}\n`);
    expect(linesOf(received({ body: lines, contentType: 'application/x-ndjson' }), true)).toEqual([sent, sent]);
    expect(linesOf(received({ body: gzipSync(lines), contentType: 'application/x-ndjson', contentEncoding: 'gzip' }), true)).toEqual([sent, sent]);
  });

  it('tell why a dead letter died', () => {
    const headers = {
      'x-sluice-code': 'DECODE_INVALID',
      'x-sluice-topic': 'a/b',
      'x-sluice-message': 'not\u0007 JSON',
      'x-sluice-buried-at': '2026-01-01T00:00:00.000Z',
    };
    const letter = received({ type: 'sluice.dead-letter.v1', body: Buffer.from([255]), contentType: undefined, headers });
    expect(linesOf(letter, false)).toEqual(['2026-01-01T00:00:00.000Z dead letter DECODE_INVALID a/b: not\\u0007 JSON (1 bytes)']);
    expect(JSON.parse(linesOf(letter, true)[0] ?? '')).toMatchObject({ body: '/w==', deadLetter: headers });
  });

  it.each([
    ['another type', { type: 'x' }, /not a batch.*"x"/],
    ['no type', { type: undefined }, /type \(none\)/],
    ['a body that is not JSON', { body: Buffer.from('{') }, /./],
    ['a batch without readings', { body: Buffer.from('{}') }, /no `readings`/],
    ['an unknown encoding', { contentEncoding: 'br' }, /"br" is not known/],
    ['damaged gzip', { contentEncoding: 'gzip' }, /header/],
  ])('are refused for %s', (_, overrides, error) => {
    expect(() => linesOf(received(overrides), false)).toThrow(error);
  });
});
