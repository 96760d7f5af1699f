import { Definitions } from './sparkplug-definitions.ts';
import { DeviceState, NodeState, REMEMBERED } from './sparkplug-node.ts';

/** Another number means another layout: such a state is as good as none. */
const VERSION = 1;

/** A node as plain JSON data. Sequence numbers are not in it: they change with every message (see `SparkplugStore`). */
export function snapshot(node: NodeState): unknown {
  return { version: VERSION, node: nodeToJson(node) };
}

/** The node of a snapshot; undefined where any of it is broken: a node that is not known is asked for its birth. */
export function fromSnapshot(data: unknown): NodeState | undefined {
  const found = data as { version?: unknown; node?: unknown } | null | undefined;
  return typeof found === 'object' && found?.version === VERSION ? nodeFromJson(found.node) : undefined;
}

function nodeToJson(node: NodeState): unknown {
  const { key, born, online, gap } = node;
  return {
    key,
    born,
    online,
    gap,
    birthTime: node.birthTime ?? null,
    bdSeq: node.bdSeq ?? null,
    births: node.births.map(({ time, bdSeq, seq }) => [time ?? null, bdSeq ?? null, seq ?? null]),
    deaths: node.deaths.map(({ time, bdSeq, devices }) => [time ?? null, bdSeq ?? null, devices]),
    devices: [...node.devices].map(([id, device]) => [
      id,
      device.born,
      device.online,
      device.since ?? null,
      device.definitions.toJson(),
      device.elder?.toJson() ?? null,
    ]),
  };
}

function nodeFromJson(data: unknown): NodeState | undefined {
  const found = data as Readonly<Record<string, unknown>> | null | undefined;
  if (typeof found !== 'object' || found === null || typeof found['key'] !== 'string') {
    return undefined;
  }
  const node = new NodeState(found['key']);
  node.born = found['born'] === true;
  node.online = found['online'] === true;
  node.gap = found['gap'] === true;
  node.birthTime = numberIn(found['birthTime']);
  node.bdSeq = numberIn(found['bdSeq']);
  node.births = rows(found['births']).map(([time, bdSeq, seq]) => ({ time: numberIn(time), bdSeq: numberIn(bdSeq), seq: numberIn(seq) }));
  node.deaths = rows(found['deaths']).map(([time, bdSeq, devices]) => ({ time: numberIn(time), bdSeq: numberIn(bdSeq), devices: textsIn(devices) }));
  if (!Array.isArray(found['devices'])) {
    return undefined;
  }
  for (const row of found['devices'] as unknown[]) {
    const device = Array.isArray(row) ? deviceFromJson(row as unknown[]) : undefined;
    if (device === undefined) {
      return undefined;
    }
    node.devices.set((row as [string])[0], device);
  }
  return node;
}

function deviceFromJson([id, born, online, since, current, before]: readonly unknown[]): DeviceState | undefined {
  const definitions = Definitions.fromJson(current);
  const elder = before === null ? undefined : Definitions.fromJson(before);
  if (typeof id !== 'string' || definitions === undefined || (before !== null && elder === undefined)) {
    return undefined;
  }
  const device = new DeviceState(definitions, numberIn(since));
  device.born = born === true;
  device.online = online === true;
  device.elder = elder;
  return device;
}

function rows(value: unknown): (readonly unknown[])[] {
  return Array.isArray(value) ? value.filter((row): row is unknown[] => Array.isArray(row)).slice(-REMEMBERED) : [];
}

function numberIn(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function textsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((entry): entry is string => typeof entry === 'string') : [];
}
