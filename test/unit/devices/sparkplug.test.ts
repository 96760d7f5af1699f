import { describe, expect, it } from 'vitest';
import { SparkplugEdgeNode } from '../../../devices/formats/sparkplug.ts';
import { encodePayload } from '../../../devices/formats/sparkplug-writer.ts';
import { read } from './sparkplug-read.ts';

const T = 1_763_884_000_000;

function edge(): { node: SparkplugEdgeNode; clock: { time: number } } {
  const clock = { time: T };
  const node = new SparkplugEdgeNode({
    group: 'G',
    node: 'N',
    clock: () => clock.time,
    metrics: [{ name: 'a', type: 'Double', unit: 'Cel', value: (t) => t - T }],
    devices: { D: [{ name: 'b', type: 'Int16', value: () => -2 }] },
  });
  return { node, clock };
}

describe('an edge node', () => {
  it('is born with names, aliases, units and its session, and its devices after it', () => {
    const births = edge().node.birth();
    expect(births.map(({ topic }) => topic)).toEqual(['spBv1.0/G/NBIRTH/N', 'spBv1.0/G/DBIRTH/N/D']);
    expect(births.map(({ payload }) => read(payload))).toEqual([
      {
        timestamp: String(T),
        seq: '0',
        metrics: [
          { name: 'bdSeq', timestamp: String(T), datatype: 4, long: '0' },
          { name: 'Node Control/Rebirth', timestamp: String(T), datatype: 11, boolean: false },
          { name: 'a', alias: '1', timestamp: String(T), datatype: 10, properties: { keys: ['engUnit'], values: [{ type: 12, text: 'Cel' }] }, double: 0 },
        ],
      },
      { timestamp: String(T), seq: '1', metrics: [{ name: 'b', alias: '2', timestamp: String(T), datatype: 2, int: 4_294_967_294 }] },
    ]);
  });

  it('sends data by alias alone and counts 0..255', () => {
    const { node } = edge();
    node.birth();
    const seqs = Array.from({ length: 300 }, (_, i) => read(node.data(T + i).payload));
    expect(seqs[5]).toEqual({
      timestamp: String(T + 5),
      seq: '7',
      metrics: [{ alias: '1', timestamp: String(T + 5), double: 5 }],
    });
    expect(seqs.map(({ seq }) => Number(seq))).toEqual(seqs.map((_, i) => (i + 2) % 256));
    expect(read(node.data(T - 9000, 'D', undefined, true).payload)).toMatchObject({
      timestamp: String(T),
      metrics: [{ timestamp: String(T - 9000), historical: true }],
    });
  });

  it('has a will of its session, written at its begin', () => {
    const { node, clock } = edge();
    node.birth();
    clock.time += 5000;
    const will = node.reconnect();
    clock.time += 5000;
    expect(will.topic).toBe('spBv1.0/G/NDEATH/N');
    expect(node.death()).toEqual(will);
    expect(read(will.payload)).toEqual({ timestamp: String(T + 5000), metrics: [{ name: 'bdSeq', timestamp: String(T + 5000), datatype: 4, long: '1' }] });
    expect(read(node.birth()[0]?.payload ?? Buffer.alloc(0)).metrics[0]).toMatchObject({ name: 'bdSeq', long: '1' });
  });

  it('is born again when it is asked to, and only then', () => {
    const { node } = edge();
    const ask = (name: string, value: boolean): Buffer => encodePayload({ time: T, metrics: [{ name, type: 'Boolean', value }] });
    node.birth();
    node.data(T);
    const births = node.onCommand('spBv1.0/G/NCMD/N', ask('Node Control/Rebirth', true));
    expect(births.map(({ payload }) => read(payload).seq)).toEqual(['0', '1']);
    expect(node.onCommand('spBv1.0/G/NCMD/N', ask('Node Control/Rebirth', false))).toEqual([]);
    expect(node.onCommand('spBv1.0/G/NCMD/N', ask('Node Control/Reboot', true))).toEqual([]);
    expect(node.onCommand('spBv1.0/G/NCMD/M', ask('Node Control/Rebirth', true))).toEqual([]);
    expect(node.onCommand('spBv1.0/G/NCMD/N', Buffer.from('{"rebirth":true}'))).toEqual([]);
    expect(node.onCommand('spBv1.0/G/NCMD/N', Buffer.alloc(0))).toEqual([]);
  });

  it('writes templates with their reference', () => {
    const payload = encodePayload({
      time: T,
      metrics: [{ name: 't', type: 'Template', value: { ref: 'M', metrics: [{ name: 'x', type: 'Double', value: 1 }] } }],
    });
    expect(read(payload).metrics).toEqual([
      { name: 't', datatype: 19, template: { ref: 'M', isDefinition: false, metrics: [{ name: 'x', datatype: 10, double: 1 }] } },
    ]);
  });
});
