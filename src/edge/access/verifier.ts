import { createHmac, randomBytes } from 'node:crypto';
import { BoundedCache } from '../../domain/bounded-cache.ts';
import { type PasswordHash, verifyPassword } from './password-hash.ts';

export interface VerifierOptions {
  /** Hashes at one time. They run on the threads on which files are forced to the disk as well (4, if UV_THREADPOOL_SIZE does not say otherwise). */
  readonly concurrency: number;
  /** Logins that may wait for their turn. */
  readonly waiting: number;
  /** Successes that are remembered. */
  readonly remembered: number;
}

export const VERIFIER: VerifierOptions = { concurrency: 2, waiting: 2_048, remembered: 20_000 };

/**
 * Verifies passwords, a few at a time, and remembers who was right: after a cut all devices come back at once, and a hash
 * that is slow on purpose would keep them out for minutes. What is remembered is a keyed hash of account, hash and password
 * under a key that is made anew with each process, so memory shows no password, and a changed password is another key.
 * The same login that is being verified for others already is verified once.
 */
export class Verifier {
  private readonly options: VerifierOptions;
  private readonly verify: typeof verifyPassword;
  private readonly secret = randomBytes(32);
  private readonly known: BoundedCache<true>;
  private readonly running: Map<string, Promise<boolean>> = new Map();
  private readonly queue: (() => void)[] = [];
  private busy = 0;

  /** `verify`: tests count its calls. */
  constructor(options: Partial<VerifierOptions> = {}, verify = verifyPassword) {
    this.options = { ...VERIFIER, ...options };
    this.verify = verify;
    this.known = new BoundedCache(this.options.remembered, 64);
  }

  /** Undefined when too many wait. `name` and `hashText` say whose password it would be. */
  check(name: string, hashText: string, hash: PasswordHash, password: Buffer): boolean | undefined | Promise<boolean> {
    const key = createHmac('sha256', this.secret).update(`${name}\0${hashText}\0`).update(password).digest('base64');
    if (this.known.get(key) === true) return true;
    const same = this.running.get(key);
    if (same !== undefined) return same;
    if (this.busy >= this.options.concurrency && this.queue.length >= this.options.waiting) return undefined;
    const running = this.turn().then(async () => {
      try {
        const right = await this.verify(hash, password);
        if (right) this.known.set(key, true);
        return right;
      } finally {
        this.running.delete(key);
        this.next();
      }
    });
    this.running.set(key, running);
    return running;
  }

  private turn(): Promise<void> {
    if (this.busy < this.options.concurrency) {
      this.busy += 1;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.queue.push(resolve);
    });
  }

  private next(): void {
    const waiting = this.queue.shift();
    if (waiting === undefined) this.busy -= 1;
    else waiting();
  }
}
