import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { opcuaJsonCodec } from '../../../src/codec/opcua.ts';
import { detachedEnvironment } from '../../../src/codec/registry.ts';
import { DEFAULT_LIMITS } from '../../../src/domain/profile.ts';

const decoder = opcuaJsonCodec.create({}, detachedEnvironment('test'));

function decode(body: unknown): { document?: unknown; ignored?: string | undefined; code?: string } {
  const result = decoder.decode(Buffer.from(JSON.stringify(body)), DEFAULT_LIMITS, { topic: 'plant/line', receivedAt: 0 });
  if (!result.ok) return { code: result.fault.code };
  return {
    document: JSON.parse(JSON.stringify(result.value.document, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value))) as unknown,
    ignored: result.value.ignored,
  };
}

const DATA = { MessageType: 'ua-data', PublisherId: 'plant' };

describe('opcua-json', () => {
  it('reads network messages, and lists of them', () => {
    const network = { ...DATA, Messages: [{ DataSetWriterId: 4, SequenceNumber: 8, Timestamp: '2023-11-14T22:10:00Z', Payload: { a: 1, b: { Value: 2 } } }] };
    const expected = { device: 'plant/4', publisher: 'plant', writer: '4', sequence: 8, time: '2023-11-14T22:10:00Z', values: { a: 1, b: 2 } };
    expect(decode(network)).toEqual({ document: [expected] });
    expect(decode([network, network])).toEqual({ document: [expected, expected] });
    expect(decode({ body: network, properties: {} })).toEqual({ document: [expected] });
  });

  it('reads a data set message alone, and fields alone', () => {
    expect(decode({ PublisherId: 'p', DataSetWriterName: 'w', Payload: { a: 1 } })).toMatchObject({ document: [{ device: 'p/w', values: { a: 1 } }] });
    expect(decode({ a: 1, b: 'x' })).toEqual({ document: [{ device: 'plant/line', values: { a: 1, b: 'x' } }] });
    expect(decode({ body: 5, Payload: { body: 6 } })).toMatchObject({ document: [{ values: { body: 6 } }] });
  });

  it('takes off variants, localized texts and extension objects', () => {
    const fields = {
      variant: { Type: 6, Body: 7 },
      newer: { UaType: 11, Value: 1.5 },
      text: { Text: 'hello', Locale: 'en' },
      object: { TypeId: 'i=1', Encoding: 'Json', Body: { a: { Type: 1, Body: true } } },
      list: [{ Type: 6, Body: 1 }],
      plain: { x: 1 },
    };
    expect(decode({ Payload: fields })).toMatchObject({
      document: [{ values: { variant: 7, newer: 1.5, text: 'hello', object: { a: true }, list: [1], plain: { x: 1 } } }],
    });
  });

  it('keeps the status of a field without a value, and the newest source time', () => {
    const bad = { StatusCode: 2_150_694_912, SourceTimestamp: '2023-11-14T22:10:01Z' };
    expect(decode({ Payload: { bad, good: { Value: null, SourceTimestamp: '2023-11-14T22:10:02Z' } } })).toMatchObject({
      document: [{ time: '2023-11-14T22:10:02Z', values: { bad_StatusCode: 2_150_694_912 } }],
    });
  });

  it('ignores what carries no data, but not what comes with data', () => {
    expect(decode({ MessageType: 'ua-metadata', PublisherId: 'p' })).toMatchObject({ ignored: 'ua-metadata' });
    expect(decode({ ...DATA, Messages: [{ MessageType: 'ua-keepalive' }] })).toMatchObject({ ignored: 'ua-keepalive' });
    expect(decode({ ...DATA, Messages: [{ MessageType: 'ua-keepalive' }, { Payload: { a: 1 } }] })).toMatchObject({
      ignored: undefined,
      document: [{ values: { a: 1 } }],
    });
  });

  it('refuses what is no message', () => {
    expect(decode([1])).toEqual({ code: 'SCHEMA_MISMATCH' });
    expect(decode('text')).toEqual({ code: 'SCHEMA_MISMATCH' });
  });

  it('never throws', () => {
    const keys = fc.constantFrom('Messages', 'Payload', 'Value', 'Type', 'Body', 'NodeId', 'body', 'MessageType', 'Text', 'StatusCode', '__proto__', 'x');
    const { node } = fc.letrec((tie) => ({
      node: fc.oneof({ depthSize: 'small' }, fc.jsonValue(), fc.array(tie('node'), { maxLength: 3 }), fc.dictionary(keys, tie('node'), { maxKeys: 4 })),
    }));
    fc.assert(
      fc.property(node, (document) => {
        expect(decode(document)).toBeDefined();
      }),
    );
  });
});
