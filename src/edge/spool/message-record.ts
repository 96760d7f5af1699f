import type { KeptMessage } from '../ports.ts';

/**
 * A message as the payload of a record: flags, when it was received (float64), bytes of the client identifier and of the topic
 * (16 bits each: MQTT has no longer strings), both in UTF-8, payload.
 */
const HEAD_BYTES = 13;
const QOS = 3;
const RETAIN = 4;
const DUP = 8;
/** Client identifier and topic are ASCII, which is read and written several times as fast. */
const ASCII = 16;

export function recordBytes(message: KeptMessage): number {
  return HEAD_BYTES + Buffer.byteLength(message.clientId) + Buffer.byteLength(message.topic) + message.payload.length;
}

/** So many bytes as `recordBytes` says. */
export function writeMessage(bytes: Buffer, at: number, length: number, message: KeptMessage): void {
  const { clientId, topic, payload } = message;
  const textBytes = length - HEAD_BYTES - payload.length;
  const isAscii = textBytes === clientId.length + topic.length;
  const encoding = isAscii ? 'latin1' : 'utf8';
  bytes[at] = message.qos | (message.retain ? RETAIN : 0) | (message.dup ? DUP : 0) | (isAscii ? ASCII : 0);
  bytes.writeDoubleLE(message.receivedAt, at + 1);
  const idBytes = bytes.write(clientId, at + HEAD_BYTES, encoding);
  const topicBytes = bytes.write(topic, at + HEAD_BYTES + idBytes, encoding);
  bytes.writeUInt16LE(idBytes, at + 9);
  bytes.writeUInt16LE(topicBytes, at + 11);
  payload.copy(bytes, at + HEAD_BYTES + textBytes);
}

/** Its payload is a view of `bytes`. Undefined where this is no message, though its checksum held: nothing of this version wrote it. */
export function readMessage(bytes: Buffer, start: number, end: number): KeptMessage | undefined {
  if (end - start < HEAD_BYTES) return undefined;
  const flags = bytes[start] as number;
  const topicAt = start + HEAD_BYTES + bytes.readUInt16LE(start + 9);
  const payloadAt = topicAt + bytes.readUInt16LE(start + 11);
  const qos = flags & QOS;
  if (payloadAt > end || qos === 3) return undefined;
  const encoding = (flags & ASCII) === 0 ? 'utf8' : 'latin1';
  return {
    topic: bytes.toString(encoding, topicAt, payloadAt),
    payload: bytes.subarray(payloadAt, end),
    qos: qos as 0 | 1 | 2,
    retain: (flags & RETAIN) !== 0,
    dup: (flags & DUP) !== 0,
    clientId: bytes.toString(encoding, start + HEAD_BYTES, topicAt),
    receivedAt: bytes.readDoubleLE(start + 1),
  };
}

export function qosOf(bytes: Buffer, start: number): number {
  return (bytes[start] as number) & QOS;
}
