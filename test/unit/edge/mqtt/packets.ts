/** MQTT 3.1.1 packets byte by byte, independent of the libraries under test. */

export function text(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([number(bytes.length), bytes]);
}

export function number(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}

export function remainingLength(length: number): Buffer {
  const bytes: number[] = [];
  let left = length;
  do {
    const byte = left % 128;
    left = Math.floor(left / 128);
    bytes.push(left > 0 ? byte | 0x80 : byte);
  } while (left > 0);
  return Buffer.from(bytes);
}

export function packet(first: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([first]), remainingLength(body.length), body]);
}

export interface ConnectFields {
  readonly id: string;
  readonly clean?: boolean;
  readonly keepalive?: number;
  readonly username?: string;
  readonly password?: string;
  readonly will?: { readonly topic: string; readonly payload: string; readonly qos?: number; readonly retain?: boolean };
}

export function connect({ id, clean = true, keepalive = 60, username, password, will }: ConnectFields): Buffer {
  const flags =
    (clean ? 2 : 0) |
    (will === undefined ? 0 : 4 | ((will.qos ?? 0) << 3) | (will.retain === true ? 0x20 : 0)) |
    (password === undefined ? 0 : 0x40) |
    (username === undefined ? 0 : 0x80);
  const texts = [id, will?.topic, will?.payload, username, password].filter((value) => value !== undefined).map(text);
  return packet(0x10, text('MQTT'), Buffer.from([4, flags]), number(keepalive), ...texts);
}

export interface PublishFields {
  readonly qos?: 0 | 1 | 2;
  readonly id?: number;
  readonly retain?: boolean;
  readonly dup?: boolean;
}

export function publish(topic: string | Buffer, payload: string | Buffer, { qos = 0, id = 1, retain = false, dup = false }: PublishFields = {}): Buffer {
  const first = 0x30 | (qos << 1) | (retain ? 1 : 0) | (dup ? 8 : 0);
  return packet(first, text(topic), ...(qos > 0 ? [number(id)] : []), Buffer.from(payload));
}

export function subscribe(id: number, filter: string, qos = 1): Buffer {
  return packet(0x82, number(id), text(filter), Buffer.from([qos]));
}

export const pubrel = (id: number): Buffer => packet(0x62, number(id));
export const puback = (id: number): Buffer => packet(0x40, number(id));
export const PINGREQ: Buffer = packet(0xc0);
export const DISCONNECT: Buffer = packet(0xe0);

export interface Received {
  /** First byte: type and flags. */
  readonly first: number;
  readonly body: Buffer;
}

/** Whole packets at the beginning of the bytes, and what is left. */
export function parse(bytes: Buffer): { packets: Received[]; rest: Buffer } {
  const packets: Received[] = [];
  let at = 0;
  for (;;) {
    let length = 0;
    let next = at + 1;
    let shift = 0;
    for (;;) {
      const byte = bytes[next];
      if (byte === undefined) return { packets, rest: bytes.subarray(at) };
      next++;
      length += (byte & 0x7f) << shift;
      shift += 7;
      if (byte < 0x80) break;
    }
    if (next + length > bytes.length) return { packets, rest: bytes.subarray(at) };
    packets.push({ first: bytes[at] as number, body: bytes.subarray(next, next + length) });
    at = next + length;
  }
}
