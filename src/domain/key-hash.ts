import { randomBytes } from 'node:crypto';

/** 96 bits that stand for a text: signed words of 32 bits. */
export interface KeyHash {
  readonly a: number;
  readonly b: number;
  /** The MAC of the paper. */
  readonly c: number;
  /** What whoever asked for the hash counted then. */
  readonly count: number;
}

/** How a text ends for the hash: one of bytes as the paper says, one of pairs of bytes otherwise, so that none is taken for another. */
const [BYTES, PAIRS] = [0xff, 0xee];

/**
 * HalfSipHash-2-4 (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012) of texts under a secret, with 96 of the 128 bits of its
 * last state instead of the 32 of a MAC. Of a million texts two have one hash with a chance of less than one in 10^16; and whoever does
 * not know the secret cannot look for two that do. 0.15 us for 35 characters.
 */
export class KeyHasher {
  private readonly low: number;
  private readonly high: number;

  /** The secret: two words of 32 bits. */
  constructor(low: number = randomBytes(4).readInt32LE(), high: number = randomBytes(4).readInt32LE()) {
    this.low = low | 0;
    this.high = high | 0;
  }

  /** `count` goes with it, and is no part of it. */
  hash(text: string, count = 0): KeyHash {
    const hash = this.ofBytes(text, BYTES, count);
    return hash ?? (this.ofBytes(Buffer.from(text, 'utf16le').toString('latin1'), PAIRS, count) as KeyHash);
  }

  /** 32 bits that stand for a name: not hard to find two that have them, for whoever knows the secret. 25 ns for 20 characters. */
  word(name: string): number {
    let word = this.low;
    for (let i = 0; i < name.length; i += 1) {
      word = Math.imul(word ^ name.charCodeAt(i), 0x85eb_ca6b);
      word ^= word >>> 15;
    }
    return Math.imul(word ^ this.high, 0xc2b2_ae35) ^ name.length;
  }

  /** Undefined where a character is no byte. One round in one place: the words, the rest with the length, and the end take turns. */
  private ofBytes(text: string, kind: number, count: number): KeyHash | undefined {
    const { length } = text;
    const whole = length & ~3;
    let a = this.low;
    let b = this.high;
    let c = this.low ^ 0x6c79_6765;
    let d = this.high ^ 0x7465_6462;
    let seen = 0;
    for (let at = 0; at <= whole + 4; at += 4) {
      let word = 0;
      let rounds = 2;
      if (at < whole) {
        const second = text.charCodeAt(at + 1);
        const third = text.charCodeAt(at + 2);
        const fourth = text.charCodeAt(at + 3);
        word = text.charCodeAt(at);
        seen |= word | second | third | fourth;
        word |= (second << 8) | (third << 16) | (fourth << 24);
      } else if (at === whole) {
        word = length << 24;
        for (let i = at; i < length; i += 1) {
          const character = text.charCodeAt(i);
          seen |= character;
          word |= character << ((i - at) * 8);
        }
      } else {
        c ^= kind;
        rounds = 4;
      }
      d ^= word;
      for (let i = 0; i < rounds; i += 1) {
        a = (a + b) | 0;
        b = ((b << 5) | (b >>> 27)) ^ a;
        a = (a << 16) | (a >>> 16);
        c = (c + d) | 0;
        d = ((d << 8) | (d >>> 24)) ^ c;
        a = (a + d) | 0;
        d = ((d << 7) | (d >>> 25)) ^ a;
        c = (c + b) | 0;
        b = ((b << 13) | (b >>> 19)) ^ c;
        c = (c << 16) | (c >>> 16);
      }
      a ^= word;
    }
    return seen > 0xff ? undefined : { a, b, c: b ^ d, count };
  }
}
