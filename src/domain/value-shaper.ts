import { emptyBag } from './bag.ts';
import { BoundedCache } from './bounded-cache.ts';
import { type Conversion, convert } from './conversion.ts';
import { FLAG } from './flags.ts';
import { MAX_NAME } from './flatten.ts';
import type { NameMatch, NameTable } from './name-pattern.ts';
import { type Document, type PayloadPath, readPath } from './payload-path.ts';
import type { Value } from './reading.ts';
import type { SharedTexts } from './shared-texts.ts';
import { numberFromText, type TextNumbers } from './text-number.ts';
import type { NewName, ValueRules } from './value-rules.ts';

/** Names whose rules are kept ready, for each set of rules. */
const NAMES = 4000;
const NAME_LENGTH = 256;
const MAX_UNIT = 64;

/** Everything that the rules say of one name. */
interface Treatment {
  readonly map: ReadonlyMap<string, Value> | undefined;
  readonly text: TextNumbers;
  readonly sentinels: readonly number[] | undefined;
  readonly convert: Conversion | undefined;
  readonly range: readonly [number, number] | undefined;
  readonly unit: string | PayloadPath | undefined;
}

export interface Shaped {
  /** The record that was given, where nothing of it changes. */
  readonly values: Readonly<Record<string, Value>>;
  readonly units: Readonly<Record<string, string>> | undefined;
  readonly count: number;
  readonly flags: number;
}

/** What the payload says besides the values. */
export interface ShapeContext {
  /** Makes the units. */
  readonly units: SharedTexts;
  /** Units that stand in the payload, by flattened name before `rename`. */
  readonly stated: Readonly<Record<string, unknown>> | undefined;
  readonly own: Document;
  readonly whole: Document;
}

/**
 * Applies the rules of a profile to the values of one reading: linear in their number, and never more of them than
 * before. Rules by pattern are looked up once for each name.
 */
export class ValueShaper {
  private readonly layers: readonly ValueRules[];
  private readonly missing: ReadonlySet<string> | undefined;
  private readonly renames: boolean;
  private readonly unitNames: ReadonlyMap<string, string>;
  private readonly names: BoundedCache<string> = new BoundedCache(NAMES, NAME_LENGTH);
  private readonly treatments: BoundedCache<Treatment> = new BoundedCache(NAMES, NAME_LENGTH);

  /** `layers`: the first that says something of a name is asked alone (those of a device stand before those of all). `unitNames`: unit as devices write it -> unit. */
  constructor(layers: readonly ValueRules[], unitNames: ReadonlyMap<string, string>) {
    this.layers = layers;
    this.unitNames = unitNames;
    this.missing = layers.find((rules) => rules.missing !== undefined)?.missing;
    this.renames = layers.some((rules) => rules.rename.size > 0);
  }

  shape(values: Readonly<Record<string, Value>>, context: ShapeContext): Shaped {
    // Most rules add units and look at ranges: a copy is made once a value differs.
    let copy: Record<string, Value> | undefined;
    let flags = 0;
    let count = 0;
    const { units } = context;
    units.begin();
    for (const raw in values) {
      const given = values[raw] as Value;
      let value = given;
      if (typeof value === 'string' && this.missing?.has(value) === true) {
        copy ??= copyBefore(raw, values);
        continue;
      }
      const name = this.renames ? this.rename(raw, values, copy ?? values) : raw;
      const rules = this.treatment(name);
      if (rules.map !== undefined) {
        value = rules.map.get(String(value)) ?? value;
      }
      let unit = this.statedUnit(rules, raw, context);
      if (typeof value === 'string' && rules.text !== 'none') {
        const number = numberFromText(value, rules.text);
        if (number !== undefined) {
          value = number.value;
          unit = number.unit === undefined ? unit : this.unitName(number.unit);
        }
      }
      const stated = unit;
      unit ??= typeof rules.unit === 'string' ? rules.unit : undefined;
      if (typeof value === 'number' || typeof value === 'bigint') {
        if (rules.sentinels?.includes(Number(value)) === true) {
          flags |= FLAG.sentinel;
          copy ??= copyBefore(raw, values);
          continue;
        }
        // A unit that the payload names is believed: a value that is not in the unit to convert from stays as it is.
        if (rules.convert !== undefined && (stated === undefined || stated === rules.convert.from)) {
          const converted = convert(value, rules.convert);
          if (converted === undefined) {
            flags |= FLAG['out-of-range'];
            copy ??= copyBefore(raw, values);
            continue;
          }
          value = converted;
          unit = rules.convert.to;
        }
        if (rules.range !== undefined && (value < rules.range[0] || value > rules.range[1])) {
          flags |= FLAG['out-of-range'];
        }
      }
      if (copy === undefined && (name !== raw || !Object.is(value, given))) {
        copy = copyBefore(raw, values);
      }
      if (copy !== undefined) {
        copy[name] = value;
      }
      count += 1;
      if (unit !== undefined) {
        units.add(name, unit);
      }
    }
    return { values: copy ?? values, units: units.end(), count, flags };
  }

  /** The unit that the payload names for this value, in the words of the profile. */
  private statedUnit(rules: Treatment, raw: string, { stated, own, whole }: ShapeContext): string | undefined {
    let unit: unknown;
    if (stated !== undefined && raw in stated) {
      unit = stated[raw];
    } else if (rules.unit !== undefined && typeof rules.unit !== 'string') {
      unit = readPath(rules.unit, own, whole);
    }
    return typeof unit === 'string' ? this.unitName(unit) : undefined;
  }

  private unitName(text: string): string | undefined {
    const unit = this.unitNames.get(text) ?? text;
    return unit === '' || unit.length > MAX_UNIT ? undefined : unit;
  }

  /** The new name; the old one where the new one is, or could be taken for, that of another value. */
  private rename(raw: string, values: Readonly<Record<string, Value>>, out: Readonly<Record<string, Value>>): string {
    let name = this.names.get(raw);
    if (name === undefined) {
      const found = this.find((rules) => rules.rename, raw);
      const filled = found === undefined ? raw : fill(found);
      // What the stars took may stand in the new name several times.
      name = filled.length > MAX_NAME ? raw : filled;
      this.names.set(raw, name);
    }
    return name === raw || name in values || name in out ? raw : name;
  }

  private treatment(name: string): Treatment {
    let treatment = this.treatments.get(name);
    if (treatment === undefined) {
      treatment = {
        map: this.find((rules) => rules.map, name)?.value,
        text: this.find((rules) => rules.textNumbers, name)?.value ?? 'none',
        sentinels: this.find((rules) => rules.sentinels, name)?.value,
        convert: this.find((rules) => rules.convert, name)?.value,
        range: this.find((rules) => rules.ranges, name)?.value,
        unit: this.find((rules) => rules.units, name)?.value,
      };
      this.treatments.set(name, treatment);
    }
    return treatment;
  }

  private find<T>(table: (rules: ValueRules) => NameTable<T>, name: string): NameMatch<T> | undefined {
    for (const layer of this.layers) {
      const found = table(layer).find(name);
      if (found !== undefined) {
        return found;
      }
    }
    return undefined;
  }
}

/** What stands in the record before this name. */
function copyBefore(end: string, values: Readonly<Record<string, Value>>): Record<string, Value> {
  const copy = emptyBag<Value>();
  for (const name in values) {
    if (name === end) {
      break;
    }
    copy[name] = values[name] as Value;
  }
  return copy;
}

function fill({ value: { literals, captures }, captures: texts }: NameMatch<NewName>): string {
  let name = literals[0] as string;
  for (let i = 0; i < captures.length; i += 1) {
    name += (texts[captures[i] as number] ?? '') + (literals[i + 1] as string);
  }
  return name;
}
