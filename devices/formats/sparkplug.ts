import { encodePayload, type Metric, type MetricValue, type TypeName } from './sparkplug-writer.ts';

export interface Msg {
  readonly topic: string;
  readonly payload: Buffer;
}

/** A metric of a node or device: what it is, and its value at a time in milliseconds since 1970. */
export interface MetricSpec {
  readonly name: string;
  readonly type: TypeName;
  readonly unit?: string;
  readonly value: (timeMs: number) => MetricValue;
  /** When the value that a birth tells was measured; without it or undefined: at the birth. */
  readonly measuredAt?: () => number | undefined;
}

/** How a message of data differs from one that is sent at the time of its values. */
export interface Lateness {
  readonly historical?: boolean;
  /** Time of the message, where it is not that of the values. */
  readonly sentAt?: number;
}

export interface EdgeNodeOptions {
  readonly group: string;
  readonly node: string;
  /** Metrics of the node itself. */
  readonly metrics?: readonly MetricSpec[];
  readonly devices?: Readonly<Record<string, readonly MetricSpec[]>>;
  /** Milliseconds since 1970, for births and deaths. */
  readonly clock: () => number;
  /** False: data carries names and types, as simple nodes do it. */
  readonly aliases?: boolean;
  /** Number of the first session. */
  readonly bdSeq?: number;
  /** First alias; another one after a restart shows who keeps old ones. */
  readonly firstAlias?: number;
}

const NAMESPACE = 'spBv1.0';
const REBIRTH = 'Node Control/Rebirth';

/**
 * A Sparkplug B edge node with its devices: births, data by alias, deaths, sequence numbers, and a new birth when a host
 * asks for one. Speaks in messages and leaves the connection to its holder, which sends `will()` along with CONNECT, then
 * `birth()`, then `data()` again and again, subscribes to `commandTopic` and gives what comes to `onCommand`.
 */
export class SparkplugEdgeNode {
  readonly commandTopic: string;
  private readonly options: EdgeNodeOptions;
  private readonly aliasOf: Map<string, number> = new Map();
  private bdSeq: number;
  private seq = 0;
  private connectedAt: number;

  constructor(options: EdgeNodeOptions) {
    this.options = options;
    this.commandTopic = `${NAMESPACE}/${options.group}/NCMD/${options.node}`;
    this.bdSeq = options.bdSeq ?? 0;
    this.connectedAt = options.clock();
    let alias = options.firstAlias ?? 1;
    for (const [device, specs] of [['', options.metrics ?? []] as const, ...Object.entries(options.devices ?? {})]) {
      for (const { name } of specs) {
        this.aliasOf.set(`${device}\0${name}`, alias);
        alias += 1;
      }
    }
  }

  /** A new connection: the next session number, and a will that carries it. */
  reconnect(): Msg {
    this.bdSeq = (this.bdSeq + 1) % 256;
    this.connectedAt = this.options.clock();
    return this.death();
  }

  /** NBIRTH, then a DBIRTH for each device. */
  birth(): Msg[] {
    const time = this.options.clock();
    this.seq = 0;
    const control: Metric[] = [
      { name: 'bdSeq', time, type: 'Int64', value: this.bdSeq },
      { name: REBIRTH, time, type: 'Boolean', value: false },
    ];
    const node = this.message('NBIRTH', undefined, time, [...control, ...this.born('', this.options.metrics ?? [], time)]);
    return [node, ...Object.keys(this.options.devices ?? {}).map((device) => this.deviceBirth(device))];
  }

  deviceBirth(device: string): Msg {
    const time = this.options.clock();
    return this.message('DBIRTH', device, time, this.born(device, this.specs(device), time));
  }

  /** NDATA, or DDATA of a device; `names` picks metrics. Historical data says that it comes late. */
  data(timeMs: number, device?: string, names?: readonly string[], historical = false): Msg {
    const picked = this.specs(device).filter(({ name }) => names === undefined || names.includes(name));
    const values = new Map(picked.map(({ name, value }) => [name, value(timeMs)]));
    return this.tell(values, timeMs, device, historical ? { historical, sentAt: this.options.clock() } : {});
  }

  /** NDATA, or DDATA of a device, with these values of its metrics. */
  tell(values: ReadonlyMap<string, MetricValue>, timeMs: number, device?: string, { historical = false, sentAt = timeMs }: Lateness = {}): Msg {
    const { aliases = true } = this.options;
    const metrics = this.specs(device).flatMap((spec): Metric[] => {
      const value = values.get(spec.name);
      if (value === undefined) return [];
      const identity = aliases ? { alias: this.alias(device, spec.name), telltype: false } : { name: spec.name };
      return [{ ...identity, time: timeMs, type: spec.type, historical, value }];
    });
    return this.message(device === undefined ? 'NDATA' : 'DDATA', device, sentAt, metrics);
  }

  deviceDeath(device: string): Msg {
    return this.message('DDEATH', device, this.options.clock(), []);
  }

  /** The will of this session: written when it began, sent by the broker when the connection is lost. It has no sequence number. */
  death(): Msg {
    const time = this.connectedAt;
    const payload = encodePayload({ time, metrics: [{ name: 'bdSeq', time, type: 'Int64', value: this.bdSeq }] });
    return { topic: this.topic('NDEATH', undefined), payload };
  }

  /** Loses a message on the way: its sequence number is used up. */
  lose(): void {
    this.seq = (this.seq + 1) % 256;
  }

  /** What a command makes the node say. Knows the one command that every node must know. */
  onCommand(topic: string, payload: Buffer): Msg[] {
    return topic === this.commandTopic && asksForRebirth(payload) ? this.birth() : [];
  }

  private specs(device: string | undefined): readonly MetricSpec[] {
    return (device === undefined ? this.options.metrics : this.options.devices?.[device]) ?? [];
  }

  private alias(device: string | undefined, name: string): number {
    return this.aliasOf.get(`${device ?? ''}\0${name}`) as number;
  }

  private born(device: string, specs: readonly MetricSpec[], time: number): Metric[] {
    return specs.map(({ name, type, unit, value, measuredAt }) => ({
      name,
      ...(this.options.aliases === false ? {} : { alias: this.alias(device, name) }),
      time: measuredAt?.() ?? time,
      type,
      ...(unit === undefined ? {} : { unit }),
      value: value(time),
    }));
  }

  private message(type: string, device: string | undefined, time: number, metrics: readonly Metric[]): Msg {
    const payload = encodePayload({ time, seq: this.seq, metrics });
    this.seq = (this.seq + 1) % 256;
    return { topic: this.topic(type, device), payload };
  }

  private topic(type: string, device: string | undefined): string {
    const { group, node } = this.options;
    return device === undefined ? `${NAMESPACE}/${group}/${type}/${node}` : `${NAMESPACE}/${group}/${type}/${node}/${device}`;
  }
}

/** Whether a payload holds a metric `Node Control/Rebirth` with boolean_value true: fields 1 and 14 of a metric (field 2). */
function asksForRebirth(payload: Buffer): boolean {
  return [...fields(payload)].some(([field, content]) => {
    if (field !== 2 || !Buffer.isBuffer(content)) return false;
    const metric = new Map(fields(content));
    return metric.get(1)?.toString() === REBIRTH && metric.get(14) === 1n;
  });
}

/** The fields of a protobuf message: varints and fixed numbers as bigint, the rest as bytes. Ends at the first thing that is wrong. */
function* fields(bytes: Buffer): Generator<[number, bigint | Buffer]> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; at < bytes.length; shift += 7n) {
      const byte = bytes[at++] as number;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) break;
    }
    return value;
  };
  while (at < bytes.length) {
    const tag = Number(varint() & 0xffff_ffffn);
    const type = tag & 7;
    if (type === 0) {
      yield [tag >>> 3, varint()];
    } else if (type === 1 || type === 2 || type === 5) {
      const length = type === 2 ? Number(varint()) : type === 1 ? 8 : 4;
      if (length > bytes.length - at) return;
      yield [tag >>> 3, bytes.subarray(at, at + length)];
      at += length;
    } else {
      return;
    }
  }
}
