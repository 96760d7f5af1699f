import { FILE_HEAD_BYTES } from '../../src/edge/log/file-id.ts';
import { RECORD_BYTES } from '../../src/edge/log/record.ts';
import { Scanner } from '../../src/edge/log/scan.ts';
import type { SpooledMessage } from '../../src/edge/ports.ts';
import { listSegments } from '../../src/edge/spool/segment.ts';
import { fsError } from './faulty-files.ts';
import { SimDisk } from './sim-disk.ts';
import { FOLDER, message, Rig } from './spool.ts';

const MARK_MS = 200;

/** One message that a device sent. */
interface Sent {
  readonly text: string;
  readonly qos: 0 | 1 | 2;
  seq: number;
  /** `kept`: its `done` came without an error. */
  state: 'waiting' | 'kept' | 'failed';
  /** In this life, or in an earlier one (`before`), which the spool may have forgotten. */
  settled: boolean;
  settledBefore: boolean;
  /** Its record was damaged, or its file. */
  excused: boolean;
}

export interface SpoolReport {
  readonly violations: string[];
  readonly sent: number;
  readonly kept: number;
  readonly failed: number;
  readonly read: number;
  readonly again: number;
  readonly lives: number;
  readonly powerCuts: number;
  readonly damages: number;
  readonly damagedBytes: number;
  readonly excused: number;
  readonly dropped: number;
}

/** The same numbers for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One spool through kills, power cuts, full and failing disks and damage, beside what must be true of it. */
export class SpoolHistory {
  readonly violations: string[] = [];
  private readonly random: () => number;
  private readonly disk: SimDisk;
  private readonly rig: Rig;
  private readonly sent: Sent[] = [];
  private readonly byText: Map<string, Sent> = new Map();
  /** Of this life: appended and not answered, in order. */
  private open: Sent[] = [];
  private handedOut: Sent[] = [];
  private lastSeq = 0;
  /** After a kill the frontier is here at least, after a power cut perhaps not. */
  private sureFrontier = 1;
  private markExcused = false;
  private dropsAsked = 0;
  private counts = { read: 0, again: 0, lives: 1, powerCuts: 0, damages: 0, damagedBytes: 0, dropped: 0 };

  constructor(seed: number, spoil: (disk: SimDisk) => void = () => {}) {
    this.random = seeded(seed);
    this.disk = new SimDisk(this.random);
    spoil(this.disk);
    this.rig = new Rig({ segmentBytes: 300 + this.pick(0, 900), maxBytes: 8_000, markMs: MARK_MS, newMarker: () => this.pick(1, 2 ** 32 - 1) }, this.disk);
  }

  async run(steps: number): Promise<SpoolReport> {
    for (let i = 0; i < steps && this.violations.length === 0; i += 1) await this.step();
    if (this.violations.length === 0) await this.reckon();
    const count = (test: (sent: Sent) => boolean): number => this.sent.filter(test).length;
    return {
      violations: this.violations,
      sent: this.sent.length,
      kept: count(({ state }) => state === 'kept'),
      failed: count(({ state }) => state === 'failed'),
      excused: count(({ excused }) => excused),
      ...this.counts,
    };
  }

  private async step(): Promise<void> {
    const chance = this.random();
    if (chance < 0.3) this.append();
    else if (chance < 0.6) for (let i = this.pick(1, 8); i > 0; i -= 1) await this.disk.turn();
    else if (chance < 0.72) await this.read();
    else if (chance < 0.84) this.settle();
    else if (chance < 0.87) this.rewind();
    else if (chance < 0.91) await this.wait();
    else if (chance < 0.94) this.fault();
    else if (chance < 0.955) await this.drop();
    else if (chance < 0.965) this.damage();
    else if (chance < 0.98) this.die(this.random() < 0.5 ? 'kill' : 'powerCut');
    else if (chance < 0.985) await this.stop();
    else await this.reckon();
  }

  private pick(low: number, high: number): number {
    return low + Math.floor(this.random() * (high - low + 1));
  }

  private wrong(what: string): void {
    this.violations.push(`${what} (life ${this.counts.lives})`);
  }

  private append(): void {
    for (let i = this.pick(1, 6); i > 0; i -= 1) {
      const text = `m${this.sent.length} ${'x'.repeat(this.pick(0, 90))}`;
      const sent: Sent = { text, qos: this.pick(0, 2) as 0 | 1 | 2, seq: 0, state: 'waiting', settled: false, settledBefore: false, excused: false };
      const { lives } = this.counts;
      const seq = this.rig.spool.append(message(text, { qos: sent.qos, topic: `t/${this.sent.length}` }), (error) => {
        if (lives !== this.counts.lives) return this.wrong(`${text}: an answer of a life that is over`);
        if (this.open.shift() !== sent) this.wrong(`${text}: answered out of order, or twice`);
        sent.state = error === undefined ? 'kept' : 'failed';
      });
      if (typeof seq !== 'number') return;
      // One that was dropped leaves nothing that tells its number, if what is behind it was damaged.
      const isOwed = (other: Sent): boolean => other.state === 'kept' && !other.excused && (other.qos > 0 || this.dropsAsked === 0);
      const used = this.sent.find((other) => other.seq === seq && isOwed(other));
      if (used !== undefined && !this.markExcused) this.wrong(`${text}: got number ${seq}, which ${used.text} has`);
      sent.seq = seq;
      this.sent.push(sent);
      this.byText.set(text, sent);
      this.open.push(sent);
    }
  }

  private async read(): Promise<number> {
    const some = await this.rig.during(this.rig.spool.read(this.pick(1, 600)));
    for (const one of some ?? []) this.take(one);
    return some?.length ?? 0;
  }

  private take({ seq, message: { payload, topic, qos } }: SpooledMessage): void {
    const text = payload.toString();
    const sent = this.byText.get(text);
    this.counts.read += 1;
    if (sent === undefined || sent.qos !== qos || topic !== `t/${this.sent.indexOf(sent)}`) return this.wrong(`read ${text}, which nobody sent so`);
    if (seq !== sent.seq) this.wrong(`${text} has number ${seq} instead of ${sent.seq}`);
    if (seq <= this.lastSeq) this.wrong(`${text} was read behind number ${this.lastSeq}`);
    if (sent.settled) this.wrong(`${text} was settled in this life, and read`);
    if (sent.state === 'failed' && this.isOfThisLife(sent)) this.wrong(`${text} failed in this life, and was read`);
    if (sent.state === 'waiting' && this.isOfThisLife(sent)) this.wrong(`${text} was read before it was answered`);
    if (sent.settledBefore) this.counts.again += 1;
    this.lastSeq = seq;
    this.handedOut.push(sent);
  }

  private readonly ofThisLife: Set<Sent> = new Set();
  private bornAt = 0;

  private isOfThisLife(sent: Sent): boolean {
    for (; this.bornAt < this.sent.length; this.bornAt += 1) this.ofThisLife.add(this.sent[this.bornAt] as Sent);
    return this.ofThisLife.has(sent);
  }

  private settle(): void {
    for (let i = this.pick(1, 12); i > 0 && this.handedOut.length > 0; i -= 1) {
      const [sent] = this.handedOut.splice(this.random() < 0.7 ? 0 : this.pick(0, this.handedOut.length - 1), 1);
      if (sent === undefined) return;
      sent.settled = true;
      this.rig.spool.settle(sent.seq);
    }
  }

  private rewind(): void {
    this.rig.spool.rewind();
    this.lastSeq = 0;
    this.handedOut = [];
  }

  private async wait(): Promise<void> {
    this.rig.clock.advance(this.random() < 0.3 ? 1_000 : MARK_MS);
    const { frontier } = this.rig.spool;
    await this.disk.settle();
    if (this.faulty === '') this.sureFrontier = Math.max(this.sureFrontier, frontier);
  }

  private faulty = '';

  private fault(): void {
    this.mend();
    const kind = this.pick(0, 4);
    if (kind === 0) this.disk.room = this.disk.used + this.pick(0, 400);
    else if (kind < 4) {
      const operation = ['write', 'fdatasync', 'fsync', 'open', 'unlink', 'ftruncate'][this.pick(0, 5)] as string;
      const once = this.random() < 0.7;
      this.disk.check = (name) => {
        if (name !== operation) return;
        if (once) this.disk.check = () => {};
        throw fsError('EIO');
      };
    }
    this.faulty = kind === 4 ? '' : 'yes';
  }

  private mend(): void {
    this.disk.check = () => {};
    this.disk.room = Number.POSITIVE_INFINITY;
    this.faulty = '';
  }

  private async drop(): Promise<void> {
    this.dropsAsked += 1;
    const dropping = this.rig.spool.dropOldestQos0(this.pick(1, 800));
    this.counts.dropped += await this.rig.during(dropping);
  }

  /** Flips, zeroes, cuts off or adds bytes, while it runs. What that touches may be lost, and nothing else. */
  private damage(): void {
    const files = this.disk.list().filter((name) => name.endsWith('.seg'));
    const file = files[this.pick(0, files.length - 1)];
    if (file === undefined) return;
    this.counts.damages += 1;
    const size = this.disk.bytes(file).length;
    const at = this.pick(0, Math.max(0, size - 1));
    const to = Math.min(size, at + this.pick(1, 200));
    const kind = this.pick(0, 3);
    const isCut = kind === 0;
    this.excuse(file, at, isCut ? size : kind === 1 ? at + 1 : to);
    this.disk.corrupt(file, (data) => {
      if (kind === 0) return data.subarray(0, at);
      if (kind === 1 && data.length > 0) data[at] = (data[at] as number) ^ (1 << this.pick(0, 7));
      if (kind === 2) data.fill(0, at, to);
      if (kind === 3) for (let i = at; i < to; i += 1) data[i] = this.pick(0, 255);
      return data;
    });
  }

  private excuse(file: string, from: number, to: number): void {
    const { segments } = listSegments(this.disk.files, FOLDER);
    const segment = segments.find(({ path }) => path === file);
    const data = this.disk.bytes(file);
    if (segment === undefined) return;
    const scanner = new Scanner(segment);
    scanner.look(data.subarray(FILE_HEAD_BYTES), true);
    while (scanner.next()) {
      const [start, end] = [FILE_HEAD_BYTES + scanner.start - RECORD_BYTES, FILE_HEAD_BYTES + scanner.end];
      if (start >= to || end <= from) continue;
      for (const sent of this.sent) if (sent.seq === scanner.number) sent.excused = true;
    }
    // What is being written there at this moment.
    for (const sent of this.open) sent.excused = true;
  }

  private die(how: 'kill' | 'powerCut'): void {
    if (how === 'powerCut') {
      this.counts.powerCuts += 1;
      this.sureFrontier = 1;
    }
    this.end();
    this.rig.reborn(how);
    this.begin();
  }

  private async stop(): Promise<void> {
    this.mend();
    await this.rig.close();
    this.sureFrontier = this.rig.spool.frontier;
    if (this.open.length > 0) this.wrong('closed without an answer');
    if (this.disk.openHandles > 0) this.wrong(`${this.disk.openHandles} files stayed open`);
    this.end();
    this.rig.clock.clear();
    if (this.random() < 0.5) this.disk.powerCut();
    this.rig.open();
    this.begin();
  }

  private end(): void {
    this.counts.damagedBytes += this.rig.spool.stats().damagedBytes;
    this.counts.lives += 1;
    this.open = [];
    this.handedOut = [];
    this.mend();
  }

  private begin(): void {
    for (const sent of this.sent) {
      sent.settledBefore ||= sent.settled;
      sent.settled = false;
    }
    this.ofThisLife.clear();
    this.bornAt = this.sent.length;
    this.lastSeq = 0;
    if (this.rig.spool.frontier < this.sureFrontier) this.wrong(`the frontier was ${this.sureFrontier} and is ${this.rig.spool.frontier}`);
  }

  /** Everything that is owed is read, in order and once: from the beginning, after everything was mended and answered. */
  private async reckon(): Promise<void> {
    this.mend();
    this.rig.clock.advance(1_000);
    await this.disk.settle();
    this.rig.clock.advance(1_000);
    await this.disk.settle();
    if (this.open.length > 0) this.wrong(`${this.open[0]?.text}: no answer`);
    this.rewind();
    while ((await this.read()) > 0) if (this.violations.length > 0) return;
    const found = new Set(this.handedOut);
    let gone = 0;
    for (const sent of this.sent) {
      if (sent.state !== 'kept' || sent.settled || sent.settledBefore || sent.excused || found.has(sent)) continue;
      gone += 1;
      if (sent.qos > 0 || this.dropsAsked === 0) this.wrong(`${sent.text} is lost: it was kept and not settled`);
    }
    if (this.counts.lives === 1 && gone > this.counts.dropped) this.wrong(`${gone} are gone, ${this.counts.dropped} were dropped`);
    const { messages } = this.rig.spool.stats();
    if (messages !== found.size) this.wrong(`${messages} messages are counted, ${found.size} are there`);
    this.rewind();
  }
}
