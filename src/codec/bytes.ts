import { emptyBag } from '../domain/bag.ts';
import { failed, type Result } from '../domain/fault.ts';
import { MOST_BYTES } from '../domain/layout/spec.ts';
import type { Document } from '../domain/payload-path.ts';
import type { Limits } from '../domain/profile.ts';
import { noOptions } from './options.ts';
import type { Decoded, PayloadCodec, PayloadDecoder } from './registry.ts';

/**
 * The bytes of a device alone: `{ data }`, in base64, for a layout to read (`payload` of the profile). What begins like
 * JSON is JSON that another codec could not read.
 */
class BytesDecoder implements PayloadDecoder {
  decode(body: Buffer, _limits: Limits): Result<Decoded> {
    if (body[0] === 0x7b || body[0] === 0x5b) {
      return failed('DECODE_INVALID', 'begins like JSON, and is not taken for the bytes of a device');
    }
    if (body.length > MOST_BYTES) {
      return failed('DECODE_INVALID', `has ${body.length} bytes; no device sends more than ${MOST_BYTES} at once`);
    }
    const document = emptyBag<Document>();
    document['data'] = body.toString('base64');
    return { ok: true, value: { document, flags: [] } };
  }
}

export const bytesCodec: PayloadCodec = {
  name: 'bytes',
  contentType: 'application/octet-stream',
  checkOptions: noOptions,
  create: () => new BytesDecoder(),
};
