import type { ChannelModel } from 'amqplib';
import { Histogram } from '../../../devices/histogram.ts';
import { readStamps, type Stamp } from '../load/stamp.ts';
import { type Owed, Tally } from './audit.ts';

const now = (): number => performance.timeOrigin + performance.now();

/** Listens to a queue all the time: how long messages take from when they were due to the consumer behind RabbitMQ, and whether all come. */
export class LiveQueue {
  private readonly model: ChannelModel;
  private readonly queue: string;
  private heard: Stamp[] = [];
  private histogram: Histogram | undefined;

  private constructor(model: ChannelModel, queue: string) {
    this.model = model;
    this.queue = queue;
  }

  static async open(model: ChannelModel, queue: string): Promise<LiveQueue> {
    const live = new LiveQueue(model, queue);
    const channel = await model.createChannel();
    channel.on('error', () => {});
    await channel.consume(
      queue,
      (message) => {
        if (message === null) return;
        const at = now();
        readStamps(message.content, (stamp) => {
          live.heard.push(stamp);
          live.histogram?.record(at - stamp.dueAt);
        });
      },
      { noAck: true },
    );
    return live;
  }

  /** Delays from now on go into the answer. */
  measure(): Histogram {
    this.histogram = new Histogram();
    return this.histogram;
  }

  /** Waits for what is still on its way. Throws LostError. Answers how many came more than once; forgets them all. */
  async audit(owed: Owed, deadlineMs: number): Promise<number> {
    this.histogram = undefined;
    const total = owed.each.reduce((sum, count) => sum + count, 0);
    const end = performance.now() + deadlineMs;
    while (this.heard.length < total && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
    const tally = new Tally(owed);
    for (const stamp of this.heard) tally.tick(stamp);
    this.heard = [];
    return tally.close(`queue ${this.queue}`);
  }

  async close(): Promise<void> {
    await this.model.close();
  }
}
