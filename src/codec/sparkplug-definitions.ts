import { MAX_NAME } from '../domain/flatten.ts';

/** Metrics that steer the session or the node (Sparkplug 3.0, section 6.4): never values. */
export const SESSION = 'bdSeq';
const CONTROLS = /^(?:Node|Device) Control\//;

export function isControl(name: string): boolean {
  return name === SESSION || CONTROLS.test(name);
}

/** What a birth says of one metric. */
export interface Told {
  readonly name: string;
  readonly alias: number | bigint | undefined;
  /** 0 where the birth does not say. */
  readonly datatype: number;
  readonly unit: string | undefined;
  /** Members of a template instance. */
  readonly members: Definitions | undefined;
}

export interface Definition extends Told {
  readonly control: boolean;
}

/** Rough bytes of a definition besides its texts: an object, two map entries. */
const ENTRY_WEIGHT = 160;

/** All metrics of one birth, by name and by alias. */
export class Definitions {
  /** Rough bytes in memory; the bounds of the state count these. */
  weight = 0;
  readonly byName: Map<string, Definition> = new Map();
  private readonly byAlias: Map<number | bigint, Definition> = new Map();

  /** Names longer than a reading may have are not kept: no message with one passes. */
  add(told: Told): void {
    const { name, alias, datatype, unit, members } = told;
    if (name.length > MAX_NAME) {
      return;
    }
    const definition: Definition = { name, alias, datatype, unit, members, control: isControl(name) };
    this.byName.set(name, definition);
    if (alias !== undefined) {
      this.byAlias.set(alias, definition);
    }
    this.weight += ENTRY_WEIGHT + 2 * (name.length + (unit?.length ?? 0)) + (members?.weight ?? 0);
  }

  find(alias: number | bigint): Definition | undefined {
    return this.byAlias.get(alias);
  }

  /** Whether both say the same of every metric, so that it does not matter which of them a message meant. */
  equals(other: Definitions): boolean {
    if (this.byName.size !== other.byName.size || this.byAlias.size !== other.byAlias.size) {
      return false;
    }
    for (const definition of this.byName.values()) {
      if (!sameDefinition(definition, other.byName.get(definition.name))) {
        return false;
      }
    }
    return true;
  }

  toJson(): unknown[] {
    return [...this.byName.values()].map(({ name, alias, datatype, unit, members }) => [
      name,
      alias === undefined ? null : String(alias),
      datatype,
      unit ?? null,
      members?.toJson() ?? null,
    ]);
  }

  /** undefined where the data is not what `toJson` writes. */
  static fromJson(data: unknown, depth = 0): Definitions | undefined {
    if (!Array.isArray(data) || depth > 32) {
      return undefined;
    }
    const definitions = new Definitions();
    for (const row of data as unknown[]) {
      const definition = readRow(row, depth);
      if (definition === undefined) {
        return undefined;
      }
      definitions.add(definition);
    }
    return definitions;
  }
}

/** Same name, type and unit: an alias that means either of them means the same. */
export function sameDefinition(one: Definition, other: Definition | undefined): boolean {
  if (other === undefined || one.name !== other.name || one.alias !== other.alias) {
    return false;
  }
  if (one.datatype !== other.datatype || one.unit !== other.unit) {
    return false;
  }
  return one.members === undefined || other.members === undefined ? one.members === other.members : one.members.equals(other.members);
}

function readRow(row: unknown, depth: number): Told | undefined {
  if (!Array.isArray(row)) {
    return undefined;
  }
  const [name, alias, datatype, unit, nested] = row as unknown[];
  const members = nested === null ? undefined : Definitions.fromJson(nested, depth + 1);
  const sound =
    typeof name === 'string' &&
    (alias === null || (typeof alias === 'string' && /^\d{1,20}$/.test(alias))) &&
    Number.isInteger(datatype) &&
    (unit === null || typeof unit === 'string') &&
    (nested === null || members !== undefined);
  if (!sound) {
    return undefined;
  }
  return { name, alias: alias === null ? undefined : readAlias(alias), datatype: datatype as number, unit: unit ?? undefined, members };
}

function readAlias(text: string): number | bigint {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}
