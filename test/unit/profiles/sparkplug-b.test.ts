import { describe, expect, it } from 'vitest';
import { type Msg, SparkplugEdgeNode } from '../../../devices/formats/sparkplug.ts';
import { noAnomalies } from '../../../src/codec/anomalies.ts';
import { defaultCodecs } from '../../../src/codec/registry.ts';
import { DEFAULT_LIMITS } from '../../../src/domain/profile.ts';
import type { Reading } from '../../../src/domain/reading.ts';
import { compileNormaliser, type Normaliser } from '../../../src/pipeline/normaliser.ts';
import { shipped } from './support.ts';

const T = 1_763_884_000_000;
const { profiles } = await shipped();
const profile = profiles.filter(({ name }) => name === 'sparkplug-b');

/** RabbitMQ's spellings of `spBv1.0`: with `mqtt.sparkplug = true`, without it, and where no broker came in between. */
const SPELLINGS = ['spBv1___0', 'spBv1/0', 'spBv1.0'] as const;

function normaliser(commands: [string, Buffer][] = []): Normaliser {
  const environment = {
    instance: 'i',
    command: (topic: string, body: Buffer) => commands.push([topic, body]),
    load: () => undefined,
    save: () => {},
    now: () => T,
    counts: noAnomalies(),
  };
  return compileNormaliser(profile, defaultCodecs(), DEFAULT_LIMITS, 'i', environment);
}

function take(into: Normaliser, { topic, payload }: Msg, namespace: string): readonly Reading[] | string {
  const normalised = into.normalise({
    topic: topic.replace('spBv1.0', namespace),
    routingKey: '',
    body: payload,
    receivedAt: T + 60_000,
    contentType: undefined,
    contentEncoding: undefined,
    redelivered: false,
    deliveryCount: 0,
    qos: 0,
  });
  if (normalised.kind === 'fault') return normalised.fault.code;
  return normalised.kind === 'filtered' ? normalised.reason : normalised.readings;
}

describe.each(SPELLINGS)('the profile sparkplug-b under %s', (namespace) => {
  const edge = (): SparkplugEdgeNode =>
    new SparkplugEdgeNode({
      group: 'Plant 1',
      node: 'Edge',
      clock: () => T,
      metrics: [{ name: 'Supply.Voltage', type: 'Double', unit: 'V', value: () => 24.5 }],
      devices: {
        Pump: [
          { name: 'Motor', type: 'Template', value: () => ({ ref: 'M', metrics: [{ name: 'speed', type: 'Int16', unit: '1/min', value: 1500 }] }) },
          { name: 'Levels', type: 'DoubleArray', unit: 'mm', value: () => [1.5, 2.5] },
          { name: 'Total', type: 'UInt64', value: () => 2n ** 63n },
        ],
      },
    });

  it('makes readings of births, data and deaths', () => {
    const into = normaliser();
    const node = edge();
    const will = node.reconnect();
    const [born, pump] = node.birth() as [Msg, Msg];
    expect(take(into, born, namespace)).toMatchObject([
      {
        device: 'Plant 1/Edge',
        profile: 'sparkplug-b',
        measuredAt: T,
        values: { 'Supply\\.Voltage': 24.5, online: true },
        units: { 'Supply\\.Voltage': 'V' },
        tags: { group: 'Plant 1', node: 'Edge', type: 'NBIRTH' },
        flags: undefined,
      },
    ]);
    take(into, pump, namespace);
    const data = node.data(T + 1000, 'Pump');
    const found = take(into, data, namespace);
    expect(found).toMatchObject([
      {
        device: 'Plant 1/Edge/Pump',
        measuredAt: T + 1000,
        values: { 'Motor.speed': 1500, 'Levels.0': 1.5, 'Levels.1': 2.5, Total: 2n ** 63n },
        units: { 'Motor.speed': '1/min', 'Levels.0': 'mm', 'Levels.1': 'mm' },
      },
    ]);
    // A redelivery has the same ids.
    expect(take(into, data, namespace)).toEqual(found);
    expect(take(into, will, namespace)).toMatchObject([
      { device: 'Plant 1/Edge', values: { online: false }, flags: ['no-device-time', 'stale'], measuredAt: T + 60_000 },
      { device: 'Plant 1/Edge/Pump', values: { online: false } },
    ]);
    expect(take(into, { topic: 'spBv1.0/Plant 1/NCMD/Edge', payload: Buffer.from('x') }, namespace)).toContain('command');
  });

  it('asks for a birth under the same spelling, and the node understands', () => {
    const commands: [string, Buffer][] = [];
    const into = normaliser(commands);
    const node = edge();
    expect(take(into, node.data(T), namespace)).toBe('SPARKPLUG_NO_BIRTH');
    const [topic, body] = commands[0] as [string, Buffer];
    expect(topic).toBe(`${namespace}/Plant 1/NCMD/Edge`);
    const births = node.onCommand(node.commandTopic, body);
    expect(births.map((born) => take(into, born, namespace))).toHaveLength(2);
    expect(take(into, node.data(T + 1), namespace)).toMatchObject([{ values: { 'Supply\\.Voltage': 24.5 } }]);
  });
});
