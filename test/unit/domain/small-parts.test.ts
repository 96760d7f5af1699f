import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyBag } from '../../../src/domain/bag.ts';
import { BoundedCache } from '../../../src/domain/bounded-cache.ts';
import { excerpt } from '../../../src/domain/excerpt.ts';
import { FLAGS, flagBits, flagList } from '../../../src/domain/flags.ts';
import { bodyDigest, firstId, idBehind, setStem } from '../../../src/domain/reading-id.ts';
import { UnitTable } from '../../../src/domain/unit-table.ts';

describe('a bag', () => {
  it('inherits nothing, and its names are its own', () => {
    const bag = emptyBag<unknown>();
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']) {
      expect(name in bag).toBe(false);
      bag[name] = { polluted: true };
    }
    expect(Object.keys(bag)).toEqual(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']);
    expect('polluted' in bag).toBe(false);
    expect('__proto__' in emptyBag()).toBe(false);
    expect(JSON.stringify(bag)).toContain('"__proto__":{"polluted":true}');
  });

  it('cannot be given a common name', () => {
    const shared = Object.getPrototypeOf(emptyBag()) as Record<string, unknown>;
    expect(() => {
      shared['x'] = 1;
    }).toThrow(TypeError);
  });
});

describe('BoundedCache', () => {
  it('holds at most what it may, and what is in use stays', () => {
    const cache = new BoundedCache<number>(100, 10);
    cache.set('hot', 1);
    for (let i = 0; i < 10_000; i += 1) {
      cache.set(`k${i}`, i);
      expect(cache.get('hot')).toBe(1);
      expect(cache.size).toBeLessThanOrEqual(100);
    }
    expect(cache.get('k0')).toBeUndefined();
    expect(cache.get('k9999')).toBe(9999);
  });

  it('does not keep long keys', () => {
    const cache = new BoundedCache<number>(100, 10);
    cache.set('x'.repeat(11), 1);
    expect(cache.get('x'.repeat(11))).toBeUndefined();
    expect(cache.size).toBe(0);
  });
});

describe('excerpt', () => {
  it('is one short line without anything that moves a cursor', () => {
    expect(excerpt('a\r\n\u001b[31mb\u202e\u2028\ud800')).toBe('a\\u{d}\\u{a}\\u{1b}[31mb\\u{202e}\\u{2028}\\u{d800}');
    expect(excerpt('x'.repeat(100), 10)).toBe('xxxxxxxxxx...');
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !/[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(excerpt(text))));
  });
});

describe('flags', () => {
  it('go to bits and back, in order, sharing lists', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...FLAGS]), (flags) => {
        const list = flagList(flagBits(flags));
        expect(list ?? []).toEqual(FLAGS.filter((flag) => flags.includes(flag)));
        expect(flagList(flagBits(flags))).toBe(list);
      }),
    );
    expect(new Set(FLAGS.map((flag) => flagBits([flag]))).size).toBe(FLAGS.length);
  });
});

describe('ids of readings', () => {
  const idOf = (topic: string, device: string, body: Uint8Array): string => {
    const stem = { stemA: 0, stemB: 0, stemC: 0 };
    setStem(stem, topic, device);
    return firstId(stem, bodyDigest(body));
  };
  const stemOf = (topic: string, device: string): string => idOf(topic, device, Buffer.alloc(0)).slice(0, 16);
  const digestOf = (body: Uint8Array): string => idOf('', '', body).slice(16, 32);

  it('begin with 16 characters of SHA-256 over topic, zero byte and device', () => {
    for (const [topic, device] of [
      ['d/1', '1'],
      ['Küche/1', 'Thermostat Süd'],
    ] as const) {
      const expected = createHash('sha256').update(topic).update('\0').update(device).digest('base64url').slice(0, 16);
      expect(stemOf(topic, device)).toBe(expected);
    }
    expect(stemOf('a', 'b')).not.toBe(stemOf('ab', ''));
    for (let i = 0; i < 200; i += 1) expect(stemOf('t', String(i))).toBe(createHash('sha256').update(`t\0${i}`).digest('base64url').slice(0, 16));
  });

  // The first is published with the algorithm (words 2f1583c3 ecee2c67 5d7bf66c); the others from a reference of our own.
  it.each([
    ['The quick brown fox jumps over the lazy dog', 'DPYFvcGLuzOb2vXX'],
    ['', 'AAAAAAAAAAAAAAAA'],
    ['a', '8MJlnuBsWV1GwaVV'],
    ['{"temperature":21.5}', 'zkkqp5awo8uRHHAY'],
    ['x'.repeat(31), '6lVAvJ-j4BkZzvhL'],
  ])('go on with MurmurHash3_x86_128 of the body: %s', (text, expected) => expect(digestOf(Buffer.from(text))).toBe(expected));

  it('end with the number of the reading in its message', () => {
    const first = idOf('d/1', '1', Buffer.from('a'));
    expect(first).toBe(`${stemOf('d/1', '1')}8MJlnuBsWV1GwaVV-0`);
    expect([idBehind(first, 1), idBehind(first, 4999)]).toEqual([`${first.slice(0, 33)}1`, `${first.slice(0, 33)}4999`]);
  });

  it('do not depend on the body before', () => {
    for (const length of [16, 4079, 4080, 4081, 100_000]) {
      digestOf(Buffer.alloc(length, 0xff));
      expect(digestOf(Buffer.from('a'))).toBe('8MJlnuBsWV1GwaVV');
    }
  });

  it('differ where a single bit of the body does', () => {
    const body = Buffer.from(Array.from({ length: 67 }, (_, i) => (i * 37) & 0xff));
    const seen = new Set([digestOf(body)]);
    for (let bit = 0; bit < body.length * 8; bit += 1) {
      const other = Buffer.from(body);
      other[bit >> 3] = (other[bit >> 3] as number) ^ (1 << (bit & 7));
      seen.add(digestOf(other));
      seen.add(digestOf(body.subarray(0, bit >> 3)));
    }
    expect(seen.size).toBe(1 + body.length * 9);
  });
});

describe('UnitTable', () => {
  it('gives the units of the values that are there, and shares equal sets', () => {
    const table = new UnitTable({ a: 'Cel', b: 'W' });
    const of = (...names: string[]): unknown => {
      const values = emptyBag<number>();
      for (const name of names) {
        values[name] = 1;
      }
      return table.of(values);
    };
    expect({ ...(of('a', 'x') as object) }).toEqual({ a: 'Cel' });
    expect({ ...(of('b', 'a') as object) }).toEqual({ a: 'Cel', b: 'W' });
    expect(of('a', 'x')).toBe(of('y', 'a'));
    expect(of('x')).toBeUndefined();
  });

  it('does so for more names than there are bits', () => {
    const names = Array.from({ length: 100 }, (_, i) => `n${i}`);
    const table = new UnitTable(Object.fromEntries(names.map((name) => [name, name.toUpperCase()])));
    const values = emptyBag<number>();
    values['n0'] = 1;
    values['n99'] = 1;
    expect({ ...table.of(values) }).toEqual({ n0: 'N0', n99: 'N99' });
    expect(table.of(emptyBag())).toBeUndefined();
  });
});
