import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { milesightCodec, milesightElements } from '../../../src/codec/milesight.ts';
import { detachedEnvironment } from '../../../src/codec/registry.ts';
import { DEFAULT_LIMITS } from '../../../src/domain/profile.ts';

const decoder = milesightCodec.create({}, detachedEnvironment('test'));
const decode = (body: string | Buffer): ReturnType<typeof decoder.decode> =>
  decoder.decode(Buffer.from(body as string), DEFAULT_LIMITS, { topic: 't', receivedAt: 0 });

function elements(hex: string): Record<string, unknown> | undefined {
  const found = milesightElements(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
  return found === undefined ? undefined : { ...found };
}

describe('the elements of a Milesight payload', () => {
  it.each([
    ['01 75 5a', { battery: 90 }],
    ['03 67 d3 ff', { temperature: -4.5 }],
    ['02 67 0a 00 04 67 0b 00', { temperature: 1, temperature_ch4: 1.1 }],
    ['04 68 51', { humidity: 40.5 }],
    ['07 7d 90 01 0a 7d 04 00', { co2: 400, hcho: 0.04 }],
    ['05 c8 01 00 00 80', { pulse_ch5: 2_147_483_649 }],
    ['04 88 40 42 0f 00 c0 bd f0 ff 01', { latitude: 1, longitude: -1, position_state: 1 }],
    ['ff 01 01 ff 16 67 46 d3 88 02 58 00 00', { protocol_version: 1, sn: '6746d38802580000' }],
    ['', {}],
  ])('%s', (hex, values) => {
    expect(elements(hex)).toEqual(values);
  });

  it('are all there or none: behind an unknown one nothing can be told apart', () => {
    for (const hex of ['01', '0175', '0367d3', '01755a 0999 01', '01755a ff77 01', '037d0100', '01755a'.repeat(100)])
      expect([hex, elements(hex)]).toEqual([hex, undefined]);
  });

  it('never throw and never hold what is no number', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        for (const value of Object.values(milesightElements(Buffer.from(bytes)) ?? {})) expect(typeof value === 'string' || Number.isFinite(value)).toBe(true);
      }),
    );
  });
});

describe('a Milesight uplink', () => {
  const data = Buffer.from('01755a', 'hex').toString('base64');
  it.each([
    [
      { fPort: 85, data },
      { fPort: 85, data, object: { battery: 90 } },
    ],
    [{ data }, { data, object: { battery: 90 } }],
    [
      { fPort: 2, data },
      { fPort: 2, data },
    ],
    [
      { fPort: 85, data, object: { battery: 7 } },
      { fPort: 85, data, object: { battery: 7 } },
    ],
    [
      { fPort: 85, data: 'AXUBQUI=' },
      { fPort: 85, data: 'AXUBQUI=' },
    ],
    [
      { fPort: 85, data: 7 },
      { fPort: 85, data: 7 },
    ],
    [[1], [1]],
  ])('%j', (uplink, document) => {
    const result = decode(JSON.stringify(uplink));
    expect(result.ok && (JSON.parse(JSON.stringify(result.value.document)) as unknown)).toEqual(document);
  });

  it('may be the bytes alone, but no broken JSON', () => {
    expect(decode(Buffer.from('01755a', 'hex'))).toMatchObject({ ok: true, value: { document: { object: { battery: 90 } } } });
    expect(decode('{"data":')).toMatchObject({ ok: false, fault: { code: 'DECODE_INVALID' } });
    expect(decode('hello')).toMatchObject({ ok: false });
  });
});
