import { noAnomalies } from '../../../src/codec/anomalies.ts';
import { describe, expect, it } from 'vitest';
import { type EdgeNodeOptions, type MetricSpec, type Msg, SparkplugEdgeNode } from '../../../devices/formats/sparkplug.ts';
import type { Metric } from '../../../devices/formats/sparkplug-writer.ts';
import { REBIRTH_PAUSE_MS, REBIRTHS_PER_SECOND } from '../../../src/codec/sparkplug-rebirth.ts';
import { MAX_NODES, SETTLE_MS } from '../../../src/codec/sparkplug-store.ts';
import { type Element, Host, message } from './sparkplug-host.ts';

const T = 1_763_884_000_000;
const TEMPERATURE: MetricSpec = { name: 'Temperature', type: 'Double', unit: 'Cel', value: (t) => (t - T) / 1000 };
const COUNT: MetricSpec = { name: 'Count', type: 'Int32', value: (t) => T - t };

/** A node with a clock that stands until it is moved. */
class Bench {
  time = T;
  readonly host: Host = new Host();
  readonly node: SparkplugEdgeNode;

  constructor(options: Partial<EdgeNodeOptions> = {}) {
    this.node = new SparkplugEdgeNode({ group: 'G', node: 'N', metrics: [TEMPERATURE], devices: { D: [COUNT] }, clock: () => this.time, ...options });
  }

  tick(device?: string): Msg {
    this.time += 1000;
    return this.node.data(this.time, device);
  }

  birth(host: Host = this.host): (Element[] | string)[] {
    this.time += 1000;
    return this.node.birth().map((born) => host.take(born));
  }
}

function elements(found: Element[] | string): Element[] {
  if (typeof found === 'string') throw new Error(found);
  return found;
}

describe('births and data', () => {
  it('give names, units and a status', () => {
    const bench = new Bench();
    expect(bench.birth()).toMatchObject([
      [{ device: 'G/N', type: 'NBIRTH', values: { Temperature: 1, online: true }, units: { Temperature: 'Cel' }, flags: [] }],
      [{ device: 'G/N/D', device_id: 'D', type: 'DBIRTH', values: { Count: -1000, online: true }, units: null }],
    ]);
    expect(bench.host.take(bench.tick())).toMatchObject([
      { time: T + 2000, type: 'NDATA', values: { Temperature: 2 }, units: { Temperature: 'Cel' }, flags: [] },
    ]);
    expect(bench.host.take(bench.tick('D'))).toMatchObject([{ device: 'G/N/D', values: { Count: -3000 }, flags: [] }]);
    expect(bench.host.commands).toEqual([]);
  });

  it('read data that names itself before any birth, flagged, and ask for the birth', () => {
    const host = new Host();
    const metrics: Metric[] = [{ name: 'a', type: 'Int16', value: -5 }];
    expect(host.take(message('NDATA', { time: T, seq: 4, metrics }))).toMatchObject([{ values: { a: -5 }, flags: ['gap'] }]);
    expect(host.commands.map(({ topic }) => topic)).toEqual(['spBv1___0/G/NCMD/N']);
  });

  it('dead-letter data whose birth is unknown, whole, and read it when it is replayed', () => {
    const bench = new Bench();
    const early = bench.node.data(T, 'D');
    expect(bench.host.take(early)).toBe('SPARKPLUG_NO_BIRTH');
    const mixed: Metric[] = [
      { alias: 1, telltype: false, type: 'Double', value: 1 },
      { name: 'b', type: 'Int8', value: 1 },
    ];
    expect(bench.host.take(message('NDATA', { time: T, metrics: mixed }))).toBe('SPARKPLUG_NO_BIRTH');
    bench.birth();
    expect(bench.host.values(early)).toEqual({ Count: 0 });
    expect(bench.host.values(bench.tick('D'))).toEqual({ Count: -2000 });
    expect(bench.host.counts['sequence-gap']).toBe(0);
  });

  it('never give a name to an alias that no birth defines', () => {
    const bench = new Bench();
    bench.birth();
    const stranger: Metric = { alias: 77, telltype: false, type: 'Double', value: 99 };
    const known: Metric = { alias: 1, telltype: false, type: 'Double', value: 5 };
    expect(bench.host.take(message('NDATA', { time: T + 2000, seq: 2, metrics: [stranger] }))).toBe('SPARKPLUG_UNKNOWN_ALIAS');
    expect(bench.host.take(message('NDATA', { time: T + 2001, seq: 3, metrics: [known, stranger] }))).toMatchObject([
      { values: { Temperature: 5 }, flags: ['gap'] },
    ]);
    expect(bench.host.counts['unknown-metric']).toBe(2);
    expect(bench.host.commands).toHaveLength(1);
    // An alias of the device says nothing of the node's metrics.
    expect(bench.host.take(message('NDATA', { time: T + 2002, seq: 4, metrics: [{ ...known, alias: 2 }] }))).toBe('SPARKPLUG_UNKNOWN_ALIAS');
    // The alias is known, and is no boolean.
    expect(bench.host.take(message('NDATA', { time: T + 2003, seq: 5, metrics: [{ alias: 1, type: 'Boolean', value: true }] }))).toBe(
      'SPARKPLUG_UNKNOWN_ALIAS',
    );
  });

  it('keep aliases beyond 2^53 apart', () => {
    const host = new Host({ status: false });
    const big = 2n ** 53n;
    const metrics: Metric[] = [0n, 1n, 2n].map((i) => ({ name: `m${i}`, alias: big + i, type: 'Int8', value: 0 }));
    host.take(message('NBIRTH', { time: T, seq: 0, metrics }));
    expect(host.values(message('NDATA', { time: T, seq: 1, metrics: [{ alias: big + 1n, telltype: false, type: 'Int8', value: 5 }] }))).toEqual({ m1: 5 });
  });

  it('ask for data of a device that was not born in this session', () => {
    const bench = new Bench();
    bench.birth();
    bench.time += 1000;
    bench.host.take(bench.node.birth()[0] as Msg);
    expect(bench.host.take(bench.tick('D'))).toBe('SPARKPLUG_NO_BIRTH');
    expect(bench.host.take(bench.node.deviceBirth('D'))).toMatchObject([{ values: { online: true } }]);
    expect(bench.host.values(bench.tick('D'))).toMatchObject({ Count: T - bench.time });
  });

  it('use the aliases of the latest birth', () => {
    const host = new Host({ status: false });
    const born = (time: number, names: readonly string[], seq: number): void => {
      const metrics = names.map((name, i): Metric => ({ name, alias: i, type: 'Int8', value: 0 }));
      host.take(message('NBIRTH', { time, seq, metrics }));
    };
    const data = (time: number, seq: number, alias = 0): unknown =>
      host.values(message('NDATA', { time, seq, metrics: [{ alias, telltype: false, type: 'Int8', value: 7 }] }));
    born(T, ['a', 'b'], 0);
    expect(data(T + 1, 1)).toEqual({ a: 7 });
    born(T + 10, ['b', 'a', 'c'], 0);
    expect(data(T + 11, 1)).toEqual({ b: 7 });
    // Late data of the first session: the alias changed its meaning in between, so nobody can tell.
    expect(data(T + 1, 1)).toBe('SPARKPLUG_UNKNOWN_ALIAS');
    // A node that the gateway does not ask for what is past.
    expect(host.commands).toEqual([]);
  });
});

describe('sequence numbers', () => {
  it('wrap from 255 to 0', () => {
    const bench = new Bench();
    bench.birth();
    for (let i = 0; i < 600; i += 1) expect(bench.host.flags(bench.tick())).toEqual([]);
    expect(bench.host.counts['sequence-gap']).toBe(0);
    expect(bench.host.commands).toEqual([]);
  });

  it('tell of a lost message: flagged until the next birth, which is asked for', () => {
    const bench = new Bench();
    bench.birth();
    bench.node.lose();
    expect(bench.host.flags(bench.tick())).toEqual(['gap']);
    expect(bench.host.flags(bench.tick('D'))).toEqual(['gap']);
    expect(bench.host.counts['sequence-gap']).toBe(1);
    expect(bench.host.counts['rebirth-request']).toBe(1);
    const [command] = bench.host.commands;
    const births = bench.node.onCommand(bench.node.commandTopic, command?.body ?? Buffer.alloc(0));
    expect(births.map((born) => bench.host.flags(born))).toEqual([[], []]);
    expect(bench.host.flags(bench.tick())).toEqual([]);
    expect(bench.host.counts['sequence-gap']).toBe(1);
  });

  it.each([1, 127, 128, 254])('notice %i lost messages, at the wrap too', (lost) => {
    const bench = new Bench();
    bench.birth();
    for (let i = 0; i < 200; i += 1) bench.host.take(bench.tick());
    for (let i = 0; i < lost; i += 1) bench.node.lose();
    expect(bench.host.flags(bench.tick())).toEqual(['gap']);
  });

  it('may leave out the zero, as proto3 does', () => {
    const host = new Host({ status: false });
    host.take(message('NBIRTH', { time: T, metrics: [{ name: 'a', alias: 1, type: 'Int8', value: 0 }] }));
    for (let i = 1; i < 600; i += 1) {
      const seq = i % 256;
      const metrics: Metric[] = [{ alias: 1, telltype: false, type: 'Int8', value: 3 }];
      expect(host.flags(message('NDATA', { time: T + i, ...(seq === 0 ? {} : { seq }), metrics }))).toEqual([]);
    }
    expect(host.flags(message('NDATA', { time: T + 900, seq: 200, metrics: [{ alias: 1, telltype: false, type: 'Int8', value: 3 }] }))).toEqual(['gap']);
  });

  it('may be missing', () => {
    const host = new Host({ status: false });
    host.take(message('NBIRTH', { time: T, seq: 0, metrics: [{ name: 'a', alias: 1, type: 'Int8', value: 0 }] }));
    const metrics: Metric[] = [{ alias: 1, telltype: false, type: 'Int8', value: 3 }];
    expect(host.flags(message('NDATA', { time: T + 1, metrics }))).toEqual([]);
    expect(host.flags(message('NDATA', { time: T + 1, seq: 1, metrics }))).toEqual([]);
  });
});

describe('asking for births', () => {
  it('goes out once a minute for each node', () => {
    const bench = new Bench();
    const { host } = bench;
    for (let i = 0; i < 5; i += 1) host.take(bench.tick());
    expect(host.commands).toHaveLength(1);
    host.now += REBIRTH_PAUSE_MS - 1;
    host.take(bench.tick());
    expect(host.commands).toHaveLength(1);
    host.now += 1;
    host.take(bench.tick());
    expect(host.commands).toHaveLength(2);
  });

  it('is bounded over all nodes', () => {
    const host = new Host();
    const { payload } = new Bench().node.data(T);
    for (let i = 0; i < 500; i += 1) host.take({ topic: `spBv1/0/G/NDATA/node${i}`, payload });
    expect(host.commands).toHaveLength(REBIRTHS_PER_SECOND);
    host.now += 1000;
    host.take({ topic: 'spBv1/0/G/NDATA/node499', payload });
    expect(host.commands.at(-1)?.topic).toBe('spBv1/0/G/NCMD/node499');
  });

  it.each(['spBv1___0', 'spBv1/0', 'spBv1.0'])('answers under the spelling %s', (namespace) => {
    const host = new Host();
    host.take({ topic: `${namespace}/G/DDATA/N/D`, payload: new Bench().node.data(T, 'D').payload });
    expect(host.commands.map(({ topic }) => topic)).toEqual([`${namespace}/G/NCMD/N`]);
  });

  it('can be switched off', () => {
    const host = new Host({ rebirth: false });
    expect(host.take(new Bench().node.data(T))).toBe('SPARKPLUG_NO_BIRTH');
    expect(host.commands).toEqual([]);
  });
});

describe('deaths', () => {
  it('of a node take its devices along, and invent no values', () => {
    const bench = new Bench();
    const will = bench.node.reconnect();
    bench.birth();
    bench.host.now += 9000;
    const dead = elements(bench.host.take(will));
    expect(dead).toMatchObject([
      { device: 'G/N', type: 'NDEATH', values: { online: false }, flags: ['stale', 'no-device-time'], time: bench.host.now },
      { device: 'G/N/D', device_id: 'D', values: { online: false } },
    ]);
    expect(dead.map(({ values }) => Object.keys(values))).toEqual([['online'], ['online']]);
  });

  it('of a device leave out those of its node', () => {
    const bench = new Bench();
    const will = bench.node.reconnect();
    bench.birth();
    bench.time += 1000;
    expect(bench.host.take(bench.node.deviceDeath('D'))).toMatchObject([{ device: 'G/N/D', time: bench.time, values: { online: false }, flags: ['stale'] }]);
    expect(bench.host.take(will)).toHaveLength(1);
  });

  it('that overtake or come late are ignored', () => {
    const bench = new Bench();
    const first = bench.node.reconnect();
    bench.birth();
    const second = bench.node.reconnect();
    bench.birth();
    expect(bench.host.take(first)).toBe('old-death');
    expect(bench.host.counts['old-death']).toBe(1);
    expect(bench.host.flags(bench.tick())).toEqual([]);
    expect(bench.host.take(second)).toHaveLength(2);
  });

  it('that overtake the last data leave it readable, flagged stale', () => {
    const bench = new Bench();
    const will = bench.node.reconnect();
    bench.birth();
    const last = bench.tick();
    expect(bench.host.take(will)).toHaveLength(2);
    expect(bench.host.take(last)).toMatchObject([{ values: { Temperature: 2 }, flags: ['stale'] }]);
  });

  it('make data of a session whose birth was lost unreadable: its aliases may be others', () => {
    const bench = new Bench();
    const will = bench.node.reconnect();
    bench.birth();
    bench.host.take(bench.tick());
    bench.host.take(will);
    bench.node.reconnect();
    bench.node.birth();
    bench.node.lose();
    bench.node.lose();
    expect(bench.host.take(bench.tick())).toBe('SPARKPLUG_NO_BIRTH');
    expect(bench.host.take(bench.tick())).toBe('SPARKPLUG_NO_BIRTH');
    expect(bench.host.commands).toHaveLength(1);
    bench.birth();
    expect(bench.host.flags(bench.tick())).toEqual([]);
  });

  it('of a stranger are told too; without a status value nothing is', () => {
    expect(new Host().take(new Bench().node.death())).toMatchObject([{ device: 'G/N', values: { online: false } }]);
    expect(new Host({ status: false }).take(new Bench().node.death())).toBe('death');
  });
});

describe('messages that come again', () => {
  it('are counted', () => {
    const bench = new Bench();
    bench.birth();
    const sent = bench.tick();
    bench.host.take(sent);
    expect(bench.host.counts.repeat).toBe(0);
    bench.host.take(sent);
    expect(bench.host.counts).toEqual({ ...noAnomalies(), repeat: 1 });
  });

  /** Two sessions with data, a device's death and the node's. */
  function history(bench: Bench): Msg[] {
    const messages: Msg[] = [];
    for (let session = 0; session < 2; session += 1) {
      const will = bench.node.reconnect();
      bench.time += 1000;
      messages.push(...bench.node.birth());
      for (let i = 0; i < 40; i += 1) messages.push(bench.tick(i % 3 === 0 ? 'D' : undefined));
      bench.time += 1000;
      messages.push(bench.node.deviceDeath('D'), will);
      bench.time += 1000;
    }
    return messages;
  }

  it.each([0, 1, 2, 10, 41, 44, 46, 60, 87])('from message %i on, after a lost channel, give the same readings and no gap', (from) => {
    const bench = new Bench();
    const messages = history(bench);
    const once = messages.map((sent) => bench.host.take(sent));
    const again = messages.slice(from).map((sent) => bench.host.take(sent));
    expect(again).toEqual(once.slice(from));
    expect(bench.host.counts['sequence-gap']).toBe(0);
    expect(bench.host.commands).toEqual([]);
    // And life goes on.
    bench.node.reconnect();
    expect(bench.birth().flat()).toMatchObject([{ flags: [] }, { flags: [] }]);
    expect(bench.host.flags(bench.tick('D'))).toEqual([]);
  });

  it('with holes, as when later ones were acked first, are no gap either', () => {
    const bench = new Bench();
    bench.birth();
    const sent = Array.from({ length: 300 }, () => bench.tick());
    for (const one of sent) bench.host.take(one);
    for (let i = 0; i < sent.length; i += 7) expect(bench.host.flags(sent[i] as Msg)).toEqual([]);
    expect(bench.host.flags(bench.tick())).toEqual([]);
    bench.node.lose();
    expect(bench.host.flags(bench.tick())).toEqual(['gap']);
  });

  it('do not begin a session anew: the devices behind a birth stay known', () => {
    const bench = new Bench();
    bench.time += 1000;
    const births = bench.node.birth();
    for (const born of births) bench.host.take(born);
    bench.host.take(bench.tick('D'));
    expect(bench.host.take(births[0] as Msg)).toMatchObject([{ values: { online: true } }]);
    expect(bench.host.flags(bench.tick('D'))).toEqual([]);
  });
});

describe('a restart of the gateway', () => {
  it('keeps aliases, units and sessions', () => {
    const bench = new Bench();
    const will = bench.node.reconnect();
    bench.birth();
    bench.host.take(bench.tick('D'));
    const after = bench.host.restarted();
    expect(after.take(bench.tick('D'))).toMatchObject([{ values: { Count: T - bench.time }, flags: [] }]);
    expect(after.take(bench.tick())).toMatchObject([{ units: { Temperature: 'Cel' } }]);
    expect(after.commands).toEqual([]);
    const third = after.restarted();
    expect(third.take(will)).toHaveLength(2);
    const fourth = third.restarted();
    // The death comes again: the same readings.
    expect(fourth.take(will)).toHaveLength(2);
    bench.node.reconnect();
    bench.birth(fourth);
    expect(fourth.restarted().take(will)).toHaveLength(2);
  });

  it('ignores the death of a session before the last, as without a restart', () => {
    const bench = new Bench();
    const first = bench.node.reconnect();
    bench.birth();
    bench.node.reconnect();
    bench.birth();
    bench.host.take(bench.tick());
    expect(bench.host.restarted().take(first)).toBe('old-death');
  });

  it('takes what the broker sends again, with holes, and still notices later gaps', () => {
    const bench = new Bench();
    bench.birth();
    const sent = Array.from({ length: 50 }, () => bench.tick());
    for (const one of sent) bench.host.take(one);
    const after = bench.host.restarted();
    for (const i of [3, 4, 20, 21, 22, 49]) expect(after.flags(sent[i] as Msg)).toEqual([]);
    expect(after.flags(bench.tick())).toEqual([]);
    after.now += SETTLE_MS;
    expect(after.flags(bench.tick())).toEqual([]);
    bench.node.lose();
    expect(after.flags(bench.tick())).toEqual(['gap']);
  });

  it('between births and the first data loses nothing', () => {
    const bench = new Bench();
    bench.time += 1000;
    const [node, device] = bench.node.birth() as [Msg, Msg];
    bench.host.take(node);
    const early = bench.host.restarted();
    bench.host.take(device);
    const after = bench.host.restarted();
    const data = bench.tick('D');
    expect(early.take(data)).toBe('SPARKPLUG_NO_BIRTH');
    expect(after.values(data)).toEqual(bench.host.values(data));
    expect(typeof after.values(data)).toBe('object');
    expect(after.commands).toEqual([]);
  });

  it('writes for births and deaths only', () => {
    const bench = new Bench();
    bench.birth();
    for (let i = 0; i < 100; i += 1) bench.host.take(bench.tick(i % 2 === 0 ? 'D' : undefined));
    expect(bench.host.saves).toBe(2);
  });

  it('writes a device whose aliases change within a session at once', () => {
    const host = new Host();
    const born = (alias: number, seq: number): Msg => message('DBIRTH', { time: T + seq, seq, metrics: [{ name: 'a', alias, type: 'Int8', value: 0 }] }, 'D');
    host.take(message('NBIRTH', { time: T, seq: 0, metrics: [] }));
    host.take(born(1, 1));
    host.take(born(2, 2));
    const data = message('DDATA', { time: T + 3, seq: 3, metrics: [{ alias: 1, telltype: false, type: 'Int8', value: 9 }] }, 'D');
    expect(host.restarted().take(data)).toBe('SPARKPLUG_UNKNOWN_ALIAS');
  });

  it.each<[string, (text: string) => string]>([
    ['nothing but null', () => 'null'],
    ['a number', () => '7'],
    ['an empty list', () => '[]'],
    ['another version', (text) => text.replace('"version":1', '"version":2')],
    ['no node', () => '{"version":1}'],
    ['null as the node', () => '{"version":1,"node":null}'],
    ['a node without anything', () => '{"version":1,"node":{}}'],
    ['a node without devices', () => '{"version":1,"node":{"key":"G/N"}}'],
    ['a node with broken devices', () => '{"version":1,"node":{"key":"G/N","devices":[[]]}}'],
    ['definitions that are none', (text) => text.replaceAll('"Temperature"', '5')],
    ['an alias that is none', (text) => text.replaceAll('"1"', '"-1"')],
    ['another node', (text) => text.replaceAll('"G/N"', '"G/M"')],
  ])('survives %s in place of its memory', (_, spoil) => {
    const bench = new Bench();
    bench.birth();
    bench.host.take(bench.tick());
    const disk = new Map([...bench.host.disk].map(([name, text]) => [name, spoil(text)]));
    const after = new Host({}, disk);
    expect(after.take(bench.tick())).toBe('SPARKPLUG_NO_BIRTH');
    expect(disk.size).toBe(0);
    bench.birth(after);
    expect(after.flags(bench.tick())).toEqual([]);
  });
});

describe('bounds', () => {
  it('forget the node that was silent longest', () => {
    const host = new Host({ status: false, rebirth: false });
    const born = message('NBIRTH', { time: T, seq: 0, metrics: [{ name: 'a', alias: 1, type: 'Int8', value: 0 }] }).payload;
    const data = message('NDATA', { time: T, seq: 1, metrics: [{ alias: 1, telltype: false, type: 'Int8', value: 1 }] }).payload;
    for (let i = 0; i < MAX_NODES; i += 1) host.take({ topic: `spBv1.0/G/NBIRTH/n${i}`, payload: born });
    expect(host.values({ topic: 'spBv1.0/G/NDATA/n0', payload: data })).toEqual({ a: 1 });
    host.take({ topic: 'spBv1.0/G/NBIRTH/one-more', payload: born });
    expect(host.decoder.store.size).toBe(MAX_NODES);
    expect(host.values({ topic: 'spBv1.0/G/NDATA/n0', payload: data })).toEqual({ a: 1 });
    // Its aliases may change without the gateway's knowing.
    expect(host.disk.has('G/n1')).toBe(false);
    expect(host.disk.size).toBe(MAX_NODES);
    expect(host.take({ topic: 'spBv1.0/G/NDATA/n1', payload: data })).toBe('SPARKPLUG_NO_BIRTH');
  });

  it('are the same where nodes come back after a restart: each is loaded when it speaks', () => {
    const host = new Host({ status: false, rebirth: false });
    const born = message('NBIRTH', { time: T, seq: 0, metrics: [{ name: 'a', alias: 1, type: 'Int8', value: 0 }] }).payload;
    const data = message('NDATA', { time: T, seq: 1, metrics: [{ alias: 1, telltype: false, type: 'Int8', value: 1 }] }).payload;
    for (const node of ['old', 'older']) host.take({ topic: `spBv1.0/G/NBIRTH/${node}`, payload: born });
    const after = host.restarted({ status: false, rebirth: false });
    expect(after.decoder.store.size).toBe(0);
    for (let i = 0; i < MAX_NODES; i += 1) after.take({ topic: `spBv1.0/G/NBIRTH/n${i}`, payload: born });
    expect(after.values({ topic: 'spBv1.0/G/NDATA/old', payload: data })).toEqual({ a: 1 });
    expect(after.decoder.store.size).toBe(MAX_NODES);
    // A message later: data changes nothing that is kept.
    expect(after.take({ topic: 'spBv1.0/G/NDATA/n0', payload: data })).toBe('SPARKPLUG_NO_BIRTH');
    expect([...after.disk.keys()].filter((name) => !/n\d/.test(name))).toEqual(['G/old', 'G/older']);
  });

  it('refuse more definitions than one node may have, and keep the others', () => {
    const host = new Host({ status: false });
    host.take(message('NBIRTH', { time: T, seq: 0, metrics: [{ name: 'a', alias: 1, type: 'Int8', value: 0 }] }));
    const metrics = Array.from({ length: 4000 }, (_, i): Metric => ({ name: `${'x'.repeat(400)}${i}`, alias: 10 + i, type: 'Int8', value: 0 }));
    const limits = { messageBytes: 10_000_000 };
    const outcomes = [1, 2, 3].map((seq) => host.take(message('DBIRTH', { time: T + seq, seq, metrics }, `d${seq}`), limits));
    expect(outcomes.map((found) => (typeof found === 'string' ? found : found.length))).toEqual([1, 'LIMIT_FIELDS', 'LIMIT_FIELDS']);
    expect(host.values(message('NDATA', { time: T + 4, seq: 4, metrics: [{ alias: 1, telltype: false, type: 'Int8', value: 2 }] }))).toEqual({ a: 2 });
  });
});
