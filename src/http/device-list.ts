import { FLAGS } from '../domain/flags.ts';
import type { EpochMs } from '../domain/message.ts';
import type { Flag } from '../domain/reading.ts';
import type { Device } from '../pipeline/device.ts';
import type { DeviceRegistry } from '../pipeline/device-registry.ts';

export const SORTS = ['lastSeen', 'device', 'messages', 'rate', 'late', 'refused', 'silent'] as const;
export type DeviceSort = (typeof SORTS)[number];
/** Up to here the best are picked as the devices are walked over; beyond it all are sorted. */
const PICKED = 2000;
const TOP = 10;

export interface DeviceQuery {
  /** In lower case; part of the name or of the topic. */
  readonly search: string | undefined;
  readonly profile: string | undefined;
  readonly flag: Flag | undefined;
  readonly silent: boolean | undefined;
  readonly sort: DeviceSort;
  readonly descending: boolean;
  readonly limit: number;
  readonly offset: number;
}

type Compare = (a: Device, b: Device) => number;

const SMALL_FIRST: Readonly<Record<DeviceSort, Compare>> = {
  lastSeen: (a, b) => a.lastSeenAt - b.lastSeenAt,
  device: (a, b) => (a.device < b.device ? -1 : a.device > b.device ? 1 : 0),
  messages: (a, b) => a.readings - b.readings,
  // The longest interval is the lowest rate; none at all is lower still.
  rate: (a, b) => rateOf(a) - rateOf(b),
  late: (a, b) => a.late - b.late,
  refused: (a, b) => a.refused - b.refused,
  silent: (a, b) => b.lastSeenAt - a.lastSeenAt,
};

function rateOf({ intervalMs }: Device): number {
  return Number.isNaN(intervalMs) ? 0 : 1 / intervalMs;
}

/** One page of the devices that match, and how many do. Equal ones stand in the order of their names. */
export function listDevices(registry: DeviceRegistry, query: DeviceQuery, now: EpochMs): { readonly devices: readonly Device[]; readonly total: number } {
  const { offset, limit } = query;
  const small = SMALL_FIRST[query.sort];
  const order: Compare = (a, b) => (query.descending ? small(b, a) : small(a, b)) || SMALL_FIRST.device(a, b);
  const wanted = offset + limit;
  const found: Device[] = [];
  let total = 0;
  for (const device of registry.all()) {
    if (!matches(device, query, now)) continue;
    total += 1;
    if (wanted > PICKED) found.push(device);
    else pick(found, device, wanted, order);
  }
  if (wanted > PICKED) found.sort(order);
  return { devices: found.slice(offset, wanted), total };
}

/** Puts one where it belongs among the `most` first, if it does. */
function pick(found: Device[], device: Device, most: number, order: Compare): void {
  if (found.length === most && order(device, found[most - 1] as Device) >= 0) return;
  let low = 0;
  let high = found.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (order(device, found[middle] as Device) < 0) high = middle;
    else low = middle + 1;
  }
  if (found.length === most) found.pop();
  found.splice(low, 0, device);
}

function matches(device: Device, { search, profile, flag, silent }: DeviceQuery, now: EpochMs): boolean {
  if (profile !== undefined && device.profile !== profile) return false;
  if (flag !== undefined && device.countOf(flag) === 0) return false;
  if (silent !== undefined && device.silent(now) !== silent) return false;
  return search === undefined || device.device.toLowerCase().includes(search) || device.topics().some((topic) => topic.toLowerCase().includes(search));
}

/** Numbers over all devices, and the ones that stand out. */
export function summarise(registry: DeviceRegistry, now: EpochMs): object {
  const byProfile = new Map<string, number>();
  const byFlag = new Map<Flag, number>();
  const silent: Device[] = [];
  const late: Device[] = [];
  const refused: Device[] = [];
  let silentDevices = 0;
  let lateDevices = 0;
  for (const device of registry.all()) {
    byProfile.set(device.profile, (byProfile.get(device.profile) ?? 0) + 1);
    for (const flag of FLAGS) if (device.countOf(flag) > 0) byFlag.set(flag, (byFlag.get(flag) ?? 0) + 1);
    if (device.silent(now)) {
      silentDevices += 1;
      pick(silent, device, TOP, (a, b) => SMALL_FIRST.lastSeen(a, b));
    }
    if (device.late > 0) {
      lateDevices += 1;
      pick(late, device, TOP, (a, b) => SMALL_FIRST.late(b, a));
    }
    if (device.refused > 0) pick(refused, device, TOP, (a, b) => SMALL_FIRST.refused(b, a));
  }
  const topics = [...registry.refusedByTopic].map(([topic, n]) => ({ topic, refused: n }));
  return {
    known: registry.size,
    forgotten: registry.forgotten,
    silent: silentDevices,
    late: lateDevices,
    byProfile: Object.fromEntries(byProfile),
    byFlag: Object.fromEntries(byFlag),
    top: {
      silent: silent.map((device) => ({ device: device.device, silentForMs: device.silentForMs(now) })),
      late: late.map((device) => ({ device: device.device, late: device.late })),
      refused: [...refused.map((device) => ({ device: device.device, refused: device.refused })), ...topics]
        .sort((a, b) => b.refused - a.refused)
        .slice(0, TOP),
    },
  };
}
