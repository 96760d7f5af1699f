/** Of a method and a content header, without texts and tables; rounded up. */
const FIXED_BYTES = 96;
/** A character of JavaScript's in UTF-8, at most. */
const UTF8_BYTES = 3;
/** Around the name and the value of a header, and a whole number; rounded up. */
const FIELD_BYTES = 16;

/** What a header table holds: texts, and whole numbers up to 2^53 - 1. */
export type HeaderFields = Readonly<Record<string, string | number>>;

/** Of one message, beside those that are a publisher's own. Texts have at most 255 bytes. */
export interface ContentProperties {
  readonly contentType?: string | undefined;
  readonly contentEncoding?: string | undefined;
  /** The header table, or its bytes with the length in front. */
  readonly headers: HeaderFields | Uint8Array;
  /** 0 to 255. */
  readonly priority?: number | undefined;
  /** Milliseconds, as digits. */
  readonly expiration?: string | undefined;
  /** Seconds since 1970. */
  readonly timestamp?: number | undefined;
  readonly type?: string | undefined;
  readonly appId?: string | undefined;
}

/** One message, its texts as AMQP has them: exchange, routing key and id of at most 255 bytes. */
export interface Publish extends ContentProperties {
  readonly exchange: string;
  readonly routingKey: string;
  readonly mandatory: boolean;
  readonly deliveryMode: 1 | 2;
  readonly messageId: string;
  readonly content: Uint8Array;
}

/** Bytes that its method and its header take at most, whatever characters they have. */
export function roomFor(message: Publish): number {
  return FIXED_BYTES + textBytes(message) + headerBytes(message.headers);
}

function textBytes({ exchange, routingKey, messageId, contentType = '', contentEncoding = '', expiration = '', type = '', appId = '' }: Publish): number {
  const characters =
    exchange.length + routingKey.length + messageId.length + contentType.length + contentEncoding.length + expiration.length + type.length + appId.length;
  return UTF8_BYTES * characters;
}

function headerBytes(headers: HeaderFields | Uint8Array): number {
  if (headers instanceof Uint8Array) return headers.length;
  let bytes = FIELD_BYTES;
  for (const name in headers) {
    const value = headers[name];
    bytes += FIELD_BYTES + UTF8_BYTES * (name.length + (typeof value === 'string' ? value.length : 0));
  }
  return bytes;
}
