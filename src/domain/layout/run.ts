import { emptyBag } from '../bag.ts';
import { FLAG } from '../flags.ts';
import type { Document } from '../payload-path.ts';
import type { Value } from '../reading.ts';
import type { ElementPlan, ElementsPlan, FieldsPlan, FieldStep, FramePlan, GroupsPlan, LayoutPlan, NamePlan, Read } from './plan.ts';
import { MOST_BYTES } from './spec.ts';

/** What the bytes of a device say. */
export interface DeviceValues {
  readonly values: Readonly<Record<string, Document>>;
  /** Flattened name -> unit. */
  readonly units: Readonly<Record<string, string>>;
  /** `sentinel` and `payload-unread`, where values were left out. */
  readonly flags: number;
}

type Bag = Record<string, Document>;

/** Reads a payload with the first frame that fits; undefined where none does or something in it is not known. Never throws; linear in the bytes. */
export function readLayout(plan: LayoutPlan, bytes: Buffer, port: number | undefined): DeviceValues | undefined {
  if (bytes.length > MOST_BYTES) {
    return undefined;
  }
  const frame = plan.frames.find((each) => fits(each, bytes, port));
  return frame === undefined ? undefined : new Run(bytes).frame(frame);
}

function fits({ ports, shortest, longest, bytes: checks }: FramePlan, bytes: Buffer, port: number | undefined): boolean {
  if (bytes.length < shortest || bytes.length > longest || (ports !== undefined && (port === undefined || !ports.has(port)))) {
    return false;
  }
  return checks.every(({ at, among }) => among.has(bytes[at] ?? -1));
}

/** One payload on its way through a frame. */
class Run {
  private readonly bytes: Buffer;
  private readonly slots: number[] = [];
  private readonly values: Bag = emptyBag<Document>();
  private readonly units: Record<string, string> = emptyBag<string>();
  private readonly repeated: Map<string, number> = new Map();
  private readonly lists: Map<string, Document[]> = new Map();
  private at = 0;
  private flags = 0;
  /** A value is left out for that, and so are those that follow from it. */
  private noMeasurement = false;
  private readonly key: number[] = [];
  private into: Bag = this.values;
  private prefix = '';

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  frame({ head, groups, elements, ignoreRest }: FramePlan): DeviceValues | undefined {
    if (!this.fields(head, undefined) || (groups !== undefined && !this.groups(groups)) || (elements !== undefined && !this.elements(elements))) {
      return undefined;
    }
    const { values, units, flags } = this;
    for (const [name, entries] of this.lists) {
      values[name] = entries;
    }
    return this.at < this.bytes.length && !ignoreRest ? undefined : { values, units, flags };
  }

  private groups({ by, of }: GroupsPlan): boolean {
    const mask = this.slots[by] as number;
    if (!(mask >= 0 && mask < 2 ** of.length)) {
      return false;
    }
    return of.every((group, i) => Math.floor(mask / 2 ** i) % 2 === 0 || this.fields(group, undefined));
  }

  private elements({ key, tables }: ElementsPlan): boolean {
    while (this.at < this.bytes.length) {
      if (this.at + key > this.bytes.length) {
        return false;
      }
      for (let i = 0; i < key; i += 1) {
        this.key[i] = this.bytes[this.at + i] as number;
      }
      const element = this.find(tables);
      this.at += key;
      if (element === undefined || !this.element(element)) {
        return false;
      }
    }
    return true;
  }

  private find(tables: ElementsPlan['tables']): ElementPlan | undefined {
    for (const { fixed, byKey } of tables) {
      let key = 0;
      for (let i = 0; i < fixed.length; i += 1) {
        key = key * 256 + (fixed[i] === true ? (this.key[i] as number) : 0);
      }
      const found = byKey.get(key);
      if (found !== undefined || byKey.has(key)) {
        return found;
      }
    }
    return undefined;
  }

  private element({ fields, size, list }: ElementPlan): boolean {
    if (list === undefined) {
      return this.fields(fields, size);
    }
    const entries = this.lists.get(list) ?? [];
    const entry = emptyBag<Document>();
    this.lists.set(list, entries);
    this.prefix = `${list}.${entries.length}.`;
    entries.push(entry);
    this.into = entry;
    const read = this.fields(fields, size);
    this.into = this.values;
    this.prefix = '';
    return read;
  }

  /** Fields from here on. Behind them stands what follows: after `size` bytes, or where none is given after the last field. */
  private fields({ steps }: FieldsPlan, size: number | undefined): boolean {
    const { bytes } = this;
    const from = this.at;
    let behind = from;
    let end = from + (size ?? 0);
    for (const step of steps) {
      const { read } = step;
      if (read === undefined) {
        this.number(step, Number.NaN);
        continue;
      }
      const at = step.at === undefined ? behind : from + step.at;
      behind = at + (read.bytes === 0 ? openLength(bytes, at, read.until) : read.bytes);
      if (behind > bytes.length) {
        return false;
      }
      end = Math.max(end, behind);
      if (read.kind === 'hex' || read.kind === 'text') {
        this.text(step, read, bytes.subarray(at, behind));
      } else if (read.kind !== 'skip') {
        this.number(step, readNumber(bytes, at, read));
      }
    }
    this.at = end;
    return end <= bytes.length;
  }

  private number(step: FieldStep, raw: number): void {
    const { bits, none, compute, map, slot, name } = step;
    let value = bits === undefined ? raw : Math.floor(raw / bits.below) % bits.above;
    this.slots[slot] = Number.NaN;
    if (none?.includes(value) === true) {
      this.flags |= FLAG.sentinel;
      this.noMeasurement = true;
      return;
    }
    if (compute !== undefined) {
      value = compute(value, this.slots);
    }
    if (!Number.isFinite(value)) {
      // What follows from a value that is no measurement is none; anything else has no answer.
      this.flags |= this.noMeasurement ? 0 : FLAG['payload-unread'];
      return;
    }
    this.slots[slot] = value;
    if (name !== undefined) {
      this.add(name, map?.get(value) ?? tidy(value), step.unit);
    }
  }

  private text({ name }: FieldStep, { kind }: Read, bytes: Buffer): void {
    if (name === undefined) {
      return;
    }
    if (kind === 'hex') {
      this.add(name, bytes.toString('hex'), undefined);
      return;
    }
    const end = bytes.indexOf(0);
    const text = (end === -1 ? bytes : bytes.subarray(0, end)).toString('latin1');
    if (text !== '') {
      this.add(name, text, undefined);
    }
  }

  /** A name that is taken gets a number behind: nothing that the device sent is lost. */
  private add({ texts, keys }: NamePlan, value: Value, unit: string | undefined): void {
    let name = texts[0] as string;
    for (let i = 0; i < keys.length; i += 1) {
      name += String(this.key[keys[i] as number]) + (texts[i + 1] as string);
    }
    while (name in this.into) {
      const count = (this.repeated.get(this.prefix + name) ?? 1) + 1;
      this.repeated.set(this.prefix + name, count);
      name = `${name}_${count}`;
    }
    this.into[name] = value;
    if (unit !== undefined) {
      this.units[this.prefix + name] = unit;
    }
  }
}

function openLength(bytes: Buffer, at: number, until: number | undefined): number {
  const end = until === undefined ? -1 : bytes.indexOf(until, at);
  return Math.max(0, (end === -1 ? bytes.length : end) - at);
}

function readNumber(bytes: Buffer, at: number, { kind, bytes: count, little }: Read): number {
  if (kind === 'u') {
    return little ? bytes.readUIntLE(at, count) : bytes.readUIntBE(at, count);
  }
  if (kind === 'i') {
    return little ? bytes.readIntLE(at, count) : bytes.readIntBE(at, count);
  }
  if (count === 4) {
    return little ? bytes.readFloatLE(at) : bytes.readFloatBE(at);
  }
  return little ? bytes.readDoubleLE(at) : bytes.readDoubleBE(at);
}

/** 15 significant digits, where the arithmetic of doubles ends; never minus zero. */
function tidy(value: number): number {
  if (Number.isInteger(value)) {
    return value === 0 ? 0 : value;
  }
  const short = Number(value.toPrecision(15));
  return Number.isFinite(short) ? short : value;
}
