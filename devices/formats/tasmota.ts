import { round } from '../profiles/profile.ts';
import { jsonMessage, localTime, mapped, numberIn, textMessage } from './format.ts';
import type { Values } from '../profiles/profile.ts';
import type { Rng } from '../random.ts';
import type { Format, FormatDevice, FormatMessage } from './format.ts';

/** Magnus formula, degrees Celsius. */
function dewPoint(celsius: number, humidity: number): number {
  const gamma = Math.log(Math.max(humidity, 1) / 100) + (17.62 * celsius) / (243.12 + celsius);
  return round((243.12 * gamma) / (17.62 - gamma), 1);
}

function climate(values: Values): object {
  const temperature = mapped(numberIn(values, 'temperature'), (t) => round(t, 1));
  const humidity = numberIn(values, 'humidity');
  const dew = typeof temperature === 'number' && typeof humidity === 'number' ? dewPoint(temperature, humidity) : null;
  return { AM2301: { Temperature: temperature, Humidity: humidity, DewPoint: dew }, TempUnit: 'C' };
}

function energy(values: Values, timeMs: number): object {
  const power = numberIn(values, 'power');
  const factor = numberIn(values, 'powerFactor');
  const apparent = typeof power === 'number' && typeof factor === 'number' && factor > 0 ? Math.round(power / factor) : null;
  const reactive = typeof power === 'number' && apparent !== null ? Math.round(Math.sqrt(Math.max(0, apparent ** 2 - power ** 2))) : null;
  const hours = (timeMs % 86_400_000) / 3_600_000;
  return {
    ENERGY: {
      TotalStartTime: '2020-01-01T00:00:00',
      Total: mapped(numberIn(values, 'energy'), (kWh) => round(kWh, 3)),
      Today: mapped(power, (watts) => round((watts / 1000) * hours, 3)),
      Period: mapped(power, (watts) => Math.round(watts / 12)),
      Power: mapped(power, Math.round),
      ApparentPower: apparent,
      ReactivePower: reactive,
      Factor: mapped(factor, (f) => round(f, 2)),
      Voltage: mapped(numberIn(values, 'voltage'), Math.round),
      Current: numberIn(values, 'current'),
    },
  };
}

function state({ turn, hex }: FormatDevice, timeMs: number, rng: Rng): object {
  const seconds = 600 + turn * 10;
  const clock = new Date(seconds * 1000).toISOString().slice(11, 19);
  const rssi = 40 + Math.floor(rng() * 60);
  return {
    Time: localTime(timeMs),
    Uptime: `${Math.floor(seconds / 86_400)}T${clock}`,
    UptimeSec: seconds,
    Heap: 24 + Math.floor(rng() * 4),
    SleepMode: 'Dynamic',
    Sleep: 50,
    LoadAvg: 19,
    MqttCount: 1,
    POWER: 'ON',
    Wifi: {
      AP: 1,
      SSId: 'plant',
      BSSId: (hex.match(/../g) ?? []).slice(0, 6).join(':').toUpperCase(),
      Channel: 6,
      Mode: '11n',
      RSSI: rssi,
      Signal: Math.round(rssi / 2) - 100,
      LinkCount: 1,
      Downtime: '0T00:00:05',
    },
  };
}

/** Tasmota 13 with its default full topic: tele/NAME/SENSOR, tele/NAME/STATE, stat/NAME/RESULT, tele/NAME/LWT. Times are UTC without a zone. */
export const tasmota: Format = {
  name: 'tasmota',
  kinds: ['thermostat', 'power-meter', 'alarm-button'],
  speak(device, timeMs, rng): FormatMessage[] {
    const sample = device.sample(timeMs);
    const name = `${device.site}-${device.name}`;
    const messages: FormatMessage[] = [];
    if (device.turn % 5 === 0) {
      messages.push(jsonMessage(`tele/${name}/STATE`, state(device, timeMs, rng), 'state'));
    }
    if (sample === undefined) {
      return messages;
    }
    if ('alarm' in sample) {
      const action = sample.alarm.active ? (sample.alarm.severity === 'critical' ? 'HOLD' : 'SINGLE') : 'CLEAR';
      messages.push(jsonMessage(`stat/${name}/RESULT`, { Button1: { Action: action } }));
    } else if (device.kind === 'alarm-button') {
      messages.push(jsonMessage(`tele/${name}/SENSOR`, { Time: localTime(timeMs), Switch1: sample.values['pressed'] === true ? 'ON' : 'OFF' }));
    } else {
      const measured = device.kind === 'thermostat' ? climate(sample.values) : energy(sample.values, timeMs);
      messages.push(jsonMessage(`tele/${name}/SENSOR`, { Time: localTime(timeMs), ...measured }));
    }
    if (device.kind === 'power-meter' && device.turn % 20 === 0) {
      messages.push(jsonMessage(`stat/${name}/RESULT`, { POWER: 'ON' }), textMessage(`stat/${name}/POWER`, 'ON'));
    }
    return messages;
  },
  presence: (device) => device && { topic: `tele/${device.site}-${device.name}/LWT`, online: 'Online', offline: 'Offline' },
};
