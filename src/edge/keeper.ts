import type { Fault } from '../domain/fault.ts';
import type { KeptMessage } from '../domain/kept-message.ts';
import type { Ledger } from '../domain/ledger.ts';
import { backoffMs } from '../pipeline/backoff.ts';
import { Behind } from './behind.ts';
import { BareLine } from './bare-line.ts';
import { Copies } from './copies.ts';
import { answer, type Entry, entryOf, needsCopy } from './entry.ts';
import { Backlog } from './backlog.ts';
import { KeeperCounts } from './keeper-counts.ts';
import type { KeeperOptions } from './keeper-options.ts';
import { Parked } from './parked.ts';
import type { Keeper } from './ports.ts';
import { TopicLanes } from './topic-lanes.ts';

/**
 * Decides where a message waits until the outlet has it: in memory alone while confirms come fast, in the spool as well where they do
 * not, in the spool alone while the outlet is away or too slow.
 *
 * Order holds per topic: a new message goes into memory only if nothing of its topic is in the spool and not in memory (`Behind`),
 * and into the spool only after what is in memory of its topic and has no copy there. So the spool has each topic in the order of
 * arrival, a restart that reads it begins with what is oldest, and memory never overtakes it.
 *
 * Memory is bounded: at most `outlet.window` entries and what one read of the spool brings; what finds no room in the spool either
 * waits with its device, whose owner (the listener) stops reading.
 */
export class StoringKeeper implements Keeper {
  readonly counts: KeeperCounts = new KeeperCounts();
  private readonly ledger: Ledger;
  private readonly options: KeeperOptions;
  private readonly lanes: TopicLanes;
  private readonly behind: Behind;
  private readonly backlog: Backlog;
  private readonly parked = new Parked();
  private readonly bare: BareLine;
  private readonly copies: Copies;
  private readonly forget: (() => void)[] = [];
  private makingRoom = false;
  private pumping = false;
  private sending = false;
  private stopping = false;
  private idle: (() => void) | undefined;

  constructor(options: KeeperOptions) {
    this.options = options;
    this.ledger = options.ledger;
    const { spool, outlet, scheduler, drainPerSecond, spoolAfterMs } = options;
    this.lanes = new TopicLanes(outlet.perTopic);
    this.behind = new Behind(spool.nextSeq);
    this.copies = new Copies({
      spool,
      onFull: () => this.makeRoom(),
      // In memory it is tried again by the clock; what was on its way to the spool alone is first in line for it.
      onFailed: (entry, inMemory) => (inMemory ? this.bare.putBack(entry) : this.parked.putBack(entry)),
    });
    this.bare = new BareLine({ scheduler, afterMs: spoolAfterMs, copy: (entry) => this.copy(entry) });
    this.backlog = new Backlog({
      spool,
      scheduler,
      perSecond: drainPerSecond,
      wanted: () => !this.stopping && outlet.unavailable === undefined && this.lanes.size < outlet.window / 2,
      take: (seq, message) => this.loaded(seq, message),
      quiet: () => this.copies.writing === 0,
      after: () => this.pump(),
    });
    this.forget.push(
      outlet.onChange(() => this.outletChanged()),
      spool.onRoom(() => this.pump()),
      spool.onReadable(() => this.backlog.load()),
    );
    this.backlog.load();
  }

  /** Messages in memory, in whatever state. */
  get inMemory(): number {
    return this.lanes.size + this.parked.size;
  }

  /** Messages that the keeper holds and the spool does not have on the disk: together with those of the spool, all that is owed. */
  get bareCount(): number {
    return this.lanes.size - this.copies.durable + this.copies.alone + this.parked.size;
  }

  /** Writes to the spool that are not on the disk yet. */
  get writing(): number {
    return this.copies.writing;
  }

  /** Messages that wait for room in the spool; their devices are held. */
  get waitingForRoom(): number {
    return this.parked.size;
  }

  /** Topics whose oldest message the outlet has refused for now. */
  get topicsHeld(): number {
    return this.lanes.failed;
  }

  keep(message: KeptMessage, done: (error: Error | undefined) => void): void {
    this.ledger.messageReceived(message.payload.length);
    const entry = entryOf(message, this.options.scheduler.monotonic(), done);
    if (this.stopping || this.parked.has(message.topic) || !this.place(entry)) this.parked.push(entry);
    else this.send();
  }

  offer(message: KeptMessage): boolean {
    this.ledger.messageReceived(message.payload.length);
    if (this.stopping || this.parked.has(message.topic) || !this.goesLive(message.topic)) {
      this.ledger.messageSettled('filtered');
      return false;
    }
    this.lanes.push(entryOf(message, this.options.scheduler.monotonic(), undefined, true));
    this.counts.live += 1;
    this.send();
    return true;
  }

  /** Sends nothing more; what is under way is still answered. */
  halt(): void {
    this.stopping = true;
  }

  /**
   * Sends nothing more, waits until what is under way is answered or the time is up, and writes what has no copy to the spool.
   * What that did not take is in `bareCount`; devices that were not answered send it again.
   */
  async close(deadlineMs: number): Promise<void> {
    this.halt();
    if (this.lanes.sent > 0) {
      await new Promise<void>((resolve) => {
        const cancel = this.options.scheduler.after(deadlineMs, resolve);
        this.idle = () => {
          cancel();
          resolve();
        };
      });
    }
    this.bare.copyAll();
    for (const forget of this.forget) forget();
    this.bare.close();
    this.backlog.close();
  }

  private goesLive(topic: string): boolean {
    const { outlet } = this.options;
    if (outlet.unavailable !== undefined || this.lanes.size >= outlet.window) return false;
    // A busy topic whose confirms are slow must not take all the room.
    if (this.lanes.depth(topic) >= Math.max(1, outlet.window / 8) && outlet.perTopic < outlet.window) return false;
    return !this.behind.has(topic, this.backlog.position);
  }

  /** Into memory or into the spool. Answers false where neither has room. */
  private place(entry: Entry): boolean {
    const { topic } = entry.message;
    if (!this.goesLive(topic)) {
      for (const earlier of this.lanes.of(topic)) if (needsCopy(earlier) && !this.copy(earlier)) return false;
      if (!this.copies.write(entry, false)) return false;
      this.behind.mark(topic, entry.seq);
      this.counts.spooled += 1;
      return true;
    }
    this.lanes.push(entry);
    this.counts.live += 1;
    this.bare.add(entry);
    if (this.options.spoolAfterMs === 0) this.bare.copyAll();
    return true;
  }

  /** Writes the copy of an entry that is in memory. */
  private copy(entry: Entry): boolean {
    if (!this.copies.write(entry, true)) return false;
    this.bare.remove(entry);
    this.counts.copied += 1;
    return true;
  }

  /** Read from the spool; false where memory has it already. */
  private loaded(seq: number, message: KeptMessage): boolean {
    if (this.copies.has(seq)) return false;
    const entry = entryOf(message, this.options.scheduler.monotonic(), undefined);
    this.copies.adopt(entry, seq);
    this.lanes.push(entry);
    return true;
  }

  private outletChanged(): void {
    if (this.options.outlet.unavailable !== undefined) this.bare.copyAll();
    else this.pump();
  }

  /** Everything that may have become possible: places for what waits, sending, reading on. */
  private pump(): void {
    // What this calls may end up here again.
    if (this.pumping || this.stopping) return;
    this.pumping = true;
    let entry = this.parked.first();
    while (entry !== undefined && this.place(entry)) {
      this.parked.shift();
      entry = this.parked.first();
    }
    this.pumping = false;
    this.send();
    this.backlog.load();
  }

  private send(): void {
    const { outlet, scheduler, lateAfterMs } = this.options;
    // An outlet that answers at once would call this again from within.
    if (this.sending) return;
    this.sending = true;
    while (!this.stopping && outlet.unavailable === undefined && this.lanes.sent < outlet.window) {
      const entry = this.lanes.next();
      if (entry === undefined) break;
      const late = scheduler.now() - entry.message.receivedAt > lateAfterMs;
      outlet.send(entry.message, late, (fault) => this.answered(entry, fault, late));
    }
    this.sending = false;
  }

  private answered(entry: Entry, fault: Fault | undefined, late: boolean): void {
    if (fault === undefined) {
      this.ledger.messageSettled('forwarded');
      if (late) this.counts.late += 1;
      this.drop(entry);
    } else if (entry.volatile) {
      this.ledger.messageSettled('filtered');
      this.drop(entry);
    } else if (fault.kind === 'retryable') this.again(entry, fault);
    else this.giveUp(entry, fault);
    if (this.lanes.sent === 0) this.idle?.();
    this.pump();
  }

  /** Nothing more is owed for it here. */
  private drop(entry: Entry): void {
    this.lanes.remove(entry);
    this.bare.remove(entry);
    answer(entry);
    this.copies.release(entry);
  }

  private again(entry: Entry, fault: Fault): void {
    const { outlet, retry, scheduler, onHeld } = this.options;
    const attempts = this.lanes.fail(entry);
    const { topic } = entry.message;
    this.lanes.rest(topic);
    // With the outlet away there is nothing to wait for but its return.
    const pause = outlet.unavailable === undefined ? backoffMs(attempts, () => scheduler.random(), retry.baseMs, retry.capMs) : retry.baseMs;
    if (outlet.unavailable === undefined) {
      this.counts.setback(fault.code);
      onHeld?.(topic, attempts, fault);
    }
    scheduler.after(pause, () => {
      this.lanes.wake(topic);
      this.pump();
    });
  }

  /** Stays at the head of its topic until it is safe elsewhere. */
  private giveUp(entry: Entry, fault: Fault): void {
    this.options.refuse(entry.message, fault, (error) => {
      if (error !== undefined) {
        this.again(entry, fault);
        return;
      }
      this.ledger.messageSettled('dead-lettered');
      this.drop(entry);
      this.pump();
    });
  }

  private makeRoom(): void {
    const { makeRoom } = this.options;
    if (makeRoom === undefined || this.makingRoom) return;
    this.makingRoom = true;
    void makeRoom().finally(() => {
      this.makingRoom = false;
      this.pump();
    });
  }
}
