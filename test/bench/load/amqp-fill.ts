import type { BenchBroker } from '../support/broker.ts';
import type { Told } from './payloads.ts';

// The MQTT plugin takes some ten thousand messages a second, less than the contenders handle: throughput is measured on messages
// that wait already, published as the plugin publishes them (exchange amq.topic, its headers, persistent).

const WINDOW = 2000;
const STALL_MS = 60_000;
const PROPERTIES = { deliveryMode: 2, headers: { 'x-mqtt-publish-qos': 1, 'x-mqtt-dup': false } };

/** Publishes messages 0 to `count` - 1 and resolves when the broker has confirmed them all. Throws when it refuses one, or stops confirming. */
export async function fill(broker: BenchBroker, message: (n: number) => Told, count: number): Promise<void> {
  const model = await broker.connect();
  try {
    const channel = await model.createConfirmChannel();
    await new Promise<void>((done, fail) => {
      let sent = 0;
      let confirmed = 0;
      let seen = 0;
      const watch = setInterval(() => {
        if (confirmed === seen) fail(new Error(`the broker stopped confirming after ${confirmed} of ${count} messages`));
        seen = confirmed;
      }, STALL_MS);
      const end = (settle: () => void): void => {
        clearInterval(watch);
        settle();
      };
      const more = (): void => {
        for (; sent < count && sent - confirmed < WINDOW; sent += 1) {
          const { key, body } = message(sent);
          channel.publish('amq.topic', key, body, PROPERTIES, onConfirm);
        }
      };
      const onConfirm = (error: Error | null | undefined): void => {
        if (error !== null && error !== undefined) {
          end(() => fail(new Error('the broker refused a message', { cause: error })));
          return;
        }
        confirmed += 1;
        if (confirmed === count) end(done);
        else if (sent - confirmed < WINDOW / 2) more();
      };
      channel.on('error', (error: Error) => end(() => fail(error)));
      more();
    });
  } finally {
    await model.close().catch(() => {});
  }
}
