import { isUtf8 } from 'node:buffer';
import { excerpt } from '../domain/excerpt.ts';
import { failed, type Result } from '../domain/fault.ts';
import type { Document } from '../domain/payload-path.ts';
import type { Limits } from '../domain/profile.ts';
import type { Flag } from '../domain/reading.ts';
import { ExactJsonReader, MAX_INTEGER_DIGITS } from './json-exact.ts';
import { type JsonScan, scanJson } from './json-scan.ts';
import { noOptions } from './options.ts';
import type { Decoded, PayloadCodec, PayloadDecoder } from './registry.ts';

/** By bit: 1 a byte-order mark stood first, 2 a key was named twice. */
const FLAG_LISTS: readonly (readonly Flag[])[] = [[], ['bom'], ['duplicate-key'], ['duplicate-key', 'bom']];

/** The first two characters of a JSON text are ASCII, so a zero or a two-byte mark among them tells UTF-16 and UTF-32 (RFC 4627 section 3). */
function looksLikeUtf16(body: Buffer): boolean {
  const [a, b] = body;
  return b !== undefined && (a === 0 || b === 0 || (a === 0xfe && b === 0xff) || (a === 0xff && b === 0xfe));
}

/** Names that the objects of the document have, each once. */
function countKeys(document: Document): number {
  if (typeof document !== 'object' || document === null) {
    return 0;
  }
  let keys = 0;
  if (Array.isArray(document)) {
    for (const element of document as readonly Document[]) {
      keys += countKeys(element);
    }
    return keys;
  }
  const record = document as { readonly [name: string]: Document };
  for (const name in record) {
    const value = record[name] as Document;
    keys += typeof value === 'object' && value !== null ? 1 + countKeys(value) : 1;
  }
  return keys;
}

function decodeText(body: Buffer, start: number, ascii: boolean): string | undefined {
  if (ascii) {
    return body.toString('latin1', start);
  }
  return isUtf8(body) ? body.toString('utf8', start) : undefined;
}

/** A second, exact reading of a text that is known to be JSON. */
function readExactly(text: string, mark: number): Result<Decoded> {
  const reader = new ExactJsonReader(text);
  const document = reader.read();
  if (reader.outOfRange !== undefined) {
    const rule = `numbers must fit a double, integers ${MAX_INTEGER_DIGITS} digits`;
    return failed('NUMBER_OUT_OF_RANGE', `${excerpt(reader.outOfRange, 48)} is out of range: ${rule}`);
  }
  return { ok: true, value: { document, flags: FLAG_LISTS[mark | (reader.duplicate ? 2 : 0)] as readonly Flag[] } };
}

function exceeded(scan: JsonScan, limits: Limits): Result<Decoded> {
  return scan.exceeded === 'depth'
    ? failed('LIMIT_DEPTH', `the payload is nested deeper than limits.depth = ${limits.depth}`)
    : failed('LIMIT_FIELDS', `the payload has more than limits.fields = ${limits.fields} fields`);
}

function decode(body: Buffer, limits: Limits): Result<Decoded> {
  if (looksLikeUtf16(body)) {
    return failed('INVALID_UTF8', 'the payload looks like UTF-16 or UTF-32; JSON must be UTF-8 (RFC 8259 section 8.1)');
  }
  const mark = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 1 : 0;
  const start = mark * 3;
  const scan = scanJson(body, start, limits);
  if (scan.exceeded !== undefined) {
    return exceeded(scan, limits);
  }
  const text = decodeText(body, start, scan.ascii);
  if (text === undefined) {
    return failed('INVALID_UTF8', 'the payload is not UTF-8');
  }
  let document: Document;
  try {
    document = JSON.parse(text) as Document;
  } catch (error) {
    return failed('DECODE_INVALID', excerpt(`not JSON: ${(error as Error).message}`, 160));
  }
  if (scan.exact) {
    return readExactly(text, mark);
  }
  const duplicate = scan.keys > 0 && countKeys(document) !== scan.keys;
  return { ok: true, value: { document, flags: FLAG_LISTS[mark | (duplicate ? 2 : 0)] as readonly Flag[] } };
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
