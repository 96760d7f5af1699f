import type { FileId } from './file-id.ts';

export type Done = (error: Error | undefined) => void;

/** A file that is appended to. */
export interface OpenFile extends FileId {
  readonly path: string;
  /** Undefined until its first batch is written. */
  handle: number | undefined;
  /** Bytes that are on the disk for certain. */
  length: number;
}

const LEAST_BYTES = 65_536;
/** A larger buffer is given back when it is empty. */
const MOST_KEPT_BYTES = 8_388_608;

/** Records that gather for one write, in a buffer that grows and is used again. */
export class Batch {
  bytes: Buffer = Buffer.allocUnsafeSlow(LEAST_BYTES);
  length = 0;
  /** Number of the first record. */
  first = 0;
  dones: Done[] = [];
  file: OpenFile | undefined;

  /** Makes room for so many more bytes; answers where they go. */
  extend(by: number): number {
    const at = this.length;
    const length = at + by;
    if (length > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, this.bytes.length * 2));
      this.bytes.copy(larger, 0, 0, at);
      this.bytes = larger;
    }
    this.length = length;
    return at;
  }

  reset(): void {
    if (this.bytes.length > MOST_KEPT_BYTES) this.bytes = Buffer.allocUnsafeSlow(LEAST_BYTES);
    this.length = 0;
    this.dones = [];
    this.file = undefined;
  }
}
