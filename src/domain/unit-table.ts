import { emptyBag } from './bag.ts';

/** Names that fit the bits of a small integer. */
const MEMO_NAMES = 30;
const MEMO_SETS = 256;

/** The units of a profile. Readings that have the same values share one record: fewer objects to make and to hold. */
export class UnitTable {
  private readonly names: readonly string[];
  private readonly units: readonly string[];
  private sets: Map<number, Readonly<Record<string, string>>> | undefined;

  constructor(table: Readonly<Record<string, string>>) {
    this.names = Object.keys(table);
    this.units = Object.values(table);
  }

  /** Units of those values that are there; undefined for none. `values` must be a bag: inherited names would count. */
  of(values: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> | undefined {
    const { names } = this;
    if (names.length > MEMO_NAMES) {
      return this.pick(values);
    }
    let bits = 0;
    for (let i = 0; i < names.length; i += 1) {
      if ((names[i] as string) in values) {
        bits |= 1 << i;
      }
    }
    if (bits === 0) {
      return undefined;
    }
    let set = this.sets?.get(bits);
    if (set === undefined) {
      set = this.pick(values) as Readonly<Record<string, string>>;
      this.sets ??= new Map();
      if (this.sets.size < MEMO_SETS) {
        this.sets.set(bits, set);
      }
    }
    return set;
  }

  private pick(values: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> | undefined {
    let picked: Record<string, string> | undefined;
    for (const [i, name] of this.names.entries()) {
      if (name in values) {
        picked ??= emptyBag<string>();
        picked[name] = this.units[i] as string;
      }
    }
    return picked;
  }
}
