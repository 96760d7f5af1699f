import { measured, metricsOf } from './sparkplug-metrics.ts';
import { type MetricSpec, type Msg, SparkplugEdgeNode } from './sparkplug.ts';
import type { Instrument, Message, Qos, Speaker } from '../device.ts';
import type { Value } from '../profiles/profile.ts';
import type { Said, Session } from '../session.ts';

export interface SparkplugOptions {
  readonly site: string;
  /** Of the edge node: the hub, or the device that has a connection to itself. */
  readonly node: string;
  readonly members: readonly { readonly name: string; readonly kind: string }[];
  /** Of births and data alike: MQTT keeps the order of messages of equal QoS only [MQTT-4.6.0-6]. */
  readonly qos: Qos;
  /** The devices' time, milliseconds since 1970. */
  readonly clock: () => number;
}

/** What a device measured at one time. */
interface Measurement {
  /** Undefined: the node itself is the device. */
  readonly device: string | undefined;
  readonly time: number;
  readonly values: ReadonlyMap<string, Value>;
}

/**
 * One connection as one Sparkplug edge node: group SITE, and behind it a Sparkplug device for each simulated one. A device
 * that has its connection to itself is the node.
 *
 * Each network connection is a Sparkplug session: a will with the next bdSeq, births of the last known values, then data in
 * one sequence. What was measured before the session began is marked historical: it waited for the connection, or (QoS 1) was
 * left without PUBACK by the one before. The latter is encoded anew, because a sequence number belongs to its session.
 */
export class SparkplugSession implements Session {
  readonly commandTopic: string;
  private readonly options: SparkplugOptions;
  private readonly alone: boolean;
  private readonly node: SparkplugEdgeNode;
  private readonly latest = new Map<string, { readonly value: Value; readonly time: number }>();
  /** Of QoS 1 messages that may have to be said again. */
  private readonly kept = new WeakMap<Message, Measurement>();
  private connecting = false;
  /** Time of the last message. None is older than the one before, also where it tells of earlier values. */
  private stamp = Number.NEGATIVE_INFINITY;
  /** When the session's first birth was written. */
  private bornAt = Number.NEGATIVE_INFINITY;

  constructor(options: SparkplugOptions) {
    const { site: group, node, members, clock } = options;
    this.options = options;
    this.alone = members.length === 1;
    this.node = new SparkplugEdgeNode({
      group,
      node,
      clock: () => this.stamped(Math.floor(clock())),
      ...(this.alone
        ? { metrics: members.flatMap(({ kind }) => this.specs(undefined, kind)) }
        : { devices: Object.fromEntries(members.map(({ name, kind }) => [name, this.specs(name, kind)])) }),
    });
    this.commandTopic = this.node.commandTopic;
  }

  /** The first session has number 0. */
  will(): Msg {
    const will = this.connecting ? this.node.reconnect() : this.node.death();
    this.connecting = true;
    return will;
  }

  hello(): Said[] {
    const births = this.said(this.node.birth());
    this.bornAt = this.stamp;
    return births;
  }

  /** A DISCONNECT discards the will, so the node says it by itself, and its QoS 1 tells when all before it has arrived. */
  farewell(): Said[] {
    const devices = this.alone ? [] : this.options.members.map(({ name }) => this.node.deviceDeath(name));
    return [...this.said(devices), { ...this.node.death(), qos: 1 }];
  }

  onCommand(topic: string, payload: Buffer): Said[] {
    return this.said(this.node.onCommand(topic, payload));
  }

  renew(message: Message): Buffer {
    const measurement = this.kept.get(message);
    return measurement === undefined ? Buffer.from(message.payload) : this.encode(measurement).payload;
  }

  /** `message` makes the message of topic and payload. */
  tell(name: string, time: number, values: ReadonlyMap<string, Value>, message: (msg: Msg) => Message): Message {
    const device = this.alone ? undefined : name;
    const measurement = { device, time, values };
    for (const [metric, value] of values) {
      this.latest.set(keyOf(device, metric), { value, time });
    }
    const made = message(this.encode(measurement));
    if (made.qos === 1) {
      this.kept.set(made, measurement);
    }
    return made;
  }

  private encode({ device, time, values }: Measurement): Msg {
    return this.node.tell(values, time, device, { historical: time < this.bornAt, sentAt: this.stamped(time) });
  }

  private stamped(time: number): number {
    this.stamp = Math.max(time, this.stamp);
    return this.stamp;
  }

  private said(messages: readonly Msg[]): Said[] {
    return messages.map((message) => ({ ...message, qos: this.options.qos }));
  }

  private specs(device: string | undefined, kind: string): MetricSpec[] {
    return metricsOf(kind).map(({ name, type, unit }) => {
      const key = keyOf(device, name);
      const last = { value: () => this.latest.get(key)?.value ?? null, measuredAt: () => this.latest.get(key)?.time };
      return unit === undefined ? { name, type, ...last } : { name, type, unit, ...last };
    });
  }
}

function keyOf(device: string | undefined, metric: string): string {
  return `${device ?? ''}\0${metric}`;
}

export interface SparkplugSpeakerOptions {
  readonly site: string;
  readonly name: string;
  readonly kind: string;
  readonly qos: Qos;
  /** First number that the ledger gives to a message; the message itself holds that of its session. */
  readonly firstSeq: number;
}

/** A simulated device that speaks through the edge node of its connection. */
export class SparkplugSpeaker implements Speaker {
  readonly id: string;
  private readonly session: SparkplugSession;
  private readonly instrument: Instrument;
  private readonly options: SparkplugSpeakerOptions;
  private seq: number;
  private lastTime = Number.NEGATIVE_INFINITY;

  constructor(session: SparkplugSession, instrument: Instrument, options: SparkplugSpeakerOptions) {
    this.id = `${options.site}/${options.name}`;
    this.session = session;
    this.instrument = instrument;
    this.options = options;
    this.seq = options.firstSeq;
  }

  next(timeMs: number): Message | undefined {
    const { name, kind, qos } = this.options;
    const time = Math.max(Math.floor(timeMs), this.lastTime + 1);
    this.lastTime = time;
    const values = measured(kind, this.instrument.sample(time));
    if (values.size === 0) {
      return undefined;
    }
    return this.session.tell(name, time, values, (msg) => ({ ...msg, device: this.id, seq: this.seq++, time, qos }));
  }
}
