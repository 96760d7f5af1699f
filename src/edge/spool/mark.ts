import path from 'node:path';
import { crc32 } from 'node:zlib';
import { codeOf, FILE_MODE, type Files, forceFolder, isAbsent, quietly, readAt, writeAll } from '../../state/files.ts';
import type { Answer, LogFiles } from '../log/files.ts';

/** The spool's memory of how far it is. */
export interface MarkState {
  /** Everything below is settled. */
  readonly frontier: number;
  /** No number from here on was ever given to a message. */
  readonly next: number;
}

export const MARK_FILE = 'mark';
/** Two slots in pages of their own: a write that is torn spoils one and leaves the other, which is one write older. */
const SLOT_BYTES = 4_096;
const USED_BYTES = 32;
const MAGIC = 0x6b726d73;

/**
 * Written in turn into two slots. What was written survives the process, killed or not, but is forced to the disk only when
 * segments are removed and at the end: after a power cut it may say what was true some seconds before, so that messages since
 * then are given again.
 */
export class Mark {
  /** What was found; undefined where there was nothing, or nothing whole. */
  readonly found: MarkState | undefined;
  /** There was a file, and nothing in it could be read. */
  readonly isDamaged: boolean;
  private readonly files: LogFiles;
  private readonly file: string;
  private readonly slot: Buffer = Buffer.alloc(USED_BYTES);
  private handle: number | undefined;
  private turn: number;
  private busy = false;
  private readonly waiting: (() => void)[] = [];

  private constructor(files: LogFiles, file: string, found: ReturnType<typeof readMark>) {
    this.files = files;
    this.file = file;
    this.found = found.state;
    this.isDamaged = found.isDamaged;
    this.turn = found.turn;
  }

  /** Never throws: without a mark everything is given again, and where it cannot be made it is tried again later. */
  static open(files: LogFiles, folder: string): Mark {
    const mark = new Mark(files, path.join(folder, MARK_FILE), readMark(files, folder));
    quietly(() => mark.ready());
    return mark;
  }

  /** `force`: and on the disk. One after the other. */
  write(state: MarkState, force: boolean, done: Answer): void {
    if (this.busy) {
      this.waiting.push(() => this.write(state, force, done));
      return;
    }
    let handle: number;
    try {
      handle = this.ready();
    } catch (error) {
      queueMicrotask(() => done(error as Error));
      return;
    }
    this.busy = true;
    this.turn += 1;
    fillSlot(this.slot, this.turn, state);
    const end: Answer = (error) => {
      this.busy = false;
      done(error);
      this.waiting.shift()?.();
    };
    this.files.write(handle, this.slot, 0, USED_BYTES, (this.turn % 2) * SLOT_BYTES, (error) => {
      if (error !== null || !force) end(error);
      else this.files.fdatasync(handle, end);
    });
  }

  /** Nothing is being written. */
  close(): void {
    const { handle } = this;
    this.handle = undefined;
    if (handle !== undefined) quietly(() => this.files.closeSync(handle));
  }

  /** Its bytes are all there from the beginning, so that it can be written on a full disk. */
  private ready(): number {
    if (this.handle !== undefined) return this.handle;
    const { files, file } = this;
    let handle: number;
    try {
      handle = files.openSync(file, 'r+');
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
      handle = files.openSync(file, 'wx+', FILE_MODE);
    }
    try {
      if (files.fstatSync(handle).size < 2 * SLOT_BYTES) {
        const whole = Buffer.alloc(2 * SLOT_BYTES);
        readAt(files, handle, 0, whole.length).copy(whole);
        writeAll(files, handle, whole, 0);
        files.fsyncSync(handle);
        forceFolder(files, path.dirname(file));
      }
    } catch (error) {
      quietly(() => files.closeSync(handle));
      throw error;
    }
    this.handle = handle;
    return handle;
  }
}

/** Reads only. Never throws. */
export function readMark(files: Files, folder: string): { state: MarkState | undefined; turn: number; isDamaged: boolean } {
  let handle: number;
  try {
    handle = files.openSync(path.join(folder, MARK_FILE), 'r');
  } catch (error) {
    return { state: undefined, turn: 0, isDamaged: !isAbsent(error) };
  }
  const slots = [0, SLOT_BYTES].map((position) => readSlot(files, handle, position));
  quietly(() => files.closeSync(handle));
  const whole = slots.filter((slot) => typeof slot === 'object').sort((a, b) => b.turn - a.turn);
  return { state: whole[0]?.state, turn: whole[0]?.turn ?? 0, isDamaged: whole.length === 0 && slots.includes('damaged') };
}

function readSlot(files: Files, handle: number, position: number): { state: MarkState; turn: number } | 'empty' | 'damaged' {
  let slot: Buffer;
  try {
    slot = readAt(files, handle, position, USED_BYTES);
  } catch {
    return 'damaged';
  }
  if (slot.length === USED_BYTES && slot.readUInt32LE(0) === MAGIC && slot.readUInt32LE(28) === crc32(slot.subarray(0, 28))) {
    return { turn: slot.readDoubleLE(4), state: { frontier: slot.readDoubleLE(12), next: slot.readDoubleLE(20) } };
  }
  return slot.some((byte) => byte !== 0) ? 'damaged' : 'empty';
}

function fillSlot(slot: Buffer, turn: number, { frontier, next }: MarkState): void {
  slot.writeUInt32LE(MAGIC, 0);
  slot.writeDoubleLE(turn, 4);
  slot.writeDoubleLE(frontier, 12);
  slot.writeDoubleLE(next, 20);
  slot.writeUInt32LE(crc32(slot.subarray(0, 28)), 28);
}
