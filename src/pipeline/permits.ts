/**
 * Bounds what is on its way to the broker, by number and by bytes: amqplib buffers without end (`publish` answers
 * true while the broker blocks), so the bound is ours. First come, first served. One item always fits, however large.
 */
export class Permits {
  private readonly most: number;
  private readonly mostBytes: number;
  private count = 0;
  private bytes = 0;
  private readonly waiting: { bytes: number; grant: () => void }[] = [];

  constructor(most: number, mostBytes: number) {
    this.most = most;
    this.mostBytes = mostBytes;
  }

  get inUse(): number {
    return this.count;
  }

  /** A permit at once, where nobody waits and there is room. */
  tryAcquire(bytes: number): boolean {
    const granted = this.waiting.length === 0 && this.fits(bytes);
    if (granted) this.take(bytes);
    return granted;
  }

  /** Resolves true with a permit, or false when the signal aborts first. */
  acquire(bytes: number, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false);
    if (this.tryAcquire(bytes)) return Promise.resolve(true);
    return new Promise((resolve) => {
      const abort = (): void => {
        const at = this.waiting.indexOf(entry);
        if (at >= 0) this.waiting.splice(at, 1);
        resolve(false);
        this.wake();
      };
      const entry = {
        bytes,
        grant: (): void => {
          signal.removeEventListener('abort', abort);
          this.take(bytes);
          resolve(true);
        },
      };
      signal.addEventListener('abort', abort, { once: true });
      this.waiting.push(entry);
    });
  }

  release(bytes: number): void {
    this.count -= 1;
    this.bytes -= bytes;
    this.wake();
  }

  private fits(bytes: number): boolean {
    return this.count === 0 || (this.count < this.most && this.bytes + bytes <= this.mostBytes);
  }

  private take(bytes: number): void {
    this.count += 1;
    this.bytes += bytes;
  }

  private wake(): void {
    for (let next = this.waiting[0]; next !== undefined && this.fits(next.bytes); next = this.waiting[0]) {
      this.waiting.shift();
      next.grant();
    }
  }
}
