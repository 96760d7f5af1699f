import { crc32 } from 'node:zlib';

/**
 * A record: marker, length of the payload, place, check of these three, CRC-32 of check and payload (each 32 bits, little-endian),
 * payload.
 *
 * The marker is a random number of the file. What devices send cannot contain it on purpose, so a search for the next record
 * after damage cannot be led to one that a device has written into its payload. The place is counted from the first of the file.
 * With a check of its own a wrong length is noticed before so many bytes are read.
 */
export const RECORD_BYTES = 20;
/** Longest payload: MQTT allows 256 MiB, but RabbitMQ 4 takes no message above 16 MiB unless told to. */
export const MOST_PAYLOAD_BYTES = 33_554_432;

/** One to one in each argument while the others stay, so that a change of a single field never goes unnoticed. */
export function checkOf(marker: number, length: number, place: number): number {
  return Math.imul(Math.imul(length ^ marker, 0x9e3779b1) ^ place, 0x85ebca6b) >>> 0;
}

/** Finishes the record at `at`, whose payload of `length` bytes stands in its place already. */
export function seal(bytes: Buffer, at: number, length: number, marker: number, place: number): void {
  const check = checkOf(marker, length, place);
  bytes.writeUInt32LE(marker, at);
  bytes.writeUInt32LE(length, at + 4);
  bytes.writeUInt32LE(place, at + 8);
  bytes.writeUInt32LE(check, at + 12);
  bytes.writeUInt32LE(crc32(bytes.subarray(at + RECORD_BYTES, at + RECORD_BYTES + length), check), at + 16);
}
