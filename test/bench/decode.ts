import protobuf from 'protobufjs';
import { SparkplugEdgeNode } from '../../devices/formats/sparkplug.ts';
import { defaultCodecs, detachedEnvironment, type PayloadDecoder } from '../../src/codec/registry.ts';
import type { InboundMessage } from '../../src/domain/message.ts';
import { DEFAULT_LIMITS, type ProfileSpec } from '../../src/domain/profile.ts';
import { compileNormaliser } from '../../src/pipeline/normaliser.ts';
import { type Plain, toCbor, toMsgpack } from '../unit/codec/binary-encoders.ts';
import { message, NOW, profile } from '../unit/pipeline/normalise-support.ts';
import { median } from './support/stats.ts';

// What the way from bytes to readings costs, against the least that anybody would have to do with the same data.

/** One thing to time. `run` does it once, with the next of its inputs, and answers something that depends on the result. */
export interface Subject {
  readonly name: string;
  readonly run: () => unknown;
}

export interface Comparison {
  readonly subject: Subject;
  readonly base: Subject;
}

/** Readings out of every message, or the bench measures how fast it fails. */
function normalising(name: string, profiles: readonly ProfileSpec[], messages: readonly InboundMessage[], births: readonly InboundMessage[] = []): Subject {
  const normaliser = compileNormaliser(profiles, defaultCodecs(), DEFAULT_LIMITS, 'bench');
  for (const birth of births) normaliser.normalise(birth);
  let at = 0;
  return {
    name,
    run: () => {
      const result = normaliser.normalise(messages[at] as InboundMessage);
      at = (at + 1) % messages.length;
      const reading = result.kind === 'readings' ? result.readings[0] : undefined;
      // A gap would mean that the codec repairs instead of reading.
      if (reading === undefined || reading.flags?.includes('gap') === true) throw new Error(`${name}: ${JSON.stringify(result)}`);
      return reading.values;
    },
  };
}

/** The bare JSON.parse, bytes to text included. */
function parsing(name: string, bytes: Buffer): Subject {
  return { name, run: () => JSON.parse(bytes.toString()) as unknown };
}

const DATA: Readonly<Record<string, number | boolean | string>> = {
  time: NOW,
  temperature: 21.5,
  humidity: 48.25,
  pressure: 1013.2,
  battery: 87,
  charging: false,
  mode: 'auto',
  uptime: 864_123,
};
const timed = { time: { from: '$.time', unit: 'ms', zone: 'Z', futureMs: 300_000, lateMs: 3_600_000 } } as const;

function formats(): Comparison[] {
  const json = Buffer.from(JSON.stringify(DATA));
  const map: Plain = new Map(Object.entries(DATA));
  const base = parsing(`JSON.parse, ${json.length} bytes`, json);
  const bytes: Readonly<Record<string, Buffer>> = { json, cbor: toCbor(map), msgpack: toMsgpack(map) };
  return Object.entries(bytes).map(([codec, body]) => ({
    subject: normalising(`${codec} to readings, ${body.length} bytes`, [profile({ codec, ...timed })], [message(body)]),
    base,
  }));
}

/** A codec alone, bytes to data. */
function decoding(codec: string, what: string, messages: readonly InboundMessage[], births: readonly InboundMessage[] = []): Subject {
  const decoder = defaultCodecs().get(codec)?.create({}, detachedEnvironment('bench')) as PayloadDecoder;
  const decode = (one: InboundMessage): unknown => {
    const result = decoder.decode(one.body, DEFAULT_LIMITS, one);
    if (!result.ok) throw new Error(result.fault.message);
    return result.value.document;
  };
  for (const birth of births) decode(birth);
  let at = 0;
  return {
    name: `${codec}: ${what}, ${(messages[0] as InboundMessage).body.length} bytes`,
    run: () => {
      at = (at + 1) % messages.length;
      return decode(messages[at] as InboundMessage);
    },
  };
}

/** Libraries that are no dependency of ours, for they bring native packages: `npm install --no-save cbor-x msgpackr` adds their rows. */
async function library(name: string): Promise<((body: Buffer) => unknown) | undefined> {
  try {
    return ((await import(name)) as { decode: (body: Buffer) => unknown }).decode;
  } catch {
    return undefined;
  }
}

/** The binary codecs against the libraries that people use. */
async function binary(): Promise<Comparison[]> {
  const { time, ...values } = DATA;
  const nested = new Map<string, Plain>([
    ['time', time as number],
    [
      'device',
      new Map<string, Plain>([
        ['id', 'press-17'],
        ['line', 4],
      ]),
    ],
    ['values', new Map(Object.entries(values))],
    ['errors', ['E17', 'E4']],
  ]);
  const documents: Readonly<Record<string, Plain>> = {
    'a small message': new Map<string, Plain>(Object.entries(DATA)),
    'nested objects': nested,
    '100 decimals': Array.from({ length: 100 }, (_, i) => i + 0.37),
  };
  const formats = [
    { codec: 'cbor', name: 'cbor-x', encode: toCbor },
    { codec: 'msgpack', name: 'msgpackr', encode: toMsgpack },
  ];
  const found: Comparison[] = [];
  for (const { codec, name, encode } of formats) {
    const decode = await library(name);
    if (decode === undefined) continue;
    for (const [what, document] of Object.entries(documents)) {
      const body = encode(document);
      found.push({ subject: decoding(codec, what, [message(body)]), base: { name, run: () => decode(body) } });
    }
  }
  return found;
}

const PROTO = `syntax = "proto2";
message Payload {
  message Metric {
    optional string name = 1; optional uint64 alias = 2; optional uint64 timestamp = 3; optional uint32 datatype = 4;
    optional bool is_historical = 5; optional bool is_transient = 6; optional bool is_null = 7;
    oneof value {
      uint32 int_value = 10; uint64 long_value = 11; float float_value = 12; double double_value = 13;
      bool boolean_value = 14; string string_value = 15; bytes bytes_value = 16;
    }
  }
  optional uint64 timestamp = 1; repeated Metric metrics = 2; optional uint64 seq = 3;
}`;

/** Data by alias of a device with the same values: 256 messages, so that the sequence numbers go round. */
function sparkplug(): Comparison[] {
  const types = { number: 'Double', boolean: 'Boolean', string: 'String' } as const;
  const { time, ...values } = DATA;
  const specs = Object.entries(values).map(([name, value]) => ({ name, type: types[typeof value as keyof typeof types], value: () => value }));
  const node = new SparkplugEdgeNode({ group: 'g', node: 'n', devices: { d: specs }, clock: () => NOW });
  const inbound = ({ topic, payload }: { topic: string; payload: Buffer }): InboundMessage => message(payload, { topic });
  const births = node.birth().map(inbound);
  const data = Array.from({ length: 256 }, () => inbound(node.data(NOW, 'd')));
  const body = (data[0] as InboundMessage).body;
  const spec = profile({ topics: ['spBv1.0/#'], codec: 'sparkplug', device: '$.device', values: '$.values', time: timed.time });
  const subject = (): Subject => normalising(`sparkplug DDATA to readings, ${body.length} bytes`, [spec], data, births);
  const type = protobuf.parse(PROTO).root.lookupType('Payload');
  const bare = (bytes: Buffer): Subject => ({ name: 'protobufjs', run: () => type.decode(bytes) });
  const json = Buffer.from(JSON.stringify({ time, ...values }));
  const birth = births.filter(({ topic }) => topic.includes('/DBIRTH/'));
  return [
    { subject: subject(), base: parsing(`JSON.parse, ${json.length} bytes`, json) },
    { subject: decoding('sparkplug', 'DDATA', data, births), base: bare(body) },
    { subject: decoding('sparkplug', 'DBIRTH', birth, births), base: bare((birth[0] as InboundMessage).body) },
  ];
}

/** The same messages, spread over more profiles or more topics. */
function sizes(many: number): Comparison[] {
  // A message that was just received is in the processor's cache; ten thousand bodies of the bench would not be.
  const body = Buffer.from(JSON.stringify(DATA));
  const over = (count: number, of: number): InboundMessage[] =>
    Array.from({ length: count }, (_, i) => message('', { body, topic: `p${Math.floor((i * of) / count)}/d${i}` }));
  const withProfiles = (count: number, topics: number): Subject => {
    const specs = Array.from({ length: count }, (_, i) => profile({ name: `p${i}`, topics: [`p${i}/{device}`], ...timed }));
    return normalising(`${count} profiles, ${topics} topics`, specs, over(topics, count));
  };
  return [
    { subject: withProfiles(many, 10), base: withProfiles(10, 10) },
    { subject: withProfiles(10, many), base: withProfiles(10, 10) },
    { subject: withProfiles(many, many), base: withProfiles(10, 10) },
    // More topics than are kept ready: each one is looked up anew.
    { subject: withProfiles(10, many * 5), base: withProfiles(10, 10) },
  ];
}

/** `many`: profiles or topics of the rows about numbers. */
export async function comparisons(many = 10_000): Promise<Comparison[]> {
  return [...formats(), ...(await binary()), ...sparkplug(), ...sizes(many)];
}

export interface Row {
  readonly subject: string;
  readonly base: string;
  /** Nanoseconds for one message, medians over the rounds. */
  readonly subjectNs: number;
  readonly baseNs: number;
  /** Subject through base of the same round: median, least and greatest. */
  readonly ratio: number;
  readonly least: number;
  readonly greatest: number;
}

let kept: unknown;

/** Of CPU, garbage collection included: a busy machine takes turns from all, and no time of theirs. */
function nsPerRun({ run }: Subject, runs: number): number {
  const before = process.cpuUsage();
  for (let i = 0; i < runs; i += 1) kept = run();
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / runs;
}

/**
 * All comparisons in turn, again and again, so that what disturbs the machine disturbs all of them; within a round the
 * base goes first and last in turn. The first rounds warm up and do not count.
 */
export function measure(all: readonly Comparison[], { rounds, runs, warmUp = 2 }: { rounds: number; runs: number; warmUp?: number }): Row[] {
  const times = all.map(() => ({ subject: [] as number[], base: [] as number[] }));
  for (let round = -warmUp; round < rounds; round += 1) {
    for (const [i, { subject, base }] of all.entries()) {
      const baseFirst = round % 2 === 0;
      const first = nsPerRun(baseFirst ? base : subject, runs);
      const second = nsPerRun(baseFirst ? subject : base, runs);
      if (round < 0) continue;
      times[i]?.base.push(baseFirst ? first : second);
      times[i]?.subject.push(baseFirst ? second : first);
    }
  }
  if (kept === undefined) throw new Error('nothing was decoded');
  return all.map(({ subject, base }, i) => {
    const { subject: subjectTimes = [], base: baseTimes = [] } = times[i] ?? {};
    const ratios = subjectTimes.map((ns, round) => ns / (baseTimes[round] as number));
    return {
      subject: subject.name,
      base: base.name,
      subjectNs: median(subjectTimes),
      baseNs: median(baseTimes),
      ratio: median(ratios),
      least: Math.min(...ratios),
      greatest: Math.max(...ratios),
    };
  });
}

/** The rows as a Markdown table. */
export function table(rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const spread = `${row.least.toFixed(2)} to ${row.greatest.toFixed(2)}`;
    return `| ${row.subject} | ${row.base} | ${row.subjectNs.toFixed(0)} | ${row.baseNs.toFixed(0)} | ${row.ratio.toFixed(2)} | ${spread} |`;
  });
  return ['| subject | against | ns | against, ns | ratio, median | least to greatest |', '| --- | --- | --- | --- | --- | --- |', ...lines].join('\n');
}
