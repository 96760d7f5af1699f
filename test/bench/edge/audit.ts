import type { ChannelModel } from 'amqplib';
import { SpoolBrowser } from '../../../src/edge/spool/browse.ts';
import { readStamps, type Stamp } from '../load/stamp.ts';

/** Messages that were acknowledged and are not there: the rate that came with them is worth nothing. */
export class LostError extends Error {
  override readonly name = 'LostError';
}

/** What is owed: of each client, beginning with number `first`, its messages from 0 on. */
export interface Owed {
  readonly first: number;
  readonly each: readonly number[];
}

/** A consumer that hears nothing for so long has reached the end. */
const SILENCE_MS = 10_000;

/** Ticks off what is found. */
export class Tally {
  found = 0;
  /** Found more than once. */
  twice = 0;
  private readonly owed: Owed;
  private readonly seen: readonly Uint8Array[];

  constructor(owed: Owed) {
    this.owed = owed;
    this.seen = owed.each.map((count) => new Uint8Array(count));
  }

  get total(): number {
    return this.owed.each.reduce((sum, count) => sum + count, 0);
  }

  get missing(): number {
    return this.total - this.found;
  }

  tick({ client, number }: Stamp): void {
    const seen = this.seen[client - this.owed.first];
    if (seen === undefined || number >= seen.length) throw new Error(`message ${number} of client ${client}: nobody sent it`);
    if (seen[number] === 1) this.twice += 1;
    else {
      seen[number] = 1;
      this.found += 1;
    }
  }

  /** Throws LostError. Answers how many came more than once. */
  close(where: string): number {
    if (this.missing > 0) throw new LostError(`${this.missing} of ${this.total} acknowledged messages are not in ${where}`);
    return this.twice;
  }
}

/** Takes everything out of the queue, which gets nothing more, and counts it. Answers how many came more than once. */
export async function auditQueue(model: ChannelModel, queue: string, owed: Owed): Promise<number> {
  const tally = new Tally(owed);
  const channel = await model.createChannel();
  channel.on('error', () => {});
  let heardAt = performance.now();
  let trouble: Error | undefined;
  const { messageCount } = await channel.checkQueue(queue);
  let left = messageCount;
  const { consumerTag } = await channel.consume(
    queue,
    (message) => {
      if (message === null) return;
      heardAt = performance.now();
      left -= 1;
      try {
        readStamps(message.content, (stamp) => tally.tick(stamp));
      } catch (error) {
        trouble ??= error as Error;
      }
    },
    { noAck: true },
  );
  const over = (): boolean => left <= 0 || trouble !== undefined || performance.now() - heardAt > SILENCE_MS;
  while (!over()) await new Promise((resolve) => setTimeout(resolve, 10));
  await channel.cancel(consumerTag);
  await channel.close();
  if (trouble !== undefined) throw trouble;
  return tally.close(`queue ${queue}`);
}

/** The same for the folder of a spool that nobody has open. */
export async function auditSpool(folder: string, owed: Owed): Promise<number> {
  const tally = new Tally(owed);
  for await (const { message } of new SpoolBrowser(folder).messages()) readStamps(message.payload, (stamp) => tally.tick(stamp));
  return tally.close(`the spool ${folder}`);
}
