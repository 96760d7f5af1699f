import type { KeptMessage } from '../../../src/domain/kept-message.ts';
import type { Scheduler } from '../../../src/pipeline/ports.ts';
import type { SpooledMessage, SpoolPort, SpoolRefusal } from '../../../src/edge/ports.ts';

interface Cell {
  readonly seq: number;
  readonly message: KeptMessage;
  state: 'writing' | 'durable' | 'settled' | 'failed';
}

export interface SimDiskFaults {
  /** Chance that a group write fails, and that a read cannot be done for a while. */
  readonly failing: number;
  /** Most messages that are not settled. */
  readonly room: number;
}

/** What is left of a spool after a kill. */
export interface SpoolRemains {
  readonly cells: readonly Cell[];
  readonly nextSeq: number;
}

/** The contract of `SpoolPort` without a disk: writes take a while, are done in groups, fail, and find no room. */
export class SimSpool implements SpoolPort {
  nextSeq: number;
  writes = 0;
  failures = 0;
  /** Reads that could not be done. */
  unreadable = 0;
  private readonly cells: Cell[];
  private readonly time: Scheduler;
  private readonly faults: SimDiskFaults;
  private group: { cell: Cell; done: (error: Error | undefined) => void }[] = [];
  private busy = false;
  private broken = false;
  private cursor = 0;
  private alive = true;
  private readonly room = new Set<() => void>();
  private readonly readable = new Set<() => void>();

  constructor(time: Scheduler, faults: SimDiskFaults, remains?: SpoolRemains) {
    this.time = time;
    this.faults = faults;
    this.cells = remains === undefined ? [] : [...remains.cells];
    this.nextSeq = remains?.nextSeq ?? 1;
  }

  get frontier(): number {
    return this.waiting[0]?.seq ?? this.nextSeq;
  }

  /** Not settled, and not failed. */
  get waiting(): readonly Cell[] {
    return this.cells.filter((cell) => cell.state === 'writing' || cell.state === 'durable');
  }

  /** On the disk and not settled. */
  get durable(): number {
    return this.cells.filter((cell) => cell.state === 'durable').length;
  }

  append(message: KeptMessage, done: (error: Error | undefined) => void): number | SpoolRefusal {
    if (this.broken) return 'unwritable';
    if (this.waiting.length >= this.faults.room) return 'full';
    const cell: Cell = { seq: this.nextSeq, message, state: 'writing' };
    this.nextSeq += 1;
    this.cells.push(cell);
    this.group.push({ cell, done });
    this.write();
    return cell.seq;
  }

  async read(maxBytes: number): Promise<readonly SpooledMessage[] | undefined> {
    await new Promise<void>((resolve) => this.time.after(this.time.random() * 5, resolve));
    if (this.time.random() < this.faults.failing) {
      this.unreadable += 1;
      this.time.after(50 + this.time.random() * 50, () => {
        if (this.alive) this.tell(this.readable);
      });
      return undefined;
    }
    const out: SpooledMessage[] = [];
    let bytes = 0;
    while (this.cursor < this.cells.length) {
      const cell = this.cells[this.cursor] as Cell;
      if (cell.state === 'writing') break;
      if (cell.state === 'durable') {
        bytes += 100;
        if (out.length > 0 && bytes > Math.min(maxBytes, 1000)) break;
        out.push({ seq: cell.seq, message: cell.message });
      }
      this.cursor += 1;
    }
    return out;
  }

  settle(seq: number): void {
    const cell = this.cells.find((each) => each.seq === seq);
    if (cell === undefined) throw new Error(`settled ${seq}, which was never appended`);
    if (cell.state !== 'durable') throw new Error(`settled ${seq}, which is ${cell.state}`);
    const full = this.waiting.length >= this.faults.room;
    cell.state = 'settled';
    if (full) this.tell(this.room);
  }

  rewind(): void {
    this.cursor = 0;
  }

  onRoom(listener: () => void): () => void {
    this.room.add(listener);
    return () => this.room.delete(listener);
  }

  onReadable(listener: () => void): () => void {
    this.readable.add(listener);
    return () => this.readable.delete(listener);
  }

  /** The process is killed: what was on its way may have reached the disk, or some of it, in order. Settlements of the last moments are forgotten. */
  kill(): SpoolRemains {
    this.alive = false;
    let torn = false;
    for (const cell of this.cells) {
      if (cell.state !== 'writing') continue;
      torn ||= this.time.random() < 0.5;
      cell.state = torn ? 'failed' : 'durable';
    }
    const forgotten = Math.floor(this.time.random() * 5);
    for (const cell of this.cells.filter((each) => each.state === 'settled').slice(-forgotten)) if (forgotten > 0) cell.state = 'durable';
    return { cells: this.cells.filter((cell) => cell.state === 'durable').map((cell) => ({ ...cell })), nextSeq: this.nextSeq };
  }

  private write(): void {
    if (this.busy || this.group.length === 0) return;
    this.busy = true;
    this.time.after(0.1 + this.time.random() * 10, () => {
      if (!this.alive) return;
      const group = this.group;
      this.group = [];
      this.busy = false;
      this.writes += 1;
      const fails = this.time.random() < this.faults.failing;
      for (const { cell } of group) cell.state = fails ? 'failed' : 'durable';
      if (fails) {
        this.failures += 1;
        this.broken = true;
        this.time.after(20 + this.time.random() * 200, () => {
          this.broken = false;
          if (this.alive) this.tell(this.room);
        });
      }
      for (const { done } of group) done(fails ? new Error('no space left') : undefined);
      if (!fails) this.tell(this.readable);
      this.write();
    });
  }

  private tell(listeners: Set<() => void>): void {
    for (const listener of listeners) listener();
  }
}
