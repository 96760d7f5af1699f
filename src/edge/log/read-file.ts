import { type Files, quietly, readAt } from '../../state/files.ts';
import { FILE_HEAD_BYTES, type FileId } from './file-id.ts';
import type { LogFiles } from './files.ts';
import { Scanner } from './scan.ts';

const PAGE_BYTES = 4_096;
const SCAN_BYTES = 1_048_576;

/**
 * Reads all of a file at once, holding up the event loop: for opening. `visit` gets each whole record. What cannot be read is
 * damage; throws only where the file cannot be opened.
 */
export function scanFile(files: Files, path: string, id: FileId, visit: (number: number, payload: Buffer) => void): Scanner {
  const scanner = new Scanner(id);
  const handle = files.openSync(path, 'r');
  try {
    const size = files.fstatSync(handle).size;
    for (let position = FILE_HEAD_BYTES; position < size; position += scanner.at) {
      const window = readPages(files, handle, position, Math.min(Math.max(SCAN_BYTES, scanner.need), size - position));
      scanner.look(window, position + window.length === size);
      while (scanner.next()) visit(scanner.number, window.subarray(scanner.start, scanner.end));
    }
  } finally {
    files.closeSync(handle);
  }
  return scanner;
}

/** What cannot be read becomes zeros: no record has any in front. */
function readPages(files: Files, handle: number, position: number, length: number): Buffer {
  try {
    const window = readAt(files, handle, position, length);
    if (window.length === length) return window;
  } catch {
    // Some of its pages may be readable.
  }
  const window = Buffer.alloc(length);
  for (let at = 0; at < length; at += PAGE_BYTES) {
    quietly(() => readAt(files, handle, position + at, Math.min(PAGE_BYTES, length - at)).copy(window, at));
  }
  return window;
}

/** Reads a file from its first record on, window by window, while it may still grow. */
export class FileReader {
  readonly scanner: Scanner;
  /** The window that `scanner` looks at; its parts may be kept: nobody writes into it again. */
  window: Buffer = Buffer.alloc(0);
  private readonly files: LogFiles;
  private readonly handle: number;
  private position: number = FILE_HEAD_BYTES;

  private constructor(files: LogFiles, handle: number, id: FileId) {
    this.files = files;
    this.handle = handle;
    this.scanner = new Scanner(id);
  }

  /** Rejects with what the file system says. */
  static open(files: LogFiles, path: string, id: FileId): Promise<FileReader> {
    return new Promise((resolve, reject) => {
      files.open(path, 'r', 0, (error, handle) => (error === null ? resolve(new FileReader(files, handle, id)) : reject(error)));
    });
  }

  /**
   * The next window, of about `bytes`, before `limit`: bytes of the file that are written for good. False: nothing is left
   * there. What cannot be read, or is not there though it should be, is damage like any other.
   */
  async load(bytes: number, limit: number): Promise<boolean> {
    const { scanner } = this;
    this.position += scanner.at;
    scanner.at = 0;
    const left = limit - this.position;
    if (left <= 0) return false;
    const window = Buffer.allocUnsafeSlow(Math.min(Math.max(bytes, scanner.need), left));
    await this.fill(window);
    this.window = window;
    scanner.look(window, window.length === left);
    return true;
  }

  /** Forgets what it has read of the file. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.files.close(this.handle, () => resolve());
    });
  }

  /** What cannot be read becomes zeros: no record has any in front. */
  private async fill(window: Buffer): Promise<void> {
    let done = 0;
    while (done < window.length) {
      let got: number;
      try {
        got = await this.read(window, done, window.length - done);
      } catch {
        return await this.fillByPages(window, done);
      }
      if (got === 0) break;
      done += got;
    }
    window.fill(0, done);
  }

  private async fillByPages(window: Buffer, from: number): Promise<void> {
    window.fill(0, from);
    for (let at = from; at < window.length; at += PAGE_BYTES) {
      try {
        await this.read(window, at, Math.min(PAGE_BYTES, window.length - at));
      } catch {
        window.fill(0, at, at + PAGE_BYTES);
      }
    }
  }

  private read(window: Buffer, offset: number, length: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.files.read(this.handle, window, offset, length, this.position + offset, (error, got) => (error === null ? resolve(got) : reject(error)));
    });
  }
}
