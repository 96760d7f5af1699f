import { Definitions, isControl, SESSION } from './sparkplug-definitions.ts';
import type { DeviceState } from './sparkplug-node.ts';
import { KIND, type RawMetric, type RawPayload, readProperties, unsigned } from './sparkplug-payload.ts';
import { Gatherer, MARK } from './sparkplug-readings.ts';
import { TYPE } from './sparkplug-types.ts';
import { define, ValueReader } from './sparkplug-values.ts';
import type { WireReader } from './sparkplug-wire.ts';

/** Quality codes: 0 bad, 192 good, 500 stale (section 6.4, property Quality). OPC DA, where 192 comes from, has more shades of good up to 255. */
const STALE_QUALITY = 500;

/** What the metrics of a message came to. */
export interface Gathered {
  readonly gatherer: Gatherer;
  /** Metrics that only a birth could explain: an alias that none defined, a number whose sign is unknown. */
  readonly unknown: number;
  /** Metrics that are not what their data type says. */
  readonly unfit: number;
}

export interface Born extends Gathered {
  readonly definitions: Definitions;
  readonly bdSeq: number | undefined;
}

function marks(metric: RawMetric, quality: number | undefined): number {
  const historical = metric.historical ? MARK.historical : 0;
  if (quality === undefined || (quality >= 192 && quality <= 255)) {
    return historical;
  }
  return historical | (quality === STALE_QUALITY ? MARK.stale : MARK.badQuality);
}

/** The metrics of NBIRTH and DBIRTH: definitions, and first values. */
export function readBirth(reader: WireReader, payload: RawPayload, unitKey: string): Born {
  const gatherer = new Gatherer();
  const values = new ValueReader(reader);
  const definitions = new Definitions();
  let bdSeq: number | undefined;
  let nameless = 0;
  for (const metric of payload.metrics) {
    const { name } = metric;
    const { properties, members } = define(reader, definitions, metric, unitKey);
    if (reader.problem !== undefined) {
      break;
    }
    if (name === undefined) {
      nameless += 1;
    } else if (isControl(name)) {
      bdSeq = name === SESSION ? sessionNumber(metric) : bdSeq;
    } else {
      const found = values.read(metric, metric.datatype, members);
      if (found !== undefined && found !== null) {
        const group = gatherer.add(name, found, metric.time ?? payload.time, marks(metric, properties.quality));
        gatherer.unit(group, name, properties.unit, members);
      }
    }
  }
  return { gatherer, unknown: 0, unfit: values.unfit + nameless, definitions, bdSeq };
}

/**
 * The metrics of NDATA and DDATA. A name in the message holds; an alias means what the births say. An alias whose data type
 * contradicts the message's own is one that has changed its meaning, and unknown.
 */
export function readData(reader: WireReader, payload: RawPayload, device: DeviceState | undefined, unitKey: string): Gathered {
  const gatherer = new Gatherer();
  const values = new ValueReader(reader);
  let unknown = 0;
  let nameless = 0;
  for (const metric of payload.metrics) {
    const { alias, datatype } = metric;
    if (metric.name === undefined && alias === undefined) {
      nameless += 1;
      continue;
    }
    const known = metric.name === undefined ? device?.byAlias(alias as number, payload.time) : device?.definitions.byName.get(metric.name);
    const contradicts = metric.name === undefined && datatype !== 0 && known !== undefined && known.datatype !== 0 && known.datatype !== datatype;
    const name = metric.name ?? (contradicts ? undefined : known?.name);
    const type = datatype === 0 ? (known?.datatype ?? 0) : datatype;
    if (name === undefined || (type === TYPE.Unknown && needsType(metric))) {
      unknown += name !== undefined && isControl(name) ? 0 : 1;
      continue;
    }
    if (known === undefined ? isControl(name) : known.control) {
      continue;
    }
    const properties = readProperties(reader, metric, unitKey);
    const found = values.read(metric, type, known?.members);
    if (found !== undefined && found !== null) {
      const group = gatherer.add(name, found, metric.time ?? payload.time, marks(metric, properties.quality));
      gatherer.unit(group, name, properties.unit ?? known?.unit, known?.members);
    }
    if (reader.problem !== undefined) {
      break;
    }
  }
  return { gatherer, unknown, unfit: values.unfit + nameless };
}

/** An integer without a type may be signed or not, bytes may be anything. */
function needsType({ kind, isNull }: RawMetric): boolean {
  return !isNull && (kind === KIND.int || kind === KIND.long || kind === KIND.bytes);
}

/** The session that an NDEATH belongs to. */
export function readDeath(payload: RawPayload, node: DeviceState | undefined): number | undefined {
  for (const metric of payload.metrics) {
    const name = metric.name ?? (metric.alias === undefined ? undefined : node?.definitions.find(metric.alias)?.name);
    if (name === SESSION) {
      return sessionNumber(metric);
    }
  }
  return undefined;
}

/** bdSeq is 0..255, sent as Int64 or UInt64. Only compared, so that a number beyond 2^53 may lose its last digits. */
function sessionNumber(metric: RawMetric): number | undefined {
  const known = !metric.isNull && (metric.kind === KIND.int || metric.kind === KIND.long);
  return known ? Number(unsigned(metric.lo, metric.hi)) : undefined;
}
