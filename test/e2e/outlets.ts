import { connect, type ConsumeMessage } from 'amqplib';
import type { Rig } from './rig.ts';

const READINGS = 'sluice.out.readings';
const DEAD = 'sluice.dead';

export interface Letter {
  readonly code: string;
  /** As the header shows it: without control characters. */
  readonly topic: string;
  /** Routing key with which it came into the dead letters. */
  readonly key: string;
  readonly body: Buffer;
}

/** What takes the messages that come out of a rig's gateway; each is acked behind it. */
export interface Outlets {
  /** The body of a batch. */
  batch(body: string): void;
  letter(letter: Letter): void;
}

/**
 * Reads the queues of readings and of dead letters as the administrator, from now on. Answers how to stop: what the broker has
 * handed over by then is acked.
 */
export async function listen(rig: Rig, to: Outlets): Promise<() => Promise<void>> {
  const connection = await connect(rig.node.amqpUrl(rig.users.admin), { timeout: 5000 });
  // The broker may be killed by the test.
  connection.on('error', () => {});
  const channel = await connection.createChannel();
  const consume = async (queue: string, take: (message: ConsumeMessage) => void): Promise<void> => {
    await channel.consume(queue, (message) => {
      if (message === null) return;
      take(message);
      channel.ack(message);
    });
  };
  await consume(READINGS, ({ content }) => to.batch(content.toString()));
  await consume(DEAD, ({ fields, properties, content }) => {
    const headers = properties.headers ?? {};
    to.letter({ code: String(headers['x-sluice-code']), topic: String(headers['x-sluice-topic']), key: fields.routingKey, body: content });
  });
  return async () => {
    // In order: every ack has been taken when the channel's closing is answered.
    await channel.close();
    await connection.close();
  };
}
