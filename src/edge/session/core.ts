import { type Losses, type SessionBounds } from './bounds.ts';
import type { Done, Journal } from './journal.ts';
import { NO_PAYLOAD, type Op } from './ops.ts';
import { bytesOf } from './packets.ts';
import type { Store } from './store.ts';

/** Changes that go to the disk together: each is made in memory at once. */
export class Changes {
  private readonly core: Core;
  private readonly ops: Op[] = [];
  private payload: Buffer = NO_PAYLOAD;

  constructor(core: Core) {
    this.core = core;
  }

  get isEmpty(): boolean {
    return this.ops.length === 0;
  }

  /** Those of one record that have a payload have the same. */
  add(op: Op, payload: Buffer | string = NO_PAYLOAD): this {
    this.core.store.apply(op, payload);
    this.ops.push(op);
    if (payload.length > 0) this.payload = bytesOf(payload);
    return this;
  }

  /** `done` when they are on the disk; at once where there are none. */
  write(done: Done): void {
    if (this.isEmpty) done(undefined);
    else this.core.journal.write({ ops: this.ops, payload: this.payload }, done);
  }

  /** Resolves when they are on the disk, and all that came before. */
  durable(): Promise<void> {
    return new Promise((resolve, reject) => {
      const done: Done = (error) => (error === undefined ? resolve() : reject(error));
      if (this.isEmpty) this.core.journal.barrier(done);
      else this.write(done);
    });
  }

  /** For what may come again after a kill. */
  soon(): void {
    this.write(() => {});
  }
}

/** What the parts of the persistence share. */
export interface Core {
  readonly store: Store;
  readonly journal: Journal;
  readonly bounds: SessionBounds;
  readonly losses: Losses;
}
