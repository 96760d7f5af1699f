import { STAMP_BYTES, stampText } from './stamp.ts';

// MQTT 3.1.1, as much of it as a publisher needs.

export const PINGREQ: Buffer = Buffer.from([0xc0, 0]);
export const CONNACK = 0x20;
export const PUBACK = 0x40;
export const PINGRESP = 0xd0;

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function packet(first: number, body: Buffer): Buffer {
  const length: number[] = [];
  for (let left = body.length; ; left >>= 7) {
    length.push(left > 127 ? (left & 127) | 128 : left);
    if (left <= 127) break;
  }
  return Buffer.concat([Buffer.from([first, ...length]), body]);
}

/** A clean session. */
export function connectPacket(clientId: string, keepAliveSeconds: number, credentials: Credentials | undefined): Buffer {
  const flags = credentials === undefined ? 0x02 : 0xc2;
  const head = Buffer.from([4, flags, keepAliveSeconds >> 8, keepAliveSeconds & 255]);
  const login = credentials === undefined ? [] : [text(credentials.username), text(credentials.password)];
  return packet(0x10, Buffer.concat([text('MQTT'), head, text(clientId), ...login]));
}

/** A PUBLISH of QoS 1 with everything but number and time of its stamp, which begins at `stampAt`. */
export function publishPacket(topic: string, messageId: number, client: number, payloadBytes: number): { readonly bytes: Buffer; readonly stampAt: number } {
  const id = Buffer.alloc(2);
  id.writeUInt16BE(messageId);
  const before = '{"stamp":"';
  const after = '","temperature":21.5,"humidity":48.25';
  const end = '}';
  const filler = payloadBytes - before.length - STAMP_BYTES - after.length - end.length;
  // JSON that a gateway can read, filled up with blanks.
  const payload = before + stampText(client) + after + ' '.repeat(Math.max(0, filler)) + end;
  const bytes = packet(0x32, Buffer.concat([text(topic), id, Buffer.from(payload)]));
  return { bytes, stampAt: bytes.length - payload.length + before.length };
}
