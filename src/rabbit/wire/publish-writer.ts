import type { ConfirmChannel } from 'amqplib';
import { type ChannelInside, type ConnectionInside, insideOfChannel } from './amqplib-inside.ts';
import {
  APP_ID,
  BASIC_PUBLISH,
  CLASS_BASIC,
  CONTENT_ENCODING,
  CONTENT_TYPE,
  DELIVERY_MODE,
  EXPIRATION,
  FRAME_BODY,
  FRAME_BYTES,
  FRAME_END,
  FRAME_HEADER,
  FRAME_METHOD,
  FRAME_START_BYTES,
  HEADERS,
  MESSAGE_ID,
  PRIORITY,
  SHORT_STRING_BYTES,
  TIMESTAMP,
  TYPE,
  writeUint16,
  writeUint32,
  writeUint64,
} from './frames.ts';
import { type HeaderFields, type Publish, roomFor } from './publish.ts';

/** Frames of so many bytes leave in one piece. */
const CHUNK_BYTES = 65_536;
/** Types of values in a header table (S, b, s, I, l; AMQP 0-9-1 with the errata of RabbitMQ). */
const [LONG_STRING, INT8, INT16, INT32, INT64] = [0x53, 0x62, 0x73, 0x49, 0x6c];

/**
 * Publishes on a confirm channel past amqplib's own encoding, which makes five buffers of a message, and a stream of its own passes them on: that
 * was a quarter of what the edge does with a message. Here the frames of many stand in one buffer, which leaves at the end of the turn
 * or when it is full. Confirms are amqplib's, as are all other methods of the channel; those leave after what was published before them.
 */
export class PublishWriter {
  private readonly connection: ConnectionInside;
  private readonly channel: ChannelInside;
  private chunk: Buffer = Buffer.alloc(0);
  /** What stands before `start` has left; what stands before `at` is written. */
  private start = 0;
  private at = 0;

  constructor(connection: ConnectionInside, channel: ConfirmChannel) {
    this.connection = connection;
    this.channel = insideOfChannel(channel);
  }

  /**
   * `onConfirm` is amqplib's: null with an ack, an error with a nack and when the channel is gone. Throws RangeError for what AMQP has no room
   * for: a text that is too long, headers beyond one frame, a number that is not whole. Nothing of such a message leaves.
   */
  publish(message: Publish, onConfirm: (error: unknown) => void): void {
    const { content } = message;
    this.reserve(roomFor(message) + content.length + this.bodyFrames(content.length) * FRAME_BYTES);
    const before = this.at;
    try {
      this.method(message);
      this.header(message);
    } catch (error) {
      this.at = before;
      throw error;
    }
    this.body(content);
    if (before === this.start) process.nextTick(() => this.flush());
    this.channel.pushConfirmCallback(onConfirm);
  }

  private bodyFrames(bytes: number): number {
    return Math.ceil(bytes / (this.connection.frameMax - FRAME_BYTES));
  }

  /** basic.publish: ticket (reserved), exchange, routing-key, mandatory and immediate. */
  private method({ exchange, routingKey, mandatory }: Publish): void {
    const frame = this.begin(FRAME_METHOD);
    const { chunk } = this;
    this.at = writeUint16(chunk, 0, writeUint32(chunk, BASIC_PUBLISH, this.at));
    this.shortString(exchange);
    this.shortString(routingKey);
    this.byte(mandatory ? 1 : 0);
    this.end(frame);
  }

  private header(message: Publish): void {
    const frame = this.begin(FRAME_HEADER);
    const { chunk } = this;
    this.at = writeUint64(chunk, message.content.length, writeUint16(chunk, 0, writeUint16(chunk, CLASS_BASIC, this.at)));
    const flagsAt = this.at;
    this.at += 2;
    let flags = this.optional(CONTENT_TYPE, message.contentType) | this.optional(CONTENT_ENCODING, message.contentEncoding);
    this.headers(message.headers);
    this.byte(message.deliveryMode);
    if (message.priority !== undefined) {
      this.byte(message.priority);
      flags |= PRIORITY;
    }
    flags |= this.optional(EXPIRATION, message.expiration);
    this.shortString(message.messageId);
    if (message.timestamp !== undefined) {
      this.at = writeUint64(chunk, message.timestamp, this.at);
      flags |= TIMESTAMP;
    }
    flags |= this.optional(TYPE, message.type) | this.optional(APP_ID, message.appId);
    writeUint16(chunk, flags | HEADERS | DELIVERY_MODE | MESSAGE_ID, flagsAt);
    this.end(frame);
    const { frameMax } = this.connection;
    if (this.at - frame > frameMax)
      throw new RangeError(`properties of ${this.at - frame - FRAME_BYTES} bytes: a frame has room for ${frameMax - FRAME_BYTES}`);
  }

  /** Answers the flag, or 0 where there is no such property. */
  private optional(flag: number, text: string | undefined): number {
    if (text === undefined) return 0;
    this.shortString(text);
    return flag;
  }

  private headers(headers: HeaderFields | Uint8Array): void {
    if (headers instanceof Uint8Array) {
      this.chunk.set(headers, this.at);
      this.at += headers.length;
      return;
    }
    const start = this.at;
    this.at += 4;
    for (const name in headers) {
      this.shortString(name);
      const value = headers[name] as string | number;
      if (typeof value === 'string') this.longString(value);
      else this.integer(name, value);
    }
    writeUint32(this.chunk, this.at - start - 4, start);
  }

  private body(content: Uint8Array): void {
    const most = this.connection.frameMax - FRAME_BYTES;
    for (let from = 0; from < content.length; from += most) {
      const part = content.length <= most ? content : content.subarray(from, from + most);
      const frame = this.begin(FRAME_BODY);
      this.chunk.set(part, this.at);
      this.at += part.length;
      this.end(frame);
    }
  }

  /** Answers where the frame begins. */
  private begin(type: number): number {
    const { at } = this;
    this.byte(type);
    // Its size is known when it ends.
    this.at = writeUint16(this.chunk, this.channel.ch, this.at) + 4;
    return at;
  }

  private end(frame: number): void {
    writeUint32(this.chunk, this.at - frame - FRAME_START_BYTES, frame + 3);
    this.byte(FRAME_END);
  }

  private byte(value: number): void {
    this.chunk[this.at] = value;
    this.at += 1;
  }

  private shortString(text: string): void {
    const bytes = this.chunk.write(text, this.at + 1, 'utf8');
    if (bytes > SHORT_STRING_BYTES) throw new RangeError(`a text of ${bytes} bytes: AMQP takes ${SHORT_STRING_BYTES} there`);
    this.byte(bytes);
    this.at += bytes;
  }

  private longString(text: string): void {
    this.byte(LONG_STRING);
    const bytes = this.chunk.write(text, this.at + 4, 'utf8');
    this.at = writeUint32(this.chunk, bytes, this.at) + bytes;
  }

  /** In the least of its types that holds it, as amqplib does. */
  private integer(name: string, value: number): void {
    if (!Number.isSafeInteger(value)) throw new RangeError(`header '${name}': ${value} is not a whole number up to 2^53 - 1`);
    const { chunk, at } = this;
    if (value >= -0x80 && value < 0x80) {
      chunk[at] = INT8;
      chunk[at + 1] = value;
      this.at = at + 2;
    } else if (value >= -0x8000 && value < 0x8000) {
      chunk[at] = INT16;
      this.at = writeUint16(chunk, value, at + 1);
    } else if (value >= -0x8000_0000 && value < 0x8000_0000) {
      chunk[at] = INT32;
      this.at = writeUint32(chunk, value, at + 1);
    } else {
      chunk[at] = INT64;
      this.at = writeUint64(chunk, value, at + 1);
    }
  }

  private reserve(bytes: number): void {
    if (this.at + bytes <= this.chunk.length) return;
    this.flush();
    // What has left may still be on its way to the kernel: it is never written to again.
    this.chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, bytes));
    this.start = 0;
    this.at = 0;
  }

  private flush(): void {
    const { start, at } = this;
    if (at === start) return;
    this.start = at;
    // A connection that has ended owes no confirm.
    if (this.connection.stream.writable) this.connection.sendBytes(this.chunk.subarray(start, at));
  }
}
