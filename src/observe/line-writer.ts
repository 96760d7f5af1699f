import { write, writeSync } from 'node:fs';

/** Where log lines go. */
export interface LineDestination {
  write(line: string): void;
}

const RETRY_MS = 50;
const SYNC_TRIES = 20;
const SYNC_WAIT_MS = 10;

/**
 * Writes lines to a file descriptor in order, off the event loop, and never fails outwards.
 *
 * pino's own destination is not used: its `flushSync` repeats for ever on a full disk (ENOSPC), an error before its
 * first listener ends the process, and after EPIPE nothing counts what is lost.
 *
 * Bounded: beyond `maxBytes` of waiting lines new ones are dropped and counted. A reader that is gone (EPIPE) ends
 * writing for good; any other error costs the lines of that write.
 */
export class LineWriter implements LineDestination {
  /** Lines that were dropped. */
  failures = 0;
  private readonly fd: number;
  private readonly maxBytes: number;
  private queue: string[] = [];
  private queuedBytes = 0;
  private current: Buffer | undefined;
  private broken = false;
  /** The last write ended in the middle of a line, and the rest of it was dropped. */
  private torn = false;
  private retry: NodeJS.Timeout | undefined;
  private idle: (() => void)[] = [];

  constructor(fd: number, maxBytes: number) {
    this.fd = fd;
    this.maxBytes = maxBytes;
  }

  write(line: string): void {
    if (this.broken || this.queuedBytes + line.length > this.maxBytes) {
      this.failures += 1;
      return;
    }
    this.queue.push(line);
    this.queuedBytes += line.length;
    if (this.current === undefined) this.next();
  }

  /** Waits until everything is written or `deadlineMs` have passed; what is left then is dropped and counted. */
  async close(deadlineMs: number): Promise<void> {
    if (this.current !== undefined) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.idle.push(resolve);
        timer = setTimeout(resolve, deadlineMs);
      });
      clearTimeout(timer);
    }
    this.break();
  }

  /** For the exit of the process: writes what waits, at most about 200 ms, and gives up on any other error than EAGAIN. */
  flushSync(): void {
    if (this.broken) return;
    // While a retry is pending nothing of `current` is under way, so it can be written here first.
    const first = this.retry === undefined ? [] : [this.current ?? Buffer.alloc(0)];
    clearTimeout(this.retry);
    let rest = Buffer.concat([...first, Buffer.from(`${this.torn && this.current === undefined ? '\n' : ''}${this.queue.join('')}`)]);
    this.queue = [];
    this.queuedBytes = 0;
    for (let tries = 0; rest.length > 0 && tries < SYNC_TRIES; ) {
      try {
        rest = rest.subarray(writeSync(this.fd, rest));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') break;
        tries += 1;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SYNC_WAIT_MS);
      }
    }
    this.failures += lines(rest);
    if (this.retry !== undefined) {
      this.retry = undefined;
      this.current = undefined;
      this.settle();
    }
  }

  private next(): void {
    if (this.queue.length === 0) {
      this.current = undefined;
      this.settle();
      return;
    }
    const text = this.queue.join('');
    this.queue = [];
    this.queuedBytes = 0;
    this.current = Buffer.from(this.torn ? `\n${text}` : text);
    this.torn = false;
    this.attempt(this.current);
  }

  private attempt(chunk: Buffer): void {
    write(this.fd, chunk, (error, written) => {
      if (error === null) {
        if (written < chunk.length) {
          this.current = chunk.subarray(written);
          this.torn = chunk[written - 1] !== 0x0a;
          this.attempt(this.current);
          return;
        }
        this.torn = false;
        this.next();
      } else if (error.code === 'EAGAIN' && !this.broken) {
        this.retry = setTimeout(() => {
          this.retry = undefined;
          this.attempt(chunk);
        }, RETRY_MS);
        this.retry.unref();
      } else {
        this.failures += lines(chunk);
        if (error.code === 'EPIPE' || error.code === 'EBADF') this.break();
        this.next();
      }
    });
  }

  private break(): void {
    this.broken = true;
    this.failures += this.queue.length;
    this.queue = [];
    this.queuedBytes = 0;
    if (this.retry !== undefined) {
      clearTimeout(this.retry);
      this.retry = undefined;
      this.failures += lines(this.current ?? Buffer.alloc(0));
      this.current = undefined;
      this.settle();
    }
  }

  private settle(): void {
    const waiting = this.idle;
    this.idle = [];
    for (const done of waiting) done();
  }
}

function lines(chunk: Buffer): number {
  let n = 0;
  for (const byte of chunk) if (byte === 0x0a) n += 1;
  return n;
}
