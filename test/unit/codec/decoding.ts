import { type CodecOptions, type Decoded, defaultCodecs, detachedEnvironment, type PayloadDecoder } from '../../../src/codec/registry.ts';
import type { Result } from '../../../src/domain/fault.ts';
import { DEFAULT_LIMITS, type Limits } from '../../../src/domain/profile.ts';

/** When every payload of these tests arrives: 2025-11-23T08:00:00Z. */
export const RECEIVED_AT = 1_763_884_800_000;

export interface Bench {
  /** The document, or the code of the fault. */
  readonly decode: (body: Uint8Array | string, limits?: Partial<Limits>) => unknown;
  readonly result: (body: Uint8Array | string, limits?: Partial<Limits>) => Result<Decoded>;
  readonly flags: (body: Uint8Array | string) => readonly string[];
}

function bytesOf(body: Uint8Array | string): Buffer {
  return typeof body === 'string' ? Buffer.from(body.replaceAll(/[\s-]/g, ''), 'hex') : Buffer.from(body);
}

/** Decodes with a codec of the registry. Texts are bytes in hex; spaces and dashes between them do not count. */
export function bench(codec: string, options: CodecOptions = {}): Bench {
  const found = defaultCodecs().get(codec);
  if (found === undefined) throw new Error(`no codec "${codec}"`);
  if (found.checkOptions(options).length > 0) throw new Error(found.checkOptions(options).join('; '));
  const decoder: PayloadDecoder = found.create(options, detachedEnvironment('test'));
  const result = (body: Uint8Array | string, limits: Partial<Limits> = {}): Result<Decoded> =>
    decoder.decode(bytesOf(body), { ...DEFAULT_LIMITS, ...limits }, { topic: 't', receivedAt: RECEIVED_AT });
  return {
    result,
    decode: (body, limits) => {
      const found = result(body, limits);
      return found.ok ? found.value.document : found.fault.code;
    },
    flags: (body) => {
      const found = result(body);
      return found.ok ? found.value.flags : [found.fault.code];
    },
  };
}
