import type { CodecOptions } from './registry.ts';

/** What becomes of a byte string, which JSON's values have no place for. `keep`: a `ByteString`, for a codec that looks at it. */
export type BytesAs = 'hex' | 'base64' | 'base64url' | 'refuse' | 'keep';

/** Bytes that a codec reads on; never part of a document that leaves it. A view of the payload, so use it at once. */
export class ByteString {
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
}

const FORMS: readonly BytesAs[] = ['hex', 'base64', 'base64url', 'refuse'];

/** `checkOptions` of a codec whose one option says what becomes of byte strings. */
export function checkBytesOption(options: CodecOptions): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    if (name !== 'bytes') {
      return [`${name}: there is no such option; this codec has \`bytes\``];
    }
    return (FORMS as readonly unknown[]).includes(value) ? [] : [`bytes: must be one of ${FORMS.join(', ')}`];
  });
}
