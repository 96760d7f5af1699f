import { gzipSync } from 'node:zlib';
import type { EpochMs } from '../domain/message.ts';
import type { Encoding } from '../domain/route.ts';
import { quote } from './reading.ts';

/** AMQP `type` of every batch: what the body is, independent of its encoding. A new version is a new type. */
export const BATCH_TYPE = 'sluice.readings.v1';
export const WIRE_VERSION = 1;

const CONTENT_TYPES: Readonly<Record<Encoding, string>> = { json: 'application/json', ndjson: 'application/x-ndjson' };

export interface BatchInput {
  /** Unique in time and space, the same on every attempt. */
  readonly id: string;
  readonly gateway: string;
  readonly sealedAt: EpochMs;
  /** Readings as `encodeReading` wrote them, in order. */
  readonly texts: readonly string[];
  /** UTF-8 bytes of all texts together, where they have been counted. */
  readonly bytes?: number | undefined;
  readonly encoding: Encoding;
  readonly gzip: boolean;
}

export interface EncodedBatch {
  readonly body: Buffer;
  readonly contentType: string;
  readonly contentEncoding: string | undefined;
  readonly type: string;
}

const [COMMA, LF] = [0x2c, 0x0a];

/** What stands around the readings. In NDJSON every line ends with LF, the last one too, so that bodies can be concatenated. */
function frameOf({ id, gateway, sealedAt, encoding }: BatchInput): { readonly head: string; readonly between: number; readonly tail: string } {
  if (encoding === 'ndjson') return { head: '', between: LF, tail: '\n' };
  const head = `{"version":${WIRE_VERSION},"batch":${quote(id)},"gateway":${quote(gateway)},"sealedAt":${sealedAt},"readings":[`;
  return { head, between: COMMA, tail: ']}' };
}

/** Throws where `bytes` is not what the texts have. Each text goes to its place at once: a quarter of the time of joining them first (12 to 50 us for 100 readings, 100 to 110 joined). */
function plainBody(input: BatchInput): Buffer {
  const { texts } = input;
  if (texts.length === 0 && input.encoding === 'ndjson') return Buffer.alloc(0);
  const { head, between, tail } = frameOf(input);
  const size = Buffer.byteLength(head) + Buffer.byteLength(tail) + Math.max(0, texts.length - 1) + (input.bytes ?? bytesOf(texts));
  const body = Buffer.allocUnsafe(size);
  let at = body.write(head, 0);
  for (let i = 0; i < texts.length; i += 1) {
    if (i > 0) {
      body[at] = between;
      at += 1;
    }
    at += body.write(texts[i] as string, at);
  }
  // Where there are more bytes than was said, there is no room for the tail.
  const end = body.write(tail, at);
  if (at + end !== size || end !== tail.length) throw new Error(`the readings of a batch do not have the ${input.bytes} bytes that were counted`);
  return body;
}

function bytesOf(texts: readonly string[]): number {
  let sum = 0;
  for (const text of texts) sum += Buffer.byteLength(text);
  return sum;
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
