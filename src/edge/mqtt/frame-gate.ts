/** Why bytes are no MQTT, or not one that is accepted here. */
export type FrameFault = 'malformed' | 'packet-too-large';

/** Decides over each PUBLISH once its length is known and before its body is passed on. */
export interface FrameOwner {
  /** Whether the packet may come in now; `length` is its remaining length. Asked again later where it may not. */
  admit(length: number): boolean;
}

const CONNECT = 1;
const PUBLISH = 3;

/** Flags that the fixed header must have (table 2.2); -1: those of PUBLISH; -2: no packet of a client. */
const FLAGS = [-2, 0, -2, -1, 0, 0, 2, 0, 2, -2, 2, -2, 0, -2, 0, -2] as const;
/** Remaining length of packets that have one length only; -1: any. */
const LENGTHS = [-1, -1, -1, -1, 2, 2, 2, 2, -1, -1, -1, -1, 0, -1, 0, -1] as const;

/**
 * Follows the fixed headers of a stream of MQTT packets, wherever it is cut, without buffering anything. It says how much may be
 * handed to the parser, which collects a packet until it is whole and trusts its length.
 */
export class FrameGate {
  fault: FrameFault | undefined;
  /** Whole packets so far. */
  frames = 0;
  /** First byte of the header that is under way; -1 between packets. */
  private first = -1;
  private length = 0;
  /** Bits of the length so far: 0, 7, 14 or 21. */
  private shift = 0;
  /** Bytes of the body that are still to come; -1 while the header is under way. */
  private left = -1;

  /** Whether the stream ended within a packet so far. */
  get inside(): boolean {
    return this.first !== -1;
  }

  /**
   * How many bytes of the chunk may pass: up to a packet that is not admitted, a fault, or the end of `maxFrames` packets. The
   * rest is to be given again.
   */
  pass(chunk: Uint8Array, owner: FrameOwner, maxFrames: number, maxBytes: number): number {
    const end = chunk.length;
    const stop = this.frames + maxFrames;
    let at = 0;
    while (at < end) {
      if (this.first === -1) {
        const first = chunk[at] as number;
        if (!this.begins(first)) return at;
        at++;
        continue;
      }
      if (this.left === -1) {
        const byte = chunk[at] as number;
        const length = this.length + ((byte & 0x7f) << this.shift);
        if (byte < 0x80) {
          // Left where it is until the packet may come in: the state does not move.
          if (!this.known(length, owner, maxBytes)) return at;
          at++;
          if (length === 0 && this.ended(stop)) return at;
          continue;
        }
        if (this.shift === 21) {
          this.fault = 'malformed';
          return at;
        }
        this.length = length;
        this.shift += 7;
        at++;
        continue;
      }
      const take = Math.min(this.left, end - at);
      at += take;
      this.left -= take;
      if (this.left === 0 && this.ended(stop)) return at;
    }
    return at;
  }

  private begins(first: number): boolean {
    const type = first >> 4;
    const flags = FLAGS[type] as number;
    // Before anything else comes CONNECT (MQTT-3.1.0-1), and once (MQTT-3.1.0-2).
    if (flags === -2 || (type === CONNECT) !== (this.frames === 0)) return this.bad();
    if (flags === -1 ? !publishFlags(first) : (first & 0x0f) !== flags) return this.bad();
    this.first = first;
    this.length = 0;
    this.shift = 0;
    this.left = -1;
    return true;
  }

  private known(length: number, owner: FrameOwner, maxBytes: number): boolean {
    const type = this.first >> 4;
    const only = LENGTHS[type] as number;
    if (only !== -1 && length !== only) return this.bad();
    if (length > (type === CONNECT ? Math.min(maxBytes, CONNECT_BYTES) : maxBytes)) {
      this.fault = 'packet-too-large';
      return false;
    }
    if (type === PUBLISH && !owner.admit(length)) return false;
    this.left = length;
    return true;
  }

  private ended(stop: number): boolean {
    this.first = -1;
    this.left = -1;
    this.frames++;
    return this.frames === stop;
  }

  private bad(): false {
    this.fault = 'malformed';
    return false;
  }
}

/** Nobody has logged in yet. Room for a will of 64 KiB with topic, user and password. */
const CONNECT_BYTES = 96 * 1024;

/** No quality of service 3 (MQTT-3.3.1-4), no DUP without an acknowledgement (MQTT-3.3.1-2). */
function publishFlags(first: number): boolean {
  const qos = (first >> 1) & 3;
  return qos !== 3 && (qos !== 0 || (first & 0x08) === 0);
}
