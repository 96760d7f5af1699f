import type { WireReader } from './sparkplug-wire.ts';

/** Which member of the `value` oneof a metric, cell or property has (Sparkplug 3.0, section 6.4). */
export const KIND = { none: 0, int: 1, long: 2, float: 3, double: 4, boolean: 5, text: 6, bytes: 7, dataSet: 8, template: 9, other: 10 } as const;
export type Kind = (typeof KIND)[keyof typeof KIND];

/**
 * A value as it lies in the payload. Integers are two halves (`lo`, `hi`), floats and booleans a number, texts a string;
 * bytes, data sets and templates are only a range of the payload, read when somebody wants them.
 */
export class RawValue {
  kind: Kind = KIND.none;
  lo = 0;
  hi = 0;
  number = 0;
  text = '';
  from = 0;
  to = 0;
}

/** One metric of a payload. Times are milliseconds since 1970. */
export class RawMetric extends RawValue {
  name: string | undefined;
  /** bigint beyond 2^53, where two numbers could be one. */
  alias: number | bigint | undefined;
  time: number | undefined;
  datatype = 0;
  historical = false;
  isNull = false;
  /** Range of the property set; empty where there is none. */
  propertiesFrom = 0;
  propertiesTo = 0;
}

export interface RawPayload {
  time: number | undefined;
  seq: number | undefined;
  readonly metrics: RawMetric[];
}

const TWO_32 = 4_294_967_296;
const SAFE_HIGH = 0x1f_ffff;

/** An unsigned integer of two halves: a number up to 2^53 - 1, else a bigint. */
export function unsigned(lo: number, hi: number): number | bigint {
  return hi <= SAFE_HIGH ? hi * TWO_32 + lo : (BigInt(hi) << 32n) | BigInt(lo);
}

/** Message Payload: timestamp 1, metrics 2, seq 3, uuid 4, body 5. What is wrong stands in `reader.problem`. */
export function readPayload(reader: WireReader): RawPayload {
  const payload: RawPayload = { time: undefined, seq: undefined, metrics: [] };
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        payload.time = reader.readCount();
        break;
      case 2:
        if (reader.spend(1)) {
          payload.metrics.push(readMetric(reader));
        }
        break;
      case 3:
        payload.seq = reader.readCount();
        break;
      default:
        reader.skip();
    }
  }
  return payload;
}

/** Message Metric. Of equal fields the last wins, as protobuf has it. */
export function readMetric(reader: WireReader): RawMetric {
  const metric = new RawMetric();
  const outer = reader.enter();
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        metric.name = reader.readText();
        break;
      case 2:
        reader.readVarint();
        metric.alias = unsigned(reader.lo, reader.hi);
        break;
      case 3:
        metric.time = reader.readCount();
        break;
      case 4:
        metric.datatype = reader.readUint32();
        break;
      case 5:
        metric.historical = reader.readBool();
        break;
      case 7:
        metric.isNull = reader.readBool();
        break;
      case 9:
        metric.propertiesFrom = reader.readRange();
        metric.propertiesTo = reader.position;
        break;
      default:
        if (!readValue(reader, metric, 10)) {
          reader.skip();
        }
    }
  }
  reader.leave(outer);
  return metric;
}

/**
 * One field of a `value` oneof, whose members have the same order everywhere: uint32, uint64, float, double, bool, string
 * from field number `first` on; a metric goes on with bytes, data set, template, extension. False where it is none of them.
 */
export function readValue(reader: WireReader, value: RawValue, first: number): boolean {
  switch (reader.field - first) {
    case 0:
      reader.readVarint();
      value.kind = KIND.int;
      value.lo = reader.lo;
      value.hi = 0;
      return true;
    case 1:
      reader.readVarint();
      value.kind = KIND.long;
      value.lo = reader.lo;
      value.hi = reader.hi;
      return true;
    case 2:
      value.kind = KIND.float;
      value.number = reader.readFloat();
      return true;
    case 3:
      value.kind = KIND.double;
      value.number = reader.readDouble();
      return true;
    case 4:
      value.kind = KIND.boolean;
      value.number = reader.readBool() ? 1 : 0;
      return true;
    case 5:
      value.kind = KIND.text;
      value.text = reader.readText();
      return true;
    default:
      return first === 10 && readLarge(reader, value);
  }
}

function readLarge(reader: WireReader, value: RawValue): boolean {
  const kind = [KIND.bytes, KIND.dataSet, KIND.template, KIND.other][reader.field - 16];
  if (kind === undefined) {
    return false;
  }
  value.kind = kind;
  value.from = reader.readRange();
  value.to = reader.position;
  return true;
}

/** What Sluice uses of a metric's properties. */
export interface Properties {
  readonly unit: string | undefined;
  /** 0 bad, 192 good, 500 stale. */
  readonly quality: number | undefined;
}

const NO_PROPERTIES: Properties = { unit: undefined, quality: undefined };

/** Message PropertySet: keys 1, values 2, side by side. Only the property `unitKey` and Sparkplug's own `Quality` are read. */
export function readProperties(reader: WireReader, metric: RawMetric, unitKey: string): Properties {
  if (metric.propertiesTo === metric.propertiesFrom) {
    return NO_PROPERTIES;
  }
  const found: { -readonly [K in keyof Properties]: Properties[K] } = { unit: undefined, quality: undefined };
  reader.within(metric.propertiesFrom, metric.propertiesTo, () => readPropertySet(reader, found, unitKey));
  return found;
}

function readPropertySet(reader: WireReader, found: { -readonly [K in keyof Properties]: Properties[K] }, unitKey: string): void {
  const keys: string[] = [];
  const values: RawValue[] = [];
  while (reader.next()) {
    if (reader.field === 1 && reader.spend(1)) {
      keys.push(reader.readText());
    } else if (reader.field === 2 && reader.spend(1)) {
      values.push(readPropertyValue(reader));
    } else {
      reader.skip();
    }
  }
  if (keys.length !== values.length) {
    // tck-id-payloads-propertyset-keys-array-size: it cannot be told which value belongs to which key.
    return;
  }
  for (const [i, key] of keys.entries()) {
    const value = values[i] as RawValue;
    if (key === unitKey && value.kind === KIND.text && value.text !== '') {
      found.unit = value.text;
    } else if (key.toLowerCase() === 'quality' && (value.kind === KIND.int || value.kind === KIND.long)) {
      found.quality = value.lo;
    }
  }
}

/** Message PropertyValue: type 1, is_null 2, then the oneof from 3 on; nested sets are passed over. */
function readPropertyValue(reader: WireReader): RawValue {
  const value = new RawValue();
  let isNull = false;
  const outer = reader.enter();
  while (reader.next()) {
    if (reader.field === 2) {
      isNull = reader.readBool();
    } else if (!readValue(reader, value, 3)) {
      reader.skip();
    }
  }
  reader.leave(outer);
  if (isNull) {
    value.kind = KIND.none;
  }
  return value;
}
