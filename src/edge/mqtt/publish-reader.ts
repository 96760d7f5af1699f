import type { IncomingPublish } from './aedes-client.ts';

const PUBLISH = 3;
/** The bytes of a length at most (2.2.3). */
const LENGTH_BYTES = 4;

/** As the parser of aedes makes it, `messageId` included: only where the quality of service is above 0. */
class Publish implements IncomingPublish {
  readonly cmd = 'publish';
  readonly retain: boolean;
  readonly qos: 0 | 1 | 2;
  readonly dup: boolean;
  /** Remaining length. */
  readonly length: number;
  readonly topic: string;
  declare readonly messageId?: number;
  payload: Buffer;

  constructor(first: number, length: number, topic: string, messageId: number | undefined, payload: Buffer) {
    this.retain = (first & 1) !== 0;
    this.qos = ((first >> 1) & 3) as 0 | 1 | 2;
    this.dup = (first & 8) !== 0;
    this.length = length;
    this.topic = topic;
    if (messageId !== undefined) this.messageId = messageId;
    this.payload = payload;
  }
}

export type PublishTaker = (packet: IncomingPublish & { readonly length: number }) => boolean;

/**
 * Reads the PUBLISH packets that the bytes begin with, up to the first that is another packet, not whole, or not well-formed: that one
 * and what is behind it are the parser's, which says what is wrong. The bytes begin with a packet, and its fixed header is one of MQTT (see
 * `FrameGate`). The parser of aedes keeps a list of buffers, asks it for each byte, and is ready to write a line for debugging about each
 * step: with it the edge needs 10 us for a message that goes to the disk, without it 6.
 *
 * `take` gets the packets in order, with payloads of their own, and answers false where no more is wanted. Answers how many bytes are done with.
 */
export function readPublishes(bytes: Buffer, take: PublishTaker): number {
  let start = 0;
  while (start < bytes.length) {
    const first = bytes[start] as number;
    if (first >> 4 !== PUBLISH) break;
    let at = start + 1;
    let length = 0;
    for (let shift = 0; ; shift += 7, at += 1) {
      const byte = bytes[at];
      if (byte === undefined || shift >= 7 * LENGTH_BYTES) return start;
      length += (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    at += 1;
    const end = at + length;
    if (end > bytes.length || length < 2) break;
    const topicStart = at + 2;
    const topicEnd = topicStart + (((bytes[at] as number) << 8) | (bytes[at + 1] as number));
    const hasId = (first & 0x06) !== 0;
    const payloadStart = hasId ? topicEnd + 2 : topicEnd;
    if (payloadStart > end) break;
    const messageId = hasId ? ((bytes[topicEnd] as number) << 8) | (bytes[topicEnd + 1] as number) : undefined;
    const payload = Buffer.allocUnsafe(end - payloadStart);
    bytes.copy(payload, 0, payloadStart, end);
    start = end;
    if (!take(new Publish(first, length, bytes.toString('utf8', topicStart, topicEnd), messageId, payload))) break;
  }
  return start;
}
