import { describe, expect, it } from 'vitest';
import { readMark } from '../../../devices/audit.ts';
import { Device, type NativeMessage } from '../../../devices/device.ts';
import { FAULT_KINDS, faultySensor } from '../../../devices/faults.ts';
import { PROFILES, profileOf } from '../../../devices/profiles/index.ts';
import { normal, seeded, stream } from '../../../devices/random.ts';
import type { FaultKind } from '../../../devices/faults.ts';
import type { Profile, Values } from '../../../devices/profiles/profile.ts';

const START = Date.UTC(2026, 0, 15);
const DAY = 86_400_000;

function messages(
  kind: string,
  n: number,
  options: { seed?: number; fault?: FaultKind; audit?: boolean; stepMs?: number } = {},
): (NativeMessage | undefined)[] {
  const profile = profileOf(kind) as Profile;
  const device = new Device(profile, options.seed ?? 1, options.fault, {
    site: 's1',
    name: `${kind}-0001`,
    qos: 1,
    audit: options.audit ?? false,
    firstSeq: 1,
  });
  return Array.from({ length: n }, (_, i) => device.next(START + i * (options.stepMs ?? 60_000)));
}

function said(list: readonly (NativeMessage | undefined)[]): NativeMessage[] {
  return list.filter((message) => message !== undefined);
}

function telemetry(kind: string, n: number, options: Parameters<typeof messages>[2] = {}): Record<string, number | boolean | string>[] {
  return said(messages(kind, n, options))
    .filter(({ topic }) => topic.endsWith('/telemetry'))
    .map(({ payload }) => (JSON.parse(payload) as { values: Record<string, number | boolean | string> }).values);
}

describe('random', () => {
  it('is the same for a seed, other for another, and uniform enough', () => {
    const a = seeded(7);
    const b = seeded(7);
    const draws = Array.from({ length: 20_000 }, () => a());
    expect(draws.slice(0, 100)).toEqual(Array.from({ length: 100 }, () => b()));
    expect(seeded(8)()).not.toBe(seeded(7)());
    expect(Math.min(...draws)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...draws)).toBeLessThan(1);
    expect(Math.abs(draws.reduce((sum, x) => sum + x, 0) / draws.length - 0.5)).toBeLessThan(0.01);
    const normals = Array.from({ length: 20_000 }, () => normal(a));
    expect(Math.abs(Math.sqrt(normals.reduce((sum, x) => sum + x * x, 0) / normals.length) - 1)).toBeLessThan(0.03);
  });
});

describe('messages', () => {
  it.each(PROFILES.map(({ kind }) => kind))('%s: the same seed and times give the same bytes, another seed others', (kind) => {
    for (const fault of [undefined, ...FAULT_KINDS]) {
      const options = fault === undefined ? {} : { fault };
      expect(messages(kind, 300, options)).toEqual(messages(kind, 300, options));
    }
    expect(messages(kind, 50)).not.toEqual(messages(kind, 50, { seed: 2 }));
  });

  it.each(PROFILES.map(({ kind }) => kind))('%s: topic, shape, contiguous sequence per topic, rising time', (kind) => {
    const next = new Map<string, number>();
    const shapes = new Set<string>();
    const expected = new Set<string>();
    let alarms = 0;
    let lastTime = 0;
    // A step of 0.4 ms: two turns within one millisecond still get two times, as topic and time name a reading.
    for (const message of said(messages(kind, 400, { stepMs: 0.4 }))) {
      const body = JSON.parse(message.payload) as Record<string, unknown>;
      const seq = (next.get(message.topic) ?? 0) + 1;
      next.set(message.topic, seq);
      expect(message.seq).toBe(seq);
      expect(message.time).toBeGreaterThan(lastTime);
      lastTime = message.time;
      const { time } = message;
      const { values = {}, severity, message: text, active } = body as { values?: Values; severity: string; message: string; active: boolean };
      if (message.topic.endsWith('/alarm')) {
        alarms += 1;
        shapes.add(`${message.topic} ${Object.keys(body).join()} ${['critical', 'warning', 'info'].includes(severity)} ${typeof text} ${typeof active}`);
        expected.add(`devices/s1/${kind}-0001/alarm time,seq,severity,message,active true string boolean`);
      } else {
        const scalars = Object.values(values).every((value) =>
          typeof value === 'number' ? Number.isFinite(value) : ['boolean', 'string'].includes(typeof value),
        );
        shapes.add(`${message.topic} ${Object.keys(body).join()} ${String(body['device'])} ${String(body['kind'])} ${scalars}`);
        expected.add(`devices/s1/${kind}-0001/telemetry device,kind,time,seq,values s1/${kind}-0001 ${kind} true`);
      }
      expect([body['time'], body['seq']]).toEqual([time, seq]);
    }
    expect(shapes).toEqual(expected);
    expect(alarms > 0).toBe(kind === 'alarm-button');
    expect(next.size).toBe(kind === 'alarm-button' ? 2 : 1);
  });

  it('signals look like what they stand for', () => {
    const rooms = telemetry('thermostat', 1440);
    const hour = (h: number): number => rooms.slice(h * 60, h * 60 + 60).reduce((sum, values) => sum + Number(values['temperature']), 0) / 60;
    expect(hour(15) - hour(3)).toBeGreaterThan(1.5);
    const meters = telemetry('power-meter', 1440);
    const energy = meters.map((values) => Number(values['energy']));
    expect(energy.every((kWh, i) => i === 0 || kWh >= (energy[i - 1] as number))).toBe(true);
    const meanPower = meters.reduce((sum, values) => sum + Number(values['power']), 0) / meters.length;
    const usedKWh = (energy.at(-1) as number) - (energy[0] as number);
    expect(Math.abs(usedKWh - (meanPower * 24) / 1000)).toBeLessThan(0.05 * usedKWh);
    const track = telemetry('gps-tracker', 3600, { stepMs: 1000 }).filter((values) => values['fix'] === true);
    expect(track.length).toBeLessThan(3600);
    for (let i = 1; i < track.length; i += 1) {
      const north = (Number(track[i]?.['latitude']) - Number(track[i - 1]?.['latitude'])) * 111_320;
      expect(Math.abs(north)).toBeLessThan(200);
    }
    const bearing = telemetry('vibration-sensor', 60, { stepMs: DAY });
    const rms = bearing.map((values) => Number(values['rms']));
    expect(Math.max(...rms) / Math.min(...rms)).toBeGreaterThan(2.5);
    const presses = said(messages('alarm-button', 2000)).filter(({ topic }) => topic.endsWith('/alarm'));
    const active = presses.map(({ payload }) => (JSON.parse(payload) as { active: boolean }).active);
    expect(active.length).toBeGreaterThan(40);
    expect(active.every((on, i) => on === (i % 2 === 0))).toBe(true);
  });
});

describe('faulty sensors', () => {
  const run = (kind: FaultKind): { measured: Values; said: Values | undefined }[] => {
    const sensor = faultySensor(kind);
    const rng = stream(3, kind);
    return Array.from({ length: 2000 }, (_, i) => {
      const measured: Values = { a: i + 1, b: 2 * i + 1, text: 'x' };
      return { measured, said: sensor(measured, rng) };
    });
  };
  const changed = (kind: FaultKind): { measured: Values; said: Values | undefined }[] =>
    run(kind).filter(({ measured, said }) => JSON.stringify(said) !== JSON.stringify(measured));

  it('work most of the time', () => {
    for (const kind of FAULT_KINDS) {
      const share = changed(kind).length / 2000;
      expect(share).toBeGreaterThan(0.03);
      expect(share).toBeLessThan(0.4);
    }
  });

  it('each fault is what its name says', () => {
    expect(changed('drop-out').every(({ said }) => said === undefined)).toBe(true);
    expect(changed('missing').every(({ said, measured }) => Object.keys(said ?? {}).length === Object.keys(measured).length - 1)).toBe(true);
    expect(changed('null').every(({ said }) => Object.values(said ?? {}).filter((value) => value === null).length === 1)).toBe(true);
    expect(
      changed('spike').every(({ said, measured }) =>
        Object.keys(measured).some(
          (name) =>
            said?.[name] !== measured[name] && (Number(said?.[name]) >= 10 * Number(measured[name]) || [85, -127, -200, 65_535].includes(Number(said?.[name]))),
        ),
      ),
    ).toBe(true);
    const stuck = run('stuck');
    const at = stuck.findIndex(({ said, measured }) => said?.['a'] !== measured['a']);
    expect(stuck[at]?.said).toEqual(stuck[at - 1]?.said);
    expect(stuck[at + 1]?.said).toEqual(stuck[at - 1]?.said);
  });
});

describe('audit marks', () => {
  it('are intact on what comes out, and notice each kind of change', () => {
    for (const kind of PROFILES.map((profile) => profile.kind)) {
      for (const message of said(messages(kind, 200, { audit: true, fault: 'null' }))) {
        const body = JSON.parse(message.payload) as { values?: Values };
        const sent = body.values ?? (({ severity, message: text, active }: Record<string, unknown>) => ({ severity, message: text, active }))(body);
        // A null has no value: the gateway leaves it out.
        const out = Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== null)) as Record<string, unknown>;
        expect(readMark(message.topic, out)).toEqual({ seq: message.seq, intact: true });
        expect(readMark(`${message.topic}x`, out)?.intact).toBe(false);
        const name = Object.keys(out).find((key) => key !== 'n' && key !== 'check' && key !== 'message') as string;
        const value = out[name];
        const other = typeof value === 'number' ? value + 0.01 : typeof value === 'boolean' ? !value : `${String(value)}x`;
        expect(readMark(message.topic, { ...out, [name]: other })?.intact).toBe(false);
        const { [name]: _gone, ...less } = out;
        expect(readMark(message.topic, less)?.intact).toBe(false);
        expect(readMark(message.topic, { ...out, extra: 1 })?.intact).toBe(false);
      }
    }
    expect(readMark('t', { temperature: 1 })).toBeUndefined();
    expect(readMark('t', { message: 'door open' })).toBeUndefined();
  });
});
