/** AMQP 0-9-1, 4.2.3: type, channel, size, payload, end. */
export const FRAME_METHOD = 1;
export const FRAME_HEADER = 2;
export const FRAME_BODY = 3;
export const FRAME_END = 0xce;
/** Before the payload. */
export const FRAME_START_BYTES = 7;
/** Around the payload. */
export const FRAME_BYTES = 8;

/** Class 60, method 40 and 60. */
export const BASIC_PUBLISH = 0x003c0028;
export const BASIC_DELIVER = 0x003c003c;
export const CLASS_BASIC = 60;
/** Class, weight and size of the body, before the flags of the properties. */
export const CONTENT_START_BYTES = 12;

/** Flags of the properties in a content header, in the order of their values (AMQP 0-9-1, 4.2.6.1; of the class: 1.8.1). */
export const CONTENT_TYPE = 0x8000;
export const CONTENT_ENCODING = 0x4000;
export const HEADERS = 0x2000;
export const DELIVERY_MODE = 0x1000;
export const PRIORITY = 0x0800;
export const EXPIRATION = 0x0100;
export const MESSAGE_ID = 0x0080;
export const TIMESTAMP = 0x0040;
export const TYPE = 0x0020;
export const APP_ID = 0x0008;

/** Of a text in a method or a property (shortstr, 4.2.5.3). */
export const SHORT_STRING_BYTES = 255;

const TWO_32 = 4_294_967_296;

export function readUint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

export function readUint32(bytes: Uint8Array, at: number): number {
  return (((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) >>> 0;
}

/** Exact up to 2^53. */
export function readUint64(bytes: Uint8Array, at: number): number {
  return readUint32(bytes, at) * TWO_32 + readUint32(bytes, at + 4);
}

/** Answers where the next one goes, as all of these do. */
export function writeUint16(bytes: Uint8Array, value: number, at: number): number {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
  return at + 2;
}

export function writeUint32(bytes: Uint8Array, value: number, at: number): number {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
  return at + 4;
}

/** A whole number up to 2^53. */
export function writeUint64(bytes: Uint8Array, value: number, at: number): number {
  return writeUint32(bytes, value % TWO_32, writeUint32(bytes, Math.floor(value / TWO_32), at));
}
