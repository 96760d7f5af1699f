import { round } from '../profiles/profile.ts';
import { jsonMessage, mapped, numberIn, textMessage } from './format.ts';
import type { Alarm, Values } from '../profiles/profile.ts';
import type { Rng } from '../random.ts';
import type { Format, FormatDevice, FormatMessage, Presence } from './format.ts';

const KINDS = ['thermostat', 'power-meter', 'alarm-button'];
const GEN1: Readonly<Record<string, string>> = { thermostat: 'shellyht', 'power-meter': 'shellyem', 'alarm-button': 'shellybutton1' };
const GEN2: Readonly<Record<string, string>> = { thermostat: 'shellyplusht', 'power-meter': 'shellyplus1pm', 'alarm-button': 'shellyplusi4' };

function present(topic: string): Presence {
  return { topic, online: 'true', offline: 'false' };
}

function gen1Id({ kind, hex }: FormatDevice): string {
  return `${GEN1[kind] ?? 'shelly'}-${hex.slice(0, 12).toUpperCase()}`;
}

/** Name of the topic, name of the value, digits behind the point: always that many. */
const GEN1_TOPICS: Readonly<Record<string, readonly (readonly [string, string, number])[]>> = {
  thermostat: [
    ['sensor/temperature', 'temperature', 2],
    ['sensor/humidity', 'humidity', 1],
    ['sensor/battery', 'battery', 0],
  ],
  'power-meter': [
    ['emeter/0/power', 'power', 2],
    ['emeter/0/voltage', 'voltage', 2],
    ['emeter/0/current', 'current', 2],
    ['emeter/0/pf', 'powerFactor', 2],
    ['emeter/0/total', 'energy', 1],
  ],
  'alarm-button': [['sensor/battery', 'battery', 0]],
};

function gen1Values(base: string, kind: string, values: Values): FormatMessage[] {
  const messages: FormatMessage[] = [];
  for (const [topic, name, digits] of GEN1_TOPICS[kind] ?? []) {
    const value = numberIn(values, name);
    if (typeof value === 'number') {
      // Watt-hours on the wire.
      messages.push(textMessage(`${base}/${topic}`, (name === 'energy' ? value * 1000 : value).toFixed(digits)));
    }
  }
  if (kind === 'power-meter') {
    messages.push(textMessage(`${base}/relay/0`, 'on'));
  }
  return messages;
}

/** Shelly, first generation: one value a topic, as text. What the sensor does not say has no message. */
export const shellyGen1: Format = {
  name: 'shelly-gen1',
  kinds: KINDS,
  speak(device, timeMs): FormatMessage[] {
    const id = gen1Id(device);
    const base = `shellies/${id}`;
    const sample = device.sample(timeMs);
    const announced = { id, model: 'SHSW-1', mac: device.hex.slice(0, 12).toUpperCase(), ip: '192.168.1.20', new_fw: false, fw_ver: '20230913-112003/v1.14.0' };
    const messages = device.turn % 50 === 0 ? [jsonMessage(`${base}/announce`, announced, 'state')] : [];
    if (sample === undefined) {
      return messages;
    }
    if ('alarm' in sample) {
      return [...messages, jsonMessage(`${base}/input_event/0`, { event: press(sample.alarm, 'S', 'L'), event_cnt: device.turn + 1 })];
    }
    return [...messages, ...gen1Values(base, device.kind, sample.values)];
  },
  presence: (device) => device && present(`shellies/${gen1Id(device)}/online`),
};

function press(alarm: Alarm, short: string, long: string): string {
  return alarm.severity === 'critical' ? long : short;
}

function gen2Id({ kind, hex }: FormatDevice): string {
  return `${GEN2[kind] ?? 'shelly'}-${hex.slice(0, 12)}`;
}

function gen2Status({ kind }: FormatDevice, values: Values, seconds: number, rng: Rng): Record<string, unknown> {
  if (kind === 'thermostat') {
    const celsius = mapped(numberIn(values, 'temperature'), (t) => round(t, 1));
    const battery = mapped(numberIn(values, 'battery'), Math.round);
    return {
      'temperature:0': { id: 0, tC: celsius, tF: mapped(celsius, (t) => round(t * 1.8 + 32, 1)) },
      'humidity:0': { id: 0, rh: numberIn(values, 'humidity') },
      'devicepower:0': { id: 0, battery: { V: mapped(battery, (percent) => round(4 + percent / 50, 2)), percent: battery }, external: { present: false } },
    };
  }
  if (kind === 'alarm-button') {
    return { 'input:0': { id: 0, state: values['pressed'] === true } };
  }
  const power = numberIn(values, 'power');
  const minute = mapped(power, (watts) => round((watts * 1000) / 60, 3));
  return {
    'switch:0': {
      id: 0,
      output: true,
      apower: power,
      voltage: numberIn(values, 'voltage'),
      current: numberIn(values, 'current'),
      pf: mapped(numberIn(values, 'powerFactor'), (f) => round(f, 2)),
      freq: round(49.95 + 0.1 * rng(), 2),
      aenergy: {
        total: mapped(numberIn(values, 'energy'), (kWh) => round(kWh * 1000, 3)),
        by_minute: [minute, minute, minute],
        minute_ts: Math.floor(seconds / 60) * 60,
      },
    },
  };
}

/** Shelly, second generation and later: RPC notifications under ID/events/rpc, and now and then ID/status/switch:0. */
export const shellyGen2: Format = {
  name: 'shelly-gen2',
  kinds: KINDS,
  speak(device, timeMs, rng): FormatMessage[] {
    const sample = device.sample(timeMs);
    if (sample === undefined) {
      return [];
    }
    const id = gen2Id(device);
    const ts = round(timeMs / 1000, 2);
    const notify = (method: string, params: object): FormatMessage =>
      jsonMessage(`${id}/events/rpc`, { src: id, dst: `${id}/events`, method, params: { ts, ...params } });
    if ('alarm' in sample) {
      const event = sample.alarm.active ? press(sample.alarm, 'single_push', 'long_push') : 'btn_up';
      return [notify('NotifyEvent', { events: [{ component: 'input:0', id: 0, event, ts }] })];
    }
    const status = gen2Status(device, sample.values, ts, rng);
    const [component = '', content] = Object.entries(status)[0] ?? [];
    const messages = [notify('NotifyStatus', status)];
    if (device.turn % 10 === 0) {
      messages.push(jsonMessage(`${id}/status/${component}`, content));
    }
    return messages;
  },
  presence: (device) => device && present(`${gen2Id(device)}/online`),
};
