import { gzipSync } from 'node:zlib';
import type { EpochMs } from '../domain/message.ts';
import type { Encoding } from '../domain/route.ts';
import { quote } from './quote.ts';

/** AMQP `type` of every batch: what the body is, independent of its encoding. A new version is a new type. */
export const BATCH_TYPE = 'sluice.readings.v1';
export const WIRE_VERSION = 1;

const CONTENT_TYPES: Readonly<Record<Encoding, string>> = { json: 'application/json', ndjson: 'application/x-ndjson' };

export interface BatchInput {
  /** Unique in time and space, the same on every attempt. */
  readonly id: string;
  readonly gateway: string;
  readonly sealedAt: EpochMs;
  /** Its readings, in order, as `Content` has them for this encoding. */
  readonly content: Buffer;
  readonly encoding: Encoding;
  readonly gzip: boolean;
}

export interface EncodedBatch {
  readonly body: Buffer;
  readonly contentType: string;
  readonly contentEncoding: string | undefined;
  readonly type: string;
}

/** What stands around the readings; the tail is ASCII. In NDJSON every line ends with LF, the last one too, so that bodies can be concatenated. */
function frameOf({ id, gateway, sealedAt, encoding }: BatchInput): { readonly head: string; readonly tail: string } {
  if (encoding === 'ndjson') return { head: '', tail: '\n' };
  return { head: `{"version":${WIRE_VERSION},"batch":${quote(id)},"gateway":${quote(gateway)},"sealedAt":${sealedAt},"readings":[`, tail: ']}' };
}

function plainBody(input: BatchInput): Buffer {
  const { content, encoding } = input;
  if (content.length === 0 && encoding === 'ndjson') return Buffer.alloc(0);
  const { head, tail } = frameOf(input);
  const headBytes = Buffer.byteLength(head);
  const body = Buffer.allocUnsafe(headBytes + content.length + tail.length);
  body.write(head);
  body.set(content, headBytes);
  body.write(tail, headBytes + content.length);
  return body;
}

/** The AMQP body of a batch and the properties that describe it. Pure: the same input gives the same bytes on every attempt. */
export function encodeBatch(input: BatchInput): EncodedBatch {
  const plain = plainBody(input);
  return {
    // Level 1: the event loop waits for the result, and telemetry shrinks to about a tenth with it already (6 gains 6 % more).
    body: input.gzip ? gzipSync(plain, { level: 1 }) : plain,
    contentType: CONTENT_TYPES[input.encoding],
    contentEncoding: input.gzip ? 'gzip' : undefined,
    type: BATCH_TYPE,
  };
}
