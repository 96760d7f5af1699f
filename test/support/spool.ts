import type { Scheduler } from '../../src/pipeline/ports.ts';
import type { KeptMessage, SpooledMessage } from '../../src/edge/ports.ts';
import { Spool } from '../../src/edge/spool/spool.ts';
import type { SpoolOptions } from '../../src/edge/spool/options.ts';
import { SimDisk } from './sim-disk.ts';

/** A clock that a test moves by hand. */
export class HandClock implements Scheduler {
  time = 1_000_000;
  private timers: { readonly at: number; readonly fn: () => void }[] = [];

  now(): number {
    return this.time;
  }

  monotonic(): number {
    return this.time;
  }

  random(): number {
    return 0.5;
  }

  after(ms: number, fn: () => void): () => void {
    const timer = { at: this.time + ms, fn };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  advance(ms: number): void {
    this.time += ms;
    for (const timer of this.timers.filter(({ at }) => at <= this.time)) {
      this.timers = this.timers.filter((other) => other !== timer);
      timer.fn();
    }
  }

  /** As when a process ends. */
  clear(): void {
    this.timers = [];
  }
}

export function message(text: string, more: Partial<KeptMessage> = {}): KeptMessage {
  return { topic: 'plant/a', payload: Buffer.from(text), qos: 1, retain: false, dup: false, clientId: 'device-1', receivedAt: 1_000_000, ...more };
}

export const FOLDER = '/spool';

/** A spool on a disk in memory. */
export class Rig {
  readonly clock = new HandClock();
  readonly warnings: string[] = [];
  readonly answers: string[] = [];
  readonly disk: SimDisk;
  spool: Spool;
  private readonly options: Partial<SpoolOptions>;

  constructor(options: Partial<SpoolOptions> = {}, disk = new SimDisk()) {
    this.options = options;
    this.disk = disk;
    this.spool = this.open();
  }

  open(): Spool {
    this.spool = Spool.open({
      folder: FOLDER,
      maxBytes: 1e9,
      scheduler: this.clock,
      warn: (text) => this.warnings.push(text),
      files: this.disk.files,
      soon: queueMicrotask,
      ...this.options,
    });
    return this.spool;
  }

  put(text: string, more: Partial<KeptMessage> = {}): ReturnType<Spool['append']> {
    return this.spool.append(message(text, more), (error) => {
      this.answers.push(error === undefined ? text : `${text} ${(error as NodeJS.ErrnoException).code}`);
    });
  }

  /** Everything that can be read now. */
  async readAll(maxBytes = 262_144): Promise<SpooledMessage[]> {
    const out: SpooledMessage[] = [];
    for (;;) {
      const some = await this.during(this.spool.read(maxBytes));
      if (some === undefined || some.length === 0) return out;
      out.push(...some);
    }
  }

  async texts(): Promise<string[]> {
    return (await this.readAll()).map(({ message: { payload } }) => payload.toString());
  }

  /** Lets the disk work until the promise is fulfilled. */
  async during<T>(promise: Promise<T>): Promise<T> {
    const state = { isOver: false };
    const result = promise.finally(() => {
      state.isOver = true;
    });
    for (let i = 0; i < 100_000 && !state.isOver; i += 1) await this.disk.turn();
    return await result;
  }

  async close(): Promise<void> {
    await this.during(this.spool.close());
  }

  /** The process ends; the next begins. */
  reborn(how: 'kill' | 'powerCut'): Spool {
    this.clock.clear();
    this.disk[how]();
    return this.open();
  }

  segments(): string[] {
    return this.disk.list().filter((name) => name.endsWith('.seg'));
  }
}
