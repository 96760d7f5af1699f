import type { Entry } from './entry.ts';

/** Entries in the order of their arrival. */
export class Line {
  private entries: Entry[] = [];
  private head = 0;
  /** Where the next one that is put back goes: behind those that were put back with it. */
  private back = 0;

  get size(): number {
    return this.entries.length - this.head;
  }

  first(): Entry | undefined {
    return this.entries[this.head];
  }

  push(entry: Entry): void {
    this.entries.push(entry);
  }

  shift(): void {
    if (this.size === 0) return;
    this.head += 1;
    this.back = 0;
    if (this.head < 1024 && this.size > 0) return;
    this.entries = this.entries.slice(this.head);
    this.head = 0;
  }

  /** It had left and could not be written. Those of one failed write come in their order, and what waits of their topics is newer. */
  putBack(entry: Entry): void {
    this.entries.splice(this.head + this.back, 0, entry);
    this.back += 1;
  }
}
