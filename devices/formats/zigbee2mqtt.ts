import { round } from '../profiles/profile.ts';
import { jsonMessage, mapped, numberIn } from './format.ts';
import type { Values } from '../profiles/profile.ts';
import type { Format, FormatMessage } from './format.ts';

function battery(values: Values): object {
  const percent = mapped(numberIn(values, 'battery'), Math.round);
  return { battery: percent, voltage: mapped(percent, (p) => 2500 + p * 6) };
}

function content(kind: string, values: Values): object {
  switch (kind) {
    case 'thermostat':
      return { ...battery(values), humidity: numberIn(values, 'humidity'), temperature: numberIn(values, 'temperature') };
    case 'power-meter':
      return {
        current: mapped(numberIn(values, 'current'), (amperes) => round(amperes, 2)),
        energy: mapped(numberIn(values, 'energy'), (kWh) => round(kWh, 2)),
        power: mapped(numberIn(values, 'power'), Math.round),
        state: 'ON',
        voltage: mapped(numberIn(values, 'voltage'), Math.round),
      };
    case 'vibration-sensor': {
      const peak = numberIn(values, 'peak');
      return {
        device_temperature: numberIn(values, 'temperature'),
        strength: mapped(peak, (p) => Math.round(p * 10)),
        vibration: typeof peak === 'number' && peak > 3,
      };
    }
    default:
      return { ...battery(values), action: '' };
  }
}

/** Zigbee2MQTT: an object a device under zigbee2mqtt/SITE/NAME, its availability, and bridge/state for each connection. */
export const zigbee2mqtt: Format = {
  name: 'zigbee2mqtt',
  kinds: ['thermostat', 'power-meter', 'vibration-sensor', 'alarm-button'],
  speak(device, timeMs, rng): FormatMessage[] {
    const sample = device.sample(timeMs);
    const topic = `zigbee2mqtt/${device.site}/${device.name}`;
    const messages = device.turn % 10 === 0 ? [jsonMessage(`${topic}/availability`, { state: 'online' }, 'state')] : [];
    if (sample === undefined) {
      return messages;
    }
    const link = { last_seen: new Date(timeMs).toISOString(), linkquality: 60 + Math.floor(rng() * 160) };
    if ('alarm' in sample) {
      const action = sample.alarm.active ? (sample.alarm.severity === 'critical' ? 'hold' : 'single') : 'release';
      return [...messages, jsonMessage(topic, { action, ...link })];
    }
    return [...messages, jsonMessage(topic, { ...content(device.kind, sample.values), ...link })];
  },
  presence: () => ({ topic: 'zigbee2mqtt/bridge/state', online: '{"state":"online"}', offline: '{"state":"offline"}' }),
};
