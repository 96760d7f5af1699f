import type { Limits } from '../options.ts';
import { largeOf } from './hold-pool.ts';

/** What one client has here, and how fast it may add to it. */
export class ClientShare {
  /** Messages that are on their way in or wait for the keeper, and their bytes. */
  heldMessages = 0;
  heldBytes = 0;
  /** Those of them whose packets are not whole yet. */
  comingMessages = 0;
  comingBytes = 0;
  comingLarge = 0;
  private tokens: number;
  private filledAt = 0;

  constructor(limits: Limits) {
    this.tokens = limits.publishesPerSecond;
  }

  /** Whether one more message is too much now. A client without any may always have one. */
  isFull(bytes: number, limits: Limits): boolean {
    return this.heldMessages > 0 && (this.heldMessages >= limits.maxClientHeldMessages || this.heldBytes + bytes > limits.maxClientHeldBytes);
  }

  /** Whether it must wait for its next message, at this time in ms. */
  isTooFast(now: number, { publishesPerSecond }: Limits): boolean {
    if (publishesPerSecond === 0) return false;
    if (now > this.filledAt) {
      this.tokens = Math.min(publishesPerSecond, this.tokens + ((now - this.filledAt) * publishesPerSecond) / 1000);
      this.filledAt = now;
    }
    return this.tokens < 1;
  }

  comes(bytes: number): void {
    this.tokens--;
    this.heldMessages++;
    this.heldBytes += bytes;
    this.comingMessages++;
    this.comingBytes += bytes;
    this.comingLarge += largeOf(bytes);
  }

  /** Its packet is whole. Answers what it counted among the large ones on their way. */
  arrived(bytes: number): number {
    const large = largeOf(bytes);
    this.comingMessages--;
    this.comingBytes -= bytes;
    this.comingLarge -= large;
    return large;
  }

  freed(bytes: number): void {
    this.heldMessages--;
    this.heldBytes -= bytes;
  }
}
