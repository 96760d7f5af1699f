import { deflateSync, gzipSync, zstdCompressSync } from './zlib-support.ts';
import { describe, expect, it } from 'vitest';
import { firstOf } from '../../../src/codec/first-of.ts';
import { failed } from '../../../src/domain/fault.ts';
import { DEFAULT_LIMITS, type ProfileSpec } from '../../../src/domain/profile.ts';
import { message, normaliser, outcome, readings } from './normalise-support.ts';
import { isCheap } from '../../support/cpu.ts';

const BODY = '{"a":1}';
const all: Partial<ProfileSpec> = { encodings: ['gzip', 'deflate', 'zstd'] };
const said = (spec: Partial<ProfileSpec>, body: Uint8Array | string, contentEncoding?: string, limits = {}) =>
  outcome(normaliser(spec, limits).normalise(message(body, { contentEncoding })));

describe('compressed payloads', () => {
  it.each<[string, Uint8Array, string | undefined]>([
    ['gzip by its first bytes', gzipSync(BODY), undefined],
    ['gzip by its name', gzipSync(BODY), 'gzip'],
    ['gzip by its old name', gzipSync(BODY), 'X-GZIP'],
    ['gzip under a name that says nothing', gzipSync(BODY), 'utf-8'],
    ['gzip of two members', Buffer.concat([gzipSync('{"a"'), gzipSync(':1}')]), undefined],
    ['deflate by its first bytes', deflateSync(BODY), undefined],
    ['deflate by its name', deflateSync(BODY, { level: 1 }), 'deflate'],
    ['nothing', Buffer.from(BODY), undefined],
    ['nothing, and says so', Buffer.from(BODY), 'identity'],
  ])('%s', (_, body, name) => {
    const result = normaliser(all).normalise(message(body, { contentEncoding: name }));
    expect(readings(result).map((reading) => ({ ...reading.values }))).toEqual([{ a: 1 }]);
  });

  it('only what the profile names', () => {
    expect(said({ encodings: ['gzip'] }, deflateSync(BODY), 'deflate')).toBe('UNSUPPORTED_ENCODING');
    expect(['DECODE_INVALID', 'INVALID_UTF8']).toContain(said({ encodings: ['gzip'] }, deflateSync(BODY)));
    expect(said({}, gzipSync(BODY), 'gzip')).toBe('UNSUPPORTED_ENCODING');
    expect(['DECODE_INVALID', 'INVALID_UTF8']).toContain(said({}, gzipSync(BODY)));
    expect(said(all, BODY, 'br')).toBe('UNSUPPORTED_ENCODING');
    expect(said(all, BODY, 'toString')).toBe('UNSUPPORTED_ENCODING');
  });

  it('zstd, or a clear word where Node.js has none', () => {
    const body = zstdCompressSync?.(Buffer.from(BODY)) ?? Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0]);
    expect(said(all, body)).toBe(zstdCompressSync === undefined ? 'UNSUPPORTED_ENCODING' : 'readings');
  });

  it('B29: a bomb costs its bound, in time and in memory', () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024), { level: 9 });
    expect(bomb.length).toBeLessThan(100_000);
    expect(isCheap(() => expect(said(all, bomb)).toBe('LIMIT_BYTES'))).toBe(true);
  });

  it('the bound is of what comes out, to the byte', () => {
    expect(said(all, gzipSync(BODY), undefined, { messageBytes: 100 })).toBe('readings');
    const long = gzipSync(`"${'x'.repeat(998)}"`);
    expect(said({ ...all, scalar: 'v' }, long, undefined, { messageBytes: 1000 })).toBe('readings');
    expect(said({ ...all, scalar: 'v' }, long, undefined, { messageBytes: 999 })).toBe('LIMIT_BYTES');
  });

  it.each<[string, Uint8Array, string | undefined, string]>([
    ['cut short', gzipSync(BODY).subarray(0, 15), undefined, 'DECODE_INVALID'],
    ['a wrong checksum', Buffer.from(gzipSync(BODY)).fill(0, 20, 24), undefined, 'DECODE_INVALID'],
    ['a name that lies', Buffer.from(BODY), 'gzip', 'DECODE_INVALID'],
    ['gzip in gzip', gzipSync(gzipSync(BODY)), undefined, 'UNSUPPORTED_ENCODING'],
    ['gzip in deflate', deflateSync(gzipSync(BODY)), undefined, 'UNSUPPORTED_ENCODING'],
    ['nothing inside', gzipSync(''), undefined, 'empty'],
    ['the first bytes alone', Buffer.from([0x1f, 0x8b, 8]), undefined, 'DECODE_INVALID'],
  ])('%s', (_, body, name, wanted) => {
    expect(said(all, body, name)).toBe(wanted);
  });

  it('ids come from the bytes that were sent', () => {
    const gateway = normaliser({ ...all, sequence: '$.seq' });
    const body = '{"a":1,"seq":7}';
    const [one, two] = [gzipSync(body), gzipSync(body)].map((packed) => readings(gateway.normalise(message(packed)))[0]?.id);
    const plain = readings(gateway.normalise(message(body)))[0]?.id;
    expect(one).toBe(two);
    expect(plain).not.toBe(one);
  });
});

describe('several codecs', () => {
  const spec: Partial<ProfileSpec> = { codec: ['json', 'scalar'], codecOptions: { scalar: { words: true } }, scalar: 'v' };
  it('the first that can read the payload wins', () => {
    const gateway = normaliser(spec);
    const values = ['{"a":1}', '21.5', 'ON', '"ON"'].map((body) => ({ ...readings(gateway.normalise(message(body)))[0]?.values }));
    expect(values).toEqual([{ a: 1 }, { v: 21.5 }, { v: true }, { v: 'ON' }]);
  });
  it('where none can, the fault is that of the first', () => {
    const result = normaliser(spec).normalise(message('{"a":'));
    expect(result).toMatchObject({ kind: 'fault', fault: { code: 'DECODE_INVALID', message: expect.stringContaining('not JSON') } });
  });
  it('a payload beyond a limit is not tried as something else', () => {
    expect(said(spec, '[[[[1]]]]', undefined, { depth: 3 })).toBe('LIMIT_DEPTH');
    const tried: string[] = [];
    const decoders = (['INVALID_UTF8', 'DECODE_INVALID', 'NUMBER_OUT_OF_RANGE', 'INVALID_UTF8'] as const).map((code) => ({
      decode: () => {
        tried.push(code);
        return failed(code, code);
      },
    }));
    const result = firstOf(decoders).decode(Buffer.from('x'), DEFAULT_LIMITS, { topic: 't', receivedAt: 0 });
    expect([tried, result.ok || result.fault.code]).toEqual([['INVALID_UTF8', 'DECODE_INVALID', 'NUMBER_OUT_OF_RANGE'], 'NUMBER_OUT_OF_RANGE']);
  });
  it.each<[Partial<ProfileSpec>, RegExp]>([
    [{ codec: [] }, /codec: at least one codec is needed/],
    [{ codec: ['json', 'json'] }, /codec: one codec stands twice/],
    [{ codec: ['json', 'smoke'] }, /codec: there is no "smoke"/],
    [{ codec: 'json', codecOptions: { x: 1 } }, /codecOptions\.x: this codec has no options/],
    [{ codec: ['json', 'scalar'], codecOptions: { words: {} } }, /codecOptions\.words: is none of the codecs/],
    [{ codec: ['json', 'scalar'], codecOptions: { scalar: 5 } }, /codecOptions\.scalar: must be a mapping/],
  ])('refuses %j', (changes, problem) => {
    expect(() => normaliser(changes)).toThrow(problem);
  });
});
