import * as zlib from 'node:zlib';
import { failed, type Result } from '../domain/fault.ts';
import type { Compression } from '../domain/profile.ts';

/** AMQP and HTTP names (RFC 9110 section 8.4.1, RFC 8878) of what can be undone. */
const NAMES: Readonly<Record<string, Compression>> = { gzip: 'gzip', 'x-gzip': 'gzip', deflate: 'deflate', zstd: 'zstd' };

type Inflate = (body: Buffer, options: { readonly maxOutputLength: number }) => Buffer;

/** In node:zlib from Node 22.15 on. */
const zstdDecompressSync = (zlib as { readonly zstdDecompressSync?: Inflate }).zstdDecompressSync;

const INFLATE: Readonly<Record<Compression, Inflate | undefined>> = { gzip: zlib.gunzipSync, deflate: zlib.inflateSync, zstd: zstdDecompressSync };

/** The compression that a content encoding names; undefined for any other. */
export function compressionNamed(contentEncoding: string): Compression | undefined {
  const name = contentEncoding.toLowerCase();
  return Object.hasOwn(NAMES, name) ? NAMES[name] : undefined;
}

/** The compression that the first bytes tell: RFC 1952 section 2.3.1, RFC 1950 section 2.2 (windows of 32 kB only), RFC 8878 section 3.1.1. */
export function compressionOf(body: Buffer): Compression | undefined {
  const [a = 0, b = 0, c = 0, d = 0] = body;
  if (a === 0x1f && b === 0x8b && c === 8) {
    return 'gzip';
  }
  if (a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd) {
    return 'zstd';
  }
  return a === 0x78 && (b === 0x01 || b === 0x5e || b === 0x9c || b === 0xda) ? 'deflate' : undefined;
}

/**
 * The payload without its compression. The output is bounded while it grows, so a bomb costs `mostBytes` and no more.
 * What comes out must not be compressed again.
 */
export function decompress(body: Buffer, compression: Compression, mostBytes: number): Result<Buffer> {
  const inflate = INFLATE[compression];
  if (inflate === undefined) {
    return failed('UNSUPPORTED_ENCODING', `${compression} needs Node.js 22.15 or later`);
  }
  let plain: Buffer;
  try {
    plain = inflate(body, { maxOutputLength: mostBytes });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ERR_BUFFER_TOO_LARGE'
      ? failed('LIMIT_BYTES', `the payload has, uncompressed, more than limits.messageBytes = ${mostBytes} bytes`)
      : failed('DECODE_INVALID', `not ${compression}: ${code ?? message}`);
  }
  const nested = compressionOf(plain);
  // Two printable bytes may also be the beginning of a text, so a nested deflate is not looked for.
  if (nested === 'gzip' || nested === 'zstd') {
    return failed('UNSUPPORTED_ENCODING', `the payload is compressed twice (${compression}, and ${nested} inside)`);
  }
  return { ok: true, value: plain };
}
