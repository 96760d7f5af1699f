import { gzipSync } from 'node:zlib';
import type { InboundMessage } from '../../src/domain/message.ts';
import type { Limits, ProfileSpec } from '../../src/domain/profile.ts';
import { time } from '../unit/pipeline/normalise-support.ts';

/** What arrives, and what becomes of it: a fault code, `empty`, or the readings' values (and what else is named). */
export interface Case {
  readonly id: string;
  readonly body: string | Uint8Array;
  readonly expect: string | Record<string, unknown>;
  readonly flags?: readonly string[];
  readonly profile?: Partial<ProfileSpec>;
  readonly message?: Partial<InboundMessage>;
  readonly limits?: Partial<Limits>;
}

const scalar = { scalar: 'v' };
const isoTime = { time: time({ from: '$.t', unit: 'iso' }), values: '$' };
const utf16 = Buffer.from('{"a":1}', 'utf16le');
const day = 24 * 3_600_000;
const year = 365 * day;
/** Readings that carry no time: the flags that every such reading has. */
const UNTIMED = ['arrival-id', 'no-device-time'];

/** The table, for a gateway whose clock shows `now` (milliseconds since 1970, whole seconds): times in it are near that. */
export function badInputCases(now: number): readonly Case[] {
  const iso = (ms: number): string => new Date(ms).toISOString().slice(0, 19);
  const midnight = Math.floor(now / day) * day - day;
  return [
    { id: 'B1 empty body', body: '', expect: 'empty' },
    { id: 'B2 one space', body: ' ', expect: 'DECODE_INVALID' },
    { id: 'B2 line feed', body: '\n', expect: 'DECODE_INVALID' },
    { id: 'B3 21.5', body: '21.5', profile: scalar, expect: { v: 21.5 } },
    { id: 'B3 -8.40', body: '-8.40', profile: scalar, expect: { v: -8.4 } },
    { id: 'B3 7915525.36', body: '7915525.36', profile: scalar, expect: { v: 7_915_525.36 } },
    { id: 'B3 a number that nothing names', body: '21.5', expect: 'SCHEMA_MISMATCH' },
    { id: 'B4 ON', body: 'ON', profile: scalar, expect: 'DECODE_INVALID' },
    { id: 'B4 true', body: 'true', profile: scalar, expect: { v: true } },
    { id: 'B4 "ON"', body: '"ON"', profile: scalar, expect: { v: 'ON' } },
    ...['nan', 'NaN', '-nan', 'inf', 'None', 'unavailable'].map((body): Case => ({ id: `B5 ${body}`, body, profile: scalar, expect: 'DECODE_INVALID' })),
    { id: 'B5 null', body: 'null', profile: scalar, expect: 'NO_VALUES' },
    { id: 'B6 bare nan in an object', body: '{"Temperature":nan,"Humidity":4}', expect: 'DECODE_INVALID' },
    { id: 'B7 1e400', body: '{"a":1e400}', expect: 'NUMBER_OUT_OF_RANGE' },
    { id: 'B8 2^53 + 1', body: '{"a":9007199254740993}', expect: { a: 9_007_199_254_740_993n } },
    { id: 'B8 2^63', body: '{"a":9223372036854775808}', expect: { a: 2n ** 63n } },
    { id: 'B8 20 digits', body: '{"a":12345678901234567890}', expect: { a: 12_345_678_901_234_567_890n } },
    { id: 'B9 spellings of numbers', body: '{"a":-0,"b":1E5,"c":0.1e-7,"d":1.0}', expect: { a: -0, b: 100_000, c: 1e-8, d: 1 } },
    ...['+1', '.5', '1.', '0x1F', '01', '-', '1e', '--1'].map((n): Case => ({ id: `B10 ${n}`, body: `{"a":${n}}`, expect: 'DECODE_INVALID' })),
    { id: 'B11 decimal comma', body: '21,5', profile: scalar, expect: 'DECODE_INVALID' },
    { id: 'B12 number with unit', body: '21.5\u00b0C', profile: scalar, expect: 'DECODE_INVALID' },
    { id: 'B12 number as a string', body: '{"a":"69.8"}', expect: { a: '69.8' } },
    { id: 'B13 truncated', body: '{"a":1,"b":{"c":', expect: 'DECODE_INVALID' },
    {
      id: 'B14 merged packets',
      body: Buffer.concat([Buffer.from('{"Time":"2021-03-18T22:0'), Buffer.from([0xf5, 0x02, 0x00]), Buffer.from('abc')]),
      expect: 'INVALID_UTF8',
    },
    { id: 'B15 comma for colon', body: '{"MqttHost","m1.example"}', expect: 'DECODE_INVALID' },
    { id: 'B15 bracket for brace', body: '{"a":[1}', expect: 'DECODE_INVALID' },
    { id: 'B15 a brace too many', body: '{"a":{"0":"None"}}}', expect: 'DECODE_INVALID' },
    { id: 'B15 a brace too few', body: '{"a":{"0":"None"}', expect: 'DECODE_INVALID' },
    ...["{'a':1}", '{"a":1,}', '[1,]', '{"a":1/*x*/}', '{a:1}', '// x\n{"a":1}'].map((body): Case => ({ id: `B16 ${body}`, body, expect: 'DECODE_INVALID' })),
    { id: 'B17 two documents', body: '{"a":1}{"a":2}', expect: 'DECODE_INVALID' },
    { id: 'B17 two lines', body: '{"a":1}\n{"a":2}\n', expect: 'DECODE_INVALID' },
    { id: 'B18 byte-order mark', body: '\ufeff{"a":1}', expect: { a: 1 }, flags: [...UNTIMED, 'bom'] },
    { id: 'B19 UTF-16LE', body: utf16, expect: 'INVALID_UTF8' },
    { id: 'B19 UTF-16BE', body: Buffer.from(utf16).swap16(), expect: 'INVALID_UTF8' },
    { id: 'B19 Latin-1', body: Buffer.from('{"u":"\u00b0C"}', 'latin1'), expect: 'INVALID_UTF8' },
    { id: 'B20 lone surrogate', body: '{"a":"\\ud800"}', expect: { a: '\ud800' } },
    { id: 'B20 overlong', body: Buffer.from([0x7b, 0x22, 0xc0, 0xaf, 0x22, 0x3a, 0x31, 0x7d]), expect: 'INVALID_UTF8' },
    {
      id: 'B20 CESU-8',
      body: Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xed, 0xa0, 0x81, 0xed, 0xb0, 0x80]), Buffer.from('"}')]),
      expect: 'INVALID_UTF8',
    },
    { id: 'B21 escaped NUL and controls', body: '{"a":"\\u0000\\u001b[31m\\r\\n"}', expect: { a: '\u0000\u001b[31m\r\n' } },
    { id: 'B21 raw control character', body: '{"a":"\u0001"}', expect: 'DECODE_INVALID' },
    { id: 'B22 duplicate key, same value', body: '{"mic":"CRC","a":1,"mic":"CRC"}', expect: { mic: 'CRC', a: 1 }, flags: [...UNTIMED, 'duplicate-key'] },
    { id: 'B22 duplicate key, other value', body: '{"a":1,"a":2}', expect: { a: 2 }, flags: [...UNTIMED, 'duplicate-key'] },
    {
      id: 'B23 names of Object.prototype',
      body: '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"toString":2,"hasOwnProperty":3}',
      expect: { '__proto__.polluted': 1, 'constructor.prototype.polluted': 1, toString: 2, hasOwnProperty: 3 },
    },
    { id: 'B23 a bare __proto__ name', body: '{"__proto__":7}', expect: Object.fromEntries([['__proto__', 7]]) },
    ...[100, 1000, 10_000, 500_000].map(
      (n): Case => ({ id: `B24 nested ${n}`, body: `${'{"a":'.repeat(n)}1${'}'.repeat(n)}`, expect: 'LIMIT_DEPTH', limits: { messageBytes: 1e8 } }),
    ),
    { id: 'B24 5 M brackets', body: Buffer.alloc(5_000_000, '['), expect: 'LIMIT_DEPTH', limits: { messageBytes: 1e8 } },
    { id: 'B25 1 M keys', body: `{${Array.from({ length: 1_000_000 }, (_, i) => `"${i}":1`).join()}}`, expect: 'LIMIT_FIELDS', limits: { messageBytes: 1e8 } },
    { id: 'B25 1 M numbers', body: `[${'1,'.repeat(1_000_000)}1]`, expect: 'LIMIT_FIELDS', limits: { messageBytes: 1e8 } },
    { id: 'B26 256 kB', body: `{"a":"${'x'.repeat(262_000)}"}`, expect: { a: 'x'.repeat(262_000) } },
    { id: 'B26 one byte too long', body: `{"a":"${'x'.repeat(1_048_569)}"}`, expect: 'LIMIT_BYTES' },
    { id: 'B26 5 MB', body: Buffer.alloc(5_000_000, 0x20), expect: 'LIMIT_BYTES' },
    { id: 'B27 one 10 MB string', body: `"${'x'.repeat(10_000_000)}"`, profile: scalar, expect: 'LIMIT_BYTES' },
    { id: 'B27 key of 1 MB', body: `{"${'k'.repeat(1_000_000)}":1}`, expect: 'SCHEMA_MISMATCH' },
    { id: 'B27 key of 500 kB over many values', body: `{"${'k'.repeat(500_000)}":[${'0,'.repeat(9000)}0]}`, expect: 'SCHEMA_MISMATCH' },
    { id: 'B28 gzip', body: gzipSync('{"a":1}'), message: { contentEncoding: 'gzip' }, expect: 'UNSUPPORTED_ENCODING' },
    { id: 'B28 gzip that does not say so', body: gzipSync('{"a":1}'), expect: 'INVALID_UTF8' },
    { id: 'B28 content encoding utf-8', body: '{"a":1}', message: { contentEncoding: 'UTF-8' }, expect: { a: 1 } },
    { id: 'B36 seconds', body: `{"t":${now / 1000},"a":1}`, profile: { time: time({ from: '$.t', unit: 's' }) }, expect: { a: 1, measuredAt: now }, flags: [] },
    {
      id: 'B36 microseconds as text',
      body: `{"t":"${now - 877}456","a":1}`,
      profile: { time: time({ from: '$.t', unit: 'us' }) },
      expect: { a: 1, measuredAt: now - 877 },
      flags: [],
    },
    {
      id: 'B36 nanoseconds',
      body: `{"t":${now - 877}456789,"a":1}`,
      profile: { time: time({ from: '$.t', unit: 'ns' }) },
      expect: { a: 1, measuredAt: now - 877 },
      flags: [],
    },
    {
      id: 'B36 the unit is not guessed',
      body: `{"t":${now},"a":1}`,
      profile: { time: time({ from: '$.t', unit: 's' }) },
      expect: { a: 1, measuredAt: now },
      flags: ['arrival-id', 'time-invalid'],
    },
    { id: 'B37 no zone', body: `{"t":"${iso(now)}","a":1}`, profile: isoTime, expect: { a: 1, measuredAt: now }, flags: ['no-zone'] },
    {
      id: 'B37 zone of the profile',
      body: `{"t":"${iso(now + 3_600_000)}","a":1}`,
      profile: { time: time({ from: '$.t', unit: 'iso', zone: '+01:00' }) },
      expect: { a: 1, measuredAt: now },
      flags: ['no-zone'],
    },
    ...['24/12/2023', '2023-13-01T00:00:00Z', '2023-02-30T00:00:00Z', '2025-11-23T08:00:60Z', '2025-11-23T24:30:00Z'].map(
      (t): Case => ({ id: `B38 ${t}`, body: `{"t":"${t}","a":1}`, profile: isoTime, expect: { a: 1, measuredAt: now }, flags: ['arrival-id', 'time-invalid'] }),
    ),
    {
      id: 'B38 24:00',
      body: `{"t":"${iso(midnight - day).slice(0, 10)}T24:00:00Z","a":1}`,
      profile: isoTime,
      expect: { a: 1, measuredAt: midnight },
      flags: ['late'],
    },
    { id: 'B39 1970', body: '{"t":"1970-01-01T00:03:12Z","a":1}', profile: isoTime, expect: { a: 1, measuredAt: now }, flags: ['arrival-id', 'clock-unset'] },
    {
      id: 'B39 uptime',
      body: '{"time":86412,"a":1}',
      profile: { time: time({ unit: 's' }) },
      expect: { a: 1, measuredAt: now },
      flags: ['arrival-id', 'clock-unset'],
    },
    ...[3_600_000, 24 * 3_600_000, 10 * year].map(
      (ahead): Case => ({
        id: `B40 ${ahead} ms ahead`,
        body: `{"time":${now + ahead},"a":1}`,
        profile: { time: time() },
        expect: { a: 1, measuredAt: now + ahead },
        flags: ['future'],
      }),
    ),
    {
      id: 'B40 year 275761',
      body: '{"time":8640000000000001,"a":1}',
      profile: { time: time() },
      expect: { a: 1, measuredAt: now },
      flags: ['arrival-id', 'time-invalid'],
    },
    {
      id: 'B41 late by days',
      body: `{"time":${now - 5 * 24 * 3_600_000},"a":1}`,
      profile: { time: time() },
      expect: { a: 1, measuredAt: now - 5 * 24 * 3_600_000 },
      flags: ['late'],
    },
    { id: 'B42 @0.087052s', body: '{"t":"@0.087052s","a":1}', profile: isoTime, expect: { a: 1, measuredAt: now }, flags: ['arrival-id', 'time-invalid'] },
    { id: 'B44 + in a topic', body: '{"a":1}', message: { topic: 'd/+' }, expect: 'BAD_TOPIC' },
    { id: 'B44 # in a topic', body: '{"a":1}', message: { topic: 'd/#' }, expect: 'BAD_TOPIC' },
    { id: 'B44 empty topic', body: '{"a":1}', message: { topic: '' }, expect: 'BAD_TOPIC' },
    { id: 'B44 empty level where the device is due', body: '{"a":1}', message: { topic: 'd/' }, expect: 'DEVICE_MISSING' },
    { id: 'B44 leading slash', body: '{"a":1}', message: { topic: '/d/1' }, expect: 'NO_PROFILE' },
    { id: 'B44 trailing slash', body: '{"a":1}', message: { topic: 'd/1/' }, expect: 'NO_PROFILE' },
    { id: 'B44 a dot is no level', body: '{"a":1}', message: { topic: 'd/a.b' }, expect: { a: 1, device: 'a.b' } },
    ...['\u0000', '\r\n', '\u001b[31m', '\u007f', '\ufffd'].map(
      (c): Case => ({ id: `B45 ${JSON.stringify(c)} in a topic`, body: '{"a":1}', message: { topic: `d/x${c}` }, expect: 'BAD_TOPIC' }),
    ),
    ...['\u200f\u05d0', '\u{1F321}', '\u00e9'.repeat(200)].map(
      (c): Case => ({ id: `B45 ${c.slice(0, 2)} in a topic`, body: '{"a":1}', message: { topic: `d/${c}` }, expect: { a: 1, device: c } }),
    ),
    { id: 'B46 $SYS', body: '{"a":1}', profile: { topics: ['{device}/#'] }, message: { topic: '$SYS/x' }, expect: 'NO_PROFILE' },
    {
      id: 'B48 device differs',
      body: '{"dev":"2","a":1}',
      profile: { deviceCheck: '$.dev' },
      expect: { a: 1, device: '1' },
      flags: [...UNTIMED, 'device-mismatch'],
    },
    { id: 'B48 device agrees', body: '{"dev":1,"a":1}', profile: { deviceCheck: '$.dev' }, expect: { a: 1, device: '1' }, flags: UNTIMED },
    { id: 'B49 unknown topic', body: '{"a":1}', message: { topic: 'other/1' }, expect: 'NO_PROFILE' },
    { id: 'B50 number', body: '{"v":21.5}', expect: { v: 21.5 } },
    { id: 'B50 text', body: '{"v":"21.5"}', expect: { v: '21.5' } },
    { id: 'B50 object', body: '{"v":{"v":21.5}}', expect: { 'v.v': 21.5 } },
    { id: 'B50 array', body: '{"v":[21.5]}', expect: { 'v.0': 21.5 } },
    { id: 'B50 truth', body: '{"v":true}', expect: { v: true } },
    { id: 'B50 null', body: '{"v":null}', expect: 'NO_VALUES' },
    { id: 'B50 null beside a value', body: '{"v":null,"w":1}', expect: { w: 1 } },
    { id: 'B54 strings stay strings', body: '{"a":"-----W--","b":"0x1F","c":"AUTO"}', expect: { a: '-----W--', b: '0x1F', c: 'AUTO' } },
    {
      id: 'B55 value and parent: the value',
      body: '"online"',
      profile: { ...scalar, topics: ['d/{device}', 'd/{device}/{channel...}'] },
      message: { topic: 'd/1' },
      expect: { v: 'online' },
    },
    {
      id: 'B55 value and parent: below',
      body: '5',
      profile: { ...scalar, topics: ['d/{device}', 'd/{device}/{channel...}'] },
      message: { topic: 'd/1/y' },
      expect: { v: 5 },
    },
    { id: 'B56 one bad reading of many', body: '[{"a":1},5,{"a":3}]', expect: 'SCHEMA_MISMATCH' },
    { id: 'B56 too many readings', body: `[${'{"a":1},'.repeat(100)}{"a":1}]`, limits: { readingsPerMessage: 100 }, expect: 'LIMIT_READINGS' },
    { id: 'B63 number text', body: '{"a":1.10,"b":1e2}', expect: { a: 1.1, b: 100 } },
    { id: 'B64 odd keys', body: '{"":1," ":2,"a.b":3,"a":{"b":4},"$":5}', expect: { '': 1, ' ': 2, 'a\\.b': 3, 'a.b': 4, $: 5 } },
    { id: 'B64 NFC and NFD', body: '{"\u00e9":1,"e\u0301":2}', expect: { '\u00e9': 1, 'e\u0301': 2 } },
    {
      id: 'B65 names',
      body: '{"Temp \u00b0C":21}',
      profile: { topics: ['K\u00fcche/{device}'] },
      message: { topic: 'K\u00fcche/Thermostat S\u00fcd' },
      expect: { 'Temp \u00b0C': 21, device: 'Thermostat S\u00fcd' },
    },
  ];
}
