import type { Writable } from 'node:stream';

/** Fixed header and packet id of a PUBACK (3.4) as a number of 32 bits, without the id. */
const PUBACK = 0x4002_0000;
const PUBACK_BYTES = 4;
/** No acknowledgement waits: most connections are idle, and there are many. */
const NONE: number[] = [];

/** Messages of one connection that are finished when the turn of the loop ends, and their PUBACKs, which leave in one write. */
export class Finished {
  private count = 0;
  private ids: number[] = NONE;

  /** Packet id; 0 for a message without one. Answers whether it is the first of this turn. */
  add(messageId: number): boolean {
    if (messageId > 0) {
      if (this.ids === NONE) this.ids = [];
      this.ids.push(messageId);
    }
    this.count++;
    return this.count === 1;
  }

  /** Before anything else is written for a PUBLISH: acknowledgements keep their order (MQTT-4.6.0-2). */
  write(to: Writable): void {
    const { ids } = this;
    if (ids === NONE) return;
    this.ids = NONE;
    if (!to.writable) return;
    const bytes = Buffer.allocUnsafe(ids.length * PUBACK_BYTES);
    for (let i = 0; i < ids.length; i++) bytes.writeUInt32BE(PUBACK + (ids[i] as number), i * PUBACK_BYTES);
    to.write(bytes);
  }

  /** The end of the turn: how many there were. */
  take(): number {
    const { count } = this;
    this.count = 0;
    return count;
  }
}
