import { crc32 } from 'node:zlib';
import type { FileId } from './file-id.ts';
import { checkOf, MOST_PAYLOAD_BYTES, RECORD_BYTES } from './record.ts';

/**
 * Finds records in windows of a file, one after the other. Damage is skipped up to the next record whose checksums hold, and
 * counted; it never throws. Nothing is allocated per record.
 *
 * ```
 * scanner.look(window, reachesTheEnd);
 * while (scanner.next()) use(window, scanner.number, scanner.start, scanner.end);
 * // the next window begins at scanner.at of this one, and should have scanner.need bytes if the file has them
 * ```
 */
export class Scanner {
  /** Of the record that was found: its number, and where its payload begins and ends in the window. */
  number = 0;
  start = 0;
  end = 0;
  /** Everything before it, in the window, is done with. */
  at = 0;
  /** Bytes behind `at` without which there is nothing to find. */
  need: number = RECORD_BYTES;
  /** Runs of bytes that are no record, and how many bytes they have together. */
  damagedRegions = 0;
  damagedBytes = 0;
  /** Bytes of such a run that is not over: at the end of the last file it is most likely a write that a kill cut short. */
  openBytes = 0;
  private readonly id: FileId;
  private readonly pattern: Buffer = Buffer.alloc(4);
  private bytes: Buffer = Buffer.alloc(0);
  private final = false;

  constructor(id: FileId) {
    this.id = id;
    this.pattern.writeUInt32LE(id.marker);
  }

  /** `final`: the file has nothing behind this window. */
  look(bytes: Buffer, final: boolean): void {
    this.bytes = bytes;
    this.final = final;
    this.at = 0;
    this.need = RECORD_BYTES;
  }

  /** False: nothing more in this window. */
  next(): boolean {
    const { bytes, id } = this;
    for (;;) {
      const { at } = this;
      const left = bytes.length - at;
      if (left < RECORD_BYTES) {
        if (this.final && left > 0) this.lose(left);
        return false;
      }
      if (bytes.readUInt32LE(at) === id.marker) {
        const length = bytes.readUInt32LE(at + 4);
        const place = bytes.readUInt32LE(at + 8);
        const check = bytes.readUInt32LE(at + 12);
        if (length <= MOST_PAYLOAD_BYTES && check === checkOf(id.marker, length, place)) {
          const start = at + RECORD_BYTES;
          const end = start + length;
          if (end > bytes.length && !this.final) {
            this.need = end - at;
            return false;
          }
          if (end <= bytes.length && bytes.readUInt32LE(at + 16) === crc32(bytes.subarray(start, end), check)) {
            this.number = id.first + place;
            this.start = start;
            this.end = end;
            this.at = end;
            this.openBytes = 0;
            return true;
          }
        }
      }
      const found = bytes.indexOf(this.pattern, at + 1);
      // The beginning of a marker may stand at the end of the window.
      if (found === -1) this.lose(this.final ? left : left - this.pattern.length + 1);
      else this.lose(found - at);
    }
  }

  private lose(bytes: number): void {
    if (this.openBytes === 0) this.damagedRegions += 1;
    this.damagedBytes += bytes;
    this.openBytes += bytes;
    this.at += bytes;
  }
}
