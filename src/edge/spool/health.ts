import type { Scheduler } from '../../pipeline/ports.ts';
import { codeOf, quietly } from '../../state/files.ts';
import { FolderLock } from '../../state/folder-lock.ts';
import type { LogFiles } from '../log/files.ts';
import { probe } from './probe.ts';

export interface HealthOptions {
  readonly files: LogFiles;
  readonly folder: string;
  readonly retryMs: number;
  readonly scheduler: Scheduler;
  readonly warn: (message: string) => void;
  readonly lock: FolderLock;
  readonly onWritable: () => void;
}

/** Whether the folder can be written, and is still this process's. */
export class Health {
  failures = 0;
  /** Another process has taken the folder: nothing in it may be touched any more. */
  isOurs = true;
  private readonly options: HealthOptions;
  private lock: FolderLock;
  private hasFailed = false;
  private isProbing = false;
  private isClosed = false;
  private wasUnreadable = false;
  private stop: (() => void) | undefined;
  private stopReading: (() => void) | undefined;
  private readonly whenIdle: (() => void)[] = [];

  constructor(options: HealthOptions) {
    this.options = options;
    this.lock = options.lock;
  }

  get isWritable(): boolean {
    return !this.hasFailed && this.isOurs;
  }

  fail(error: Error): void {
    this.failures += 1;
    if (!this.hasFailed) {
      const what = codeOf(error) === 'ENOSPC' ? 'its disk is full: make room' : `${error.message}: look after the disk`;
      this.options.warn(`the spool in ${this.options.folder} cannot be written (${what}); what it would have to keep is not acknowledged until it can`);
    }
    this.hasFailed = true;
    this.probeLater();
  }

  /** Notices that somebody else has taken the folder, or that the lock is gone, which is mended. */
  look(): void {
    if (!this.isOurs) return;
    const { folder, files, warn } = this.options;
    let state: FolderLock['state'] = 'ours';
    quietly(() => {
      state = this.lock.state;
      if (state !== 'gone') return;
      this.lock = FolderLock.take(files, folder);
    });
    if ((state as FolderLock['state']) !== 'taken') return;
    this.isOurs = false;
    warn(`the spool in ${folder} was taken over by another process, and this one keeps nothing there any more: give each gateway a folder of its own`);
  }

  /** Calls `again` when another try is due. */
  unreadable(error: Error, again: () => void): void {
    if (this.stopReading !== undefined || this.isClosed) return;
    if (!this.wasUnreadable) {
      this.options.warn(`the spool in ${this.options.folder} cannot be read (${error.message}): nothing of it is forwarded until it can, and nothing is lost`);
    }
    this.wasUnreadable = true;
    this.stopReading = this.options.scheduler.after(this.options.retryMs, () => {
      this.stopReading = undefined;
      again();
    });
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.stop?.();
    this.stopReading?.();
    if (this.isProbing) await new Promise<void>((resolve) => this.whenIdle.push(resolve));
  }

  release(): void {
    this.lock.release();
  }

  private probeLater(): void {
    if (this.isProbing || this.isClosed) return;
    this.stop ??= this.options.scheduler.after(this.options.retryMs, () => {
      this.stop = undefined;
      this.isProbing = true;
      probe(this.options.files, this.options.folder, (error) => {
        this.isProbing = false;
        this.hasFailed = error !== null;
        for (const done of this.whenIdle.splice(0)) done();
        if (error !== null) this.probeLater();
        else if (!this.isClosed) {
          this.look();
          this.options.onWritable();
        }
      });
    });
  }
}
