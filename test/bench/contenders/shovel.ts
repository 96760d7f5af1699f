import { setTimeout as sleep } from 'node:timers/promises';
import { EXCHANGE, INGEST, OUTPUT } from '../layout.ts';
import type { BenchBroker } from '../support/broker.ts';
import type { Contender } from './contender.ts';

const NAME = 'bench';
const READY_MS = 30_000;

/** RabbitMQ's own plugin, inside the broker: one message in, one out, acked on confirm. It reads no payload. */
export const shovel: Contender = {
  name: 'shovel',
  each: () => 1,
  queue: OUTPUT,
  start: async ({ prefetch }, { broker }) => {
    await broker.ask('PUT', `parameters/shovel/%2f/${NAME}`, {
      value: {
        'src-protocol': 'amqp091',
        'src-uri': broker.amqpUrl,
        'src-queue': INGEST,
        'src-prefetch-count': prefetch,
        'dest-protocol': 'amqp091',
        'dest-uri': broker.amqpUrl,
        'dest-exchange': EXCHANGE,
        'dest-exchange-key': 'shovel',
        'ack-mode': 'on-confirm',
      },
    });
    return {
      pid: broker.pid,
      ready: consuming(broker),
      failure: () => undefined,
      stop: async () => {
        await broker.ask('DELETE', `parameters/shovel/%2f/${NAME}`);
        await consumers(broker, 0);
      },
    };
  },
};

async function consuming(broker: BenchBroker): Promise<void> {
  await consumers(broker, 1);
}

/** Until the ingest queue has so many consumers. AMQP tells at once, the API some seconds later. */
async function consumers(broker: BenchBroker, wanted: number): Promise<void> {
  const model = await broker.connect();
  try {
    const channel = await model.createChannel();
    for (const end = performance.now() + READY_MS; performance.now() < end; await sleep(20)) {
      if ((await channel.checkQueue(INGEST)).consumerCount === wanted) return;
    }
    throw new Error(`the shovel is not ${wanted === 0 ? 'gone' : 'there'} after ${READY_MS} ms`);
  } finally {
    await model.close();
  }
}
