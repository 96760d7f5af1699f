import { emptyBag } from '../domain/bag.ts';
import type { EpochMs } from '../domain/message.ts';
import type { Document } from '../domain/payload-path.ts';
import type { Flag } from '../domain/reading.ts';
import type { Definitions } from './sparkplug-definitions.ts';
import type { SparkplugTopic } from './sparkplug-topic.ts';

/** Bits of what sets metrics apart that have the same time. */
export const MARK = { historical: 1, stale: 2, badQuality: 4 } as const;
const MARK_FLAGS: readonly [number, Flag][] = [
  [MARK.historical, 'historical'],
  [MARK.stale, 'stale'],
  [MARK.badQuality, 'bad-quality'],
];

/** So many groups are looked through one by one; more are indexed, or a message of a thousand times would take a million steps. */
const FEW = 8;

interface Group {
  readonly time: number | undefined;
  readonly marks: number;
  readonly values: Record<string, Document>;
  units: Record<string, Document> | undefined;
  duplicate: boolean;
}

/** Gathers the metrics of one message: those of equal time and equal marks make one reading. */
export class Gatherer {
  private readonly groups: Group[] = [];
  private readonly index: Map<number | undefined, Group>[] = [];
  private last: Group | undefined;

  get empty(): boolean {
    return this.groups.length === 0;
  }

  add(name: string, value: Document, time: number | undefined, marks: number): Group {
    const group = this.group(time, marks);
    if (name in group.values) {
      group.duplicate = true;
    }
    group.values[name] = value;
    return group;
  }

  /** Whether the device is there. A metric that has this name keeps it. */
  status(name: string, value: boolean, time: number | undefined): void {
    const { values } = this.group(time, 0);
    if (!(name in values)) {
      values[name] = value;
    }
  }

  /** Units lie in a record of the same shape as the values. */
  unit(group: Group, name: string, unit: string | undefined, members: Definitions | undefined): void {
    const found = unitsOf(group.values[name], unit, members);
    if (found !== undefined) {
      group.units ??= emptyBag();
      group.units[name] = found;
    }
  }

  /** The readings as documents; `flags` are those of the message. */
  documents(topic: SparkplugTopic, flags: readonly Flag[]): Document[] {
    return this.groups.map(({ time, marks, values, units, duplicate }) => {
      const own = duplicate ? [...flags, 'duplicate-key'] : [...flags];
      for (const [bit, flag] of MARK_FLAGS) {
        if ((marks & bit) !== 0 && !own.includes(flag)) {
          own.push(flag);
        }
      }
      return element(topic, topic.device, time, values, units, own);
    });
  }

  private group(time: number | undefined, marks: number): Group {
    if (this.last !== undefined && this.last.time === time && this.last.marks === marks) {
      return this.last;
    }
    let group = this.find(time, marks);
    if (group === undefined) {
      group = { time, marks, values: emptyBag(), units: undefined, duplicate: false };
      this.groups.push(group);
      if (this.groups.length > FEW) {
        this.enter(group);
      } else if (this.groups.length === FEW) {
        this.groups.forEach((each) => this.enter(each));
      }
    }
    this.last = group;
    return group;
  }

  private find(time: number | undefined, marks: number): Group | undefined {
    return this.groups.length < FEW ? this.groups.find((group) => group.time === time && group.marks === marks) : this.index[marks]?.get(time);
  }

  private enter(group: Group): void {
    const byTime = this.index[group.marks] ?? new Map<number | undefined, Group>();
    byTime.set(group.time, group);
    this.index[group.marks] = byTime;
  }
}

function element(
  { group, node, nodeKey, type }: SparkplugTopic,
  device: string | undefined,
  time: number | undefined,
  values: Record<string, Document>,
  units: Record<string, Document> | undefined,
  flags: readonly string[],
): Document {
  const name = device === undefined ? nodeKey : `${nodeKey}/${device}`;
  return { device: name, group, node, device_id: device ?? null, time: time ?? null, type, values, units: units ?? null, flags };
}

/**
 * What a death makes of one device: its status and nothing else, no values that nobody measured. An NDEATH was written
 * when the node connected (it is the will of the connection), so its own time is not that of the death: then `time` is when it arrived.
 */
export function deathDocument(topic: SparkplugTopic, device: string | undefined, status: string, time: EpochMs | undefined, receivedAt: EpochMs): Document {
  const values = emptyBag<Document>();
  values[status] = false;
  return element(topic, device, time ?? receivedAt, values, undefined, time === undefined ? ['stale', 'no-device-time'] : ['stale']);
}

function unitsOf(value: Document | undefined, unit: string | undefined, members: Definitions | undefined): Document | undefined {
  if (Array.isArray(value)) {
    return unit === undefined ? undefined : value.map(() => unit);
  }
  if (members === undefined) {
    return unit;
  }
  let units: Record<string, Document> | undefined;
  const record = value as { readonly [name: string]: Document };
  for (const name in record) {
    const member = members.byName.get(name);
    const found = unitsOf(record[name], member?.unit, member?.members);
    if (found !== undefined) {
      units ??= emptyBag();
      units[name] = found;
    }
  }
  return units;
}
