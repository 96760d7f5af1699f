import { setTimeout as sleep } from 'node:timers/promises';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultCodecs } from '../../src/codec/registry.ts';
import { topicFromRoutingKey } from '../../src/domain/message.ts';
import { compileNormaliser, type Normaliser } from '../../src/pipeline/normaliser.ts';
import { loadSettings } from '../../src/settings/load.ts';
import { type CorpusMessage, corpusMessages, corpusMissing, hostilePayloads } from '../support/corpus.ts';
import { Hand } from '../support/rabbit.ts';
import { type Letter, listen } from './outlets.ts';
import { Rig } from './rig.ts';

// What real and hostile devices send, over real MQTT through a real broker: the gateway stays up on its connections,
// each message has exactly one outcome, the bytes of what is refused are kept, and a good message right behind arrives.

if (corpusMissing !== undefined) console.log(corpusMissing);

let rig: Rig;
let normaliser: Normaliser;
let device: MqttClient;
const cleanUp: (() => Promise<void>)[] = [];

beforeAll(async () => {
  if (corpusMissing !== undefined) return;
  rig = await Rig.start('test/vectors/any-topic.yaml');
  cleanUp.push(async () => await rig.stop());
  await rig.gateway.start();
  const loaded = await loadSettings('test/vectors/any-topic.yaml', { SLUICE_AMQP_URL: 'amqp://localhost', SLUICE_HTTP_PORT: '1' });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  normaliser = compileNormaliser(loaded.settings.profiles, defaultCodecs(), loaded.settings.limits, 'expected');
  // The administrator may publish anywhere: these topics are those of other people's devices.
  const { admin } = rig.users;
  device = await connectAsync(`mqtt://127.0.0.1:${rig.node.ports.mqtt}`, {
    username: admin.name,
    password: admin.password,
    clientId: 'hostile',
    protocolVersion: 4,
  });
  cleanUp.push(async () => await device.endAsync(true));
});

afterAll(async () => {
  for (const end of cleanUp.reverse()) await end();
});

interface Ends {
  readonly letters: Letter[];
  readonly readings: { topic: string; values: Record<string, unknown> }[];
}

/** Empties both queues, until the last sentinel has come and nothing is in flight any more. */
async function collect(lastSentinel: string): Promise<Ends> {
  const ends: Ends = { letters: [], readings: [] };
  const stop = await listen(rig, {
    batch: (body) => void ends.readings.push(...(JSON.parse(body) as { readings: Ends['readings'] }).readings),
    letter: (letter) => void ends.letters.push(letter),
  });
  const hand = await Hand.open(rig.node.amqpUrl(rig.users.admin));
  const end = performance.now() + 60_000;
  for (;;) {
    const { inFlight } = await rig.gateway.status();
    const seen = ends.readings.some((reading) => reading.topic === lastSentinel);
    if (seen && inFlight.messages === 0 && (await hand.depth('sluice.dead')) === 0) break;
    if (performance.now() > end) throw new Error(`the last sentinel did not come: ${JSON.stringify(await rig.gateway.status())}`);
    await sleep(100);
  }
  await stop();
  await hand.close();
  return ends;
}

/** Sends each message with a good one right behind, and holds what came out against the pure normaliser. */
async function replay(run: string, messages: readonly (CorpusMessage & { topic: string })[]): Promise<void> {
  const pid = rig.gateway.pid;
  const before = await rig.gateway.status();
  for (const [at, { topic, body }] of messages.entries()) {
    await device.publishAsync(topic, body, { qos: 1 });
    await device.publishAsync(`sentinel/${run}/${at}`, `{"at":${at}}`, { qos: 1 });
  }
  const { letters, readings } = await collect(`sentinel/${run}/${messages.length - 1}`);

  const expected = { letters: [] as string[], readings: 0, filtered: 0 };
  for (const { topic, body } of messages) {
    const routingKey = topic.replaceAll('/', '.');
    const result = normaliser.normalise({
      topic: topicFromRoutingKey(routingKey),
      routingKey,
      body,
      receivedAt: Date.now(),
      contentType: undefined,
      contentEncoding: undefined,
      redelivered: false,
      deliveryCount: 0,
      qos: 1,
    });
    if (result.kind === 'fault') expected.letters.push(`${result.fault.code} ${body.toString('base64')}`);
    else if (result.kind === 'filtered') expected.filtered += 1;
    else expected.readings += result.readings.length;
  }
  // A consumer that closes may leave letters of the run before to come again: each run is held against its own.
  const own = letters.filter(({ topic }) => topic.startsWith('hostile/') === (run === 'hostile'));
  expect(own.map(({ code, body }) => `${code} ${body.toString('base64')}`).sort()).toEqual(expected.letters.sort());
  const sentinels = new Set(readings.filter((reading) => reading.topic.startsWith(`sentinel/${run}/`)).map((reading) => reading.topic));
  expect(sentinels.size).toBe(messages.length);
  expect(readings.length - sentinels.size).toBe(expected.readings);

  const after = await rig.gateway.status();
  const delta = (key: 'received' | 'forwarded' | 'deadLettered' | 'filtered' | 'abandoned'): number => after.ledger.messages[key] - before.ledger.messages[key];
  expect(delta('received')).toBe(2 * messages.length);
  expect(delta('deadLettered')).toBe(expected.letters.length);
  expect(delta('filtered')).toBe(expected.filtered);
  expect(delta('forwarded')).toBe(2 * messages.length - expected.letters.length - expected.filtered);
  expect(delta('abandoned')).toBe(0);
  expect(after.imbalance).toEqual({ messages: 0, items: 0 });
  expect(rig.gateway.pid).toBe(pid);
  // Not one connection was lost on the way.
  expect(await rig.gateway.metrics()).toMatch(/^sluice_messages_in_flight 0$/m);
  console.log(
    `${run}: ${messages.length} messages, ${expected.letters.length} dead-lettered, ${expected.filtered} filtered, ${expected.readings} readings, each once`,
  );
}

describe.skipIf(corpusMissing !== undefined)('over real MQTT', () => {
  it('survives every hostile payload, keeps its bytes, and passes on what comes behind it', { timeout: 180_000 }, async () => {
    const messages = hostilePayloads().map((message, at) => ({ ...message, topic: `hostile/${at}` }));
    expect(messages.length).toBeGreaterThan(600);
    await replay('hostile', messages);
  });

  it('gives every message of the corpus exactly one outcome', { timeout: 180_000 }, async () => {
    const sendable = (message: CorpusMessage): message is CorpusMessage & { topic: string } =>
      message.topic !== undefined && message.topic !== '' && !/[+#]/.test(message.topic) && Buffer.byteLength(message.topic) <= 200;
    const messages = corpusMessages().filter(sendable);
    expect(messages.length).toBeGreaterThan(600);
    await replay('corpus', messages);
  });
});
