import { markAlarm, markValues } from './audit.ts';
import { faultySensor } from './faults.ts';
import { stream } from './random.ts';
import type { FaultKind, FaultySensor } from './faults.ts';
import type { Profile, Sample, Signal } from './profiles/profile.ts';
import type { Rng } from './random.ts';

export type Qos = 0 | 1;

/** One message of a device. `topic` and `seq` together name it for ever (within one ledger). */
export interface Message {
  readonly topic: string;
  /** `{site}/{name}`. */
  readonly device: string;
  /** Contiguous per topic. */
  readonly seq: number;
  /** Device time, milliseconds since 1970. Strictly rising per device, because time and topic make the reading's id downstream. */
  readonly time: number;
  readonly qos: Qos;
  readonly payload: string | Buffer;
}

/** In the native format a payload is text. */
export interface NativeMessage extends Message {
  readonly payload: string;
}

/** Something that speaks when its turn comes. Undefined: it stays silent this time. */
export interface Speaker {
  readonly id: string;
  next(timeMs: number): Message | undefined;
}

export interface SpeakerOptions {
  readonly site: string;
  readonly name: string;
  readonly kind: string;
  readonly qos: Qos;
  readonly audit: boolean;
  readonly firstSeq: number;
}

/** Topics, sequence numbers and JSON of one device. */
export class Voice {
  readonly id: string;
  private readonly options: SpeakerOptions;
  private readonly base: string;
  private readonly next: { telemetry: number; alarm: number };
  private lastTime = Number.NEGATIVE_INFINITY;

  constructor(options: SpeakerOptions) {
    this.options = options;
    this.id = `${options.site}/${options.name}`;
    this.base = `devices/${this.id}`;
    this.next = { telemetry: options.firstSeq, alarm: options.firstSeq };
  }

  say(sample: Sample, timeMs: number): NativeMessage {
    const { kind, qos, audit } = this.options;
    const time = Math.max(Math.floor(timeMs), this.lastTime + 1);
    this.lastTime = time;
    if ('alarm' in sample) {
      const topic = `${this.base}/alarm`;
      const seq = this.next.alarm++;
      const { severity, message, active } = audit ? markAlarm(topic, seq, sample.alarm) : sample.alarm;
      return { topic, device: this.id, seq, time, qos, payload: JSON.stringify({ time, seq, severity, message, active }) };
    }
    const topic = `${this.base}/telemetry`;
    const seq = this.next.telemetry++;
    const values = audit ? markValues(topic, seq, sample.values) : sample.values;
    return { topic, device: this.id, seq, time, qos, payload: JSON.stringify({ device: this.id, kind, time, seq, values }) };
  }
}

/** What a device measures with: a profile's signal, and perhaps a faulty sensor in front of it. `id` is the device's. */
export class Instrument {
  private readonly signal: Signal;
  private readonly sensor: FaultySensor | undefined;
  private readonly noise: Rng;
  private readonly mishaps: Rng;

  constructor(profile: Profile, seed: number, fault: FaultKind | undefined, id: string) {
    this.signal = profile.create(stream(seed, `${id} traits`));
    this.sensor = fault === undefined ? undefined : faultySensor(fault);
    this.noise = stream(seed, `${id} noise`);
    // A stream of its own: a faulty device measures the same world as a sound one.
    this.mishaps = stream(seed, `${id} mishaps`);
  }

  /** Undefined: nothing this time. */
  sample(timeMs: number): Sample | undefined {
    const sample = this.signal(timeMs, this.noise);
    if ('alarm' in sample || this.sensor === undefined) {
      return sample;
    }
    const values = this.sensor(sample.values, this.mishaps);
    return values === undefined ? undefined : { values };
  }
}

/** A simulated device that speaks the native format. */
export class Device implements Speaker {
  readonly id: string;
  private readonly voice: Voice;
  private readonly instrument: Instrument;

  constructor(profile: Profile, seed: number, fault: FaultKind | undefined, options: Omit<SpeakerOptions, 'kind'>) {
    this.voice = new Voice({ ...options, kind: profile.kind });
    this.id = this.voice.id;
    this.instrument = new Instrument(profile, seed, fault, this.id);
  }

  next(timeMs: number): NativeMessage | undefined {
    const sample = this.instrument.sample(timeMs);
    return sample === undefined ? undefined : this.voice.say(sample, timeMs);
  }
}
