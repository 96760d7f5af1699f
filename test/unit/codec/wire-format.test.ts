import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { Ajv, type ValidateFunction } from 'ajv';
import { describe, expect, it } from 'vitest';
import { encodeBatch } from '../../../src/codec/batch.ts';
import { encodeReading } from '../../../src/codec/reading.ts';
import { FLAGS } from '../../../src/domain/flags.ts';
import type { Reading } from '../../../src/domain/reading.ts';
import { contentOfTexts } from '../../support/batches.ts';
import { message, normaliser, readings, time } from '../pipeline/normalise-support.ts';

const root = new URL('../../../', import.meta.url);
const page = readFileSync(new URL('docs/wire-format.md', root), 'utf8');
const schema = JSON.parse(readFileSync(new URL('docs/schema/readings-v1.json', root), 'utf8')) as { definitions: Record<string, any> };
const ajv = new Ajv({ allErrors: true, allowUnionTypes: true });
const validate = ajv.compile(schema);
const validateReading = ajv.compile({ ...schema.definitions['reading'], definitions: schema.definitions });

function problems(check: ValidateFunction, body: unknown): unknown[] {
  return check(body) ? [] : (check.errors ?? []);
}

function samples(): readonly Reading[] {
  const gateway = normaliser({
    each: '$.list',
    time: time(),
    units: { a: 'Cel' },
    tags: { site: 'hall', kind: '$.kind' },
    exclude: ['skip'],
  });
  const list = [
    { time: 1_763_884_790_000, a: 21.5, nested: { b: 'text "quoted"', c: [1, true] } },
    { time: 1, a: -0.5, kind: 'x' },
    { time: 'never', text: 'line\nfeed \u{1F600}' },
    { big: 'B', time: 1_663_884_790_000 },
  ];
  const body = JSON.stringify({ list }).replace('"B"', '18446744073709551615').replace('"a":-0.5', '"a":1,"a":-0.5');
  return readings(gateway.normalise(message(body)));
}

const input = { id: 'batch-1', gateway: 'gw "1"', sealedAt: 1_763_884_800_123, encoding: 'json', gzip: false } as const;

describe('encodeBatch', () => {
  it('writes JSON that the published schema accepts', () => {
    const batch = encodeBatch({ ...input, content: contentOfTexts(samples().map(encodeReading), 'json') });
    expect(batch).toMatchObject({ type: 'sluice.readings.v1', contentType: 'application/json', contentEncoding: undefined });
    const body = JSON.parse(batch.body.toString()) as { readings: unknown[] };
    expect(problems(validate, body)).toEqual([]);
    expect(body).toMatchObject({ version: 1, batch: 'batch-1', gateway: 'gw "1"', sealedAt: 1_763_884_800_123 });
    expect(body.readings).toHaveLength(4);
  });

  it('writes NDJSON: a reading a line, each ended by a line feed', () => {
    const batch = encodeBatch({ ...input, encoding: 'ndjson', content: contentOfTexts(samples().map(encodeReading), 'ndjson') });
    expect(batch.contentType).toBe('application/x-ndjson');
    const lines = batch.body.toString().split('\n');
    expect(lines.pop()).toBe('');
    expect(lines).toHaveLength(4);
    for (const line of lines) {
      expect(problems(validateReading, JSON.parse(line))).toEqual([]);
    }
  });

  it('packs with gzip, and gives the same bytes on every attempt', () => {
    const content = contentOfTexts(samples().map(encodeReading), 'json');
    const plain = encodeBatch({ ...input, content });
    const packed = encodeBatch({ ...input, gzip: true, content });
    expect(packed.contentEncoding).toBe('gzip');
    expect(gunzipSync(packed.body)).toEqual(plain.body);
    expect(encodeBatch({ ...input, gzip: true, content }).body).toEqual(packed.body);
  });
});

describe('the schema', () => {
  const good = { id: 'i', device: 'd', profile: 'p', topic: 't', measuredAt: 1, receivedAt: 1, values: { a: 1 } };

  it.each([
    ['no values', { ...good, values: {} }],
    ['a null', { ...good, values: { a: null } }],
    ['a nested value', { ...good, values: { a: { b: 1 } } }],
    ['an unknown flag', { ...good, flags: ['odd'] }],
    ['a fraction of a millisecond', { ...good, measuredAt: 1.5 }],
    ['a missing id', { ...good, id: undefined }],
    ['a tag that is a number', { ...good, tags: { a: 1 } }],
  ])('refuses %s', (_, reading) => {
    expect(validateReading(JSON.parse(JSON.stringify(good)))).toBe(true);
    expect(validateReading(JSON.parse(JSON.stringify(reading)))).toBe(false);
  });

  it('knows the flags of the code, all and no others', () => {
    expect(schema.definitions['reading'].properties.flags.items.enum).toEqual(FLAGS);
  });
});

describe('docs/wire-format.md', () => {
  it('lists every flag, and no others', () => {
    const table = page.slice(page.indexOf('## Flags'), page.indexOf('## What a consumer must do'));
    expect([...table.matchAll(/^\| `([a-z-]+)` \|/gm)].map((row) => row[1])).toEqual(FLAGS);
  });

  it('shows an example that the schema accepts', () => {
    const example = /```json\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
    expect(problems(validate, JSON.parse(example))).toEqual([]);
  });

  it('names every header of a dead letter that the code writes', () => {
    const code = readFileSync(new URL('src/rabbit/dead-letters.ts', root), 'utf8');
    const headers = new Set([...code.matchAll(/'(x-sluice-[a-z-]+)'/g)].map((found) => found[1] as string));
    expect(headers.size).toBeGreaterThan(8);
    for (const header of headers) {
      expect(page).toContain(`\`${header}\``);
    }
  });
});
