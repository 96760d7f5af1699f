import type { AnomalyCounts } from './anomalies.ts';
import { BoundedCache } from '../domain/bounded-cache.ts';
import { excerpt } from '../domain/excerpt.ts';
import { failed, type Result } from '../domain/fault.ts';
import type { Limits } from '../domain/profile.ts';
import type { Flag } from '../domain/reading.ts';
import type { CodecEnvironment, CodecOptions, DecodeContext, Decoded, PayloadCodec, PayloadDecoder } from './registry.ts';
import { type Gathered, readBirth, readData, readDeath } from './sparkplug-metrics.ts';
import type { NodeState, Position } from './sparkplug-node.ts';
import { checkOptions, optionsOf, type SparkplugOptions } from './sparkplug-options.ts';
import { type RawPayload, readPayload } from './sparkplug-payload.ts';
import { deathDocument } from './sparkplug-readings.ts';
import { memoryOf } from './sparkplug-memory.ts';
import type { Rebirths } from './sparkplug-rebirth.ts';
import { ignored, nothing, readings, tooMuch, withGap } from './sparkplug-results.ts';
import type { SparkplugStore } from './sparkplug-store.ts';
import { parseTopic, type SparkplugTopic, type TopicVerdict } from './sparkplug-topic.ts';
import { WireReader } from './sparkplug-wire.ts';

/** Topics that are kept parsed. */
const TOPICS = 10_000;
const TOPIC_LENGTH = 512;
/** Templates within templates, whatever `limits.depth` says: their reader is recursive. */
const DEEPEST = 64;

/** A message whose topic and payload have been read. */
interface Arrival {
  readonly topic: SparkplugTopic;
  readonly payload: RawPayload;
  readonly context: DecodeContext;
}

/**
 * Decoder of Sparkplug B messages, with the memory that their aliases need. What a message leaves behind (births, sequence)
 * is noted only when all of it could be read.
 */
export class SparkplugDecoder implements PayloadDecoder {
  readonly rebirths: Rebirths;
  readonly store: SparkplugStore;
  private readonly options: SparkplugOptions;
  private readonly environment: CodecEnvironment;
  private readonly counts: AnomalyCounts;
  private readonly reader: WireReader = new WireReader();
  private readonly topics: BoundedCache<TopicVerdict> = new BoundedCache(TOPICS, TOPIC_LENGTH);

  constructor(options: CodecOptions, environment: CodecEnvironment) {
    this.options = optionsOf(options);
    this.environment = environment;
    this.counts = environment.counts;
    ({ store: this.store, rebirths: this.rebirths } = memoryOf(environment));
  }

  decode(body: Buffer, limits: Limits, context: DecodeContext): Result<Decoded> {
    const topic = this.topicOf(context.topic);
    if (topic.kind === 'ignored') {
      return ignored('command');
    }
    if (topic.kind === 'foreign') {
      return failed('BAD_TOPIC', `"${excerpt(context.topic, 255)}" is no Sparkplug topic: ${topic.why}`);
    }
    const { reader } = this;
    reader.open(body, limits.fields, Math.min(limits.depth, DEEPEST));
    const payload = readPayload(reader);
    const result = reader.problem === undefined ? this.handle({ topic, payload, context }) : this.problem();
    reader.close();
    return result;
  }

  private topicOf(text: string): TopicVerdict {
    let topic = this.topics.get(text);
    if (topic === undefined) {
      topic = parseTopic(text);
      this.topics.set(text, topic);
    }
    return topic;
  }

  private handle(arrival: Arrival): Result<Decoded> {
    switch (arrival.topic.type) {
      case 'NBIRTH':
        return this.nodeBirth(arrival);
      case 'DBIRTH':
        return this.deviceBirth(arrival);
      case 'NDEATH':
        return this.nodeDeath(arrival);
      case 'DDEATH':
        return this.deviceDeath(arrival);
      case 'NDATA':
      case 'DDATA':
      default:
        return this.data(arrival);
    }
  }

  private problem(): Result<Decoded> {
    const { code, message } = this.reader.problem ?? { code: 'DECODE_INVALID', message: 'the payload cannot be read' };
    return failed(code, `not Sparkplug B: ${message}`);
  }

  private nodeBirth({ topic, payload }: Arrival): Result<Decoded> {
    const { store } = this;
    const born = readBirth(this.reader, payload, this.options.unit);
    if (this.reader.problem !== undefined) {
      return this.problem();
    }
    const birth = { time: payload.time, bdSeq: born.bdSeq, seq: payload.seq };
    let node = store.find(topic.nodeKey);
    if (node === undefined || !node.knows(birth)) {
      node ??= store.create(topic.nodeKey);
      node.lose();
      if (!store.fits(node, '', born.definitions)) {
        store.changed(node);
        return tooMuch(topic);
      }
      node.bear(birth, born.definitions);
      store.changed(node);
    }
    return this.birthReadings(topic, payload, born, []);
  }

  private deviceBirth({ topic, payload }: Arrival): Result<Decoded> {
    const { store } = this;
    const born = readBirth(this.reader, payload, this.options.unit);
    if (this.reader.problem !== undefined) {
      return this.problem();
    }
    const id = topic.device as string;
    const node = store.find(topic.nodeKey) ?? store.create(topic.nodeKey);
    const position = this.follow(topic, node, payload);
    const device = node.devices.get(id);
    const { time } = payload;
    const outdated = time !== undefined && node.birthTime !== undefined && time < node.birthTime;
    if (position !== 'again' || !(device?.born === true || outdated)) {
      if (!store.fits(node, id, born.definitions)) {
        return tooMuch(topic);
      }
      node.bearDevice(id, born.definitions, time);
      store.changed(node);
    }
    // Births name their metrics, so that nothing of theirs is in doubt without the node's own; what else there is, is.
    if (!node.born && position !== 'again') {
      this.ask(topic);
    }
    return this.birthReadings(topic, payload, born, node.gap && position !== 'again' ? ['gap'] : []);
  }

  private birthReadings(topic: SparkplugTopic, payload: RawPayload, { gatherer, unfit }: Gathered, flags: Flag[]): Result<Decoded> {
    this.counts['unfit-metric'] += unfit;
    if (this.options.status !== undefined) {
      gatherer.status(this.options.status, true, payload.time);
    }
    return gatherer.empty ? ignored('no-values') : readings(gatherer.documents(topic, withGap(flags, unfit > 0)));
  }

  private data({ topic, payload }: Arrival): Result<Decoded> {
    const { store } = this;
    const { time } = payload;
    const node = store.find(topic.nodeKey);
    let position: Position = 'next';
    if (node !== undefined) {
      position = this.follow(topic, node, payload);
      if (position === 'gap' && !node.online && node.born) {
        // After the death of its node something continues elsewhere: a session whose birth was lost.
        node.lose();
        store.changed(node);
      }
    }
    const device = node?.devices.get(topic.device ?? '');
    const outdated = position === 'again' || (time !== undefined && node?.birthTime !== undefined && time < node.birthTime);
    const usable = device !== undefined && (device.born || outdated) ? device : undefined;
    const gathered = readData(this.reader, payload, usable, this.options.unit);
    if (this.reader.problem !== undefined) {
      return this.problem();
    }
    const { gatherer, unknown, unfit } = gathered;
    this.counts['unfit-metric'] += unfit;
    this.counts['unknown-metric'] += unknown;
    const dead = usable !== undefined && !outdated && !(node?.online === true && usable.online);
    if (position !== 'again' && (usable === undefined || unknown > 0 || dead)) {
      this.ask(topic);
    }
    if (unknown > 0 && usable === undefined) {
      return failed('SPARKPLUG_NO_BIRTH', `${topic.type} of ${excerpt(topic.deviceKey)} before its birth: ${unknown} metrics cannot be told without it`);
    }
    if (gatherer.empty) {
      return nothing(gathered, topic);
    }
    const missing = usable === undefined || unknown > 0 || unfit > 0 || (node?.gap === true && position !== 'again');
    return readings(gatherer.documents(topic, withGap(dead ? ['stale'] : [], missing)));
  }

  private nodeDeath({ topic, payload, context }: Arrival): Result<Decoded> {
    const { status } = this.options;
    const node = this.store.find(topic.nodeKey);
    const bdSeq = readDeath(payload, node?.devices.get(''));
    const death = node?.die(bdSeq, payload.time);
    if (node !== undefined && death === undefined) {
      this.counts['old-death'] += 1;
      return ignored('old-death');
    }
    if (node !== undefined && death?.isNew === true) {
      this.store.changed(node);
    }
    if (status === undefined) {
      return ignored('death');
    }
    const devices = [undefined, ...(death?.devices ?? [])];
    return readings(devices.map((device) => deathDocument(topic, device, status, undefined, context.receivedAt)));
  }

  private deviceDeath({ topic, payload, context }: Arrival): Result<Decoded> {
    const { status } = this.options;
    const node = this.store.find(topic.nodeKey);
    const position = node === undefined ? 'next' : this.follow(topic, node, payload);
    const device = node?.devices.get(topic.device as string);
    if (node === undefined || !node.born) {
      this.ask(topic);
    }
    if (node !== undefined && device?.online === true && position !== 'again') {
      device.online = false;
      this.store.changed(node);
    }
    return status === undefined ? ignored('death') : readings([deathDocument(topic, topic.device, status, payload.time, context.receivedAt)]);
  }

  private follow(topic: SparkplugTopic, node: NodeState, { seq, time }: RawPayload): Position {
    const position = node.follow(seq, time, this.environment.now());
    if (position === 'gap') {
      this.counts['sequence-gap'] += 1;
    } else if (position === 'again') {
      this.counts.repeat += 1;
    }
    if (node.gap && position !== 'again') {
      this.ask(topic);
    }
    return position;
  }

  private ask(topic: SparkplugTopic): void {
    if (this.options.rebirth) {
      this.rebirths.request(topic);
    }
  }
}

/**
 * Sparkplug B (Sparkplug 3.0) as a host application reads it: an array of
 * `{ device, group, node, device_id, time, type, values, units, flags }`, one for each device and time.
 *
 * Options: `status` names the value that births set to true and deaths to false (`online`; false for none), `rebirth: false`
 * never asks nodes for their births, `unitProperty` is the property with a metric's unit (`engUnit`).
 */
export const sparkplugCodec: PayloadCodec = {
  name: 'sparkplug',
  contentType: 'application/vnd.eclipse.sparkplug.b+protobuf',
  stateful: true,
  checkOptions,
  create: (options, environment) => new SparkplugDecoder(options, environment),
};
