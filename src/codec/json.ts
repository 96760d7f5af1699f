import { failed, type Result } from '../domain/fault.ts';
import type { Limits } from '../domain/profile.ts';
import type { Flag } from '../domain/reading.ts';
import { JsonReader } from './json-reader.ts';
import { noOptions } from './options.ts';
import type { Decoded, PayloadCodec, PayloadDecoder } from './registry.ts';

/** By bit: 1 a byte-order mark stood first, 2 a key was named twice. */
const FLAG_LISTS: readonly (readonly Flag[])[] = [[], ['bom'], ['duplicate-key'], ['duplicate-key', 'bom']];

/** The first two characters of a JSON text are ASCII, so a zero or a two-byte mark among them tells UTF-16 and UTF-32 (RFC 4627 section 3). */
function looksLikeUtf16(body: Buffer): boolean {
  const [a, b] = body;
  return b !== undefined && (a === 0 || b === 0 || (a === 0xfe && b === 0xff) || (a === 0xff && b === 0xfe));
}

const reader = new JsonReader();

function decode(body: Buffer, limits: Limits): Result<Decoded> {
  if (looksLikeUtf16(body)) {
    return failed('INVALID_UTF8', 'the payload looks like UTF-16 or UTF-32; JSON must be UTF-8 (RFC 8259 section 8.1)');
  }
  const mark = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 1 : 0;
  const document = reader.read(body, mark * 3, limits);
  const { problem } = reader;
  if (problem !== undefined) {
    return failed(problem.code, problem.message);
  }
  return { ok: true, value: { document, flags: FLAG_LISTS[mark | (reader.duplicate ? 2 : 0)] as readonly Flag[] } };
}

const DECODER: PayloadDecoder = { decode };

/**
 * Strict JSON (RFC 8259). Integers beyond 2^53 are exact, decimals are doubles, the last of two equal names wins and is
 * flagged, `__proto__` is a name like any other, and a lone surrogate escape is kept as JSON.parse keeps it.
 */
export const jsonCodec: PayloadCodec = {
  name: 'json',
  contentType: 'application/json',
  checkOptions: noOptions,
  create: (): PayloadDecoder => DECODER,
};
