import protobuf from 'protobufjs';
import { SparkplugEdgeNode } from '../../../devices/formats/sparkplug.ts';
import { homeOf, type Scenario, total } from '../scenario.ts';
import { SPARKPLUG_PROTO } from '../support/sparkplug-proto.ts';

// Every message carries its number as the value `n`: what comes out can be counted one by one.

/** A message of a device. */
export interface Told {
  /** Levels split by dots, as the MQTT plugin of RabbitMQ publishes. */
  readonly key: string;
  readonly body: Buffer;
}

/** One format: how devices write it, and how somebody without Sluice reads it. */
export interface PayloadKind {
  /** Message number `n`, from 0. */
  readonly message: (n: number) => Told;
}

/** What a contender without features does with a body; for JSON that is JSON.parse. */
export type Parse = (body: Buffer) => unknown;

const TEXT: Parse = (body) => body.toString();
const JSON_TEXT: Parse = (body) => JSON.parse(body.toString()) as unknown;

/** The least that anybody would do to get at the data; of line protocol, for which there is no library among ours, the text. */
export function parserOf(payload: string): Parse {
  if (payload === 'line-protocol') return TEXT;
  if (payload !== 'sparkplug') return JSON_TEXT;
  const type = protobuf.parse(SPARKPLUG_PROTO).root.lookupType('Payload');
  return (body) => type.toObject(type.decode(body), { longs: Number });
}

/** The number in a document that came through such a parser; undefined where there is none. */
export function numberIn(payload: string, document: unknown): number | undefined {
  if (payload === 'line-protocol') return Number(/[, ]n=(\d+)i/.exec(document as string)?.[1] ?? Number.NaN);
  if (payload === 'senml') return (document as { n: string; v: number }[]).find(({ n }) => n === 'n')?.v;
  // Data carries aliases: the number is the last metric of each message (see `sparkplug`).
  if (payload === 'sparkplug') return (document as { metrics: { longValue?: number }[] }).metrics.at(-1)?.longValue;
  return (document as { values: { n: number } }).values.n;
}

/** Numbers of messages to messages, as devices of the scenario would send them; `now` in milliseconds since 1970. */
export function messagesOf(scenario: Scenario, now: number): PayloadKind {
  const { payload, devices } = scenario;
  // One a millisecond, in the past: no two readings of a device have one time, and none is late.
  const base = now - total(scenario);
  const time = (n: number): number => base + n;
  const place = Array.from({ length: devices }, (_, device) => {
    const { profile, site } = homeOf(scenario, device);
    return { profile, site, name: `d${device}` };
  });
  const [kind = '', bytes = '0'] = payload.split(':');
  if (kind === 'sparkplug')
    return sparkplug(
      place.map(({ name }) => name),
      time,
    );
  const build = { json: jsonBody(Number(bytes)), senml: senmlBody, 'line-protocol': lineBody }[kind];
  if (build === undefined) throw new Error(`no such payload: ${payload}`);
  const tail = kind === 'line-protocol' ? 'thermostat' : 'telemetry';
  const keys = place.map(({ profile, site, name }) => `k${profile}.s${site}.${name}.${tail}`);
  return { message: (n) => ({ key: keys[n % devices] as string, body: Buffer.from(build(n, time(n), n % devices)) }) };
}

function jsonBody(bytes: number): (n: number, time: number) => string {
  const text = (n: number, time: number, more: string): string =>
    `{"time":${time},"seq":${n},"kind":"thermostat","values":{"temperature":${20 + (n % 100) / 10},"humidity":${40 + (n % 64) / 4},"battery":${n % 100},"n":${n}${more}}}`;
  let more = '';
  for (let i = 0; text(100_000, 1_763_880_000_000, more).length < bytes; i += 1) more += `,"channel${i}":${(i * 7.25) % 1000}`;
  return (n, time) => text(n, time, more);
}

/** A pack of twenty records of one time. */
function senmlBody(n: number, time: number, device: number): string {
  const records = Array.from({ length: 18 }, (_, i) => `,{"n":"channel${i}","u":"Cel","v":${20 + ((n + i) % 100) / 10}}`);
  return `[{"bn":"urn:dev:mac:${String(device).padStart(12, '0')}:","bt":${time / 1000},"n":"temperature","u":"Cel","v":21.5}${records.join('')},{"n":"n","v":${n}}]`;
}

function lineBody(n: number, time: number): string {
  return `thermostat,line=4 temperature=${20 + (n % 100) / 10},humidity=${40 + (n % 64) / 4},battery=${n % 100},n=${n}i ${time}000000\n`;
}

/** The first message of each node is its birth; then come data by alias. The number is the last metric. */
function sparkplug(names: readonly string[], time: (n: number) => number): PayloadKind {
  let current = 0;
  const metric = (name: string, value: () => number) => ({ name, type: 'Double' as const, value });
  const metrics = [
    metric('temperature', () => 20 + (current % 100) / 10),
    metric('humidity', () => 40 + (current % 64) / 4),
    metric('battery', () => current % 100),
    { name: 'n', type: 'Int64' as const, value: () => current },
  ];
  const nodes = names.map((node) => new SparkplugEdgeNode({ group: 'g', node, metrics, clock: () => time(current) }));
  const message = (n: number): Told => {
    current = n;
    const node = nodes[n % nodes.length] as SparkplugEdgeNode;
    const [told] = n < nodes.length ? node.birth() : [node.data(time(n))];
    if (told === undefined) throw new Error('a Sparkplug node that says nothing');
    return { key: told.topic.replaceAll('/', '.'), body: told.payload };
  };
  return { message };
}
