import type { DeviceDetail, DevicePage, DeviceRow, DeviceSummary } from '../../src/console/api.ts';

/** What a device would call itself to take over the page of whoever looks at it. */
export const HOSTILE = `<img src=x onerror="window.taken='img'"><script>window.taken='script'</script>`;

const PROFILES = ['sluice-json', 'tasmota', 'shelly', 'zigbee2mqtt'] as const;
const HISTORY = 60;

/** Thousands of devices that all change from one second to the next, without a timer: what they say follows from the clock. */
export class FakeDevices {
  private readonly names: readonly string[];
  private readonly startedAt = Date.now() - 3_600_000;

  constructor(count: number) {
    this.names = Array.from({ length: count }, (_, i) => (i === 1 ? HOSTILE : `plant-${String(i % 40).padStart(2, '0')}/pump-${String(i).padStart(5, '0')}`));
  }

  page(query: Readonly<Record<string, string>>): DevicePage {
    const { search = '', profile, flag, silent, sort = 'lastSeen', order = 'desc' } = query;
    const [limit, offset] = [Number(query['limit'] ?? 100), Number(query['offset'] ?? 0)];
    const wanted = search.toLowerCase();
    const found = this.names
      .map((name, i) => [name, i] as const)
      .filter(
        ([name, i]) =>
          (wanted === '' || name.toLowerCase().includes(wanted)) &&
          (profile === undefined || profileOf(i) === profile) &&
          (flag === undefined || flagsOf(i).includes(flag)) &&
          (silent !== 'true' || isSilent(i)),
      );
    const now = Date.now();
    const key = (i: number): number =>
      sort === 'late' ? lateOf(i) : sort === 'refused' ? refusedOf(i) : sort === 'rate' ? -intervalOf(i) : -silentFor(i, now);
    const up = order === 'asc' ? 1 : -1;
    found.sort(([a, i], [b, j]) => (sort === 'device' ? up * (a < b ? -1 : 1) : up * (key(i) - key(j))));
    return {
      devices: found.slice(offset, offset + limit).map(([, i]) => this.row(i, now)),
      total: found.length,
      known: this.names.length,
      forgotten: 0,
      offset,
      limit,
    };
  }

  detail(name: string): DeviceDetail | undefined {
    const i = this.names.indexOf(name);
    if (i === -1) return undefined;
    const now = Date.now();
    const row = this.row(i, now);
    const at = Array.from({ length: HISTORY }, (_, n) => now - (HISTORY - 1 - n) * 5000);
    return {
      ...row,
      topics: [row.topic, `${row.topic}/status`],
      history: {
        names: ['temperature', 'pressure'],
        at,
        values: [at.map((time) => temperature(i, time)), at.map((time) => 101_325 + 40 * Math.sin(time / 31_000 + i))],
      },
      lastReading: { id: 'lz6RlVXVuicWEDWj4uYmTj-0', device: name, values: row.values, units: row.units, flags: row.lastFlags },
    };
  }

  summary(): DeviceSummary {
    const all = this.names.map((_, i) => i);
    const now = Date.now();
    const tally = (names: readonly string[]): Record<string, number> => {
      const counts: Record<string, number> = {};
      for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
      return counts;
    };
    const silent = all.filter(isSilent);
    return {
      known: all.length,
      silent: silent.length,
      late: all.filter((i) => lateOf(i) > 0).length,
      byProfile: tally(all.map(profileOf)),
      byFlag: tally(all.flatMap(flagsOf)),
      top: {
        silent: silent.slice(0, 10).map((i) => ({ device: this.names[i] ?? '', silentForMs: silentFor(i, now) })),
        late: [{ device: this.names[0] ?? '', late: 12 }],
        refused: [{ device: HOSTILE, refused: 3 }],
      },
    };
  }

  private row(i: number, now: number): DeviceRow {
    const name = this.names[i] ?? '';
    const second = Math.floor(now / 1000);
    const spark = Array.from({ length: 30 }, (_, n) => temperature(i, (second - 29 + n) * 1000));
    const silentForMs = silentFor(i, now);
    return {
      device: name,
      profile: profileOf(i),
      topic: i === 1 ? `devices/${HOSTILE}` : `devices/${name}/telemetry`,
      firstSeenAt: this.startedAt,
      lastSeenAt: now - silentForMs,
      measuredAt: now - silentForMs - 120,
      intervalMs: intervalOf(i),
      silentForMs,
      silent: isSilent(i),
      readings: second % 100_000,
      refused: refusedOf(i),
      late: lateOf(i),
      flags: Object.fromEntries(flagsOf(i).map((flag) => [flag, (i % 50) + 1])),
      lastFlags: flagsOf(i),
      values: {
        ...(i === 1 ? { note: HOSTILE } : {}),
        temperature: temperature(i, second * 1000),
        pressure: 101_325 + (second % 60),
        running: i % 3 !== 0,
        ...(i === 0 ? { total: 18_446_744_073_709_551_615n } : {}),
      },
      units: { temperature: 'Cel', pressure: 'Pa' },
      spark: { name: 'temperature', values: spark },
    };
  }
}

const profileOf = (i: number): string => PROFILES[i % PROFILES.length] ?? '';
const flagsOf = (i: number): string[] => [...(i % 20 === 0 ? ['late'] : []), ...(i % 33 === 0 ? ['no-device-time'] : [])];
const isSilent = (i: number): boolean => i % 97 === 5;
const lateOf = (i: number): number => (i % 20 === 0 ? (i % 50) + 1 : 0);
const refusedOf = (i: number): number => (i % 301 === 1 ? 3 : 0);
const intervalOf = (i: number): number => 1000 + (i % 9) * 100;
const silentFor = (i: number, now: number): number => (isSilent(i) ? 120_000 + i * 1000 : (now + i * 37) % 1000);
const temperature = (i: number, at: number): number => Number((20 + (i % 11) + 3 * Math.sin(at / 15_000 + i)).toFixed(2));
