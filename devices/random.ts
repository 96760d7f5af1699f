/** Answers numbers in [0, 1). Not for secrets. */
export type Rng = () => number;

/** 32-bit FNV-1a over UTF-16 code units, low byte first; 0..2^32-1. A checksum against mix-ups, not against an attacker. */
export function hash32(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    const c = text.charCodeAt(i);
    h = Math.imul(h ^ (c & 0xff), 0x01000193);
    h = Math.imul(h ^ (c >>> 8), 0x01000193);
  }
  return h >>> 0;
}

/** Mulberry32: 32 bits of state and a period of 2^32, which is more than a simulated device draws in its life. */
export function seeded(seed: number): Rng {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** A stream of its own for each label, so that one more device does not change what the others send. */
export function stream(seed: number, label: string): Rng {
  return seeded(hash32(`${seed}\n${label}`));
}

/** Standard normal, by the sum of twelve uniforms: no logarithm, and never further out than 6. */
export function normal(rng: Rng): number {
  let sum = -6;
  for (let i = 0; i < 12; i += 1) {
    sum += rng();
  }
  return sum;
}

export function between(rng: Rng, low: number, high: number): number {
  return low + (high - low) * rng();
}

/** One of the list; the list must not be empty. */
export function pick<T>(rng: Rng, list: readonly T[]): T {
  return list[Math.floor(rng() * list.length)] as T;
}
