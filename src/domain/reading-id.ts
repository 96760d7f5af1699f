import { hash } from 'node:crypto';

/** Topics and payloads up to this many bytes together are hashed without an allocation. */
const SCRATCH_BYTES = 65_536;
const scratch = Buffer.alloc(SCRATCH_BYTES);
/** 22 base64url characters hold 132 bits: the first 128 of the hash and a little. */
const ID_LENGTH = 22;

/**
 * What a message is, from its bytes alone: the first 22 base64url characters of SHA-256 over topic, a zero byte (which
 * no topic holds) and body. The same on redelivery, on every gateway and after a restart. SHA-256 and not something
 * faster: deduplication trusts it, so no device may be able to make the id of another's message.
 */
export function messageDigest(topic: string, body: Uint8Array): string {
  // A topic's UTF-8 takes at most 3 bytes per UTF-16 unit.
  const room = topic.length * 3 + 1 + body.length;
  const target = room <= SCRATCH_BYTES ? scratch : Buffer.allocUnsafe(room);
  const end = target.write(topic, 0, 'utf8');
  target[end] = 0;
  target.set(body, end + 1);
  return hash('sha256', target.subarray(0, end + 1 + body.length), 'base64url').slice(0, ID_LENGTH);
}

/** Id of a reading without its number. */
export function stemOf(readingId: string): string {
  const dash = readingId.lastIndexOf('-');
  return dash === -1 ? readingId : readingId.slice(0, dash);
}

/** Which reading of its message an id names, from 0; undefined where it is no such id. */
export function numberInMessage(readingId: string): number | undefined {
  const digits = readingId.slice(readingId.lastIndexOf('-') + 1);
  return /^(?:0|[1-9]\d{0,8})$/.test(digits) ? Number(digits) : undefined;
}
