import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { DEFAULT_LIMITS } from '../../src/domain/profile.ts';
import { badInputCases, type Case } from '../support/bad-input-cases.ts';
import { type Ends, Replay, type Sent, type WireReading } from './replay.ts';
import { Rig } from './rig.ts';

// Every case of the table of bad payloads and topics, over real MQTT (AMQP where MQTT forbids the topic) through a real
// broker and the built gateway: outcome and reason of each, bytes of dead letters unchanged, a good message right behind.
//
// Rows that are not in the table:
// B29 compression: test/unit/pipeline/encodings.test.ts. B30, B31 CBOR: test/unit/codec/cbor.test.ts.
// B32 MessagePack: test/unit/codec/msgpack.test.ts. B33 Sparkplug: test/unit/codec/sparkplug*.test.ts, test/e2e/sparkplug.test.ts.
// B34 SenML: test/unit/codec/senml.test.ts. B35 line protocol: test/unit/codec/line-protocol.test.ts.
// B43 topics beyond 255 bytes: not here, they cost the consumer its connection. B47 topics of other devices: test/contract/topology.test.ts.
// B51 units, B52 sentinels and ranges: test/unit/pipeline/profile-rules.test.ts.
// B53 counters: cannot occur, no rates are derived. B57 redelivery: test/unit/pipeline/dedupe.test.ts, test/e2e/kills.test.ts.
// B58 load: test/e2e/kills.test.ts. B59 AMQP properties: test/contract/dead-letters.test.ts.
// B60 a message that comes back for ever: test/unit/pipeline/forwarder.test.ts.
// B61 odd strings: test/e2e/hostile.test.ts. B62 garbage on the ports: cannot reach the gateway, the broker's listeners take it.

/** Now in whole seconds: cases are written around it. */
const now = Math.floor(Date.now() / 1000) * 1000;
const MOST_TOPIC_BYTES = 255;
/** The MQTT plugin makes a level break of every dot, so that the device named `a.b` has a level too many. */
const THROUGH_THE_BROKER: Readonly<Record<string, Case['expect']>> = { 'B44 a dot is no level': 'NO_PROFILE' };
/** Flags of readings that have the time of their receipt. */
const RECEIPT = ['no-device-time', 'time-invalid', 'clock-unset'];

const cases = badInputCases(now)
  .map((one) => ({ ...one, expect: THROUGH_THE_BROKER[one.id] ?? one.expect }))
  .filter(({ message }) => Buffer.byteLength(message?.topic ?? '') <= MOST_TOPIC_BYTES);
const variants = [...new Set(cases.map((one) => JSON.stringify(one.profile ?? {})))];
const limitsOf = (one: Case): string => JSON.stringify(one.limits ?? {});

/** Each case has topics of its own, `v<profile>/c<case>/`, unless its beginning is the point. */
function topicOf(one: Case, at: number): string {
  const topic = one.message?.topic ?? 'd/1';
  return /^$|^[/$]/.test(topic) ? topic : `${prefixOf(one, at)}${topic}`;
}

function prefixOf(one: Case, at: number): string {
  return `v${variants.indexOf(JSON.stringify(one.profile ?? {}))}/c${at}/`;
}

/** A profile as settings write it. */
function profileOf(variant: string, at: number): object {
  const { time, topics = ['d/{device}'], ...others } = JSON.parse(variant) as NonNullable<Case['profile']>;
  const times =
    time === undefined
      ? {}
      : { time: { from: time.from, unit: time.unit, zone: time.zone, futureSeconds: time.futureMs / 1000, lateSeconds: time.lateMs / 1000 } };
  return { name: `v${at}`, device: '{device}', ...others, ...times, topics: topics.map((topic) => `v${at}/+/${topic}`) };
}

function settings(limits: Case['limits']): string {
  return stringify({
    gateway: { name: 'bad-input' },
    rabbitmq: { url: '${SLUICE_AMQP_URL}' },
    limits: { ...DEFAULT_LIMITS, ...limits },
    profiles: [{ name: 'sentinel', topics: ['sentinel/{run}/{device}'], device: '{device}' }, ...variants.map(profileOf)],
    exchanges: [{ name: 'sluice.readings', type: 'topic' }],
    queues: [{ name: 'sluice.out.readings', bindings: [{ exchange: 'sluice.readings', routingKey: '#' }] }],
    routes: [{ name: 'readings', exchange: 'sluice.readings', routingKey: '{profile}', batch: { count: 100, ageMs: 50 } }],
    http: { port: '${SLUICE_HTTP_PORT}' },
  });
}

/** What differs between the one reading and the table, as `expected` of a reading. */
function difference(one: Case, reading: WireReading): unknown {
  const wanted = new Map(Object.entries(one.expect as Record<string, unknown>));
  const seen = new Map<string, unknown>(Object.entries(reading.values));
  const { flags = [] } = reading;
  if (wanted.has('device')) seen.set('device', reading.device);
  if (wanted.has('measuredAt')) {
    seen.set('measuredAt', reading.measuredAt);
    if (RECEIPT.some((flag) => flags.includes(flag))) wanted.set('measuredAt', reading.receivedAt);
  }
  const sides = { wanted: [wanted, one.flags ?? flags], seen: [seen, flags] };
  try {
    expect(sides.seen).toEqual(sides.wanted);
    return undefined;
  } catch {
    return { wanted: String([...wanted]).slice(0, 200), seen: `${String([...seen]).slice(0, 200)} [${flags.join()}]` };
  }
}

/** What became of a case that is not what the table says. */
function problem(one: Case, { topic, body }: Sent, prefix: string, ends: Ends): unknown {
  const own = (seen: { readonly topic: string }): boolean => (topic.startsWith(prefix) ? seen.topic.startsWith(prefix) : seen.topic === topic);
  const letters = ends.letters.filter(own);
  const readings = ends.readings.filter(own);
  const found = { letters: letters.map(({ code }) => code), readings: readings.length };
  if (typeof one.expect !== 'string') {
    return letters.length === 0 && readings.length === 1 ? difference(one, readings[0] as WireReading) : found;
  }
  if (one.expect === 'empty') return letters.length === 0 && readings.length === 0 ? undefined : found;
  if (readings.length > 0 || letters.length !== 1 || letters[0]?.code !== one.expect) return { ...found, wanted: one.expect };
  return letters[0].body.equals(body) ? undefined : `the dead letter has other bytes: ${letters[0].body.toString('base64', 0, 100)}`;
}

let rig: Rig;
let replay: Replay;
const cleanUp: (() => Promise<void>)[] = [];

beforeAll(async () => {
  rig = await Rig.start((dir) => {
    const file = join(dir, 'settings.yaml');
    writeFileSync(file, settings({}));
    return file;
  });
  cleanUp.push(async () => await rig.stop());
  replay = await Replay.open(rig);
  cleanUp.push(async () => await replay.close());
});

afterAll(async () => {
  for (const end of cleanUp.reverse()) await end();
});

afterEach(async () => {
  // Each set of limits has a gateway process of its own, also behind one that failed.
  await rig.gateway.end('SIGTERM');
});

describe('bad input through the broker', () => {
  it('leaves out only what cannot be sent', () => {
    expect(badInputCases(now).length - cases.length).toBe(1);
    expect(new Set(cases.map(topicOf)).size).toBe(cases.length);
  });

  // Limits hold for the gateway as a whole: one start for each.
  it.each([...new Set(cases.map(limitsOf))])('has the outcome of the table with limits %s', { timeout: 180_000 }, async (limits) => {
    rig.copy.write(settings(JSON.parse(limits) as Case['limits']));
    await rig.gateway.start();
    const run = cases.map((one, at) => ({ one, at })).filter(({ one }) => limitsOf(one) === limits);
    const sent = run.map(({ one, at }): Sent => ({ topic: topicOf(one, at), body: Buffer.from(one.body), contentEncoding: one.message?.contentEncoding }));
    const ends = await replay.run(`limits-${run[0]?.at}`, sent);

    const problems = run.map(({ one, at }, i) => ({ id: one.id, problem: problem(one, sent[i] as Sent, prefixOf(one, at), ends) }));
    expect(problems.filter((entry) => entry.problem !== undefined)).toEqual([]);
    const expected = (is: (expect: Case['expect']) => boolean): number => run.filter(({ one }) => is(one.expect)).length;
    expect(ends.readings).toHaveLength(expected((what) => typeof what !== 'string'));
    expect(ends.letters).toHaveLength(expected((what) => typeof what === 'string' && what !== 'empty'));
    expect(ends.counted.filtered).toBe(expected((what) => what === 'empty'));
    console.log(
      `limits ${limits}: ${run.length} cases, ${ends.letters.length} dead-lettered, ${ends.readings.length} readings, ${ends.counted.filtered} filtered`,
    );
  });
});
