import * as zlib from 'node:zlib';

export { deflateSync, gzipSync } from 'node:zlib';
/** From Node 22.15 on. */
export const zstdCompressSync: ((body: Buffer) => Buffer) | undefined = (zlib as { readonly zstdCompressSync?: (body: Buffer) => Buffer }).zstdCompressSync;
