import { hash32, stream } from '../random.ts';
import type { Instrument, Message, Qos, Speaker } from '../device.ts';
import type { Sample } from '../profiles/profile.ts';
import type { Rng } from '../random.ts';
import type { Format, FormatDevice, FormatMessage } from './format.ts';

export interface DialectOptions {
  readonly site: string;
  readonly name: string;
  readonly kind: string;
  readonly qos: Qos;
  readonly seed: number;
  /** First number that the ledger gives to a message of each topic; the messages themselves hold none. */
  readonly firstSeq: number;
}

class Described implements FormatDevice {
  readonly site: string;
  readonly name: string;
  readonly kind: string;
  readonly hex: string;
  turn = 0;
  private readonly instrument: Instrument;

  constructor({ site, name, kind }: DialectOptions, instrument: Instrument) {
    this.site = site;
    this.name = name;
    this.kind = kind;
    this.hex = ['serial', 'number'].map((word) => hash32(`${word} ${site}/${name}`).toString(16).padStart(8, '0')).join('');
    this.instrument = instrument;
  }

  sample(timeMs: number): Sample | undefined {
    return this.instrument.sample(timeMs);
  }
}

/** A simulated device that speaks a dialect. A sample may be several messages: each is a turn of its own, all with the sample's time. */
export class DialectSpeaker implements Speaker {
  readonly id: string;
  private readonly format: Format;
  private readonly options: DialectOptions;
  private readonly described: Described;
  private readonly rng: Rng;
  private readonly queue: FormatMessage[] = [];
  private readonly seqs = new Map<string, number>();
  private time = Number.NEGATIVE_INFINITY;

  constructor(format: Format, instrument: Instrument, options: DialectOptions) {
    this.id = `${options.site}/${options.name}`;
    this.format = format;
    this.options = options;
    this.described = new Described(options, instrument);
    this.rng = stream(options.seed, `${this.id} ${format.name}`);
  }

  get device(): FormatDevice {
    return this.described;
  }

  next(timeMs: number): Message | undefined {
    if (this.queue.length === 0) {
      this.time = Math.max(Math.floor(timeMs), this.time + 1);
      this.queue.push(...this.format.speak(this.described, this.time, this.rng));
      this.described.turn += 1;
    }
    const said = this.queue.shift();
    if (said === undefined) {
      return undefined;
    }
    const seq = this.seqs.get(said.topic) ?? this.options.firstSeq;
    this.seqs.set(said.topic, seq + 1);
    return { topic: said.topic, device: this.id, seq, time: this.time, qos: this.options.qos, payload: said.payload };
  }
}
