import type { Entry } from './entry.ts';
import { Line } from './line.ts';

/** Messages that have no room in the spool, in the order of their arrival. Their devices wait for an answer. */
export class Parked {
  private readonly line = new Line();
  private readonly topics = new Map<string, number>();

  get size(): number {
    return this.line.size;
  }

  /** Whether something of the topic waits: what comes later must not overtake it. */
  has(topic: string): boolean {
    return this.topics.has(topic);
  }

  first(): Entry | undefined {
    return this.line.first();
  }

  push(entry: Entry): void {
    this.line.push(entry);
    this.count(entry, 1);
  }

  shift(): void {
    const entry = this.first();
    if (entry === undefined) return;
    this.line.shift();
    this.count(entry, -1);
  }

  putBack(entry: Entry): void {
    this.line.putBack(entry);
    this.count(entry, 1);
  }

  private count(entry: Entry, by: 1 | -1): void {
    const { topic } = entry.message;
    const n = (this.topics.get(topic) ?? 0) + by;
    if (n === 0) this.topics.delete(topic);
    else this.topics.set(topic, n);
  }
}
