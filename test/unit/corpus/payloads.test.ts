import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { jsonCodec } from '../../../src/codec/json.ts';
import { detachedEnvironment } from '../../../src/codec/registry.ts';
import { encodeReading } from '../../../src/codec/reading.ts';
import { DEFAULT_LIMITS } from '../../../src/domain/profile.ts';
import { topicProblem } from '../../../src/domain/topic.ts';
import type { Reading } from '../../../src/domain/reading.ts';
import { message, normaliser, outcome, readings } from '../pipeline/normalise-support.ts';

const corpus = new URL('../../../../shared/data/corpus/', import.meta.url);

function present(name: string): boolean {
  const there = existsSync(new URL(name, corpus));
  if (!there) {
    console.warn(`skipped: the corpus folder ${name} is not here`);
  }
  return there;
}

describe.skipIf(!present('json_torture/'))('json_torture', () => {
  const folder = new URL('json_torture/', corpus);
  const decoder = jsonCodec.create({}, detachedEnvironment('test'));
  const files = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.json')) : [];

  it('is all there', () => {
    expect(files.length).toBeGreaterThan(100);
  });

  it.each(files)('%s', (file) => {
    const { ok } = decoder.decode(readFileSync(new URL(encodeURIComponent(file), folder)), DEFAULT_LIMITS, { topic: 't', receivedAt: 0 });
    const wanted = file.startsWith('y_') ? [true] : file.startsWith('n_') ? [false] : [true, false];
    expect(wanted).toContain(ok);
  });
});

describe.skipIf(!present('field_garbage/'))('field_garbage', () => {
  const file = new URL('field_garbage/messages.jsonl', corpus);
  const lines = existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
    : [];

  it('has one outcome for each message, and none is an error of ours', () => {
    expect(lines.length).toBeGreaterThan(5);
    const gateway = normaliser({ topics: ['{device...}'], scalar: 'value' });
    for (const line of lines) {
      const { topic, payload, payload_b64: packed } = JSON.parse(line) as { topic: string; payload?: string; payload_b64?: string };
      const body = packed === undefined ? Buffer.from(payload ?? '') : Buffer.from(packed, 'base64');
      const result = gateway.normalise(message(body, { topic }));
      expect(['readings', 'empty', 'DECODE_INVALID', 'INVALID_UTF8']).toContain(outcome(result));
    }
  });
});

describe.skipIf(!present('naughty_strings/'))('naughty_strings', () => {
  const file = new URL('naughty_strings/blns.json', corpus);
  const strings = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as string[]) : [];

  it('as a payload: one outcome each', () => {
    const gateway = normaliser({ scalar: 'v' });
    for (const text of strings) {
      expect(['readings', 'empty', 'DECODE_INVALID', 'NO_VALUES', 'NUMBER_OUT_OF_RANGE', 'SCHEMA_MISMATCH']).toContain(
        outcome(gateway.normalise(message(text))),
      );
    }
  });

  it('as device, tag, unit, name and value: they come out as they went in', () => {
    expect(strings.length).toBeGreaterThan(200);
    for (const text of strings.filter((one) => one !== '' && one.length <= 1024)) {
      const gateway = normaliser({ topics: ['x'], device: '$.id', tags: { [text]: '$.tag' }, values: { [text]: '$.v' }, units: { [text]: text } });
      const body = JSON.stringify({ id: text, tag: text, v: text });
      const [reading] = readings(gateway.normalise(message(body, { topic: 'x' })));
      const back = JSON.parse(encodeReading(reading as Reading)) as Reading;
      expect(back.device).toBe(text);
      for (const table of [back.values, back.units, back.tags]) {
        expect(Object.entries(table ?? {})).toEqual([[text, text]]);
      }
    }
  });

  it('as a topic: taken as it is, or refused as a bad topic', () => {
    const gateway = normaliser({ topics: ['d/{device...}'] });
    for (const text of strings.filter((one) => one !== '')) {
      const result = gateway.normalise(message('{"a":1}', { topic: `d/${text}` }));
      expect(result.kind === 'readings' ? result.readings[0]?.device : outcome(result)).toBe(topicProblem(text) === undefined ? text : 'BAD_TOPIC');
    }
  });
});
