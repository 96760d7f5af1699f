import { emptyBag } from '../domain/bag.ts';
import { failed, type Result } from '../domain/fault.ts';
import type { EpochMs } from '../domain/message.ts';
import type { Document } from '../domain/payload-path.ts';
import type { Flag, Value } from '../domain/reading.ts';
import { exact } from './byte-reader.ts';
import { MAX_INTEGER_DIGITS } from './number-text.ts';
import type { Decoded } from './registry.ts';
import { type Fields, type Numeric, Problem, readFields, type SenmlForm } from './senml-fields.ts';
import { placeOf, UNNAMED } from './senml-name.ts';

/** The SenML version of RFC 8428. A larger one may have another structure and must not be used: section 4.4. */
const VERSION = 10;
/** Times below are relative to now: section 4.5.3. */
const RELATIVE_BELOW = 2 ** 28;
const ARRIVAL: readonly Flag[] = ['arrival-id'];
const OUT_OF_RANGE = new Problem('a number is out of range once its base is added', 'NUMBER_OUT_OF_RANGE');

/** One reading to be. */
interface Group {
  device: string;
  time?: number;
  values: Record<string, Value>;
  units: Record<string, string>;
  sums?: Record<string, Numeric>;
}

function isWhole(value: Numeric): boolean {
  return typeof value === 'bigint' || Number.isSafeInteger(value);
}

/** Of a field and its base the missing one is zero (section 4.5.4). Integers are added exactly, everything else as doubles. */
function add(own: Numeric | undefined, base: Numeric | undefined): Numeric | Problem | undefined {
  if (own === undefined || base === undefined) {
    return own ?? base;
  }
  if (isWhole(own) && isWhole(base)) {
    const sum = BigInt(own) + BigInt(base);
    return String(sum).replace('-', '').length > MAX_INTEGER_DIGITS ? OUT_OF_RANGE : exact(sum);
  }
  const sum = Number(own) + Number(base);
  return Number.isFinite(sum) ? sum : OUT_OF_RANGE;
}

function isFree(group: Group, name: string): boolean {
  return !(name in group.values) && !(group.sums !== undefined && name in group.sums);
}

/** One pack on its way to readings: the base values in effect (section 4.1), and what came out so far. */
class Pack {
  readonly groups: Group[] = [];
  /** Some record has a time relative to now. */
  relative = false;
  absolute = false;
  private readonly now: EpochMs;
  private readonly latest = new Map<string, Group>();
  private baseName = '';
  private baseTime: Numeric = 0;
  private baseUnit: string | undefined;
  private baseValue: Numeric | undefined;
  private baseSum: Numeric | undefined;
  private version: number | undefined;

  constructor(receivedAt: EpochMs) {
    this.now = receivedAt;
  }

  add(fields: Fields): Problem | undefined {
    // A base field holds from its record on, until it is given again.
    this.baseName = fields.bn ?? this.baseName;
    this.baseTime = fields.bt ?? this.baseTime;
    this.baseUnit = fields.bu ?? this.baseUnit;
    this.baseValue = fields.bv ?? this.baseValue;
    this.baseSum = fields.bs ?? this.baseSum;
    return this.checkVersion(fields.bver) ?? (fields.baseOnly ? undefined : this.resolve(fields));
  }

  private checkVersion(version: number | undefined): Problem | undefined {
    if (version === undefined) {
      return undefined;
    }
    if (version > VERSION) {
      return new Problem(`SenML version ${version} is not known; up to ${VERSION} is (section 4.4)`);
    }
    if (this.version !== undefined && this.version !== version) {
      return new Problem('records of one pack have different versions (section 4.4)');
    }
    this.version = version;
    return undefined;
  }

  /** Section 4.6, and 4.5 for each field. */
  private resolve(fields: Fields): Problem | undefined {
    const place = placeOf(this.baseName, fields.n ?? '');
    if (typeof place === 'string') {
      return new Problem(place);
    }
    const time = this.timeOf(fields.t ?? 0);
    const value = this.valueOf(fields);
    const sum = add(fields.s, this.baseSum);
    if (time instanceof Problem || value instanceof Problem || sum instanceof Problem) {
      return time instanceof Problem ? time : value instanceof Problem ? value : OUT_OF_RANGE;
    }
    if (value === undefined && sum === undefined) {
      return new Problem('a record has neither value nor sum (section 4.2)');
    }
    const unit = fields.u ?? this.baseUnit;
    const name = place.name === UNNAMED && (unit === 'lat' || unit === 'lon') ? unit : place.name;
    const group = this.group(place.device, time, name);
    if (value !== undefined) {
      group.values[name] = value;
    }
    if (sum !== undefined) {
      group.sums ??= emptyBag<Numeric>();
      group.sums[name] = sum;
    }
    if (unit !== undefined && unit !== '') {
      group.units[name] = unit;
    }
    return undefined;
  }

  private valueOf({ value, s }: Fields): Value | Problem | undefined {
    if (typeof value === 'string' || typeof value === 'boolean') {
      return value;
    }
    // A record with a sum may do without a value (section 4.2); the base value alone is none then.
    return value === undefined && s !== undefined ? undefined : add(value, this.baseValue);
  }

  /** Absolute seconds; undefined for zero, by which a sensor says that it does not know the time (section 4.5.3). */
  private timeOf(own: Numeric): number | Problem | undefined {
    const time = Number(this.baseTime) + Number(own);
    if (!Number.isFinite(time * 1000)) {
      return OUT_OF_RANGE;
    }
    if (time >= RELATIVE_BELOW) {
      this.absolute = true;
      return time;
    }
    if (time === 0) {
      return undefined;
    }
    this.relative = true;
    return Math.round(this.now + time * 1000) / 1000;
  }

  /** Readings stand in the order of their first records. A name that is taken opens another reading of the same device and time. */
  private group(device: string, time: number | undefined, name: string): Group {
    const last = this.groups.at(-1);
    if (last !== undefined && last.device === device && last.time === time && isFree(last, name)) {
      return last;
    }
    const key = `${time} ${device}`;
    const known = this.latest.get(key);
    if (known !== undefined && isFree(known, name)) {
      return known;
    }
    const group = emptyBag<unknown>() as unknown as Group;
    group.device = device;
    if (time !== undefined) {
      group.time = time;
    }
    group.values = emptyBag<Value>();
    group.units = emptyBag<string>();
    this.groups.push(group);
    this.latest.set(key, group);
    return group;
  }
}

/**
 * A SenML pack (RFC 8428) -> its resolved records, grouped into readings: an array of
 * `{ device, time, values: {name: v}, units: {name: u}, sums: {name: s} }`. `time` is in seconds, absent where the
 * sensor does not know it; `sums` is absent where no record has one. How a record's name is split into device and
 * name: see `placeOf`.
 *
 * A record with base fields alone yields no reading: senders use such records to set a base. Where all known times are
 * relative to now, equal bytes may tell of another measurement, so the readings are flagged `arrival-id`.
 */
export function resolvePack(decoded: Decoded, form: SenmlForm, receivedAt: EpochMs): Result<Decoded> {
  const { document, flags } = decoded;
  if (!Array.isArray(document) || document.length === 0) {
    return failed('DECODE_INVALID', 'not SenML: a pack is an array of records, at least one (RFC 8428 section 4)');
  }
  const records = document as readonly Document[];
  const pack = new Pack(receivedAt);
  for (let i = 0; i < records.length; i += 1) {
    const fields = readFields(records[i] as Document, form);
    const problem = fields instanceof Problem ? fields : pack.add(fields);
    if (problem !== undefined) {
      return failed(problem.code, `not SenML: record ${i}: ${problem.message}`);
    }
  }
  const byArrival = pack.relative && !pack.absolute;
  return { ok: true, value: { document: pack.groups as unknown as Document, flags: byArrival ? [...flags, ...ARRIVAL] : flags } };
}
