import type { Flag } from './reading.ts';

/** One bit a flag: while a reading is built its flags are a number, and equal sets share one array. */
export const FLAG = {
  'arrival-id': 1,
  'no-device-time': 2,
  'time-invalid': 4,
  'clock-unset': 8,
  future: 16,
  late: 32,
  'no-zone': 64,
  'duplicate-key': 128,
  'device-mismatch': 256,
  bom: 512,
  stale: 1024,
  historical: 2048,
  sentinel: 4096,
  'out-of-range': 8192,
  'type-changed': 16_384,
  'bad-quality': 32_768,
  gap: 65_536,
  'payload-unread': 131_072,
} as const satisfies Record<Flag, number>;

export const FLAGS: readonly Flag[] = Object.keys(FLAG) as Flag[];

const lists: (readonly Flag[] | undefined)[] = [];

/** The flags of a set of bits, in the order above; undefined for none. The array is shared: never change it. */
export function flagList(bits: number): readonly Flag[] | undefined {
  if (bits === 0) {
    return undefined;
  }
  let list = lists[bits];
  if (list === undefined) {
    list = Object.freeze(FLAGS.filter((flag) => (FLAG[flag] & bits) !== 0));
    lists[bits] = list;
  }
  return list;
}

/** The bit of a name that comes from outside; 0 where it is no flag. */
export function flagBit(name: unknown): number {
  return typeof name === 'string' && Object.hasOwn(FLAG, name) ? FLAG[name as Flag] : 0;
}

export function flagBits(flags: readonly Flag[]): number {
  let bits = 0;
  for (const flag of flags) {
    bits |= FLAG[flag];
  }
  return bits;
}
