import type { Qos } from './packets.ts';

/** Filter, quality of service, and what MQTT 5 adds (retain handling, retain as published, no local); null for what was not said. */
export type SubscriptionTuple = readonly [filter: string, qos: Qos, rh: number | null, rap: boolean | null, nl: boolean | null];
/** For whom a message waits, and under which packet id it was sent; -1: under none. */
export type HolderTuple = readonly [client: string, qos: Qos, messageId: number];

/**
 * One change of what the sessions hold. Each says what is, not what to add: said twice, or said again after what came
 * before it was forgotten, it means the same. The log can be written anew while it grows because of that.
 */
export type Op =
  | readonly ['sub', client: string, subscriptions: readonly SubscriptionTuple[]]
  | readonly ['unsub', client: string, filters: readonly string[]]
  /** The session is over. */
  | readonly ['end', client: string]
  /** The payload of the record is retained. */
  | readonly ['keep', topic: string, qos: Qos]
  | readonly ['drop', topic: string]
  /** The payload of the record waits for these clients. `seq` is the message's for good. */
  | readonly ['put', seq: number, topic: string, qos: Qos, retain: boolean, holders: readonly HolderTuple[]]
  | readonly ['sent', client: string, seq: number, messageId: number]
  /** The client has the message; it is owed a PUBREL. */
  | readonly ['rel', client: string, messageId: number]
  | readonly ['comp', client: string, messageId: number]
  | readonly ['done', client: string, seq: number]
  /** QoS 2 packet ids in use; `doubtful`: each may have been freed by a record that is damaged. */
  | readonly ['in', client: string, messageIds: readonly number[], doubtful: boolean]
  | readonly ['out', client: string, messageId: number]
  | readonly ['clear', client: string]
  /** The payload of the record is a will. */
  | readonly ['will', seq: number, client: string, topic: string, qos: Qos, retain: boolean]
  | readonly ['gone', seq: number];

type Check = (value: unknown) => boolean;
const text: Check = (value) => typeof value === 'string';
const whole: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const id: Check = (value) => Number.isSafeInteger(value) && (value as number) >= -1 && (value as number) <= 65_535;
const qos: Check = (value) => value === 0 || value === 1 || value === 2;
const flag: Check = (value) => typeof value === 'boolean';
const maybe =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const tuple =
  (...checks: readonly Check[]): Check =>
  (value) =>
    Array.isArray(value) && value.length === checks.length && checks.every((check, i) => check(value[i]));
const list =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);

const SHAPES: ReadonlyMap<unknown, readonly Check[]> = new Map<Op[0], readonly Check[]>([
  ['sub', [text, list(tuple(text, qos, maybe(whole), maybe(flag), maybe(flag)))]],
  ['unsub', [text, list(text)]],
  ['end', [text]],
  ['keep', [text, qos]],
  ['drop', [text]],
  ['put', [whole, text, qos, flag, list(tuple(text, qos, id))]],
  ['sent', [text, whole, id]],
  ['rel', [text, id]],
  ['comp', [text, id]],
  ['done', [text, whole]],
  ['in', [text, list(id), flag]],
  ['out', [text, id]],
  ['clear', [text]],
  ['will', [whole, text, text, qos, flag]],
  ['gone', [whole]],
]);

/** Changes that are made together or not at all, and the one payload of which they speak. */
export interface Change {
  readonly ops: readonly Op[];
  readonly payload: Buffer;
}

export const NO_PAYLOAD: Buffer = Buffer.alloc(0);
const HEAD_BYTES = 4;

/** Length of the JSON of the changes (32 bits, little-endian), the JSON, the payload. */
export function encodeChange({ ops, payload }: Change): Buffer {
  const json = Buffer.from(JSON.stringify(ops));
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  head.writeUInt32LE(json.length);
  return Buffer.concat([head, json, payload], HEAD_BYTES + json.length + payload.length);
}

/** The payload is a copy. Undefined for what this never wrote, whatever its checksum says. */
export function decodeChange(record: Buffer): Change | undefined {
  if (record.length < HEAD_BYTES) return undefined;
  const end = HEAD_BYTES + record.readUInt32LE(0);
  if (end > record.length) return undefined;
  try {
    const ops: unknown = JSON.parse(record.toString('utf8', HEAD_BYTES, end));
    const isGood = Array.isArray(ops) && ops.every((op: unknown) => Array.isArray(op) && isOp(op));
    return isGood ? { ops: ops as Op[], payload: Buffer.from(record.subarray(end)) } : undefined;
  } catch {
    return undefined;
  }
}

function isOp(op: readonly unknown[]): boolean {
  const checks = SHAPES.get(op[0]);
  return checks !== undefined && op.length === checks.length + 1 && checks.every((check, i) => check(op[i + 1]));
}
