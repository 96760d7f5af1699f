import { Fleet } from '../../../devices/fleet.ts';
import type { Fault } from '../fault.ts';
import type { Field } from '../field.ts';
import { Speaker } from '../speaker.ts';

const STORM_DEVICES = 1000;
const STORM_MS = 180_000;

async function nothing(): Promise<void> {}

function cut(field: Field): void {
  for (const proxy of field.parts.deviceProxies) proxy.cut();
}

/** Distinct names for the fleets and speakers of faults that run more than once. */
let count = 0;
function fresh(name: string): string {
  count += 1;
  return `${name}${count}`;
}

async function speak(field: Field, name: string, say: (speaker: Speaker) => Promise<void>): Promise<void> {
  const speaker = await Speaker.open(field, fresh(name));
  try {
    await say(speaker);
  } finally {
    await speaker.close();
  }
}

export const deviceReset: Fault = {
  kind: 'device-reset',
  rows: ['F30', 'F32'],
  doc: 'every MQTT connection is reset under load; devices send again what has no PUBACK, with DUP',
  needs: 'none',
  inject: async (field) => {
    const { fleet, deviceProxies } = field.parts;
    if (deviceProxies.length === 0) throw new Error('no MQTT or WebSocket address without TLS: the connections cannot be reset');
    const before = fleet.stats().reconnects;
    cut(field);
    await field.until('devices reconnect', () => fleet.stats().reconnects > before, 30_000);
    return nothing;
  },
};

export const reconnectStorm: Fault = {
  kind: 'reconnect-storm',
  rows: ['F30'],
  doc: `${STORM_DEVICES} more devices connect, all are cut at once and come back`,
  needs: 'none',
  inject: async (field) => {
    const { door, seed, signal, deviceProxies } = field.parts;
    const name = fresh('storm');
    const fleet = new Fleet({
      ...door,
      prefix: `${door.prefix}${name}-`,
      devices: STORM_DEVICES,
      connections: STORM_DEVICES,
      rate: 200,
      qos: 1,
      audit: true,
      seed,
      ledger: field.ledger(name),
      startTimeoutMs: STORM_MS,
      connectTimeoutMs: 60_000,
    });
    const doors = [door.mqttUrl, door.wsUrl].flat().filter((url) => url !== undefined).length;
    try {
      await fleet.start(signal);
      const before = fleet.stats().reconnects;
      const since = performance.now();
      field.strike();
      cut(field);
      // A door with TLS has no proxy: its connections stay.
      const cuts = deviceProxies.length === doors ? STORM_DEVICES : Math.min(1, deviceProxies.length);
      await field.until('all are cut', () => fleet.stats().reconnects >= before + cuts, STORM_MS);
      await field.until('all are back', () => fleet.stats().connected === STORM_DEVICES, STORM_MS);
      field.note(`all back after ${Math.round(performance.now() - since)} ms`);
    } finally {
      const { inFlight } = await fleet.stop(60_000);
      if (inFlight > 0) field.note(`${inFlight} messages without PUBACK`);
    }
    return nothing;
  },
};

export const retainedFlood: Fault = {
  kind: 'retained-flood',
  rows: ['F32'],
  doc: '300 retained readings and their clearing, which arrives as messages without a body: filtered, and counted as that',
  needs: 'none',
  inject: async (field) => {
    const { watch } = field.parts;
    const before = watch.filtered;
    await speak(field, 'ret', async (speaker) => {
      const readings = Array.from({ length: 300 }, (_, i) => speaker.reading(i));
      await Promise.all(readings.map(async (reading) => await speaker.send(reading, { retain: true })));
      await Promise.all(readings.map(async ({ topic }) => await speaker.clear(topic)));
      await field.until('the gateway has counted the empty messages', () => watch.filtered >= before + readings.length, 60_000);
    });
    return nothing;
  },
};

export const duplicatePublish: Fault = {
  kind: 'duplicate-publish',
  rows: ['F32'],
  doc: '300 readings are published three times each, as by a device that missed its PUBACKs (DUP)',
  needs: 'none',
  inject: async (field) => {
    await speak(field, 'dup', async (speaker) => {
      for (let round = 0; round < 30; round += 1)
        await Promise.all(Array.from({ length: 10 }, async (_, i) => await speaker.send(speaker.reading(i), { times: 3 })));
    });
    return nothing;
  },
};

/** Each has its sequence number where the auditor finds it in the dead letter. */
const BAD: readonly ((seq: number) => string)[] = [
  (seq) => `{"seq":${seq},"values":{"temperature":21.`,
  (seq) => `\u0000{"seq":${seq}}`,
  (seq) => `[{"seq":${seq}},`,
  (seq) => `{"seq":${seq},"values":${'['.repeat(20_000)}`,
];

export const badPayloads: Fault = {
  kind: 'bad-payloads',
  rows: ['F32'],
  doc: '200 payloads that are no JSON in between: each is a dead letter, and nothing else suffers',
  needs: 'none',
  inject: async (field) => {
    await speak(field, 'bad', async (speaker) => {
      for (let seq = 1; seq <= 200; seq += 1) {
        const payload = (BAD[seq % BAD.length] as (seq: number) => string)(seq);
        await speaker.send({ topic: speaker.topic(0), device: 'bad', seq, time: Date.now(), qos: 1, payload });
      }
    });
    return nothing;
  },
};

export const DEVICE_FAULTS = [deviceReset, reconnectStorm, retainedFlood, duplicatePublish, badPayloads];
