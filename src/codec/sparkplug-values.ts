import { emptyBag } from '../domain/bag.ts';
import type { Document } from '../domain/payload-path.ts';
import { type Definition, Definitions } from './sparkplug-definitions.ts';
import { KIND, type Properties, type RawMetric, RawValue, readMetric, readProperties, readValue } from './sparkplug-payload.ts';
import { arrayElement, arrayLength, basicValue, isArrayType, TYPE } from './sparkplug-types.ts';
import { LENGTH, type WireReader } from './sparkplug-wire.ts';

/** null: there is no value (null, NaN, a file, a template's definition). undefined: the metric is not what its data type says. */
export type Found = Document | undefined;

/** Metrics as data: the larger types are read here, when the metric's type is known. */
export class ValueReader {
  /** Metrics and members that were left out because they are not what their data type says. */
  unfit = 0;
  private readonly reader: WireReader;

  constructor(reader: WireReader) {
    this.reader = reader;
  }

  /** The value of a metric; `datatype` is its own or its birth's, `members` the birth's of a template. */
  read(metric: RawMetric, datatype: number, members: Definitions | undefined): Found {
    if (metric.isNull) {
      return null;
    }
    const found = metric.kind < KIND.bytes ? basicValue(datatype, metric) : this.large(metric, datatype, members);
    if (found === undefined) {
      this.unfit += 1;
    }
    return found;
  }

  private large(metric: RawMetric, datatype: number, members: Definitions | undefined): Found {
    if (metric.kind === KIND.bytes) {
      return this.bytes(metric, datatype);
    }
    if (metric.kind === KIND.dataSet) {
      return datatype === TYPE.DataSet || datatype === TYPE.Unknown ? this.dataSet(metric) : undefined;
    }
    if (metric.kind === KIND.template) {
      return datatype === TYPE.Template || datatype === TYPE.Unknown ? this.template(metric, members) : undefined;
    }
    return undefined;
  }

  /** Bytes as hexadecimal text, and packed arrays. Files are left out: they are no measurement. */
  private bytes({ from, to }: RawMetric, datatype: number): Found {
    const { reader } = this;
    if (datatype === TYPE.File) {
      return null;
    }
    if (datatype === TYPE.Bytes) {
      return reader.bytes.toString('hex', from, to);
    }
    const count = isArrayType(datatype) ? arrayLength(datatype, reader.bytes, from, to) : undefined;
    if (count === undefined || !reader.spend(count)) {
      return undefined;
    }
    const list: Document[] = [];
    let at = from;
    for (let i = 0; i < count; i += 1) {
      if (datatype === TYPE.StringArray) {
        const end = reader.bytes.indexOf(0, at);
        list.push(reader.textBetween(at, end));
        at = end + 1;
      } else {
        list.push(arrayElement(datatype, reader.bytes, from, i));
      }
    }
    return list;
  }

  /** Message DataSet: columns 2, types 3, rows 4 -> an array of records, one a row. Whole or not at all. */
  private dataSet({ from, to }: RawMetric): Found {
    const columns: string[] = [];
    const types: number[] = [];
    const rows: [number, number][] = [];
    const { reader } = this;
    const done = reader.within(from, to, () => {
      while (reader.next()) {
        if (reader.field === 2 && reader.spend(1)) {
          columns.push(reader.readText());
        } else if (reader.field === 3) {
          readTypes(reader, types);
        } else if (reader.field === 4 && reader.spend(1)) {
          rows.push([reader.readRange(), reader.position]);
        } else {
          reader.skip();
        }
      }
      return true;
    });
    const sound = done === true && columns.length === types.length && new Set(columns).size === columns.length;
    const list: Document[] = [];
    for (const [start, end] of sound ? rows : []) {
      const row = this.row(start, end, columns, types);
      if (row === undefined) {
        return undefined;
      }
      list.push(row);
    }
    return sound ? list : undefined;
  }

  /** Message Row: elements 1. As many as there are columns, or the set is none. */
  private row(from: number, to: number, columns: readonly string[], types: readonly number[]): Document | undefined {
    const { reader } = this;
    const record = emptyBag<Document>();
    let count = 0;
    let sound = true;
    reader.within(from, to, () => {
      while (reader.next()) {
        if (reader.field !== 1) {
          reader.skip();
          continue;
        }
        const cell = new RawValue();
        const outer = reader.enter();
        while (reader.next()) {
          if (!readValue(reader, cell, 1)) {
            reader.skip();
          }
        }
        reader.leave(outer);
        const value = basicValue(types[count] ?? TYPE.Unknown, cell);
        sound &&= count < columns.length && value !== undefined && reader.spend(1);
        if (sound) {
          record[columns[count] as string] = value as Document;
        }
        count += 1;
      }
    });
    return sound && count === columns.length ? record : undefined;
  }

  /** Message Template: metrics 2, is_definition 5 -> a record of the members. Parameters describe it and are no values. */
  private template({ from, to }: RawMetric, members: Definitions | undefined): Found {
    const { reader } = this;
    const template = readTemplate(reader, from, to);
    if (template === undefined) {
      return undefined;
    }
    const record = emptyBag<Document>();
    let count = 0;
    reader.within(from, to, () => {
      for (const metric of template.isDefinition ? [] : template.metrics) {
        const known = definitionOf(metric, members);
        const name = metric.name ?? known?.name;
        if (name === undefined) {
          this.unfit += 1;
          continue;
        }
        const found = this.read(metric, metric.datatype === 0 ? (known?.datatype ?? 0) : metric.datatype, known?.members);
        if (found !== undefined && found !== null) {
          record[name] = found;
          count += 1;
        }
      }
    });
    return count === 0 ? null : record;
  }
}

function definitionOf(metric: RawMetric, members: Definitions | undefined): Definition | undefined {
  if (metric.name !== undefined) {
    return members?.byName.get(metric.name);
  }
  return metric.alias === undefined ? undefined : members?.find(metric.alias);
}

/** proto2 writes a repeated number one by one; readers must take the packed form too. */
function readTypes(reader: WireReader, types: number[]): void {
  if (reader.type !== LENGTH) {
    if (reader.spend(1)) {
      types.push(reader.readUint32());
    }
    return;
  }
  const outer = reader.enter();
  while (reader.more() && reader.spend(1)) {
    types.push(reader.plainVarint());
  }
  reader.leave(outer);
}

export interface RawTemplate {
  readonly metrics: readonly RawMetric[];
  readonly isDefinition: boolean;
}

export function readTemplate(reader: WireReader, from: number, to: number): RawTemplate | undefined {
  const metrics: RawMetric[] = [];
  let isDefinition = false;
  const done = reader.within(from, to, () => {
    while (reader.next()) {
      if (reader.field === 2 && reader.spend(1)) {
        metrics.push(readMetric(reader));
      } else if (reader.field === 5) {
        isDefinition = reader.readBool();
      } else {
        reader.skip();
      }
    }
    return true;
  });
  return done === true ? { metrics, isDefinition } : undefined;
}

/** What a birth says of the members of a template instance; undefined for a template's own definition, which has no values. */
export function readMembers(reader: WireReader, metric: RawMetric, unitKey: string): Definitions | undefined {
  const template = metric.kind === KIND.template ? readTemplate(reader, metric.from, metric.to) : undefined;
  if (template === undefined || template.isDefinition) {
    return undefined;
  }
  const members = new Definitions();
  reader.within(metric.from, metric.to, () => {
    for (const member of template.metrics) {
      define(reader, members, member, unitKey);
    }
  });
  return members;
}

/** Takes what a birth says of a metric into its definitions, and answers its properties. A metric without a name is none. */
export function define(
  reader: WireReader,
  definitions: Definitions,
  metric: RawMetric,
  unitKey: string,
): { properties: Properties; members: Definitions | undefined } {
  const properties = readProperties(reader, metric, unitKey);
  const members = readMembers(reader, metric, unitKey);
  const { name, alias, datatype } = metric;
  if (name !== undefined) {
    definitions.add({ name, alias, datatype, unit: properties.unit, members });
  }
  return { properties, members };
}
