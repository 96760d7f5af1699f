import { hash32 } from '../random.ts';
import { jsonMessage, nanoTime } from './format.ts';
import type { Alarm, Value } from '../profiles/profile.ts';
import type { Rng } from '../random.ts';
import type { Format, FormatDevice, FormatMessage } from './format.ts';

const KINDS = ['thermostat', 'power-meter', 'gps-tracker', 'vibration-sensor', 'alarm-button'];
/** The eight default uplink channels of EU868, in hertz. */
const CHANNELS: readonly number[] = [868_100_000, 868_300_000, 868_500_000, 867_100_000, 867_300_000, 867_500_000, 867_700_000, 867_900_000];

/** What the payload decoder of the network server makes of the uplink; undefined: nothing was sent. */
function decodedOf(device: FormatDevice, timeMs: number): Record<string, Value> | undefined {
  const sample = device.sample(timeMs);
  if (sample === undefined) {
    return undefined;
  }
  return 'alarm' in sample ? { ...(sample.alarm satisfies Alarm) } : sample.values;
}

/** The device's own bytes: each number in hundredths as a signed 32-bit integer, each boolean as a byte; texts and nulls take none. */
function bytesOf(decoded: Readonly<Record<string, Value>>): string {
  const parts = Object.values(decoded).map((value) => {
    if (typeof value !== 'number') {
      return Buffer.from(typeof value === 'boolean' ? [value ? 1 : 0] : []);
    }
    const part = Buffer.alloc(4);
    part.writeInt32BE(Math.round(Math.max(-2e7, Math.min(2e7, value)) * 100));
    return part;
  });
  return Buffer.concat(parts).toString('base64');
}

function uuid(text: string): string {
  const hex = [1, 2, 3, 4].map((part) => hash32(`${part} ${text}`).toString(16).padStart(8, '0')).join('');
  // Version 4, variant 1 (RFC 9562 section 5.4), though nothing is random here.
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

interface Reception {
  readonly gateway: string;
  readonly rssi: number;
  readonly snr: number;
}

function receptions(site: string, rng: Rng): Reception[] {
  const count = 1 + Math.floor(rng() * 3);
  return Array.from({ length: count }, (_, i) => ({
    gateway: `${hash32(`${site} gateway ${i}`).toString(16).padStart(8, '0')}fffe${String(i).padStart(4, '0')}`,
    rssi: -40 - Math.floor(rng() * 80),
    snr: Math.round((10 - rng() * 25) * 4) / 4,
  }));
}

function stackIds({ site, name, hex }: FormatDevice): object {
  return {
    device_id: name.toLowerCase(),
    application_ids: { application_id: site.toLowerCase() },
    dev_eui: hex.toUpperCase(),
    join_eui: '0000000000000001',
    dev_addr: hex.slice(8).toUpperCase(),
  };
}

/** The Things Stack v3, MQTT integration: v3/SITE@ttn/devices/NAME/up with what the payload formatter decoded, and a join at the first. */
export const ttnV3: Format = {
  name: 'ttn-v3',
  kinds: KINDS,
  speak(device, timeMs, rng): FormatMessage[] {
    const base = `v3/${device.site.toLowerCase()}@ttn/devices/${device.name.toLowerCase()}`;
    const joined = { end_device_ids: stackIds(device), received_at: nanoTime(timeMs, rng), join_accept: { session_key_id: 'AXBSH1Pk6Z0G166RlH16CQ==' } };
    const messages = device.turn === 0 ? [jsonMessage(`${base}/join`, joined, 'state')] : [];
    const decoded = decodedOf(device, timeMs);
    if (decoded === undefined) {
      return messages;
    }
    const at = nanoTime(timeMs, rng);
    const uplink = {
      session_key_id: 'AXBSH1Pk6Z0G166RlH16CQ==',
      f_port: 2,
      f_cnt: device.turn,
      frm_payload: bytesOf(decoded),
      decoded_payload: decoded,
      rx_metadata: receptions(device.site, rng).map(({ gateway, rssi, snr }) => ({
        gateway_ids: { gateway_id: `eui-${gateway}`, eui: gateway.toUpperCase() },
        time: at,
        timestamp: Math.floor(timeMs * 1000) % 2 ** 32,
        rssi,
        channel_rssi: rssi,
        snr,
      })),
      settings: {
        data_rate: { lora: { bandwidth: 125_000, spreading_factor: 7 + Math.floor(rng() * 6), coding_rate: '4/5' } },
        frequency: String(CHANNELS[Math.floor(rng() * CHANNELS.length)]),
      },
      received_at: at,
      consumed_airtime: '0.061696s',
    };
    return [
      ...messages,
      jsonMessage(`${base}/up`, { end_device_ids: stackIds(device), correlation_ids: [`gs:uplink:${uuid(at)}`], received_at: at, uplink_message: uplink }),
    ];
  },
  // It is the network server that publishes, and it says nothing of its own presence.
  presence: () => undefined,
};

/** ChirpStack 4, MQTT integration with JSON: application/ID/device/EUI/event/up with what the codec decoded, join at the first, status now and then. */
export const chirpstackV4: Format = {
  name: 'chirpstack-v4',
  kinds: KINDS,
  speak(device, timeMs, rng): FormatMessage[] {
    const { site, name, kind, hex, turn } = device;
    const application = uuid(`${site} application`);
    const base = `application/${application}/device/${hex}/event`;
    const time = nanoTime(timeMs, rng, '+00:00');
    const head = {
      deduplicationId: uuid(`${hex} ${turn}`),
      time,
      deviceInfo: {
        tenantId: uuid('tenant'),
        tenantName: 'ChirpStack',
        applicationId: application,
        applicationName: site,
        deviceProfileId: uuid(kind),
        deviceProfileName: kind,
        deviceName: name,
        devEui: hex,
        tags: {},
      },
    };
    const messages: FormatMessage[] = [];
    if (turn === 0) {
      messages.push(jsonMessage(`${base}/join`, { ...head, devAddr: hex.slice(8) }, 'state'));
    }
    if (turn % 10 === 5) {
      const status = {
        margin: 5 + Math.floor(rng() * 10),
        externalPowerSource: false,
        batteryLevelUnavailable: false,
        batteryLevel: 50 + Math.floor(rng() * 50),
      };
      messages.push(jsonMessage(`${base}/status`, { ...head, ...status }, 'state'));
    }
    const decoded = decodedOf(device, timeMs);
    if (decoded === undefined) {
      return messages;
    }
    const rxInfo = receptions(site, rng).map(({ gateway, rssi, snr }) => ({
      gatewayId: gateway,
      uplinkId: Math.floor(rng() * 2 ** 32),
      rssi,
      snr,
      crcStatus: 'CRC_OK',
    }));
    const lora = { bandwidth: 125_000, spreadingFactor: 7 + Math.floor(rng() * 6), codeRate: 'CR_4_5' };
    const txInfo = { frequency: CHANNELS[Math.floor(rng() * CHANNELS.length)], modulation: { lora } };
    const uplink = {
      ...head,
      devAddr: hex.slice(8),
      adr: true,
      dr: 5,
      fCnt: turn,
      fPort: 2,
      confirmed: false,
      data: bytesOf(decoded),
      object: decoded,
      rxInfo,
      txInfo,
    };
    return [...messages, jsonMessage(`${base}/up`, uplink)];
  },
  presence: () => undefined,
};
