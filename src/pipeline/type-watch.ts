import { BoundedCache } from '../domain/bounded-cache.ts';
import type { Value } from '../domain/reading.ts';

/** Values of devices whose type is remembered: about 8 MB. */
const ENTRIES = 50_000;
/** Device and name together; longer ones are not watched. */
const KEY_LENGTH = 512;

/** Remembers of which type the last value of each device and name was, for profiles that ask for it. */
export class TypeWatch {
  private readonly types: BoundedCache<string> = new BoundedCache(ENTRIES, KEY_LENGTH);

  /** Whether a value has another type than the last one; an exact integer is a number like any other. */
  changed(profile: string, device: string, values: Readonly<Record<string, Value>>): boolean {
    let changed = false;
    for (const name in values) {
      const value = values[name] as Value;
      const type = typeof value === 'bigint' ? 'number' : typeof value;
      const key = `${profile}\n${device}\n${name}`;
      const before = this.types.get(key);
      if (before !== type) {
        changed ||= before !== undefined;
        this.types.set(key, type);
      }
    }
    return changed;
  }
}
