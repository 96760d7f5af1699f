import type { Channel, ChannelModel } from 'amqplib';
import type { BenchBroker } from '../support/broker.ts';

/** One message as it came out. */
export interface Caught {
  /** `performance.timeOrigin` + `performance.now()`: milliseconds since 1970, finer than a millisecond. */
  readonly atMs: number;
  readonly body: Buffer;
}

/** The consumer at the end: keeps bodies and times, and reads the bodies only when the measuring is over. */
export class Catcher {
  readonly caught: Caught[] = [];
  /** Messages of devices in what was caught, by the count that it carries. */
  count = 0;
  private readonly model: ChannelModel;
  private readonly channel: Channel;
  private readonly milestones: { readonly at: number; readonly reached: () => void }[] = [];

  private constructor(model: ChannelModel, channel: Channel) {
    this.model = model;
    this.channel = channel;
  }

  /** `each`: messages of devices in one that does not say so itself. */
  static async start(broker: BenchBroker, queue: string, each: number): Promise<Catcher> {
    const model = await broker.connect();
    const channel = await model.createChannel();
    const catcher = new Catcher(model, channel);
    // Without acks: the least that a consumer can cost, and the same for all.
    await channel.consume(
      queue,
      (message) => {
        if (message === null) return;
        const said = message.properties.headers?.['sluice-count'] as unknown;
        catcher.take(message.content, typeof said === 'number' ? said : each);
      },
      { noAck: true },
    );
    return catcher;
  }

  /** Calls once, as soon as so many messages of devices have come. */
  onCount(at: number, reached: () => void): void {
    if (this.count >= at) {
      reached();
      return;
    }
    this.milestones.push({ at, reached });
    this.milestones.sort((a, b) => a.at - b.at);
  }

  /** Resolves when so many have come; false when for `stallMs` none came. */
  async reached(at: number, stallMs: number): Promise<boolean> {
    let seen = -1;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<boolean>((settle) => {
        this.onCount(at, () => settle(true));
        timer = setInterval(() => {
          if (this.count === seen) settle(false);
          seen = this.count;
        }, stallMs);
      });
    } finally {
      clearInterval(timer);
    }
  }

  async stop(): Promise<void> {
    await this.channel.close().catch(() => {});
    await this.model.close().catch(() => {});
  }

  private take(body: Buffer, count: number): void {
    this.caught.push({ atMs: performance.timeOrigin + performance.now(), body });
    this.count += count;
    for (let next = this.milestones[0]; next !== undefined && this.count >= next.at; next = this.milestones[0]) {
      this.milestones.shift();
      next.reached();
    }
  }
}
