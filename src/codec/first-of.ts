import type { FaultCode, Result } from '../domain/fault.ts';
import type { Limits } from '../domain/profile.ts';
import type { DecodeContext, Decoded, PayloadDecoder } from './registry.ts';

/** The payload is not of this format. Every other fault is final: a payload beyond a limit is so in any format. */
const ANOTHER_MAY: ReadonlySet<FaultCode> = new Set<FaultCode>(['DECODE_INVALID', 'INVALID_UTF8']);

/** Several decoders in order: the first that can read the payload wins. Where none can, the fault is that of the first. */
export function firstOf(decoders: readonly PayloadDecoder[]): PayloadDecoder {
  const [only] = decoders;
  if (only !== undefined && decoders.length === 1) {
    return only;
  }
  return {
    decode(body: Buffer, limits: Limits, context: DecodeContext): Result<Decoded> {
      let first: Result<Decoded> | undefined;
      for (const decoder of decoders) {
        const result = decoder.decode(body, limits, context);
        if (result.ok || !ANOTHER_MAY.has(result.fault.code)) {
          return result;
        }
        first ??= result;
      }
      return first as Result<Decoded>;
    },
  };
}
