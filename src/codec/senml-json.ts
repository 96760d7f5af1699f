import type { Document } from '../domain/payload-path.ts';
import { type BytesAs, checkBytesOption } from './byte-strings.ts';
import { jsonCodec } from './json.ts';
import type { PayloadCodec, PayloadDecoder } from './registry.ts';
import { resolvePack } from './senml.ts';
import type { SenmlForm } from './senml-fields.ts';

/** base64url without padding, RFC 4648 section 5; one character alone cannot end it. */
const BASE64URL = /^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2,3})?$/;

function jsonForm(bytesAs: BytesAs): SenmlForm {
  return {
    label: (field: string): string => field,
    data: (value: Document): string | undefined => {
      if (typeof value !== 'string' || bytesAs === 'refuse' || bytesAs === 'keep' || !BASE64URL.test(value)) {
        return undefined;
      }
      return bytesAs === 'base64url' ? value : Buffer.from(value, 'base64url').toString(bytesAs);
    },
  };
}

/**
 * SenML in JSON (RFC 8428 section 5); see `resolvePack` for what comes out. Data values become text as the option
 * `bytes` says: base64url (default, as sent), base64, hex, or refuse.
 */
export const senmlJsonCodec: PayloadCodec = {
  name: 'senml-json',
  contentType: 'application/senml+json',
  checkOptions: checkBytesOption,
  create: (options, environment): PayloadDecoder => {
    const form = jsonForm((options['bytes'] ?? 'base64url') as BytesAs);
    const json = jsonCodec.create({}, environment);
    return {
      decode: (body, limits, context) => {
        const decoded = json.decode(body, limits, context);
        return decoded.ok ? resolvePack(decoded.value, form, context.receivedAt) : decoded;
      },
    };
  },
};
