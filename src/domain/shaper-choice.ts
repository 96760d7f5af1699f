import { BoundedCache } from './bounded-cache.ts';
import type { NameTable } from './name-pattern.ts';
import type { ValueShaper } from './value-shaper.ts';

/** Devices whose rules are kept ready. */
const DEVICES = 10_000;
const NAME_LENGTH = 256;
const NONE = Symbol('no rules');

/** Which rules a device has: its own on top of those of the profile, or those of the profile alone. */
export class ShaperChoice {
  private readonly common: ValueShaper | undefined;
  private readonly devices: NameTable<ValueShaper> | undefined;
  private readonly known: BoundedCache<ValueShaper | typeof NONE> = new BoundedCache(DEVICES, NAME_LENGTH);

  constructor(common: ValueShaper | undefined, devices: NameTable<ValueShaper> | undefined) {
    this.common = common;
    this.devices = devices;
  }

  /** undefined: the values are as they should be, and the profile's units by exact name are all there is. */
  of(device: string): ValueShaper | undefined {
    if (this.devices === undefined) {
      return this.common;
    }
    let shaper = this.known.get(device);
    if (shaper === undefined) {
      shaper = this.devices.find(device)?.value ?? this.common ?? NONE;
      this.known.set(device, shaper);
    }
    return shaper === NONE ? undefined : shaper;
  }
}
