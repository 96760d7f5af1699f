import type { Document } from '../domain/payload-path.ts';
import { type BytesAs, ByteString, checkBytesOption } from './byte-strings.ts';
import { decodeCbor } from './cbor-reader.ts';
import type { CodecOptions, PayloadCodec, PayloadDecoder } from './registry.ts';
import { resolvePack } from './senml.ts';
import type { SenmlForm } from './senml-fields.ts';

/** RFC 8428 section 6, table 4. Negative labels are base fields. */
const LABELS: ReadonlyMap<string, string> = new Map([
  ['-1', 'bver'],
  ['-2', 'bn'],
  ['-3', 'bt'],
  ['-4', 'bu'],
  ['-5', 'bv'],
  ['-6', 'bs'],
  ['0', 'n'],
  ['1', 'u'],
  ['2', 'v'],
  ['3', 'vs'],
  ['4', 'vb'],
  ['5', 's'],
  ['6', 't'],
  ['7', 'ut'],
  ['8', 'vd'],
]);
/** As texts these are no labels of SenML in CBOR; a record that has them is like one with unknown fields. */
const TEXT_LABELS: ReadonlySet<string> = new Set(LABELS.values());

function label(field: string): string {
  return LABELS.get(field) ?? (TEXT_LABELS.has(field) ? '' : field);
}

function cborForm(bytesAs: BytesAs): SenmlForm {
  return {
    label,
    data: (value: Document): string | undefined => {
      const found: unknown = value;
      return found instanceof ByteString && bytesAs !== 'refuse' && bytesAs !== 'keep' ? found.bytes.toString(bytesAs) : undefined;
    },
  };
}

/**
 * SenML in CBOR (RFC 8428 section 6); see `resolvePack` for what comes out. Numbers may be integers, floats or decimal
 * fractions. Data values become text as the option `bytes` says: base64url (default), base64, hex, or refuse.
 */
export const senmlCborCodec: PayloadCodec = {
  name: 'senml-cbor',
  contentType: 'application/senml+cbor',
  checkOptions: checkBytesOption,
  create: (options: CodecOptions): PayloadDecoder => {
    const form = cborForm((options['bytes'] ?? 'base64url') as BytesAs);
    return {
      decode: (body, limits, context) => {
        const decoded = decodeCbor(body, limits, 'keep');
        return decoded.ok ? resolvePack(decoded.value, form, context.receivedAt) : decoded;
      },
    };
  },
};
