import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { exactJson } from '../../support/exact-json.ts';
import { bench } from '../codec/decoding.ts';

const corpus = new URL('../../../../shared/data/corpus/', import.meta.url);

function present(name: string): boolean {
  const there = existsSync(new URL(name, corpus));
  if (!there) console.warn(`skipped: the corpus folder ${name} is not here`);
  return there;
}

/** JSON with its integers exact; the lists where a file is missing are empty and their tests skipped. */
function jsonFile(name: string, missing: unknown): unknown {
  const file = new URL(name, corpus);
  return existsSync(file) ? exactJson(readFileSync(file, 'utf8')) : missing;
}

const REFUSED = 'DECODE_INVALID';

/**
 * What the vectors of RFC 8949 appendix A become that JSON cannot write down: missing values, tags and bytes as the
 * codec documents them, and the two that are well-formed but have no meaning.
 */
const DIAGNOSTICS: Readonly<Record<string, unknown>> = {
  NaN: null,
  Infinity: null,
  '-Infinity': null,
  undefined: null,
  // Unassigned simple values: section 3.3 reserves their meaning for the future, so nothing true can be forwarded.
  'simple(16)': REFUSED,
  'simple(24)': REFUSED,
  'simple(255)': REFUSED,
  '0("2013-03-21T20:04:00Z")': '2013-03-21T20:04:00Z',
  '1(1363896240)': 1_363_896_240,
  '1(1363896240.5)': 1_363_896_240.5,
  '2(18446744073709551616)': 2n ** 64n,
  "2(h'010000000000000000')": 2n ** 64n,
  "3(h'010000000000000000')": -(2n ** 64n) - 1n,
  "23(h'01020304')": '01020304',
  "24(h'6449455446')": '6449455446',
  '32("http://www.example.com")': 'http://www.example.com',
  "h''": '',
  "h'01020304'": '01020304',
  "(_ h'0102', h'030405')": '0102030405',
  '{1: 2, 3: 4}': { '1': 2, '3': 4 },
};

interface CborVector {
  readonly hex: string;
  readonly decoded?: unknown;
  readonly diagnostic?: string;
}

describe.skipIf(!present('cbor/'))('cbor', () => {
  const { decode } = bench('cbor');
  const good = jsonFile('cbor/appendix_a.json', []) as readonly CborVector[];
  const bad = jsonFile('cbor/fail.json', []) as readonly CborVector[];

  it('is all there', () => {
    expect(good.length).toBeGreaterThan(30);
    expect(bad.length).toBeGreaterThan(200);
  });

  it.each(good)('$hex is read', ({ hex, decoded, diagnostic }) => {
    const known = diagnostic === undefined ? { [hex]: decoded } : DIAGNOSTICS;
    const key = diagnostic ?? hex;
    expect(Object.keys(known)).toContain(key);
    expect(decode(hex)).toEqual(known[key]);
  });

  it('every ill-formed one is refused', () => {
    expect(bad.filter(({ hex }) => decode(hex) !== REFUSED)).toEqual([]);
  });
});

interface MsgpackVector {
  readonly msgpack: readonly string[];
  readonly [kind: string]: unknown;
}

/** What a vector becomes. Big numbers have both `number` (rounded) and `bignum`. */
function msgpackValue(vector: MsgpackVector): unknown {
  if (typeof vector['bignum'] === 'string') {
    const n = BigInt(vector['bignum']);
    return Number.isSafeInteger(Number(n)) ? Number(n) : n;
  }
  if (typeof vector['binary'] === 'string') return vector['binary'].replaceAll('-', '');
  if (Array.isArray(vector['timestamp'])) {
    const [seconds, nanoseconds] = vector['timestamp'] as [number, number];
    const fraction = nanoseconds === 0 ? '' : `.${String(nanoseconds).padStart(9, '0')}`.replace(/0+$/, '');
    return `${new Date(seconds * 1000).toISOString().slice(0, 19)}${fraction}Z`;
  }
  // Application-specific extensions have no meaning that a gateway could know.
  if (vector['ext'] !== undefined) return REFUSED;
  const kind = ['nil', 'bool', 'number', 'string', 'array', 'map'].find((name) => name in vector) ?? 'nil';
  return vector[kind];
}

describe.skipIf(!present('msgpack/'))('msgpack', () => {
  const { decode } = bench('msgpack');
  const groups = Object.entries(jsonFile('msgpack/msgpack-test-suite.json', {}) as Record<string, readonly MsgpackVector[]>);
  const vectors = groups.flatMap(([group, list]) => list.flatMap((vector) => vector.msgpack.map((hex) => ({ group, hex, value: msgpackValue(vector) }))));

  it('is all there', () => expect(vectors.length).toBeGreaterThan(80));

  it.each(vectors)('$group $hex', ({ hex, value }) => expect(decode(hex)).toEqual(value));

  it('every one is refused when its last byte is missing, and when one follows', () => {
    const hex = vectors.filter(({ value }) => value !== REFUSED).map((vector) => vector.hex.replaceAll('-', ''));
    expect(hex.filter((text) => decode(`${text}00`) !== REFUSED)).toEqual([]);
    expect(hex.filter((text) => text.length > 2 && decode(text.slice(0, -2)) !== REFUSED)).toEqual([]);
  });
});

interface Resolved {
  readonly n: string;
  readonly u?: string;
  readonly t?: number;
  readonly v?: number;
}

interface Group {
  readonly device: string;
  readonly time?: number;
  readonly values: Readonly<Record<string, unknown>>;
  readonly units: Readonly<Record<string, string>>;
}

/** Records as the corpus resolves them, to be compared as sets: the joint between device and name is not told any more. */
function records(groups: readonly Group[], joint: (device: string, name: string) => string): string[] {
  return groups
    .flatMap(({ device, time, values, units }) => Object.entries(values).map(([name, v]) => JSON.stringify([joint(device, name), units[name], time, v])))
    .toSorted();
}

describe.skipIf(!present('senml/'))('senml', () => {
  const folder = new URL('senml/', corpus);
  const files = existsSync(folder) ? readdirSync(folder) : [];
  const json = bench('senml-json');
  const cbor = bench('senml-cbor');
  const read = (name: string): Buffer => readFileSync(new URL(name, folder));
  const resolved = files.filter((name) => name.endsWith('.gen.resolved.json'));

  it('is all there', () => expect(resolved.length).toBeGreaterThan(4));

  // example 1 has no time: its resolved file says when it was resolved.
  it.each(
    resolved.flatMap((name) => files.filter((other) => other.endsWith('.json') && other.startsWith(`${name.split('.')[0]}.`)).map((other) => [other, name])),
  )('%s means %s', (name, resolvedName) => {
    const groups = json.decode(read(name)) as readonly Group[];
    const wanted = JSON.parse(read(resolvedName).toString()) as readonly Resolved[];
    const names = new Set(wanted.map(({ n }) => n));
    const joint = (device: string, name: string): string =>
      [device, `${device}:${name}`, `${device}/${name}`].find((text) => names.has(text)) ?? `${device} ${name}`;
    const timed = groups.some(({ time }) => time !== undefined);
    expect(records(groups, joint)).toEqual(wanted.map(({ n, u, t, v }) => JSON.stringify([n, u, timed ? t : undefined, v])).toSorted());
  });

  it('CBOR means the same as JSON', () => {
    expect(cbor.decode(read('ex3.gen.cbor'))).toEqual(json.decode(read('ex3.json')));
  });

  it('LwM2M: the device object', () => {
    const groups = json.decode(read('lwm2m_device_object.senml.json')) as readonly Group[];
    expect(groups).toHaveLength(1);
    expect(groups[0]).toMatchObject({ device: '/3/0', values: { '0': 'Open Mobile Alliance', '6/1': 5, '9': 100, '13': 1_367_491_215, '14': '+02:00' } });
    expect(Object.keys(groups[0]?.values ?? {})).toHaveLength(16);
  });

  it('position and humidity of one device stay together', () => {
    const groups = json.decode(read('silkeh_example_6.json')) as readonly Group[];
    expect(groups[0]?.values).toEqual({ value: 20, lon: 24.306_21, lat: 60.079_65 });
  });

  it.each([
    ['silkeh_example_0.json', 'records without any name', 'json'],
    ['absmach_0.hex', 'version 11', 'cbor'],
    ['absmach_2.hex', 'SenML in XML', 'json'],
    ['ex4.gen.json-trim', 'cut short with dots for print', 'json'],
    ['ex3.gen.xml', 'SenML in XML', 'json'],
  ])('%s is refused: %s', (name, _why, form) => {
    const body = name.endsWith('.hex') ? Buffer.from(read(name).toString(), 'hex') : read(name);
    expect((form === 'cbor' ? cbor : json).decode(body)).toBe(REFUSED);
  });

  it('every other document is read', () => {
    const others = files.filter((name) => name.endsWith('.json') && name !== 'silkeh_example_0.json');
    expect(others.filter((name) => !json.result(read(name)).ok)).toEqual([]);
  });
});
