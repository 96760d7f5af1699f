import { type BytesAs, checkBytesOption } from './byte-strings.ts';
import { decodeCbor } from './cbor-reader.ts';
import type { CodecOptions, PayloadCodec, PayloadDecoder } from './registry.ts';

/**
 * CBOR (RFC 8949): one item, well-formed, nothing behind it. Integers are exact (bigint beyond 2^53, big integers of
 * tags 2 and 3 up to 40 digits), NaN, infinity and undefined are null, tag 0 is its text, tag 1 its number of seconds,
 * tag 4 the number. Byte strings become text as the option `bytes` says: hex (default), base64, base64url, or refuse.
 * Integer names in maps become their digits; a name that comes twice is flagged, the last value wins. Unassigned
 * simple values and unknown tags are refused.
 *
 * An own reader, because none of the libraries can be made exact. cbor-x 1.6 refuses indefinite-length strings, which
 * are legal, takes ill-formed simple values, replaces bytes that are not UTF-8, and renames `__proto__`; cborg 6.1
 * refuses indefinite-length strings too and takes 2 to 5 times as long. Neither tells of a name that comes twice, and
 * behind either one the whole document would be walked again for bounds, NaN and bytes. This reader takes 0.7 to 1.1
 * times as long as bare cbor-x on messages of named values, and twice as long on a bare list of floats.
 */
export const cborCodec: PayloadCodec = {
  name: 'cbor',
  contentType: 'application/cbor',
  checkOptions: checkBytesOption,
  create: (options: CodecOptions): PayloadDecoder => {
    const bytesAs = (options['bytes'] ?? 'hex') as BytesAs;
    return { decode: (body, limits) => decodeCbor(body, limits, bytesAs) };
  },
};
