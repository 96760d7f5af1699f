import type { ConfirmChannel } from 'amqplib';
import { type ChannelInside, type ConnectionInside, insideOfChannel } from './amqplib-inside.ts';
import {
  BASIC_PUBLISH,
  CLASS_BASIC,
  CONTENT_START_BYTES,
  DELIVERY_MODE,
  FRAME_BODY,
  FRAME_BYTES,
  FRAME_END,
  FRAME_HEADER,
  FRAME_METHOD,
  FRAME_START_BYTES,
  HEADERS,
  MESSAGE_ID,
  SHORT_STRING_BYTES,
  writeUint16,
  writeUint32,
  writeUint64,
} from './frames.ts';

/** Frames of so many bytes leave in one piece. */
const CHUNK_BYTES = 65_536;
/** Of a method and a content header, without texts and tables; rounded up. */
const FIXED_BYTES = 64;

/** One message, its texts as AMQP has them: exchange, routing key and id of at most 255 bytes. */
export interface Publish {
  readonly exchange: string;
  readonly routingKey: string;
  readonly mandatory: boolean;
  /** Header table, encoded with its length in front. */
  readonly headers: Uint8Array;
  readonly deliveryMode: 1 | 2;
  readonly messageId: string;
  readonly content: Uint8Array;
}

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

  /** `onConfirm` is amqplib's: null with an ack, an error with a nack and when the channel is gone. Throws RangeError for a text that is too long. */
  publish(message: Publish, onConfirm: (error: unknown) => void): void {
    const { exchange, routingKey, messageId, headers, content } = message;
    // A character has at most three bytes of UTF-8.
    this.reserve(
      FIXED_BYTES +
        3 * (exchange.length + routingKey.length + messageId.length) +
        headers.length +
        content.length +
        this.bodyFrames(content.length) * FRAME_BYTES,
    );
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

  private header({ headers, deliveryMode, messageId, content }: Publish): void {
    const frame = this.begin(FRAME_HEADER);
    const { chunk, at } = this;
    writeUint64(chunk, content.length, writeUint16(chunk, 0, writeUint16(chunk, CLASS_BASIC, at)));
    this.at = writeUint16(chunk, HEADERS | DELIVERY_MODE | MESSAGE_ID, at + CONTENT_START_BYTES);
    chunk.set(headers, this.at);
    this.at += headers.length;
    this.byte(deliveryMode);
    this.shortString(messageId);
    this.end(frame);
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
