import { randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** What must be known of a file to read its records. It stands in its name and in its first bytes: damage to one leaves the other. */
export interface FileId {
  /** Number of its first record. */
  readonly first: number;
  /** In front of each of its records; 32 bits. */
  readonly marker: number;
}

export interface FileHead extends FileId {
  /** Four ASCII characters: whose records these are. */
  readonly kind: string;
  /** When its first record was written, in milliseconds since 1970. */
  readonly since: number;
  /** How many numbers were left out on purpose when it was written anew. */
  readonly missing: number;
}

export const FILE_HEAD_BYTES = 48;
const MAGIC = Buffer.from('sluicelog', 'latin1');
const VERSION = 1;
const SUM_AT = FILE_HEAD_BYTES - 4;
const NAME = /^(\d{16})-([0-9a-f]{8})\.seg$/;

export function newMarker(): number {
  return randomInt(1, 2 ** 32);
}

/** In the order of their names the files are in the order of their records. */
export function nameOf(id: FileId): string {
  return `${String(id.first).padStart(16, '0')}-${id.marker.toString(16).padStart(8, '0')}.seg`;
}

export function idOfName(name: string): FileId | undefined {
  const found = NAME.exec(name);
  if (found === null) return undefined;
  const first = Number(found[1]);
  return Number.isSafeInteger(first) ? { first, marker: Number.parseInt(found[2] as string, 16) } : undefined;
}

export function writeHead(bytes: Buffer, at: number, head: FileHead): void {
  bytes.fill(0, at, at + FILE_HEAD_BYTES);
  MAGIC.copy(bytes, at);
  bytes.writeUInt8(VERSION, at + 9);
  bytes.write(head.kind, at + 10, 4, 'latin1');
  bytes.writeUInt32LE(head.marker, at + 14);
  bytes.writeDoubleLE(head.first, at + 18);
  bytes.writeDoubleLE(head.since, at + 26);
  bytes.writeUInt32LE(head.missing, at + 34);
  bytes.writeUInt32LE(crc32(bytes.subarray(at, at + SUM_AT)), at + SUM_AT);
}

/** `other`: whole, but of another version or kind, so its records must not be read. */
export function readHead(bytes: Buffer, kind: string): FileHead | 'damaged' | 'other' {
  if (bytes.length < FILE_HEAD_BYTES || bytes.readUInt32LE(SUM_AT) !== crc32(bytes.subarray(0, SUM_AT))) return 'damaged';
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) return 'damaged';
  if (bytes.readUInt8(9) !== VERSION || bytes.toString('latin1', 10, 14) !== kind) return 'other';
  return { kind, marker: bytes.readUInt32LE(14), first: bytes.readDoubleLE(18), since: bytes.readDoubleLE(26), missing: bytes.readUInt32LE(34) };
}
