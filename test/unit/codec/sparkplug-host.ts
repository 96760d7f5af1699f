import { encodePayload, type Payload } from '../../../devices/formats/sparkplug-writer.ts';
import { type AnomalyCounts, noAnomalies } from '../../../src/codec/anomalies.ts';
import type { CodecEnvironment, CodecOptions, Decoded } from '../../../src/codec/registry.ts';
import { SparkplugDecoder } from '../../../src/codec/sparkplug.ts';
import type { Result } from '../../../src/domain/fault.ts';
import { DEFAULT_LIMITS, type Limits } from '../../../src/domain/profile.ts';

export interface Element {
  readonly device: string;
  readonly group: string;
  readonly node: string;
  readonly device_id: string | null;
  readonly time: number | null;
  readonly type: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly units: Readonly<Record<string, unknown>> | null;
  readonly flags: readonly string[];
}

/** A decoder with a fake gateway around it: its clock, what it sent to nodes and what it saved. Documents go through JSON's idea of data. */
export class Host {
  now = 1_763_884_800_000;
  readonly commands: { topic: string; body: Buffer }[] = [];
  readonly disk: Map<string, string>;
  saves = 0;
  private readonly unwritten: Map<string, () => unknown> = new Map();
  readonly decoder: SparkplugDecoder;
  readonly counts: AnomalyCounts = noAnomalies();

  constructor(options: CodecOptions = {}, disk: Map<string, string> = new Map()) {
    this.disk = disk;
    const environment: CodecEnvironment = {
      instance: 'test',
      command: (topic, body) => this.commands.push({ topic, body }),
      load: (name) => (disk.has(name) ? (JSON.parse(disk.get(name) as string) as unknown) : undefined),
      save: (name, state) => this.unwritten.set(name, state),
      now: () => this.now,
      counts: this.counts,
    };
    this.decoder = new SparkplugDecoder(options, environment);
  }

  /** A gateway that is started with what this one saved. */
  restarted(options: CodecOptions = {}): Host {
    const host = new Host(options, new Map(this.disk));
    host.now = this.now + 5_000;
    return host;
  }

  /** Each message is acked at once, and what it led to is on the disk before. */
  decode(topic: string, body: Buffer, limits: Partial<Limits> = {}): Result<Decoded> {
    const result = this.decoder.decode(body, { ...DEFAULT_LIMITS, ...limits }, { topic, receivedAt: this.now });
    for (const [name, state] of this.unwritten) {
      this.saves += 1;
      const text = JSON.stringify(state()) as string | undefined;
      if (text === undefined) this.disk.delete(name);
      else this.disk.set(name, text);
    }
    this.unwritten.clear();
    return result;
  }

  /** The readings, the fault's code, or the reason why the message was ignored. */
  take({ topic, payload }: { topic: string; payload: Buffer }, limits: Partial<Limits> = {}): Element[] | string {
    const result = this.decode(topic, payload, limits);
    if (!result.ok) return result.fault.code;
    return result.value.ignored ?? (result.value.document as unknown as Element[]);
  }

  /** Values of the only reading. */
  values(message: { topic: string; payload: Buffer }): Readonly<Record<string, unknown>> | string {
    const found = this.take(message);
    if (typeof found === 'string') return found;
    return found.length === 1 ? { ...(found[0] as Element).values } : `${found.length} readings`;
  }

  flags(message: { topic: string; payload: Buffer }): readonly string[] {
    const found = this.take(message);
    return typeof found === 'string' ? [found] : [...new Set(found.flatMap((element) => element.flags))];
  }
}

/** A message of node `G/N`, or of its device. */
export function message(type: string, payload: Payload, device?: string): { topic: string; payload: Buffer } {
  return { topic: `spBv1___0/G/${type}/N${device === undefined ? '' : `/${device}`}`, payload: encodePayload(payload) };
}
